"""Renderers: pure functions from an account to text, one file each."""
