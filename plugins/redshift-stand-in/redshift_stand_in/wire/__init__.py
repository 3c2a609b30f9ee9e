"""The PostgreSQL protocol, version 3: messages, and rows in them."""
