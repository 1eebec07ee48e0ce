"""Renderers: pure functions from blocks, plain data or a test suite to text, one file each."""
