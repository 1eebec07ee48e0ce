"""What each line of a backward function sets, and which of them is wrong."""
