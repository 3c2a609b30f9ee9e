"""The target as the Singer SDK sees it."""
