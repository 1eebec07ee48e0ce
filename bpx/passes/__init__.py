"""What is done to a graph, one file a verb: the reverse pass, paths, rewriting in simpler ops, domains."""
