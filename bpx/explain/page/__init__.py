"""Explanations as pages for a browser."""
