"""Layers of a network, told from the names of its nodes."""

from __future__ import annotations

from collections.abc import Container, Mapping

from bpx.graph.named.names import group_of, groups_of


def is_within(name: str, layer: str) -> bool:
    """Is it the node called `layer`, or one of the layer of that name?"""
    return name == layer or name.startswith(f"{layer}.")


def layers_of(names: Mapping[int, str]) -> dict[int, str]:
    """Node id → the layer it belongs to: what its name begins with, up to the last dot.

    The name of a constant is its number, whose point parts nothing.
    """
    layers = layer_names(names)
    return {node: layer_of(name, layers) for node, name in names.items()}


def layer_names(names: Mapping[int, str]) -> set[str]:
    """The layers that nodes of these names are in."""
    return groups_of(name for name in names.values() if "." in name and _is_name(name))


def layer_of(name: str, layers: Container[str]) -> str:
    """The layer of a node by its name."""
    return group_of(name, layers) if _is_name(name) else ""


def _is_name(text: str) -> bool:
    return all(part.isidentifier() for part in text.split("."))


def outermost(name: str, layer: str) -> str:
    """The outermost layer of a node, or the node itself where it is in none."""
    return layer.partition(".")[0] or name
