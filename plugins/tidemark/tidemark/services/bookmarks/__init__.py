"""Bookmarks of both legs, and the state that they lie in."""
