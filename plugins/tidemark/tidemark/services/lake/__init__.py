"""What lies in the lake, and what the manifests and the ledger say of it."""
