"""Text that leaves a process: without secrets, printable, moments in one form."""
