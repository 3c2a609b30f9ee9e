"""Everything that talks to MySQL."""
