"""Test suites that other projects wrote for Redshift, run against the stand-in."""
