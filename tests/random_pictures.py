"""Pictures of random graphs, of leaves, ops and one output, and what is wrong with a drawing."""

from __future__ import annotations

import random

from bpx.render.picture.picture import Card, Edge, Kind, Picture
from bpx.render.picture.placing.geometry import (
    Geometry,
    box_array,
    boxes_meet,
    boxes_on_segments,
    segment_array,
)

FARTHEST = 12.0  # pixels from a label to its edge


def random_picture(seed: int, size: int) -> Picture:
    """A picture with `size` cards, numbers of all widths, and labels where a card fans out."""
    draw = random.Random(seed)
    leaves = max(2, size // draw.choice((3, 4, 6)))
    args: list[tuple[int, ...]] = [() for _ in range(leaves)]
    loose = list(range(leaves))
    while len(args) < size:
        left = size - len(args)
        count = 2 if len(loose) > left or draw.random() < 0.65 else 1
        chosen = _taken(draw, loose, len(args), count)
        loose = [node for node in loose if node not in chosen] + [len(args)]
        args.append(chosen)
    args[-1] = tuple(sorted({*args[-1], *loose} - {size - 1}))
    fans = [sum(node in taken for taken in args) for node in range(size)]
    edges = [
        Edge(arg, node, _number(draw) if fans[arg] > 1 else "") for node in range(size) for arg in args[node]
    ]
    cards = [_card(draw, node, leaves, size) for node in range(size)]
    return Picture(f"random graph {seed}", "", tuple(cards), tuple(edges))


def _taken(draw: random.Random, loose: list[int], known: int, count: int) -> tuple[int, ...]:
    chosen: set[int] = set()
    while len(chosen) < min(count, known):
        recent = draw.random() < 0.75 and loose
        chosen.add(draw.choice(loose[-8:]) if recent else draw.randrange(max(0, known - 20), known))
    return tuple(sorted(chosen))


def _card(draw: random.Random, node: int, leaves: int, size: int) -> Card:
    kind = draw.choice((Kind.INPUT, Kind.PARAMETER)) if node < leaves else Kind.OP
    kind = Kind.OUTPUT if node == size - 1 else kind
    name = f"w{node}" if node < leaves else draw.choice(("", "", f"h{node}"))
    op = (
        ""
        if node < leaves
        else draw.choice(("×", "+", "tanh", "sigmoid", "1 −", "log", "leaky_relu(·, 0.01)"))
    )
    return Card(node, name, op, kind, "", (_number(draw),), (_number(draw),))


def _number(draw: random.Random) -> str:
    return f"{draw.choice((1, 1, 100, 1e-6)) * draw.gauss(0, 1):.{draw.choice((1, 3, 6))}g}"


def faults(picture: Picture, geometry: Geometry) -> dict[str, int]:
    """What must not be in a drawing, by kind."""
    boxes, labels = list(geometry.boxes.values()), [route.label for route in geometry.routes if route.label]
    rows = box_array([*boxes, *labels])
    segments, owners = segment_array(geometry.routes)
    found = {"overlaps": int(boxes_meet(rows, rows).sum()) - len(rows), "foreign": 0, "far": 0, "missing": 0}
    found["through cards"] = 0
    for at, (edge, route) in enumerate(zip(picture.edges, geometry.routes, strict=True)):
        ends = (edge.source, edge.target)
        others = box_array([box for card, box in geometry.boxes.items() if card not in ends])
        found["through cards"] += int(boxes_on_segments(others, segments[owners == at]).sum())
        found["missing"] += bool(edge.label) != bool(route.label)
        if route.label:
            near = box_array([route.label.grown(FARTHEST)])
            found["far"] += not boxes_on_segments(near, segments[owners == at]).any()
            found["foreign"] += bool(
                boxes_on_segments(box_array([route.label]), segments[owners != at]).any()
            )
    return {kind: count for kind, count in found.items() if count}
