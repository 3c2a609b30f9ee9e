"""Bookmarks of both legs, and the state that contains them."""
