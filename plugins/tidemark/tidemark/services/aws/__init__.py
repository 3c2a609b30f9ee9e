"""What AWS's own services are told."""
