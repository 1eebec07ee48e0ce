"""Expressions that people type: tokens, syntax, nodes."""
