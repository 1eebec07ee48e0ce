"""Short lessons, built from the bundled examples: what is shown and every number in it is computed."""
