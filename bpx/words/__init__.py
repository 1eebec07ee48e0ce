"""How bpx speaks: sentences, places in a text, diagnostics."""
