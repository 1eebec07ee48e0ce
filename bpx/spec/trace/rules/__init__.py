"""What NumPy's functions, and writes into arrays, are as ops of a graph."""
