"""Mistakes to find in code: a backward pass in NumPy with slips in it, written and judged."""
