"""Numerical derivatives and their error bars; knows numbers alone, no graph."""
