"""Graphs as Python modules that compute both passes with NumPy, PyTorch or JAX alone."""
