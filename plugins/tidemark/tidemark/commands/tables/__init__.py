"""The tables that are copied: chosen, shown, taken out."""
