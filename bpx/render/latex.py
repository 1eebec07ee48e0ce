r"""Blocks as a LaTeX document that compiles under a plain `article` class, with packages that every TeX has.

Formulas and numbers are set in math mode; everything else is text, escaped so that none of it is obeyed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from bpx.graph.formula import Formula, numbers
from bpx.graph.notation_latex import as_text, escaped
from bpx.graph.numbers import SHOWN_DIGITS
from bpx.render.blocks import CODE, Block, Cell, Curve, Excerpt, Heading, Headline, Phrase, Table, Value
from bpx.render.chart import text as chart_text
from bpx.render.chart.chart import Chart
from bpx.render.curve import levels
from bpx.render.layout.rails import SIGNS
from bpx.words.say import in_encoding, spoken

_DEEPEST = 80  # parts inside each other: TeX nests no more than 255 groups, and a part opens up to two
_LONGEST = 400  # parts of a formula that is set as one; a longer one fits no page, and is left as text
_CURVE_WIDTH, _CURVE_HEIGHT, _MOST_DOTS = 300, 100, 100  # points of 1/72 inch

_BEGIN = r"""\documentclass{article}
\usepackage{amsmath}
\usepackage{longtable}
\usepackage[landscape, margin=2cm]{geometry}
"""
_SETTINGS = r"""\setlength{\parindent}{0pt}
\setlength{\LTleft}{0pt}
\renewcommand{\arraystretch}{1.4}
\footnotesize
"""
_OF_LANGUAGE = {"zh": "\\usepackage[scheme=plain]{ctex}\n"}  # what the languages in `WITH_FONTS` need
_PROGRAM = "% !TeX program = xelatex\n"  # with it, editors choose the program that has such fonts
_END = "\\end{document}\n"


def latex(blocks: Sequence[Block]) -> str:
    """The document, with a line end at its end."""
    return _begin() + _body(blocks) + _END


def fragment(blocks: Sequence[Block]) -> str:
    """The same without a document around it; what it sets up ends with it."""
    return f"\\begingroup\n{_SETTINGS}{_body(blocks)}\\endgroup\n"


def document(parts: Sequence[str]) -> str:
    """A document of parts that are LaTeX already."""
    return _begin() + "\n\n".join(["\\allowdisplaybreaks", *parts]) + "\n" + _END


def _begin() -> str:
    return f"{program()}{_BEGIN}{fonts()}\\begin{{document}}\n{_SETTINGS}"


def _body(blocks: Sequence[Block]) -> str:
    return "\n".join(text for block in blocks for text in (*_block_lines(block), ""))


def program() -> str:
    """A first line for documents that pdfLaTeX has no fonts for."""
    return _PROGRAM if spoken().language in _OF_LANGUAGE else ""


def fonts() -> str:
    """What a document loads for the characters of the language that is spoken."""
    return _OF_LANGUAGE.get(spoken().language, "")


def section(title: str, starred: str = "section") -> str:
    """A heading of plain text."""
    return rf"\{starred}*{{{as_text(title)}}}"


def math_of(formula: Formula) -> str:
    """A formula for math mode; one that cannot be set as one, as text."""
    return formula.latex() if _can_be_set(formula) else rf"\text{{{as_text(str(formula))}}}"


def _block_lines(block: Block) -> Iterator[str]:
    if isinstance(block, Headline):
        yield rf"\section*{{{_sentence(block.text)}}}"
    elif isinstance(block, Heading):
        yield rf"\subsection*{{{_sentence(block.text)}}}"
    elif isinstance(block, Table):
        yield from _table_lines(block)
    elif isinstance(block, Curve):
        yield from _curve_lines(block)
    elif isinstance(block, Chart):
        yield from _chart_lines(block)
    elif isinstance(block, Excerpt):
        lines = (as_text(line).replace(" ", "~") for line in block.lines())
        yield r"\par\noindent " + r"\\".join(rf"\texttt{{{line}}}" for line in lines) + r"\par"
    else:
        yield r"\begin{itemize}"
        yield from (rf"\item {_sentence(text)}" for text in block.texts)
        yield r"\end{itemize}"


def _table_lines(block: Table) -> Iterator[str]:
    columns = "".join("r" if column in block.right else "l" for column in range(len(block.headers)))
    rails = [f"{_drawn(rail.first)} & " for rail in block.rails] or [""] * len(block.rows)
    before, head = ("l", f"{as_text(block.rail_header)} & ") if block.rails else ("", "")
    yield rf"\begin{{longtable}}{{@{{}}{before}{columns}@{{}}}}"
    yield rf"{head}{_row(block.headers)} \hline \endhead"
    for index, (rail, row) in enumerate(zip(rails, block.rows, strict=True)):
        yield rail + _row(row, strong=index in block.strong)
    yield r"\end{longtable}"


def _row(cells: Sequence[Cell], strong: bool = False) -> str:
    texts = [_cell(cell) for cell in cells]
    if strong:
        # A switch, as matrices do not stand in an argument.
        texts = [rf"{{\bfseries\boldmath {text}}}" if text else "" for text in texts]
    return rf"{' & '.join(texts)} \\"


def _drawn(rail: str) -> str:
    """A rail, whose signs TeX lacks, in ASCII; each character is as wide as the next."""
    signs = (_sign(char) if char in SIGNS else escaped(char) for char in rail.rstrip())
    text = "".join(signs).replace(" ", "~")
    return rf"\texttt{{{text}}}" if text else ""


def _sign(sign: str) -> str:
    """A sign of a rail in ASCII, as it stands: commands such as `textbar` leave the typewriter font."""
    return in_encoding(sign, "ascii").translate({ord("`"): "+", ord("'"): "+"})


def _sentence(cell: Cell) -> str:
    """Where what stands in backticks is code."""
    if not isinstance(cell, str):
        return "".join(map(_sentence, cell.pieces)) if isinstance(cell, Phrase) else _cell(cell)
    parts = enumerate(map(as_text, CODE.split(cell)))
    return "".join(rf"\texttt{{{part}}}" if at % 2 else part for at, part in parts)


def _cell(cell: Cell) -> str:
    if isinstance(cell, Phrase):
        return "".join(map(_cell, cell.pieces))
    if isinstance(cell, Value):
        return as_text(str(cell)) if cell.is_summary else _cell(cell.formula)
    if isinstance(cell, Formula):
        return f"${cell.latex()}$" if _can_be_set(cell) else as_text(str(cell))
    return as_text(cell)


def _can_be_set(formula: Formula) -> bool:
    return len(formula.parts) <= _LONGEST and formula.depth <= _DEEPEST


def _curve_lines(block: Curve) -> Iterator[str]:
    """A curve as dots in a picture, with its largest and least value, the level beside it, and the ends."""
    values = block.values
    heights = levels(block.with_level)
    low, span = heights.min(), np.ptp(heights) or 1.0
    yield rf"\begin{{picture}}({_CURVE_WIDTH + 80},{_CURVE_HEIGHT + 30})(-10,-15)"
    for at in np.unique(np.linspace(0, len(values) - 1, _MOST_DOTS).round().astype(int)).tolist():
        x, y = _CURVE_WIDTH * at / (len(values) - 1), _CURVE_HEIGHT * (heights[at] - low) / span
        yield rf"\put({x:.0f},{y:.0f}){{\circle*{{1}}}}"
    for y, value in ((_CURVE_HEIGHT, max(block.with_level)), (0, min(block.with_level))):
        yield rf"\put({_CURVE_WIDTH + 5},{y}){{{_cell(numbers(value, SHOWN_DIGITS))}}}"
    if block.level:
        y = round(_CURVE_HEIGHT * (heights[-1] - low) / span)
        yield rf"\put(0,{y}){{\line(1,0){{{_CURVE_WIDTH}}}}}"
        # Below the largest value and above the least.
        yield rf"\put({_CURVE_WIDTH + 5},{min(max(y, 12), _CURVE_HEIGHT - 12)}){{{as_text(block.level[1])}}}"
    for x, end in zip((0, _CURVE_WIDTH), block.ends, strict=True):
        yield rf"\put({x},-12){{{as_text(end)}}}"
    yield r"\end{picture}"


def _chart_lines(block: Chart) -> Iterator[str]:
    """A chart in signs that TeX has."""
    yield r"\begin{verbatim}"
    yield from (in_encoding(line, "ascii") for line in chart_text.drawn(block, chart_text.WIDEST))
    yield r"\end{verbatim}"
