"""The operations of `aten` that repeat, turn and sort elements, as nodes; of sorting, the values."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bpx.graph.graph import Expr
from bpx.spec.trace.rules.building import add


def _repeat(self: Expr, repeats: Any = None, dims: Any = None) -> Expr:
    return add("tile", self, reps=list(repeats if repeats is not None else dims))


def _sort(self: Expr, dim: int = -1, descending: bool = False, stable: Any = None) -> tuple[Expr, None]:
    return add("sort", self, axis=dim, descending=bool(descending)), None


def _topk(self: Expr, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> tuple[Expr, None]:
    """In order even where PyTorch need not have them so."""
    return add("topk", self, k=k, axis=dim, largest=bool(largest)), None


ARRANGEMENT: Mapping[str, Callable[..., Any]] = {
    "repeat": _repeat,
    "tile": _repeat,
    "flip": lambda self, dims: add("flip", self, axis=list(dims)),
    "tril": lambda self, diagonal=0: add("tril", self, k=diagonal),
    "triu": lambda self, diagonal=0: add("triu", self, k=diagonal),
    "sort": _sort,
    "msort": lambda self: add("sort", self, axis=0),
    "topk": _topk,
}
