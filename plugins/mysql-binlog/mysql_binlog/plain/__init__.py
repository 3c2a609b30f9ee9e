"""Ordinary transactions, which are nearly all of a log, taken by a kernel in C."""
