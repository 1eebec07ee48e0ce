"""Functions from Python, `forward(*inputs)` and `backward(g, *inputs)`, checked as a formula where that goes."""
