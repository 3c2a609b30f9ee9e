"""The type map: MySQL, Arrow, Redshift, and its form in a Singer schema."""
