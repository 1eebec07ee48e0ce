"""How far off claimed numbers may be because of the floats in which a program computed them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from bpx.check.tables.short_floats import room_of_numbers, rounding_rooms
from bpx.graph.arrays import Array
from bpx.graph.named.claim import Derivative
from bpx.graph.named.named_graph import NamedGraph
from bpx.passes.expand import written_out
from bpx.passes.query import seed_of
from bpx.spec.tables.table import EXACT

Rooms = Mapping[str, Mapping[str, Array]]  # type of the floats → name of a node → room for each entry


def rooms_of_floats(
    spec: NamedGraph, output: str, upstream: Any, stated: Iterable[tuple[Derivative, str]]
) -> Rooms:
    """How far right gradients of the output may be off that are computed in short floats.

    `stated` are the derivatives and the type of floats of each. Raises `BpxError` for a bad `upstream`.
    """
    wanted: dict[str, set[str]] = {}
    for derivative, floats in stated:
        if floats != EXACT and derivative.is_gradient_of(output):
            wanted.setdefault(floats, set()).add(derivative.node)
    if not wanted:
        return {}
    plain = written_out(spec)
    seed, _ = seed_of(plain.graph.shapes[plain.nodes[output]], upstream)
    rooms: dict[str, dict[str, Array]] = {}
    for floats, names in wanted.items():
        nodes = sorted(plain.nodes[name] for name in names)
        found = rounding_rooms(plain, plain.nodes[output], seed, nodes, floats)
        rooms[floats] = {plain.names[node]: room for node, room in found.items()}
    return rooms


def room_in(rooms: Rooms, derivative: Derivative, floats: str, numbers: Array, output: str) -> Array:
    """How far off the numbers of a derivative may be for their floats; of their shape."""
    room = room_of_numbers(numbers, floats)
    of_node = rooms.get(floats, {}).get(derivative.node)
    if of_node is None or not derivative.is_gradient_of(output):
        return room
    part = of_node[() if derivative.at is None else derivative.at]
    return np.maximum(room, part) if part.shape == room.shape else room
