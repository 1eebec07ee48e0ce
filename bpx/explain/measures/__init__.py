"""Sections that measure: what a change of an input really does, and what passes cost."""
