"""Materialized views: their statements, and what their queries may have."""
