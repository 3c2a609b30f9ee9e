"""Amazon S3: the client, and leases kept in a bucket."""
