"""UNLOAD to S3."""
