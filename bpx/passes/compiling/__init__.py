"""Compiling: both passes of a graph as a list of calls of NumPy."""
