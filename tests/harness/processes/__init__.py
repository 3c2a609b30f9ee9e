"""The processes that tests start, their signals and their memory."""
