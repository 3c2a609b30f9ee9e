"""This machine: ports, and processes that outlive the command that started them."""
