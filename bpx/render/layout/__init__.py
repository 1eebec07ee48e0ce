"""How text is laid out: rails in front of tables, and numbers of matrices below each other."""
