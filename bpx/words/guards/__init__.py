"""What lets an answer stand: faults of bpx in what only helps it, and threads that wait for their turn."""
