"""A graph with names and values → text; the JSON Schema of the format."""
