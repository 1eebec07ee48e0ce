"""A layered layout of bpx's own, for pages where no layout library is installed.

After Sugiyama, Tagawa and Toda (1981): columns by the longest path, places in between for lines that pass a
column, and rows ordered by the mean place of the neighbours, sweep after sweep.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

from bpx.render.picture.placing.engines import Arrows, Frames, Gaps, Placement, Sizes
from bpx.render.picture.placing.geometry import Box, Point

_SWEEPS = 8
_LINE_HEIGHT = 4.0  # of a line that passes a column, in pixels

# A card by its id, or the place where the edge of that number passes that column.
Place = tuple[int, ...]


def by_columns(sizes: Sizes, arrows: Arrows, gaps: Gaps, frames: Frames = ()) -> Iterator[Placement]:
    """One drawing, the same on every machine."""
    columns = _columns_of(sizes, arrows)
    chains = [_chain(number, arrow, columns) for number, arrow in enumerate(arrows)]
    rows = _ordered(columns, chains)
    heights = {
        place: sizes[place[0]][1] if len(place) == 1 else _LINE_HEIGHT for row in rows for place in row
    }
    middles = _middles(rows, heights, chains, gaps.rows)
    x, boxes, centres = 0.0, dict[int, Box](), dict[Place, Point]()
    for row in rows:
        width = max((sizes[place[0]][0] for place in row if len(place) == 1), default=0.0)
        for place in row:
            centres[place] = (x + width / 2, middles[place])
            if len(place) == 1:
                own, height = sizes[place[0]]
                boxes[place[0]] = Box(x + (width - own) / 2, middles[place] - height / 2, own, height)
        x += width + gaps.columns
    yield Placement({card: boxes[card] for card in sizes}, [_line(chain, boxes, centres) for chain in chains])


def _columns_of(sizes: Sizes, arrows: Arrows) -> dict[int, int]:
    """Each card right of all its sources, leaves next to what takes them; arrows backwards do not count."""
    order = {card: at for at, card in enumerate(sizes)}
    onwards = sorted(
        (arrow for arrow in arrows if order[arrow[0]] < order[arrow[1]]), key=lambda a: order[a[0]]
    )
    columns = dict.fromkeys(sizes, 0)
    for source, target in onwards:
        columns[target] = max(columns[target], columns[source] + 1)
    with_source = {target for _, target in onwards}
    for card in sizes:
        takers = [columns[target] for source, target in onwards if source == card]
        if card not in with_source and takers:
            columns[card] = min(takers) - 1
    return columns


def _chain(number: int, arrow: tuple[int, int], columns: Mapping[int, int]) -> list[Place]:
    """The places from one end of an edge to the other."""
    first, last = columns[arrow[0]], columns[arrow[1]]
    step = 1 if first <= last else -1
    return [(arrow[0],), *((number, column) for column in range(first + step, last, step)), (arrow[1],)]


def _ordered(columns: Mapping[int, int], chains: list[list[Place]]) -> list[list[Place]]:
    """The places of each column from above."""
    column_of: dict[Place, int] = {(card,): column for card, column in columns.items()}
    column_of |= {place: place[1] for chain in chains for place in chain[1:-1]}
    rows: list[list[Place]] = [[] for _ in range(max(column_of.values(), default=0) + 1)]
    for place, column in column_of.items():
        rows[column].append(place)
    neighbours = _neighbours(chains)
    for sweep in range(_SWEEPS):
        forwards = sweep % 2 == 0
        for column, beside in pairwise(range(len(rows)) if forwards else reversed(range(len(rows)))):
            at = {place: number for number, place in enumerate(rows[column])}
            own = {place: number for number, place in enumerate(rows[beside])}

            def mean(place: Place, at: dict[Place, int] = at, own: dict[Place, int] = own) -> float:
                near = [at[other] for other in neighbours.get(place, ()) if other in at]
                return sum(near) / len(near) if near else own[place]

            rows[beside].sort(key=mean)
    return rows


def _neighbours(chains: list[list[Place]]) -> dict[Place, list[Place]]:
    neighbours: dict[Place, list[Place]] = {}
    for chain in chains:
        for one, other in pairwise(chain):
            neighbours.setdefault(one, []).append(other)
            neighbours.setdefault(other, []).append(one)
    return neighbours


def _middles(
    rows: list[list[Place]], heights: Mapping[Place, float], chains: list[list[Place]], gap: float
) -> dict[Place, float]:
    """The height of each place: near the mean of its neighbours, as far as there is room."""
    middles: dict[Place, float] = {}
    neighbours = _neighbours(chains)
    for _ in range(_SWEEPS):
        for row in rows:
            wanted = []
            for place in row:
                near = [middles[other] for other in neighbours.get(place, ()) if other in middles]
                wanted.append(sum(near) / len(near) if near else middles.get(place, 0.0))
            top, placed = float("-inf"), []
            for place, middle in zip(row, wanted, strict=True):
                middle = max(middle, top + heights[place] / 2)
                placed.append(middle)
                top = middle + heights[place] / 2 + gap
            # What had to move down moves the whole column up by as much in the mean.
            shift = sum(found - want for found, want in zip(placed, wanted, strict=True)) / (len(row) or 1)
            middles |= {place: middle - shift for place, middle in zip(row, placed, strict=True)}
    return middles


def _line(chain: list[Place], boxes: Mapping[int, Box], centres: Mapping[Place, Point]) -> list[Point]:
    source, target = boxes[chain[0][0]], boxes[chain[-1][0]]
    onwards = source.x <= target.x
    start = (source.right if onwards else source.x, source.centre[1])
    end = (target.x if onwards else target.right, target.centre[1])
    return [start, *(centres[place] for place in chain[1:-1]), end]
