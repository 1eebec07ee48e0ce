"""Rows of ops that act on each element alone."""
