"""Formulas in Python, with the names of NumPy and PyTorch."""
