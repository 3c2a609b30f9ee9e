"""The server, the lake and the warehouse as each is read, and how they are compared."""
