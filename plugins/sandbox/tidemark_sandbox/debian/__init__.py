"""The Debian packages that the parts are made of."""
