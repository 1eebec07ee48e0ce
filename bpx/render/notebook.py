"""Blocks as the output of a notebook's cell: an HTML fragment that needs no script and no style of its own.

Notebooks on the web take out what they do not trust, SVG and MathML first. So the picture is an image, and
formulas stand as text: they read the same wherever the notebook is opened.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from html import escape

from bpx.render.blocks import Block, Cell, Curve, Excerpt, Heading, Headline, Table
from bpx.render.chart import text as chart_text
from bpx.render.chart.chart import Chart
from bpx.render.curve import WIDEST, drawn
from bpx.words.say import visible

_UNBROKEN = 24  # characters of a cell that is never broken


def fragment(blocks: Sequence[Block], svg: str | None = None, description: str = "") -> str:
    """The fragment, with the picture below the answer; `description` is for those who do not see it."""
    parts: list[str] = []
    for block in blocks:
        parts += _block_lines(block)
        if svg is not None and isinstance(block, Headline):
            parts.append(image(svg, description))
    return "\n".join(["<div>", *parts, "</div>"])


def image(svg: str, description: str) -> str:
    """A picture that keeps its styles to itself, no wider than the cell."""
    data = b64encode(svg.encode()).decode("ascii")
    return (
        f'<p><img src="data:image/svg+xml;base64,{data}" alt="{_inert(description)}" '
        'style="max-width: 100%"></p>'
    )


def frame(page: str, title: str) -> str:
    """A page inside of the notebook. It runs its script, and reaches nothing around it."""
    return (
        f'<iframe title="{_inert(title)}" srcdoc="{escape(page)}" sandbox="allow-scripts" '
        'style="width: 100%; height: 40em; border: 0"></iframe>'
    )


def code_marked(html: str) -> str:
    """A sentence in HTML, where what stands in backticks is code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", html)


def _block_lines(block: Block) -> Iterator[str]:
    if isinstance(block, Headline):
        yield f"<h3>{_sentence(block.text)}</h3>"
    elif isinstance(block, Heading):
        yield f"<h4>{_sentence(block.text)}</h4>"
    elif isinstance(block, Table):
        yield from _table_lines(block)
    elif isinstance(block, Curve):
        yield f"<pre>{_inert_lines(drawn(block, WIDEST))}</pre>"
    elif isinstance(block, Chart):
        yield f"<pre>{_inert_lines(chart_text.drawn(block, WIDEST))}</pre>"
    elif isinstance(block, Excerpt):
        yield f"<pre>{_inert_lines(block.lines())}</pre>"
    else:
        yield "<ul>"
        yield from (f"<li>{_sentence(text)}</li>" for text in block.texts)
        yield "</ul>"


def _table_lines(block: Table) -> Iterator[str]:
    yield "<table>"
    heads = [_cell("th", header, column in block.right) for column, header in enumerate(block.headers)]
    if block.rails:
        heads.insert(0, f"<th>{_inert(block.rail_header)}</th>")
    yield f"<thead><tr>{''.join(heads)}</tr></thead>"
    yield "<tbody>"
    for number, row in enumerate(block.rows):
        cells = [
            _cell("td", cell, column in block.right, is_strong=number in block.strong)
            for column, cell in enumerate(row)
        ]
        if block.rails:
            cells.insert(0, f'<td style="white-space: pre">{_inert(block.rails[number].first)}</td>')
        yield f"<tr>{''.join(cells)}</tr>"
    yield "</tbody></table>"


def _cell(tag: str, cell: Cell, is_right: bool, is_strong: bool = False) -> str:
    side = "right" if is_right else "left"
    text = f"<strong>{_inert(cell)}</strong>" if is_strong else _inert(cell)
    whole = "; white-space: nowrap" if len(str(cell)) <= _UNBROKEN else ""
    return f'<{tag} style="text-align: {side}; padding: 0 0.6em{whole}">{text}</{tag}>'


def _sentence(cell: Cell) -> str:
    return code_marked(_inert(cell))


def _inert(cell: Cell) -> str:
    """Text that is not obeyed, neither as HTML nor, where it has dollars, as a formula of a notebook."""
    return _inert_lines(str(cell).split("\n"))


def _inert_lines(lines: Sequence[str]) -> str:
    return "\n".join(escape(visible(line)).replace("$", "<span>$</span>") for line in lines)
