"""Arrays that are written into: NumPy's functions that make them, and those that write.

`BUFFERS` make an array like another one; `WRITES` change their first arg.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from bpx.spec.trace.rules.building import by_function
from bpx.spec.trace.tape import Handle, is_traced, plain


def _like(value: float) -> Callable[..., Any]:
    def create(a: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None) -> Any:
        wanted = np.shape(plain(a)) if shape is None else shape
        return buffer_like(a, np.full(wanted, value, dtype=plain(a).dtype if dtype is None else dtype))

    return create


def _full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: Any = "K", subok: Any = True, shape: Any = None
) -> Any:
    if not is_traced(a):
        return np.zeros(np.shape(a) if shape is None else shape, np.asarray(a).dtype) + fill_value
    buffer = _like(0.0)(a, dtype, shape=shape)
    buffer[...] = fill_value
    return buffer


def buffer_like(like: Handle, array: Any) -> Handle:
    """A handle on an array that no input reaches yet."""
    return like.tape.handle(array, None)


def _copy_to(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    dst[...] = src if where is True else np.where(where, src, dst)


def _diagonal_filled(a: Any, val: Any, wrap: bool = False) -> None:
    places = np.arange(min(a.shape))
    a[(places,) * a.ndim] = val


def _put_along(arr: Any, indices: Any, values: Any, axis: Any) -> None:
    grid = list(np.ogrid[tuple(slice(n) for n in np.shape(indices))])
    grid[axis] = plain(indices)
    arr[tuple(grid)] = values


def _put(a: Any, ind: Any, v: Any, mode: str = "raise") -> None:
    places = np.ravel(plain(ind))
    a[np.unravel_index(places % plain(a).size, plain(a).shape)] = np.resize(np.ravel(v), len(places))


def _put_where(a: Any, mask: Any, values: Any) -> None:
    # Value number i goes to place number i of the whole array, not of those that are marked.
    a[...] = np.where(plain(mask), np.resize(values, plain(a).shape), a)


def _put_in_turn(arr: Any, mask: Any, vals: Any) -> None:
    mask = np.asarray(plain(mask), dtype=bool)
    arr[mask] = np.resize(vals, int(mask.sum()))


BUFFERS: Mapping[str, Callable[..., Any]] = {
    "zeros_like": _like(0.0),
    "ones_like": _like(1.0),
    "empty_like": _like(0.0),
    "full_like": _full_like,
}
WRITES: Mapping[Any, Callable[..., Any]] = by_function(
    {
        "copyto": _copy_to,
        "fill_diagonal": _diagonal_filled,
        "put_along_axis": _put_along,
        "put": _put,
        "place": _put_in_turn,
        "putmask": _put_where,
    }
)
