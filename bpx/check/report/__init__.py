"""Verdicts, and the report that holds them."""
