"""Balls: enclosures of real numbers, computed with proved bounds of all rounding (python-flint)."""
