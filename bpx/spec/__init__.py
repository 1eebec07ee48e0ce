"""Specs: text or Python in, a graph with names and values out, and what can be done with it."""
