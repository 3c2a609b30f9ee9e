"""All that talks to MySQL."""
