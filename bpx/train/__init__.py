"""Parameters moved step by step, so that a loss falls."""
