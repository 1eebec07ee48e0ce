"""Tracing: an ordinary NumPy function becomes a graph, with the names and lines of its author."""
