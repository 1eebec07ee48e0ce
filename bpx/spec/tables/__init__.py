"""Tables of numbers that any program wrote: gradients by name, read as claims on a graph."""
