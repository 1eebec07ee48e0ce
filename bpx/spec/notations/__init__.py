"""Other notations than bpx's own: each is translated into it, every character with the place it came from."""
