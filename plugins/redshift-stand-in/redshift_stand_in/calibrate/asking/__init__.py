"""Running the corpus on a server, in a schema and an S3 prefix of its own."""
