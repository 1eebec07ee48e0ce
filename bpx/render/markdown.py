"""Blocks as Markdown that pastes into notes and GitHub."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bpx.render.blocks import CODE, Block, Cell, Curve, Excerpt, Heading, Headline, Table, cell_text
from bpx.render.chart import text as chart_text
from bpx.render.chart.chart import Chart
from bpx.render.curve import WIDEST, drawn

_LIST_MARK = re.compile(r"^(\d*)([-+.])(?=\s)")  # at its beginning a line would become a list
_BACKSLASHED = r"\1\\\2"
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&$])")


def markdown(blocks: Sequence[Block]) -> str:
    """The text, with a line end at its end."""
    parts: list[str] = []
    for block in blocks:
        if isinstance(block, Headline):
            parts.append(f"## {_sentence(block.text)}")
        elif isinstance(block, Heading):
            parts.append(f"### {_sentence(block.text)}")
        elif isinstance(block, Table):
            parts.append(_table(block))
        elif isinstance(block, Curve):
            parts.append("\n".join(["```text", *drawn(block, WIDEST), "```"]))
        elif isinstance(block, Chart):
            parts.append("\n".join(["```text", *chart_text.drawn(block, WIDEST), "```"]))
        elif isinstance(block, Excerpt):
            fence = "`" * max(3, 1 + max(map(len, re.findall("`+", block.line)), default=0))
            parts.append("\n".join([f"{fence}text", *block.lines(), fence]))
        else:
            parts.append(
                "\n".join(f"- {_LIST_MARK.sub(_BACKSLASHED, _sentence(text))}" for text in block.texts)
            )
    return "\n\n".join(parts) + "\n"


def _table(block: Table) -> str:
    rule = ["---:" if column in block.right else "---" for column in range(len(block.headers))]
    body = [
        [f"**{_escaped(cell)}**" if index in block.strong and cell else _escaped(cell) for cell in row]
        for index, row in enumerate(block.rows)
    ]
    rows = [[_escaped(header) for header in block.headers], rule, *body]
    if block.rails:
        rails = [_escaped(block.rail_header), "---", *(_drawn(rail.first) for rail in block.rails)]
        rows = [[rail, *row] for rail, row in zip(rails, rows, strict=True)]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _drawn(rail: str) -> str:
    """Blanks that Markdown would take out, as blanks that it keeps."""
    return _escaped(rail.rstrip()).replace(" ", "\u00a0")


def _sentence(cell: Cell) -> str:
    """What stands in backticks is code, in which no sign has a meaning."""
    parts = enumerate(CODE.split(cell_text(cell)))
    return "".join(f"`{part}`" if at % 2 else _escaped(part) for at, part in parts)


def _escaped(cell: Cell) -> str:
    return _SPECIAL.sub(r"\\\1", " ".join(cell_text(cell).split("\n")))
