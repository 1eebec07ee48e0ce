"""Which nodes are drawn as one card: sums in sums and, of large networks, the nodes of a layer.

Where layers are closed, inputs that go the same ways are one card too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from bpx.explain.query.passes import NodeRow

MOST_CARDS = 80  # of a picture in which every layer is open
_MOST_COLUMNS = 24  # of a picture with closed layers, while those around them can be closed instead


class Groups(NamedTuple):
    """Card id → the nodes it stands for, node → its card, and card → the layer that is closed in it."""

    members: dict[int, list[int]]
    card_of: dict[int, int]
    closed: dict[int, str]


def groups_of(
    nodes: Sequence[int], rows: Mapping[int, NodeRow], sums: Mapping[int, int], output: int
) -> Groups:
    """The cards of `nodes`; layers stay open, as deep as they can, while there are few enough cards.

    Without layers, the nodes that nobody named are drawn with the one that they are part of.
    """
    groups = _grouped(nodes, {node: sums.get(node, node) for node in nodes}, {})
    if len(groups.members) <= MOST_CARDS:
        return groups
    deepest = max(rows[node].layer.count(".") + 1 if rows[node].layer else 0 for node in nodes)
    for depth in range(deepest, 0, -1):
        groups = _closed(nodes, rows, sums, output, depth)
        if len(groups.members) <= MOST_CARDS and _columns(groups, rows) <= _MOST_COLUMNS:
            break
    return groups if deepest else _by_names(nodes, rows, sums)


def _columns(groups: Groups, rows: Mapping[int, NodeRow]) -> int:
    """How many cards stand on the longest way to the output."""
    columns = dict.fromkeys(groups.members, 1)
    for node, card in groups.card_of.items():  # args first
        before = [groups.card_of[arg] for arg in rows[node].args if arg in groups.card_of]
        columns[card] = max(columns[card], *(columns[other] + 1 for other in before if other != card), 1)
    return max(columns.values())


def _closed(
    nodes: Sequence[int], rows: Mapping[int, NodeRow], sums: Mapping[int, int], output: int, depth: int
) -> Groups:
    """Layers closed from a depth on; the output keeps its card."""
    layers = {node: ".".join(rows[node].layer.split(".")[:depth]) for node in nodes}
    last = {layer: node for node, layer in layers.items() if layer and node != output}
    cards = {
        node: last[layers[node]] if layers[node] and node != output else sums.get(node, node)
        for node in nodes
    }
    cards |= _gathered(nodes, rows, cards)
    return _grouped(nodes, cards, {card: layer for layer, card in last.items()})


def _gathered(nodes: Sequence[int], rows: Mapping[int, NodeRow], cards: Mapping[int, int]) -> dict[int, int]:
    """Inputs of one role that the same cards take, as the weights that all time steps share → their first."""
    takers: dict[int, set[int]] = {node: set() for node in nodes if rows[node].role and cards[node] == node}
    for node in nodes:
        for arg in takers.keys() & {*rows[node].args}:
            takers[arg].add(cards[node])
    first: dict[tuple[str | None, frozenset[int]], int] = {}
    return {
        node: first.setdefault((rows[node].role, frozenset(by)), node)
        for node, by in takers.items()
        if len(by) > 1
    }


def _by_names(nodes: Sequence[int], rows: Mapping[int, NodeRow], sums: Mapping[int, int]) -> Groups:
    """Each node that nobody named on the card of the one node that takes it."""
    consumers: dict[int, set[int]] = {node: set() for node in nodes}
    cards: dict[int, int] = {}
    for node in reversed(nodes):
        takers = {cards[taker] for taker in consumers[node]}
        inner = not rows[node].is_named and rows[node].role is None and len(takers) == 1
        cards[node] = takers.pop() if inner else sums.get(node, node)
        for arg in rows[node].args:
            if arg in consumers:
                consumers[arg].add(node)
    return _grouped(nodes, {node: cards[node] for node in nodes}, {})


def _grouped(nodes: Sequence[int], cards: Mapping[int, int], closed: Mapping[int, str]) -> Groups:
    members: dict[int, list[int]] = {card: [] for card in nodes if cards[card] == card}
    for node in nodes:
        members[cards[node]].append(node)
    return Groups(
        members, dict(cards), {card: name for card, name in closed.items() if len(members[card]) > 1}
    )
