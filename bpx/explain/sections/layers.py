"""A large network by its layers: one row each, forward and reverse; what is inside is for opening one."""

from __future__ import annotations

import math
from collections.abc import Iterator

from bpx.explain.explanation import Explanation, NodeRow
from bpx.graph.numbers import LARGEST_SHOWN
from bpx.render.blocks import Block, Heading, Lines, table, text_of
from bpx.words.say import say


def is_large(account: Explanation) -> bool:
    """Are there layers, with arrays too large to be shown, and none of them opened?"""
    layered = any(row.layer for row in account.nodes)
    large = any(math.prod(row.shape) > LARGEST_SHOWN for row in account.nodes if row.layer)
    return layered and large and account.opened is None


def layer_blocks(account: Explanation) -> Iterator[Block]:
    """The forward and the reverse pass, from layer to layer."""
    rows = [row for row in account.nodes if row.op != "constant"]
    members: dict[str, list[NodeRow]] = {}
    for row in rows:
        members.setdefault(_place(row), []).append(row)
    yield Heading(say("account.forward-layers"))
    yield table(
        ["layer", "holds", "value"],
        [[place, _holds(nodes), text_of(nodes[-1].value)] for place, nodes in members.items()],
    )
    yield Lines((say("account.open-layer", name=next(row.layer for row in rows if row.layer)),))
    yield Heading(say("account.reverse-layers"))
    yield table(["edge", "gradient"], list(_crossing(account)))


def _place(row: NodeRow) -> str:
    """The outermost layer of a node, or the node itself where it is in none."""
    return row.layer.partition(".")[0] or row.name


def _holds(nodes: list[NodeRow]) -> str:
    if len(nodes) > 1:
        return say("account.nodes-inside", count=len(nodes))
    role = nodes[0].role
    if role is None:
        return nodes[0].formula
    return say("account.input") if role == "data" else role


def _crossing(account: Explanation) -> Iterator[list[str]]:
    """What each layer hands back to the nodes of another."""
    places = {row.id: _place(row) for row in account.nodes}
    for edge in account.edges:
        if places[edge.consumer] != places[edge.arg]:
            yield [f"{places[edge.consumer]} → {account.names[edge.arg]}", text_of(edge.contribution)]
