"""What a command line says: options, targets and values."""
