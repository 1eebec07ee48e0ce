"""Values of ops for which NumPy's function alone will not do."""
