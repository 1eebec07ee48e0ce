"""Functions from Python, `forward(*inputs)` and `backward(g, *inputs)`, checked as formulas."""
