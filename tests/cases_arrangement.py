"""Cases for ops that shift, repeat and sort elements; see cases_tensors.py for what such a module holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from oracle import torch

SIDES: list[tuple[int, ...]] = [(), (1,), (4,), (2, 3), (2, 3, 4)]

CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    *[("roll", [shape], {"shift": shift}) for shape in SIDES for shift in (0, 1, -2, 7)],
    *[("roll", [(2, 3, 4)], {"shift": 2, "axis": axis}) for axis in (0, 1, -1)],
    ("roll", [(4, 4)], {"shift": [1, -1], "axis": [0, 1]}),
    ("roll", [(2, 3)], {"shift": 1, "axis": [0, -1]}),
    *[("tile", [shape], {"reps": reps}) for shape in SIDES for reps in (1, 2, [2, 3], [1, 2, 1])],
    *[("repeat", [shape], {"repeats": 2}) for shape in SIDES],
    *[("repeat", [(2, 3, 4)], {"repeats": 3, "axis": axis}) for axis in (0, 1, -1)],
    ("repeat", [(3,)], {"repeats": [2, 0, 1]}),
    ("repeat", [(4, 4)], {"repeats": [1, 2, 0, 3], "axis": -2}),
    *[("take_along", [(3,), (n,)], {}) for n in (1, 3, 5)],
    *[("take_along", [(2, 3), (2, 4)], {"axis": axis}) for axis in (1, -1)],
    ("take_along", [(2, 3), (4, 3)], {"axis": 0}),
    ("take_along", [(4, 4, 4), (4, 2, 4)], {"axis": 1}),
    *[("sort", [(n,)], {}) for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 11)],
    *[("sort", [(4, 4)], {"axis": axis}) for axis in (0, -1)],
    *[("sort", [(2, 3, 4)], {"axis": axis, "descending": True}) for axis in (0, 1, 2)],
    *[("topk", [(6,)], {"k": k}) for k in (1, 3, 6)],
    *[("topk", [(4, 4)], {"k": 2, "axis": axis, "largest": False}) for axis in (0, 1)],
    ("topk", [(2, 5)], {"k": 2}),
    *[("cross", [shape, shape], {}) for shape in [(3,), (2, 3), (4, 1, 3)]],
    *[("cross", [(3, 4), (3, 4)], {"axis": axis}) for axis in (0, -2)],
    *[
        ("kron", [a, b], {})
        for a, b in [
            ((), ()),
            ((2,), (3,)),
            ((2, 3), (1, 2)),
            ((2,), (2, 2)),
            ((2, 1, 2), (2, 2)),
            ((4, 4), ()),
        ]
    ],
    *[
        ("pad", [shape], {"width": width, "mode": mode})
        for mode in ("reflect", "edge", "wrap", "symmetric")
        for shape, width in [((4,), 2), ((4,), [1, 0]), ((3,), 5), ((2, 3), [[0, 0], [1, 2]]), ((4, 4), 1)]
    ],
]


def _draw_along(rng: Any, shapes: Any) -> list[Any]:
    x, ids = shapes
    return [rng.normal(size=x), rng.integers(0, min(x), ids).astype(float)]


def _draw_distinct(rng: Any, shapes: Any) -> list[Any]:
    """Numbers that differ by a tenth at least, in any order."""
    (shape,) = shapes
    size = int(np.prod(shape))
    return [(rng.permutation(size) - size / 3 + rng.uniform(0, 0.9, size)).reshape(shape)]


DRAWS = {"take_along": _draw_along, "sort": _draw_distinct, "topk": _draw_distinct}


def _tuple(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def _whole(ids: Any) -> Any:
    return np.asarray(ids).real.astype(float).astype(int)


def _sort(x: Any, axis: int = -1, descending: bool = False) -> Any:
    x = np.asarray(x)
    order = np.argsort(_measure(x), axis=axis)
    return np.take_along_axis(x, np.flip(order, axis) if descending else order, axis)


def _measure(x: Any) -> Any:
    return x if x.dtype == object else x.real


def _topk(x: Any, k: int, axis: int = -1, largest: bool = True) -> Any:
    return np.take(_sort(x, axis, largest), np.arange(k), axis)


def _cross(a: Any, b: Any, axis: int = -1) -> Any:
    a, b = (np.moveaxis(x, axis, 0) for x in (a, b))
    rows = [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]
    return np.moveaxis(np.array(rows), 0, axis)


def _kron(a: Any, b: Any) -> Any:
    """Element by element."""
    a, b = np.asarray(a), np.asarray(b)
    ndim = max(a.ndim, b.ndim)
    a, b = (np.reshape(x, (1,) * (ndim - x.ndim) + x.shape) for x in (a, b))
    out = np.zeros([n * m for n, m in zip(a.shape, b.shape, strict=True)], dtype=np.result_type(a, b))
    for at in np.ndindex(a.shape):
        for within in np.ndindex(b.shape):
            place = tuple(i * m + j for i, j, m in zip(at, within, b.shape, strict=True))
            out[place] = a[at] * b[within]
    return out


TENSORS: dict[str, Callable[..., Any]] = {
    "roll": lambda x, shift, axis=None: np.roll(x, _tuple(shift), _tuple(axis)),
    "tile": lambda x, reps: np.tile(x, reps),
    "repeat": lambda x, repeats, axis=None: np.repeat(x, repeats, axis),
    "take_along": lambda x, ids, axis=-1: np.take_along_axis(np.asarray(x), _whole(ids), axis),
    "sort": _sort,
    "topk": _topk,
    "cross": _cross,
    "kron": _kron,
}


def by_places(move: Callable[..., Any]) -> Callable[..., Any]:
    """What `move` does to elements, done to those of a tensor of torch by number."""

    def moved(x: Any, **settings: Any) -> Any:
        places = move(np.arange(x.numel()).reshape(tuple(x.shape)), **settings)
        return x.reshape(-1)[torch().tensor(np.array(places))]

    return moved


def torch_functions() -> dict[str, Callable[..., Any]]:
    """Op name → torch function."""
    return {
        **{name: by_places(TENSORS[name]) for name in ("roll", "tile", "repeat")},
        "cross": lambda a, b, axis=-1: torch().linalg.cross(a, b, dim=axis),
        "kron": lambda a, b: torch().kron(a, b),
        "take_along": lambda x, ids, axis=-1: x.gather(axis, ids.long()),
        "sort": lambda x, axis=-1, descending=False: x.sort(axis, descending).values,
        "topk": lambda x, k, axis=-1, largest=True: x.topk(k, axis, largest).values,
    }
