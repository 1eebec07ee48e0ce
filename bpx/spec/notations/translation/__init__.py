"""What the readers share: parts in bpx's notation, names that are known, the grammar without signs."""
