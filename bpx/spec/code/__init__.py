"""Code of people: a Python file, its forward and its backward, and which line of them is wrong."""
