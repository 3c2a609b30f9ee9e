"""Metrics and policies for AWS's own services."""
