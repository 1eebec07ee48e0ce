"""Blocks as plain text: aligned columns, no rules, no colour, no wrapping."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from bpx.render.blocks import Block, Curve, Excerpt, Heading, Headline, Table, cell_text
from bpx.render.chart import text as chart_text
from bpx.render.chart.chart import Chart
from bpx.render.curve import WIDEST, drawn


def plain(blocks: Sequence[Block]) -> str:
    """The text, with a line end at its end."""
    lines: list[str] = []
    for block in blocks:
        if isinstance(block, Headline):
            lines.append(cell_text(block.text))
        elif isinstance(block, Heading):
            lines += ["", cell_text(block.text)]
        elif isinstance(block, Table):
            lines += _table(block)
        elif isinstance(block, Curve):
            lines += [f"  {line}" for line in drawn(block, WIDEST)]
        elif isinstance(block, Chart):
            lines += [f"  {line}" for line in chart_text.drawn(block, WIDEST)]
        elif isinstance(block, Excerpt):
            lines += [f"    {line}" for line in block.lines()]
        else:
            lines += [f"  {cell_text(text)}" for text in block.texts]
    return "\n".join(lines) + "\n"


def _table(block: Table) -> list[str]:
    rows = [tuple(map(cell_text, block.headers)), *block.text_rows]
    rails = [block.rail_header, *(rail.first for rail in block.rails)] if block.rails else [""] * len(rows)
    before = max(map(cell_len, rails)) + 2 if block.rails else 0
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    return [
        "  "
        + _padded(rail, before, right=False)
        + "  ".join(
            _padded(cell, width, right=column in block.right)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for rail, row in zip(rails, rows, strict=True)
    ]


def _padded(text: str, width: int, right: bool) -> str:
    blanks = " " * (width - cell_len(text))
    return blanks + text if right else text + blanks
