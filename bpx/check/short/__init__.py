"""The shortest form of each gradient, and why it equals it."""
