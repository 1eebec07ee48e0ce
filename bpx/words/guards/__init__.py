"""What stands around public functions: arguments of a wrong type, faults of helpers, turns of threads."""
