"""The way to the databases through the bastion, as a person would take it."""
