"""Cases for norms, variance, products and the largest element; see cases_tensors.py for what it holds."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from oracle import elementwise, mp, torch

AXES: list[tuple[tuple[int, ...], Any]] = [
    ((3,), None),
    ((1,), None),
    ((2, 3), None),
    ((2, 3), 0),
    ((2, 3), -1),
    ((3, 3), 1),
    ((5, 1), 0),
    ((2, 3, 4), None),
    ((2, 3, 4), 1),
    ((2, 3, 4), [0, 2]),
    ((2, 3, 4), [-1, -2]),
    ((4, 4), [0, 1]),
    ((4, 7), 1),
    ((), None),
]
REDUCTIONS: list[tuple[list[Any], dict[str, Any]]] = [
    *[([shape], {} if axis is None else {"axis": axis}) for shape, axis in AXES],
    *[([shape], {"axis": axis, "keepdims": True}) for shape, axis in AXES],
]
OF_SEVERAL = [case for case in REDUCTIONS if max(case[0][0], default=1) > 1]  # elements
CASES: list[tuple[str, list[Any], dict[str, Any]]] = [
    *[(name, *case) for name in ("norm", "prod", "amax", "amin", "argmax") for case in REDUCTIONS],
    *[(name, [(2, 3)], {"axis": []}) for name in ("norm", "prod", "amax", "amin", "argmax")],
    *[("norm", shapes, {**settings, "ord": ord}) for ord in (1, math.inf) for shapes, settings in REDUCTIONS],
    *[(name, *case) for name in ("var", "std") for case in OF_SEVERAL],
    *[
        (name, shapes, {**settings, "ddof": ddof})
        for name in ("var", "std")
        for ddof in (1, 1.5)
        for shapes, settings in OF_SEVERAL[:6]
    ],
    ("var", [(2, 1)], {"axis": 1}),
    *[("normalize", [shape], {}) for shape in [(3,), (7,), (2, 3), (4, 4), (1, 5), (5, 2), (2, 3, 4)]],
    *[("normalize", [(2, 3, 4)], {"axis": axis}) for axis in (0, 1, -1, [0, 2], [2, 1], [0, 1, 2])],
    *[
        ("normalize", [(2, 3)], {"axis": axis, "eps": eps})
        for axis in (0, 1)
        for eps in (1e-3, 0.2, 10.5, 40)
    ],
]

# Not along what arrives: of that nothing would be handed back.
DRAWS: dict[str, Callable[..., list[Any]]] = {
    "normalize": lambda rng, shapes: [rng.normal(size=shape) for shape in shapes]
}

TENSORS: dict[str, Callable[..., Any]] = {
    "norm": lambda x, ord=2, axis=None, keepdims=False: _norm(x, ord, _axes(x, axis), keepdims),
    "normalize": lambda x, axis=-1, eps=1e-12: x / _at_least(eps, _norm(x, 2, _axes(x, axis), True)),
    "prod": lambda x, axis=None, keepdims=False: np.prod(x, axis=_axes(x, axis), keepdims=keepdims),
    "var": lambda x, axis=None, keepdims=False, ddof=0: _var(x, _axes(x, axis), keepdims, ddof),
    "std": lambda x, axis=None, keepdims=False, ddof=0: _sqrt(_var(x, _axes(x, axis), keepdims, ddof)),
    "amax": lambda x, axis=None, keepdims=False: _largest(x, _axes(x, axis), keepdims),
    "amin": lambda x, axis=None, keepdims=False: -_largest(-np.asarray(x), _axes(x, axis), keepdims),
    "argmax": lambda x, axis=None, keepdims=False: _chosen(x, _axes(x, axis), keepdims)[1],
}


def _axes(x: Any, axis: Any) -> tuple[int, ...]:
    ndim = np.ndim(x)
    if axis is None:
        return tuple(range(ndim))
    return tuple(sorted(one % ndim for one in (axis if isinstance(axis, list) else [axis])))


def _norm(x: Any, ord: Any, axis: Any, keepdims: bool) -> Any:
    if ord == 2:
        return _sqrt(np.sum(np.multiply(x, x), axis=axis, keepdims=keepdims))
    if ord == 1:
        return np.sum(_abs(x), axis=axis, keepdims=keepdims)
    return _largest(_abs(x), axis, keepdims)


def _var(x: Any, axis: Any, keepdims: bool, ddof: float) -> Any:
    count = np.size(x) // max(1, np.size(np.sum(np.zeros(np.shape(x)), axis=axis)))
    off = x - np.sum(x, axis=axis, keepdims=True) / count
    return np.sum(off * off, axis=axis, keepdims=keepdims) / (count - ddof)


def _largest(x: Any, axis: Any, keepdims: bool) -> Any:
    return _chosen(x, axis, keepdims)[0]


def _chosen(x: Any, axis: Any, keepdims: bool) -> tuple[Any, Any]:
    """The element whose real part is largest, and its number."""
    x = np.asarray(x)
    rest = [one for one in range(x.ndim) if one not in axis]
    rows = np.transpose(x, (*axis, *rest)).reshape(-1, *(x.shape[one] for one in rest))
    numbers = np.argmax(np.real(rows), axis=0)
    found = np.take_along_axis(rows, np.asarray(numbers)[np.newaxis], axis=0)[0]
    numbers = np.multiply(numbers, 1.0)
    return (np.expand_dims(found, axis), np.expand_dims(numbers, axis)) if keepdims else (found, numbers)


def _at_least(low: float, x: Any) -> Any:
    return np.where(np.real(x) > low, x, low)


_sqrt = elementwise(np.sqrt, mp.sqrt)
_abs = elementwise(lambda x: np.where(np.real(x) < 0, -x, x), abs)


# --- as torch functions -------------------------------------------------------------------------


def torch_functions() -> dict[str, Callable[..., Any]]:
    """Op name → torch function."""
    t = torch()
    return {
        "norm": _torch_norm,
        "normalize": _torch_normalize,
        "prod": _torch_prod,
        "var": _torch_variance(t.var),
        "std": _torch_variance(t.std),
        "amax": lambda x, axis=None, keepdims=False: (
            t.amax(x, dim=_axes(x, axis), keepdim=keepdims) if axis != [] else x
        ),
        "amin": lambda x, axis=None, keepdims=False: (
            t.amin(x, dim=_axes(x, axis), keepdim=keepdims) if axis != [] else x
        ),
        "argmax": _torch_argmax,
    }


def _torch_argmax(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    """Several axes, which torch does not take, are numbered together."""
    axes = _axes(x.detach(), axis)
    rest = [one for one in range(x.ndim) if one not in axes]
    rows = x.permute(*axes, *rest).reshape(-1, *(x.shape[one] for one in rest))
    kept = [1 if one in axes else length for one, length in enumerate(x.shape)]
    found = rows.argmax(dim=0).double()
    return found.reshape(kept) if keepdims else found


def _torch_norm(x: Any, ord: Any = 2, axis: Any = None, keepdims: bool = False) -> Any:
    # No axes at all mean all of them to torch, and none to NumPy.
    axes = _axes(x.detach(), axis)
    return torch().linalg.vector_norm(x, ord, dim=axes, keepdim=keepdims) if axes else x.abs()


def _torch_normalize(x: Any, axis: Any = -1, eps: float = 1e-12) -> Any:
    if isinstance(axis, int):
        return torch().nn.functional.normalize(x, dim=axis, eps=eps)
    return x / _torch_norm(x, axis=axis, keepdims=True).clamp_min(eps)


def _torch_prod(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    for one in reversed(_axes(x.detach(), axis)):
        x = x.prod(dim=one, keepdim=keepdims)
    return x


def _torch_variance(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda x, axis=None, keepdims=False, ddof=0: function(
        x, dim=_axes(x.detach(), axis), correction=ddof, keepdim=keepdims
    )
