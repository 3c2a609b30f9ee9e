"""The connection to Amazon Redshift."""
