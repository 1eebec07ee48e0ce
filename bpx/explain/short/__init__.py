"""The section of short forms."""
