"""A derivation as a graph: its equations, the shapes of its names, and values at points."""
