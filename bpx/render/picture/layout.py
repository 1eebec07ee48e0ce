"""`Picture` → `Geometry`: a library places the cards and routes the edges; labels are placed here.

Layout libraries put labels wherever there is room, far away from their edge too. Here a label stays on its
own edge, away from all cards, labels and other edges; where no place is free, everything moves apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from bpx.render.picture.picture import Card, Picture
from bpx.render.picture.placing.columns import Columns, around_cards
from bpx.render.picture.placing.engines import Arrows, Engine, Gaps, Placement, Sizes, engine
from bpx.render.picture.placing.geometry import Box, Geometry, Route, box_array, boxes_meet, crossings
from bpx.render.picture.placing.labels import placed_labels
from bpx.render.picture.placing.text_width import text_width
from bpx.words.diagnostic import BpxError, Diagnostic

HEAD_SIZE, TEXT_SIZE, LABEL_SIZE = 12.0, 12.0, 11.0  # of fonts, in pixels
LINE, LABEL_LINE = 15.0, 14.0  # heights of lines
PADDING = 9.0  # between the text of a card and its side
MARK_ROOM = 8.0  # more of it, where a card has the sign of a mark in its corner
MARGIN = 16.0  # around the picture
TITLE_ROOM = 12.0  # of a frame, for its name
MOST_CARDS = 400  # the time for lines and labels grows with the square of their number
MOST_PASSED = 10_000  # columns, by all lines together; the library takes 0.7 ms for each
_NARROWEST = 42.0
GAPS = Gaps(columns=34.0, rows=26.0)
_LABEL_MARGIN = 16.0  # of a label in its gap, at first
_WIDER, _ATTEMPTS = 1.25, 24
# Frames keep cards together while lines cross at most this many times as often, and so often in any case.
_MORE_IN_FRAMES, _ALWAYS_IN_FRAMES = 2, 20


def layout(picture: Picture, place: Engine | None = None, narrowest: float = _NARROWEST) -> Geometry:
    """The geometry by an engine, the best there is by default. Raises `BpxError` where there is none.

    Refuses what would take minutes to place. Each card has room for a line as wide as `narrowest`.
    """
    refuse_many_cards(len(picture.cards))
    _check_count("picture-long-lines", _columns_passed(arrows_of(picture)), MOST_PASSED)
    place = place or engine()
    if place is None:
        raise BpxError([Diagnostic("no-layout", None, {}, "install-draw")])
    sizes, arrows = card_sizes(picture, narrowest), arrows_of(picture)
    labels = [label_size(edge.label) for edge in picture.edges]
    free = _least_crossed(place(sizes, arrows, GAPS, ()), arrows)
    if picture.frames:
        framed = _least_crossed(place(sizes, arrows, GAPS, [frame.cards for frame in picture.frames]), arrows)
        if framed.times <= _MORE_IN_FRAMES * free.times + _ALWAYS_IN_FRAMES:
            spread = _spread(framed.placement, arrows, labels)
            if not spread.missing:
                return _on_page(picture, spread)
    return _on_page(picture, _spread(free.placement, arrows, labels))


def refuse_many_cards(count: int) -> None:
    """Raise `BpxError` where there are more cards than are laid out."""
    _check_count("picture-too-many", count, MOST_CARDS)


def _check_count(code: str, count: int, most: int) -> None:
    if count > most:
        raise BpxError([Diagnostic(code, None, {"count": count, "most": most}, "draw-part")])


def _columns_passed(arrows: Arrows) -> int:
    """How many columns all lines pass, where each card stands just before the first that takes it."""
    column: dict[int, int] = {}
    for source, target in sorted(arrows, key=lambda arrow: -arrow[1]):
        column[source] = max(column.get(source, 0), column.get(target, 0) + 1)
    return sum(column[source] - column.get(target, 0) for source, target in arrows)


def check_size(width: float, height: float, form: str, most: int) -> None:
    """Refuse a picture of which a side, in pixels, is longer than a form can have it. Raises `BpxError`."""
    if max(width, height) > most:
        facts = {"longest": round(max(width, height)), "form": form, "most": most}
        raise BpxError([Diagnostic("picture-too-large", None, facts, "draw-smaller")])


class _Crossed(NamedTuple):
    """A placement, and how often its lines cross."""

    placement: Placement
    times: int


def _least_crossed(placements: Iterable[Placement], arrows: Arrows) -> _Crossed:
    """The first of those with the fewest crossings, its lines led around the cards."""
    best = _Crossed(Placement({}, []), -1)
    for placement in placements:
        clear = around_cards(placement, arrows)
        count = crossings([Route(tuple(line)) for line in clear.lines])
        if best.times < 0 or count < best.times:
            best = _Crossed(clear, count)
        if not count:
            break
    return best


class _Spread(NamedTuple):
    """Boxes, routes with their labels, boxes of frames, and how many labels are missing."""

    boxes: Mapping[int, Box]
    routes: Sequence[Route]
    frames: Sequence[Box]
    missing: int


def _spread(placement: Placement, arrows: Arrows, labels: Sequence[tuple[float, float]]) -> _Spread:
    """A placement with its labels; the gaps that a label found no place in become wider."""
    columns = Columns(placement)
    gaps = columns.gaps.copy()
    for line, (width, _) in zip(columns.placement.lines, labels, strict=True):
        if width and len(gaps):
            gap = columns.gap_behind(line[0][0])
            gaps[gap] = max(gaps[gap], width + 2 * _LABEL_MARGIN)
    for _ in range(_ATTEMPTS):
        spread = columns.with_gaps(gaps, arrows)
        routes = [Route(tuple(line)) for line in spread.lines]
        labelled = placed_labels([*spread.boxes.values()], routes, labels, _outlines(spread.frames))
        if not labelled.missing:
            break
        tight = {
            gap for edge in labelled.missing for gap in columns.gaps_along(columns.placement.lines[edge])
        }
        gaps[sorted(tight)] *= _WIDER
    return _Spread(spread.boxes, labelled.routes, spread.frames, len(labelled.missing))


def _outlines(frames: Iterable[Box]) -> list[Route]:
    """The lines of frames, and one along each name."""
    outlines = [
        Route(
            ((box.x, box.y), (box.right, box.y), (box.right, box.bottom), (box.x, box.bottom), (box.x, box.y))
        )
        for box in frames
    ]
    names = [Route(((box.x, box.y + TITLE_ROOM), (box.right, box.y + TITLE_ROOM))) for box in frames]
    return [*outlines, *names]


def arrows_of(picture: Picture) -> Arrows:
    """The ends of each edge."""
    return [(edge.source, edge.target) for edge in picture.edges]


def card_sizes(picture: Picture, narrowest: float = _NARROWEST) -> Sizes:
    """Width and height by card id."""
    return {card.id: card_size(card, narrowest) for card in picture.cards}


def card_size(card: Card, narrowest: float = _NARROWEST) -> tuple[float, float]:
    """Width and height of a card: as wide as its widest line."""
    texts = [text_width(line, TEXT_SIZE) for line in (card.shape, *card.value, *card.gradient)]
    head = text_width(card.head, HEAD_SIZE, bold=True) + (MARK_ROOM * 2 if card.mark else 0.0)
    lines = len(card_lines(card))
    return round(max(narrowest, head, *texts) + 2 * PADDING), lines * LINE + PADDING


class CardLine(NamedTuple):
    """A line of a card, and what kind of text it is: `head`, `shape`, `value` or `gradient`."""

    kind: str
    text: str


def card_lines(card: Card) -> list[CardLine]:
    """The lines of a card from above."""
    lines = [CardLine("head", card.head), CardLine("shape", card.shape)]
    lines += [CardLine("value", text) for text in card.value]
    lines += [CardLine("gradient", text) for text in card.gradient]
    return [line for line in lines if line.text]


def label_size(lines: Sequence[str]) -> tuple[float, float]:
    """Width and height of a label; nothing where there is none."""
    if not lines:
        return 0.0, 0.0
    return round(max(text_width(line, LABEL_SIZE) for line in lines) + 4), LABEL_LINE * len(lines)


def _on_page(picture: Picture, spread: _Spread) -> Geometry:
    """Everything moved so that the picture begins at 0, with a margin."""
    boxes, routes = spread.boxes, spread.routes
    frames = _frames(picture, spread)
    labels = [route.label for route in routes if route.label]
    every = [*boxes.values(), *labels, *frames.values()]
    xs = [x for route in routes for x, _ in route.points]
    ys = [y for route in routes for _, y in route.points]
    left = min([box.x for box in every] + xs, default=0.0) - MARGIN
    top = min([box.y for box in every] + ys, default=0.0) - MARGIN
    right = max([box.right for box in every] + xs, default=0.0) + MARGIN
    bottom = max([box.bottom for box in every] + ys, default=0.0) + MARGIN
    return Geometry(
        round(right - left, 1),
        round(bottom - top, 1),
        {card: box.moved(-left, -top) for card, box in boxes.items()},
        tuple(_moved(route, -left, -top) for route in routes),
        {name: box.moved(-left, -top) for name, box in frames.items()},
    )


def _moved(route: Route, dx: float, dy: float) -> Route:
    points = tuple((round(x + dx, 1), round(y + dy, 1)) for x, y in route.points)
    return Route(points, route.label and route.label.moved(dx, dy))


def _frames(picture: Picture, spread: _Spread) -> dict[str, Box]:
    """A box around the cards of each frame, where no other card or label would get inside."""
    if spread.frames:
        return {frame.name: box for frame, box in zip(picture.frames, spread.frames, strict=True)}
    frames: dict[str, Box] = {}
    labels = [route.label for route in spread.routes if route.label]
    for frame in picture.frames:
        inside = [spread.boxes[card] for card in frame.cards]
        hull = _hull(inside)
        others = [box for card, box in spread.boxes.items() if card not in frame.cards]
        taken = box_array([*others, *frames.values()])
        if len(inside) > 1 and not boxes_meet(box_array([hull]), taken).any():
            cut = [label for label in labels if hull.meets(label) and not _holds(hull, label)]
            if not cut:
                frames[frame.name] = hull
    return frames


def _hull(boxes: Sequence[Box]) -> Box:
    left, top = min(box.x for box in boxes), min(box.y for box in boxes)
    right, bottom = max(box.right for box in boxes), max(box.bottom for box in boxes)
    hull = Box(left, top, right - left, bottom - top).grown(PADDING)
    return Box(hull.x, hull.y - TITLE_ROOM, hull.width, hull.height + TITLE_ROOM)


def _holds(outer: Box, inner: Box) -> bool:
    return (
        outer.x <= inner.x
        and outer.y <= inner.y
        and inner.right <= outer.right
        and inner.bottom <= outer.bottom
    )
