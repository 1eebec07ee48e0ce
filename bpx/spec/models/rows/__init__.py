"""The operations of each format as nodes: a row is a function from nodes and settings to nodes."""
