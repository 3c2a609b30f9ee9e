"""The servers that a sandbox is made of, one module each."""
