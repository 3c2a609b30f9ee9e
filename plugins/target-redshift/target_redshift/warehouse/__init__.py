"""All that talks to Redshift, and its SQL."""
