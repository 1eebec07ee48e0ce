"""The catalogue of mistakes: what numbers each would have given."""
