"""Files to what COPY reads."""
