"""The checks of status and doctor."""
