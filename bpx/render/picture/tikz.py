r"""Pictures as TikZ: a document of the picture alone, whose `tikzpicture` can be copied into another.

The geometry is that of the SVG, in points of 1/72 inch. All text is escaped, so that none of it is obeyed.
"""

from __future__ import annotations

from collections.abc import Iterator

from bpx.graph.notation_latex import as_text
from bpx.render.latex import fonts, program
from bpx.render.picture.choices import Pass
from bpx.render.picture.layout import LABEL_LINE, LINE, PADDING, card_lines, check_size, layout
from bpx.render.picture.marks import mark_text
from bpx.render.picture.picture import Card, Kind, Mark, Picture
from bpx.render.picture.placing.geometry import Box, Geometry, Point
from bpx.words.say import visible

_BEGIN = r"""\documentclass[tikz, border=4pt]{standalone}
\usepackage{amsmath}
\usetikzlibrary{arrows.meta}
\definecolor{bpxvalue}{HTML}{0A6238}
\definecolor{bpxgradient}{HTML}{B3261E}
\definecolor{bpxkink}{HTML}{8A5A00}
"""
_BEGIN_PICTURE = "\\begin{document}\n"
_END = "\\end{document}\n"
_STYLES = r"""\begin{tikzpicture}[x=0.75bp, y=-0.75bp, font=\footnotesize\sffamily,
  card/.style={draw=black!60, fill=white}, leaf/.style={card, fill=blue!5},
  parameter/.style={card, fill=orange!12},
  constant/.style={card, fill=black!5}, op/.style={card, rounded corners=5pt},
  output/.style={op, line width=1pt},
  layer/.style={card, double}, edge/.style={draw=black!55, -{Latex[length=3pt]}},
  back/.style={draw=black!55, {Latex[length=3pt]}-}, culprit/.style={draw=bpxgradient, line width=1.6pt},
  wrong/.style={draw=bpxgradient, line width=1pt},
  inherits/.style={draw=bpxgradient, dashed}, kink/.style={draw=bpxkink, dash dot, line width=1pt},
  undecided/.style={draw=black!70, dotted, line width=1pt}]"""
_OF_KIND = {
    Kind.INPUT: "leaf",
    Kind.TARGET: "leaf",
    Kind.PARAMETER: "parameter",
    Kind.CONSTANT: "constant",
    Kind.OP: "op",
    Kind.OUTPUT: "output",
    Kind.LAYER: "layer",
}
_IN_WORDS = {
    "×": r"$\times$",
    "−": "$-$",
    "·": r"$\cdot$",
    "√": r"$\surd$",
    "…": r"\dots{}",
    "∇": r"$\nabla$",
}


MOST_PIXELS = 16383  # of a side: TeX multiplies a length by no larger number


_LABEL = r"fill=white, inner sep=0.5pt, font=\scriptsize\sffamily"


def tikz(picture: Picture) -> str:
    """The document, with a line end at its end.

    Raises `BpxError` where the picture is too large for TeX, or no library can place the cards.
    """
    geometry = layout(picture)
    check_size(geometry.width, geometry.height, "TikZ", MOST_PIXELS)
    return program() + _BEGIN + fonts() + _BEGIN_PICTURE + "\n".join(_lines(picture, geometry)) + "\n" + _END


def _lines(picture: Picture, geometry: Geometry) -> Iterator[str]:
    yield _STYLES
    for name, box in geometry.frames.items():
        yield rf"\draw[dotted] {_rectangle(box)};"
        yield rf"\node[anchor=west] at {_point((box.x + PADDING, box.y + 10))} {{{_text(name)}}};"
    style = "back" if picture.shown_pass is Pass.BACKWARD else "edge"
    for edge, route in zip(picture.edges, geometry.routes, strict=True):
        mark = ", inherits" if edge.mark else ""
        yield rf"\draw[{style}{mark}] {' -- '.join(map(_point, route.points))};"
    for card in picture.cards:
        yield from _card(card, geometry.boxes[card.id])
    for edge, route in zip(picture.edges, geometry.routes, strict=True):
        if route.label:
            x, y = route.label.centre[0], route.label.y + LABEL_LINE / 2
            for kind, text in edge.lines:
                yield _node((x, y), _number(kind, text), _LABEL)
                y += LABEL_LINE
    for number, mark in enumerate(picture.marks):
        y = geometry.height + 18.0 * number
        yield rf"\draw[{mark}] {_point((16, y))} -- {_point((40, y))};"
        yield _node((46, y), _text(mark_text(Mark(mark))), "anchor=west")
    yield r"\end{tikzpicture}"


def _card(card: Card, box: Box) -> Iterator[str]:
    mark = f", {card.mark}" if card.mark else ""
    yield rf"\draw[{_OF_KIND[card.kind]}{mark}] {_rectangle(box)};"
    y = box.y + PADDING / 2 + LINE / 2
    for kind, text in card_lines(card):
        written = rf"\textbf{{{_text(text)}}}" if kind == "head" else _number(kind, text)
        yield _node((box.centre[0], y), written)
        y += LINE


def _node(at: Point, text: str, options: str = "") -> str:
    return rf"\node[{options}] at {_point(at)} {{{text}}};"


def _number(kind: str, text: str) -> str:
    if kind == "value":
        return rf"\textcolor{{bpxvalue}}{{{_text(text.replace('-', '−'))}}}"
    if kind == "gradient":
        return rf"\textcolor{{bpxgradient}}{{\itshape {_text(text.replace('-', '−'))}}}"
    return _text(text)


def _text(text: str) -> str:
    return "".join(_IN_WORDS.get(char) or as_text(char) for char in visible(text))


def _rectangle(box: Box) -> str:
    return f"{_point((box.x, box.y))} rectangle {_point((box.right, box.bottom))}"


def _point(point: Point) -> str:
    return f"({round(point[0], 1):g}, {round(point[1], 1):g})"
