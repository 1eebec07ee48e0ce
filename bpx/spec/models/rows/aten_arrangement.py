"""The operations of PyTorch's `aten` that sort elements, as nodes: their values, not the places."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bpx.graph.graph import Expr
from bpx.spec.trace.rules.building import add


def _sort(self: Expr, dim: int = -1, descending: bool = False, stable: Any = None) -> tuple[Expr, None]:
    return add("sort", self, axis=dim, descending=bool(descending)), None


def _topk(self: Expr, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> tuple[Expr, None]:
    """In order even where PyTorch need not have them so."""
    return add("topk", self, k=k, axis=dim, largest=bool(largest)), None


ARRANGEMENT: Mapping[str, Callable[..., Any]] = {
    "sort": _sort,
    "msort": lambda self: add("sort", self, axis=0),
    "topk": _topk,
}
