"""The libraries that place cards and route edges, behind one function.

graphlay comes first: it has the fewest crossings, and gives the same drawing on each machine. Graphviz, as
the package pygraphviz or the program `dot`, is used where graphlay is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any, NamedTuple

from bpx.render.picture.placing.geometry import Box, Point

_SEEDS = 4  # of each heuristic: the fewest crossings of eight drawings are 6 % fewer than Graphviz's
_POINTS_AN_INCH = 72.0
# Lines to one frame would meet in the corner of a detour, and part again inside of the frame.
_WITHOUT_DETOURS = {"diagonal_detour_margin": 0.0}


class Gaps(NamedTuple):
    """The room between two columns of cards, and between two cards of a column, in pixels."""

    columns: float
    rows: float

    def wider(self, by: float) -> Gaps:
        """More room."""
        return Gaps(self.columns * by, self.rows * by)


class Placement(NamedTuple):
    """A box by card id, the points of the line of each edge, and a box around each of the frames."""

    boxes: Mapping[int, Box]
    lines: Sequence[Sequence[Point]]
    frames: Sequence[Box] = ()


Sizes = Mapping[int, tuple[float, float]]
Arrows = Sequence[tuple[int, int]]
Frames = Sequence[Sequence[int]]  # the cards of each
# The drawings that the engine has to offer; any of them will do. Those that cannot keep the cards of a frame
# together return no boxes for frames.
Engine = Callable[[Sizes, Arrows, Gaps, Frames], Iterator[Placement]]


def engine() -> Engine | None:
    """The best engine that is installed."""
    if find_spec("graphlay"):
        return by_graphlay
    return by_graphviz if find_spec("pygraphviz") else None


def by_graphlay(sizes: Sizes, arrows: Arrows, gaps: Gaps, frames: Frames = ()) -> Iterator[Placement]:
    """Columns of cards from left to right, lines with as few corners as can be."""
    graphlay: Any = import_module("graphlay")

    graph = _request(sizes, arrows, frames)
    for heuristic in ("alternate", "barycenter"):
        for seed in range(_SEEDS):
            options = {
                "spacing": {"layer_gap": gaps.columns, "node_gap": gaps.rows},
                "routing": {"style": "diagonal"},
                "order": {"heuristic": heuristic},
                "tuning": {"routing": _WITHOUT_DETOURS if frames else {}},
                "seed": seed,
            }
            yield _placement(graphlay.layout(graph, preset="layered", options=options), sizes)


def _request(sizes: Sizes, arrows: Arrows, frames: Frames) -> dict[str, Any]:
    """The graph as graphlay reads it; a frame is a node behind all cards, the parent of those inside."""
    places = {card: place for place, card in enumerate(sizes)}
    parents = {card: len(sizes) + number for number, frame in enumerate(frames) for card in frame}
    boxes = [(str(card), *size, parents.get(card)) for card, size in sizes.items()]
    boxes += [(f"frame {number}", 1.0, 1.0, None) for number, _ in enumerate(frames)]
    nodes = [
        {"size": {"width": width, "height": height}, "shape": "box", "key": key}
        | ({} if parent is None else {"parent": parent})
        for key, width, height, parent in boxes
    ]
    edges = [{"source": places[source], "target": places[target], "weight": 1.0} for source, target in arrows]
    return {"nodes": nodes, "edges": edges}


def _placement(layout: Any, sizes: Sizes) -> Placement:
    every = [
        _box_around(centre["x"], centre["y"], (size["width"], size["height"]))
        for centre, size in ((node["center"], node["size"]) for node in layout.nodes)
    ]
    lines = [[(point["x"], point["y"]) for point in edge["points"]] for edge in layout.edges]
    return Placement(dict(zip(sizes, every, strict=False)), lines, every[len(sizes) :])


def by_graphviz(sizes: Sizes, arrows: Arrows, gaps: Gaps, frames: Frames = ()) -> Iterator[Placement]:
    """Graphviz's `dot`, with lines of straight pieces."""
    pygraphviz: Any = import_module("pygraphviz")

    graph = pygraphviz.AGraph(directed=True, strict=False)
    graph.graph_attr.update(
        rankdir="LR",
        splines="polyline",
        ranksep=str(gaps.columns / _POINTS_AN_INCH),
        nodesep=str(gaps.rows / _POINTS_AN_INCH),
    )
    graph.node_attr.update(shape="box", fixedsize="true", label="")
    graph.edge_attr.update(arrowhead="none")
    for card, (width, height) in sizes.items():
        graph.add_node(card, width=width / _POINTS_AN_INCH, height=height / _POINTS_AN_INCH)
    for number, (source, target) in enumerate(arrows):
        graph.add_edge(source, target, key=str(number))
    graph.layout(prog="dot")
    boxes = {
        card: _box_around(x, -y, sizes[card])
        for card in sizes
        for x, y in [map(float, graph.get_node(card).attr["pos"].split(","))]
    }
    yield Placement(boxes, [_line(graph, arrow, number) for number, arrow in enumerate(arrows)])


def _line(graph: Any, arrow: tuple[int, int], number: int) -> list[Point]:
    """Every third point of the spline: those between are on the straight pieces."""
    text = graph.get_edge(*arrow, key=str(number)).attr["pos"]
    points = [point.split(",") for point in text.split() if point[0] not in "es"]
    return [(float(x), -float(y)) for x, y in points[::3]]


def _box_around(x: float, y: float, size: tuple[float, float]) -> Box:
    return Box(x - size[0] / 2, y - size[1] / 2, *size)
