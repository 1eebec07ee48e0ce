"""What all rules need: to add an op, to make a node of a number, to find NumPy's functions by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from bpx.graph.graph import OPS, Expr


class OtherSetting(TypeError):
    """A setting has a value that a rule does not know; the text is the setting's name."""


Rule: TypeAlias = Callable[..., Expr]  # from nodes, numbers and arrays to a node


def add(name: str, *args: Any, **settings: Any) -> Expr:
    """A node of this op; at least one of the args is a node."""
    graph = next(arg.graph for arg in args if isinstance(arg, Expr))
    return graph.add(OPS[name], *args, **settings)


def nodes(*args: Any) -> list[Expr]:
    """Nodes as they are, numbers and lists as constants of the same graph."""
    graph = next(arg.graph for arg in args if isinstance(arg, Expr))
    return [arg if isinstance(arg, Expr) else graph.constant(np.asarray(arg, dtype=float)) for arg in args]


def axes_of(axis: Any) -> Any:
    """An axis, or several, as plain integers."""
    if axis is None:
        return None
    return [int(item) for item in axis] if isinstance(axis, tuple | list) else int(axis)


def functions(*names: str) -> frozenset[Any]:
    """Functions of NumPy by name; those that this version does not have are left out."""
    found = set()
    for name in names:
        function: Any = np
        for part in name.split("."):
            function = getattr(function, part, None)
        if function is not None:
            found.add(function)
    return frozenset(found)


def by_function(rules: Mapping[str, Any]) -> dict[Any, Any]:
    """Rules by function in place of its name."""
    return {function: rule for name, rule in rules.items() for function in functions(name)}
