"""Ordinary transactions, which make up nearly all of a log, processed by a C kernel."""
