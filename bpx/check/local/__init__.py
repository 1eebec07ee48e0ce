"""One op alone: its rule against differences of its own forward function."""
