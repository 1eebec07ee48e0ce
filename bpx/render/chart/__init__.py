"""Charts: a number over one or two axes, as text, as SVG and as rows of numbers."""
