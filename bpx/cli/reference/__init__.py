"""Commands that show what bpx knows: ops, examples, the schema, the manual."""
