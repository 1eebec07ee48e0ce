"""Cards and lines in the plane: engines that place them, columns with gaps, labels on their edges."""
