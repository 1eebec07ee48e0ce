"""Cases for ops that move elements about; see cases_tensors.py for what such a module holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from oracle import torch

# The same index as it is written, for NumPy, and spelled out in a setting.
INDICES: list[tuple[tuple[int, ...], Any]] = [
    ((4,), 0),
    ((4,), -1),
    ((4,), slice(1, 3)),
    ((4,), slice(None, None, -1)),
    ((5,), slice(None, None, 2)),
    ((5,), slice(3, 0, -2)),
    ((4,), slice(-3, 100)),
    ((4,), ...),
    ((), ...),
    ((), ()),
    ((2, 3), 1),
    ((2, 3), (slice(None), 0)),
    ((2, 3), (..., 0)),
    ((2, 3), (1, 2)),
    ((2, 3), (-1, slice(None, None, -1))),
    ((4, 4), (slice(1, 3), slice(0, 4, 3))),
    ((2, 3, 4), (0, ..., -1)),
    ((2, 3, 4), (..., slice(2, None), 1)),
    ((2, 3, 4), (slice(None), 1)),
    ((2, 3, 4), (1, slice(1), slice(None, None, -2))),
    ((1, 1), (slice(None), 0)),
]

PICKED_FROM = [
    *[(n,) for n in (1, 2, 5)],
    *[(m, n) for m in (1, 3, 4) for n in (1, 2, 4, 5)],
    *[(2, 3, 4), (1, 1, 1), (4, 4, 4), (2, 1, 3), (1, 2, 2, 3)],
]
IDS = [(), (1,), (4,), (2, 3)]
TABLES = [(3,), (1,), (3, 2), (5, 1), (4, 4), (2, 3, 2)]
ALONG = [((4,), 0), ((2, 3), 0), ((2, 3), 1), ((2, 3, 4), 1), ((2, 3, 4), -1), ((1, 1), 0)]


def _placed(shape: Any, at: Any) -> tuple[str, list[Any], dict[str, Any]]:
    return "place", [np.zeros(shape)[at].shape], {"at": at, "shape": shape}


CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    *[("index", [shape], {"at": at}) for shape, at in INDICES],
    *[_placed(shape, at) for shape, at in INDICES],
    *[
        ("one_hot", [shape], {"n": n})
        for shape in [(), (1,), (3,), (2, 3), (4,), (2, 1, 2)]
        for n in (3, 4, 5, 7)
    ],
    *[("pick", [shape, shape[:-1]], {}) for shape in PICKED_FROM],
    *[("embedding", [table, ids], {}) for table in TABLES for ids in IDS],
    *[("concat", [shape] * count, {"axis": axis}) for shape, axis in ALONG for count in (2, 3, 4)],
    *[("scatter", [(*ids, *row), ids], {"n": 4}) for ids in IDS for row in [(), (1,), (3,), (4,), (4, 2)]],
    ("concat", [(2,), (3,)], {}),
    ("concat", [(1, 3), (2, 3), (4, 3)], {}),
    ("concat", [(2, 1, 3), (2, 4, 3)], {"axis": 1}),
    *[("stack", [shape] * count, {"axis": axis}) for shape, axis in ALONG for count in (2, 3, 4)],
    ("stack", [(2, 3), (2, 3)], {"axis": 2}),
    ("stack", [(2, 3), (2, 3)], {"axis": -1}),
    ("stack", [(), (), ()], {}),
    *[("split", [(6,)], {"sections": n, "part": part}) for n in (1, 2, 3, 6) for part in (0, n - 1)],
    *[("split", [(2, 4, 3)], {"sections": 2, "axis": axis, "part": 1}) for axis in (0, 1, -2)],
    *[("split", [(2, 6)], {"sections": n, "axis": -1, "part": 1}) for n in (2, 3, 6)],
    *[("split", [(3, 4, 2)], {"sections": 4, "axis": 1, "part": part}) for part in range(4)],
    *[("split", [(4, 4)], {"sections": 4, "axis": 1, "part": part}) for part in range(3)],
    *[("pad", [shape], {"width": 1}) for shape in [(), (1,), (3,), (2, 3), (2, 3, 4)]],
    *[
        ("pad", [(2, 3)], {"width": width})
        for width in (0, 2, [2], [1, 2], [[1, 2], [0, 3]], [[0, 0], [2, 0]])
    ],
    *[("pad", [(4,)], {"width": [1, 0], "value": value}) for value in (0, 0.0, -1.5, 3)],
    *[("pad", [(2, 3)], {"width": [[1, 2], [0, 3]], "value": value}) for value in (1, -0.5)],
    *[("pad", [(2, 1, 3)], {"width": width, "value": 2}) for width in (1, [0, 1], [[0, 0], [1, 1], [0, 2]])],
    *[("flip", [shape], {}) for shape in [(), (1,), (3,), (2, 3), (2, 3, 4), (4, 4)]],
    *[("flip", [(2, 3, 4)], {"axis": axis}) for axis in (0, 1, 2, -1, -3, [0, 2], [-1, 0], [0, 1, 2], [])],
    *[("flip", [(4, 4)], {"axis": axis}) for axis in (0, 1, [1], [0, 1], -2)],
    *[("squeeze", [shape], {}) for shape in [(), (1,), (3,), (1, 1), (2, 1), (1, 2, 1, 3), (2, 1, 1)]],
    *[("squeeze", [(1, 2, 1, 3)], {"axis": axis}) for axis in (0, 2, -2, -4, [0, 2], [2, 0], [-2], [])],
    *[("squeeze", [(2, 1, 4)], {"axis": axis}) for axis in (1, -2, [1], [-2], [])],
    *[("unsqueeze", [shape], {"axis": 0}) for shape in [(), (1,), (3,), (2, 3)]],
    *[
        ("unsqueeze", [(2, 3)], {"axis": axis})
        for axis in (1, 2, -1, -2, -3, [0, 1], [-1, 0], [1, 3], [0, 1, 4])
    ],
    *[("unsqueeze", [(4,)], {"axis": axis}) for axis in (-1, -2, [0, 1], [0, 2], [-1, -2], [1, 2], [])],
    *[("broadcast_to", [()], {"shape": shape}) for shape in (2, [1], [2, 3], [])],
    *[("broadcast_to", [(3,)], {"shape": shape}) for shape in (3, [3], [1, 3], [2, 3], [4, 2, 3])],
    *[("broadcast_to", [(1,)], {"shape": shape}) for shape in (3, [1], [2, 3], [2, 1], [4, 4])],
    *[("broadcast_to", [(2, 1)], {"shape": shape}) for shape in ([2, 1], [2, 3], [4, 2, 1], [4, 2, 3])],
    *[("broadcast_to", [(1, 3)], {"shape": shape}) for shape in ([1, 3], [2, 3], [4, 5, 3])],
    *[
        (name, [shape], {"k": k})
        for name in ("tril", "triu")
        for shape in [(3, 3), (2, 4), (4, 2), (1, 1), (2, 3, 4), (4, 4, 4), (2, 1, 3, 2)]
        for k in (0, 1, -1, 3)
    ],
    *[("cumprod", [shape], {}) for shape in [(), (1,), (4,), (7,), (2, 3), (2, 3, 4), (1, 1)]],
    *[("cumprod", [(2, 3, 4)], {"axis": axis}) for axis in (0, 1, 2, -1, -2, -3)],
    *[("cumprod", [shape], {"axis": axis}) for shape in [(4, 4), (1, 5), (5, 1), (2, 2)] for axis in (0, -1)],
    *[("cumsum", [shape], {}) for shape in [(), (1,), (4,), (2, 3), (2, 3, 4), (1, 1)]],
    *[("cumsum", [(2, 3, 4)], {"axis": axis}) for axis in (0, 1, 2, -1, -2, -3)],
    *[("cumsum", [shape], {"axis": axis}) for shape in [(4, 4), (1, 5), (5, 1), (2, 2)] for axis in (0, -1)],
]


def _place(x: Any, at: Any, shape: Any) -> Any:
    out = np.zeros(shape, dtype=np.asarray(x).dtype)
    out[at] = np.asarray(x)[()]
    return out


def _draw_ids(rng: Any, shapes: Any) -> list[Any]:
    x, *ids = shapes
    return [*_measures(rng, [x]), *(rng.integers(0, x[-1], shape).astype(float) for shape in ids)]


def _draw_rows(rng: Any, shapes: Any) -> list[Any]:
    table, ids = shapes
    return [*_measures(rng, [table]), rng.integers(0, table[0], ids).astype(float)]


def _draw_places(rng: Any, shapes: Any) -> list[Any]:
    x, ids = shapes
    return [*_measures(rng, [x]), rng.integers(0, 4, ids).astype(float)]


def _measures(rng: Any, shapes: Any) -> list[Any]:
    return [rng.uniform(0.3, 2, shape) * rng.choice([-1, 1], shape) for shape in shapes]


DRAWS = {
    "one_hot": lambda rng, shapes: [rng.integers(0, 3, shape).astype(float) for shape in shapes],
    "pick": _draw_ids,
    "embedding": _draw_rows,
    "scatter": _draw_places,
}


def _scatter(x: Any, ids: Any, n: int) -> Any:
    x, rows = np.asarray(x), np.zeros((n, *np.shape(x)[np.ndim(ids) :]), dtype=np.asarray(x).dtype)
    for at in np.ndindex(np.shape(ids)):
        row = int(_whole(ids)[at])
        rows[row] = rows[row] + x[at]
    return rows


def _pad(x: Any, width: Any, value: float = 0, mode: str = "constant") -> Any:
    return np.pad(x, width, constant_values=value) if mode == "constant" else np.pad(x, width, mode)  # type: ignore[call-overload]


TENSORS: dict[str, Callable[..., Any]] = {
    "index": lambda x, at: np.asarray(x)[at],
    "place": _place,
    "one_hot": lambda ids, n: np.eye(n)[_whole(ids)],
    "pick": lambda x, ids: np.take_along_axis(x, _whole(ids)[..., None], -1)[..., 0],
    "embedding": lambda table, ids: table[_whole(ids)],
    "scatter": _scatter,
    "concat": lambda *xs, axis=0: np.concatenate(xs, axis=axis),
    "stack": lambda *xs, axis=0: np.stack(xs, axis=axis),
    "split": lambda x, sections, part, axis=0: np.split(x, sections, axis=axis)[part],
    "pad": _pad,
    "flip": lambda x, axis=None: np.flip(x, _tuple(axis)),
    "squeeze": lambda x, axis=None: np.squeeze(x, _tuple(axis)),
    "unsqueeze": lambda x, axis: np.expand_dims(x, _tuple(axis)),
    "broadcast_to": lambda x, shape: np.broadcast_to(x, shape),
    "tril": lambda x, k=0: np.tril(x, k),
    "triu": lambda x, k=0: np.triu(x, k),
    "cumsum": lambda x, axis=None: np.cumsum(x, axis=axis),
    "cumprod": lambda x, axis=None: np.cumprod(x, axis=axis),
}


def _tuple(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def _whole(ids: Any) -> Any:
    # The real part of an array of one number, as an object, is that number from NumPy 2.5 on.
    return np.asarray(np.asarray(ids).real, dtype=float).astype(int)


def torch_functions() -> dict[str, Callable[..., Any]]:
    """Op name → torch function."""
    return {
        "index": _torch_index,
        "place": _torch_place,
        "one_hot": lambda ids, n: torch().nn.functional.one_hot(ids.long(), n).double(),
        "pick": lambda x, ids: x.gather(-1, ids.long()[..., None])[..., 0],
        "embedding": lambda table, ids: table[ids.long()],
        "scatter": _torch_scatter,
        "concat": lambda *xs, axis=0: torch().concat(xs, dim=axis),
        "stack": lambda *xs, axis=0: torch().stack(xs, dim=axis),
        "split": lambda x, sections, part, axis=0: torch().tensor_split(x, sections, dim=axis)[part],
        "pad": _torch_pad,
        "flip": lambda x, axis=None: x.flip(_axes(range(x.ndim) if axis is None else axis)),
        "squeeze": lambda x, axis=None: x.squeeze() if axis is None else x.squeeze(_axes(axis)),
        "unsqueeze": _torch_unsqueeze,
        "broadcast_to": lambda x, shape: x.broadcast_to(_axes(shape)),
        "tril": lambda x, k=0: x.tril(k),
        "triu": lambda x, k=0: x.triu(k),
        "cumsum": lambda x, axis=None: x.ravel().cumsum(0) if axis is None else x.cumsum(axis),
        "cumprod": lambda x, axis=None: x.ravel().cumprod(0) if axis is None else x.cumprod(axis),
    }


def _torch_index(x: Any, at: Any) -> Any:
    """torch has no steps downwards: the index is taken of the numbers of the elements."""
    import torch as t

    places = np.arange(x.numel()).reshape(tuple(x.shape))[at]
    return x.reshape(-1)[t.tensor(places.copy())]


def _torch_scatter(x: Any, ids: Any, n: int) -> Any:
    rows = x.reshape(ids.numel(), *x.shape[ids.ndim :])
    return torch().zeros(n, *rows.shape[1:], dtype=x.dtype).index_add(0, ids.long().reshape(-1), rows)


def _torch_place(x: Any, at: Any, shape: Any) -> Any:
    t = torch()
    places = np.arange(int(np.prod(shape))).reshape(shape)[at]
    out = t.zeros(int(np.prod(shape)), dtype=x.dtype)
    return out.index_put((t.tensor(places.copy()).reshape(-1),), x.reshape(-1)).reshape(shape)


def _axes(axis: Any) -> tuple[int, ...]:
    return (axis,) if isinstance(axis, int) else tuple(axis)


def _torch_pad(x: Any, width: Any, value: float = 0, mode: str = "constant") -> Any:
    if mode != "constant":
        places = _pad(np.arange(x.numel()).reshape(tuple(x.shape)), width, mode=mode)
        return x.reshape(-1)[torch().tensor(places)]
    pairs = np.broadcast_to(width, (x.ndim, 2))
    return torch().nn.functional.pad(x, pairs[::-1].ravel().tolist(), value=float(value))


def _torch_unsqueeze(x: Any, axis: Any) -> Any:
    axes = _axes(axis)
    for one in sorted(one % (x.ndim + len(axes)) for one in axes):
        x = x.unsqueeze(one)
    return x
