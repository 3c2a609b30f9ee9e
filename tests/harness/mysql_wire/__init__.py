"""What MySQL servers send, made up or recorded."""
