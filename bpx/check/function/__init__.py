"""Somebody's forward and backward function, which nobody can look into."""
