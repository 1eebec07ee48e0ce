"""Pictures as SVG: one file without scripts or references, for light and dark pages and for print.

Colour never stands alone: values are upright and gradients italic, and what a check marked has a border of
its own and a sign in its corner. A text over a line is two elements, the halo and the text, because several
programs that draw SVG know no `paint-order`.
"""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from math import dist

from bpx.render.picture.choices import Pass
from bpx.render.picture.layout import LABEL_LINE, LABEL_SIZE, LINE, MARGIN, PADDING, card_lines, layout
from bpx.render.picture.marks import mark_text
from bpx.render.picture.picture import Card, Edge, Kind, Mark, Picture
from bpx.render.picture.placing.geometry import Box, Geometry, Point, Route
from bpx.render.picture.placing.text_width import text_width
from bpx.words.say import say, visible

_ARROW = 6.0  # pixels
_LEGEND_LINE = 18.0
_ROUND = {Kind.OP: 12, Kind.OUTPUT: 12}
_LEAF_CORNER = 3

# The strokes of each mark's sign, around its middle.
_BADGES: dict[Mark, tuple[tuple[Point, ...], ...]] = {
    Mark.CULPRIT: (((-4, -4), (4, 4)), ((-4, 4), (4, -4))),
    Mark.WRONG: (((0, -5), (0, 1)), ((0, 4), (0, 5))),
    Mark.INHERITS: (((4, 0), (-4, 0)), ((0, -4), (-4, 0), (0, 4))),
    Mark.KINK: (((-4, 3), (0, 3), (4, -4)),),
    Mark.UNDECIDED: (((-3, -3), (-1, -5), (2, -5), (3, -3), (0, 0), (0, 2)), ((0, 4), (0, 5))),
}

# (light, dark) of each class; on white and on #14181f every text has a contrast of 4.5 : 1 or more.
_COLOURS = {
    ".page": ("fill:#ffffff", "fill:#14181f"),
    ".card": ("fill:#ffffff;stroke:#5a6b8c", "fill:#1a202a;stroke:#8d9bb5"),
    ".input,.target": ("fill:#eef3fb", "fill:#1c2a44"),
    ".parameter": ("fill:#fff4e0", "fill:#38290f"),
    ".constant": ("fill:#f1f1f1", "fill:#2a2a2a"),
    ".frame": ("fill:#f7f8fa;stroke:#8d9bb5", "fill:#191e27;stroke:#6d7a93"),
    ".edge": ("stroke:#7a869f", "stroke:#8d9bb5"),
    ".tip": ("fill:#7a869f", "fill:#8d9bb5"),
    "text": ("fill:#1b2330", "fill:#e8ecf4"),
    ".shape,.name,.local": ("fill:#56617a", "fill:#a9b4c9"),
    ".value": ("fill:#0a6238", "fill:#6fd6a0"),
    ".gradient": ("fill:#b3261e", "fill:#ff9a8d"),
    ".halo": ("stroke:#ffffff;fill:#ffffff", "stroke:#14181f;fill:#14181f"),
    ".culprit,.wrong,.inherits": ("stroke:#b3261e", "stroke:#ff9a8d"),
    ".kink": ("stroke:#8a5a00", "stroke:#f0b95a"),
    ".undecided": ("stroke:#555555", "stroke:#c0c0c0"),
}
_FORMS = (
    "text{font-family:system-ui,'Segoe UI',Helvetica,Arial,'DejaVu Sans',sans-serif;font-size:12px;"
    "text-anchor:middle}"
    ".head{font-weight:bold}.gradient{font-style:italic}.label{font-size:11px}.shape,.name{font-size:11px}"
    ".name,.legend{text-anchor:start}"
    ".card{stroke-width:1.2}.output{stroke-width:2.2}.frame{stroke-width:1;stroke-dasharray:2 3}"
    ".edge{fill:none;stroke-width:1.2}.halo{stroke-width:6;stroke-linejoin:round}"
    ".culprit{stroke-width:3.2}.wrong{stroke-width:2.2}.inherits{stroke-width:1.8;stroke-dasharray:6 3}"
    ".kink{stroke-width:2.2;stroke-dasharray:10 3 2 3}.undecided{stroke-width:2.2;stroke-dasharray:2 3}"
    ".badge{fill:none;stroke-width:2;stroke-dasharray:none}"
)


def svg(picture: Picture) -> str:
    """The picture, with a line end at its end. Raises `BpxError` where no library can place the cards."""
    return "\n".join(svg_lines(picture, layout(picture))) + "\n"


def svg_lines(picture: Picture, geometry: Geometry) -> Iterator[str]:
    """The elements of a picture whose geometry is known."""
    width, height = size(picture, geometry)
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_n(width)}px" height="{_n(height)}px" '
        f'viewBox="0 0 {_n(width)} {_n(height)}" role="graphics-document document" '
        'aria-labelledby="bpx-title" aria-describedby="bpx-description">'
    )
    yield f'<title id="bpx-title">{inert(picture.title)}</title>'
    yield f'<desc id="bpx-description">{inert(picture.description)}</desc>'
    yield f"<style>{stylesheet()}</style>"
    yield f'<rect class="page" width="{_n(width)}" height="{_n(height)}"/>'
    for name, box in geometry.frames.items():
        yield f'<rect class="frame" {_at(box)} rx="8"/>'
        yield f'<text class="name" x="{_n(box.x + PADDING)}" y="{_n(box.y + 14)}">{inert(name)}</text>'
    backward = picture.shown_pass is Pass.BACKWARD
    for edge, route in zip(picture.edges, geometry.routes, strict=True):
        yield from _edge(edge, route, backward)
    for card in picture.cards:
        yield from _card(card, geometry.boxes[card.id])
    for edge, route in zip(picture.edges, geometry.routes, strict=True):
        yield from _label(picture, edge, route)
    yield from _legend(picture, geometry.height)
    yield "</svg>"


def stylesheet() -> str:
    """Colours for light pages and print, and those for dark pages."""
    light, dark = ("".join(f"{name}{{{both[side]}}}" for name, both in _COLOURS.items()) for side in range(2))
    return f"{_FORMS}{light}@media screen and (prefers-color-scheme:dark){{{dark}}}"


def inert(text: str) -> str:
    """Text of which nothing is obeyed: no markup, no signs that change the direction of writing."""
    return escape(visible(text))


def size(picture: Picture, geometry: Geometry) -> tuple[float, float]:
    """Width and height with the legend, in pixels."""
    legend = max((text_width(mark_text(mark), 12) for mark in picture.marks), default=0.0) + 40 + MARGIN
    width = max(geometry.width, round(legend) if picture.marks else 0.0)
    return width, geometry.height + _LEGEND_LINE * len(picture.marks)


def _edge(edge: Edge, route: Route, backward: bool) -> Iterator[str]:
    if len(route.points) < 2:
        return
    points = " ".join(f"{_n(x)},{_n(y)}" for x, y in route.points)
    mark = f" {edge.mark}" if edge.mark else ""
    ends = f'data-from="{edge.source}" data-to="{edge.target}"'
    yield f'<polyline class="edge{mark}" {ends} points="{points}"/>'
    end, before = (route.points[0], route.points[1]) if backward else (route.points[-1], route.points[-2])
    yield f'<path class="tip" d="{_tip(before, end)}"/>'


def _tip(before: Point, end: Point) -> str:
    """A small triangle that points at `end`."""
    length = dist(before, end) or 1.0
    dx, dy = (end[0] - before[0]) / length * _ARROW, (end[1] - before[1]) / length * _ARROW
    left = (end[0] - dx - dy / 2, end[1] - dy + dx / 2)
    right = (end[0] - dx + dy / 2, end[1] - dy - dx / 2)
    return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in (end, left, right)) + "Z"


def _card(card: Card, box: Box) -> Iterator[str]:
    mark = f" {card.mark}" if card.mark else ""
    line = f' data-line="{card.line}"' if card.line else ""
    label = inert(card_label(card))
    yield f'<g role="graphics-symbol img" data-node="{card.id}"{line} aria-label="{label}">'
    yield f"<title>{inert(card.formula)}</title>"
    corner = _ROUND.get(card.kind, _LEAF_CORNER)
    yield f'<rect class="card {card.kind}{mark}" {_at(box)} rx="{corner}"/>'
    if card.kind is Kind.LAYER:
        yield f'<rect class="card{mark}" style="fill:none" {_at(box.grown(-3))} rx="{corner}"/>'
    middle, y = _n(box.x + box.width / 2), box.y + PADDING / 2 + LINE - 4
    for kind, text in card_lines(card):
        shown = text if kind in ("head", "shape") else with_minus(text)
        yield f'<text class="{kind}" x="{middle}" y="{_n(y)}">{inert(shown)}</text>'
        y += LINE
    if card.mark:
        yield _badge(card.mark, box.right - 10, box.y + 10)
    yield "</g>"


def card_label(card: Card) -> str:
    """A card in words, as a screen reader says it: `a = sigmoid, value 0.87, gradient -1.15`."""
    parts = [card.head or card.formula, card.shape]
    if card.value:
        parts.append(say("picture.value", value=" ".join(card.value)))
    if card.gradient:
        parts.append(say("picture.gradient", gradient=" ".join(card.gradient)))
    if card.mark:
        parts.append(mark_text(card.mark))
    return ", ".join(filter(None, parts))


def _label(picture: Picture, edge: Edge, route: Route) -> Iterator[str]:
    if route.label is None:
        return
    x, top = _n(route.label.centre[0]), route.label.y
    for number, (kind, line) in enumerate(edge.lines):
        text = inert(with_minus(line))
        y = _n(top + LABEL_LINE * number + LABEL_SIZE)
        yield f'<text class="label halo {kind}" x="{x}" y="{y}" aria-hidden="true">{text}</text>'
        yield f'<text class="label {kind}" x="{x}" y="{y}">{text}</text>'


def _badge(mark: Mark, x: float, y: float) -> str:
    """The sign of a mark."""
    strokes = ("M" + "L".join(f"{_n(x + dx)} {_n(y + dy)}" for dx, dy in stroke) for stroke in _BADGES[mark])
    return f'<path class="badge {mark}" d="{"".join(strokes)}"/>'


def _legend(picture: Picture, top: float) -> Iterator[str]:
    for mark in picture.marks:
        yield _badge(mark, MARGIN + 8, top)
        yield f'<text class="legend" x="{_n(MARGIN + 22)}" y="{_n(top + 4)}">{inert(mark_text(mark))}</text>'
        top += _LEGEND_LINE


def with_minus(text: str) -> str:
    """Numbers with the sign that is as wide as a plus."""
    return text.replace("-", "−")


def _at(box: Box) -> str:
    return f'x="{_n(box.x)}" y="{_n(box.y)}" width="{_n(box.width)}" height="{_n(box.height)}"'


def _n(number: float) -> str:
    """A coordinate, to a tenth of a pixel."""
    return f"{round(number, 1) + 0.0:g}"
