"""Generated databases led through both legs, round by round."""
