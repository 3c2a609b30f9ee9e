"""A sandbox's settings: its folder and ports, its accounts, and the variables for the project."""
