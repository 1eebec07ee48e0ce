"""bpx in a notebook: the magic command `%bpx`."""
