"""Layers of a network, told from the names of its nodes."""

from __future__ import annotations

from collections.abc import Mapping

from bpx.graph.named.names import group_of, groups_of


def is_within(name: str, layer: str) -> bool:
    """Is it the node called `layer`, or one of the layer of that name?"""
    return name == layer or name.startswith(f"{layer}.")


def layers_of(names: Mapping[int, str]) -> dict[int, str]:
    """Node id → the layer it belongs to: what its name begins with, up to the last dot."""
    layers = groups_of(names.values())
    return {node: group_of(name, layers) for node, name in names.items()}


def outermost(name: str, layer: str) -> str:
    """The outermost layer of a node, or the node itself where it is in none."""
    return layer.partition(".")[0] or name
