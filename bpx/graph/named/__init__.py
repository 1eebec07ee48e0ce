"""A graph with names and values, and what is stated of it."""
