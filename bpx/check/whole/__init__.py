"""The gradient of a whole graph, entry by entry."""
