"""Text → a graph with names and values."""
