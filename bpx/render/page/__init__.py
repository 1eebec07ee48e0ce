"""Graphs as pages for a browser: picture, tables, steps, and an arithmetic of their own."""
