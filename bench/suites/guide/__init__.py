"""The examples of the Amazon Redshift Developer Guide, as a suite of statements."""
