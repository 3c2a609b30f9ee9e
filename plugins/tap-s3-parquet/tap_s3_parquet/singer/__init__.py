"""The Singer tap and its streams."""
