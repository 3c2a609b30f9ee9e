"""The tap as the Singer SDK sees it."""
