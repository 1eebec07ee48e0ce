"""Nodes: the graph, the forward pass, numbers and formulas as text."""
