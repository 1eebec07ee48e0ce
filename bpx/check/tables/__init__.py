"""Gradients that other programs wrote: the rounding of their floats, and two of them compared."""
