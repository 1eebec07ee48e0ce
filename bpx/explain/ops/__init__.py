"""The op table as people read it."""
