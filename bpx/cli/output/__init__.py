"""What a command writes: forms, files, the terminal."""
