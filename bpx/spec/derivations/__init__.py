"""Derivations as people write them, in Markdown, LaTeX, text and notebooks: each step judged."""
