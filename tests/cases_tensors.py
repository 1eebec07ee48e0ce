"""Cases for the first ops of whole arrays, and for the softmax family.

A module of cases holds `CASES` (op, shapes of its args, settings), `TENSORS` (the op as a NumPy function,
which also runs on complex arrays and on arrays of mpmath numbers), `torch_functions()` and, where args
are not any numbers, `DRAWS` (op → function of a random generator and the shapes).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from oracle import elementwise, mp, torch

SOFTMAXES = ("softmax", "softmin", "log_softmax")
CASES = [  # op, shapes of its args, settings
    *[("sum", [shape], {}) for shape in [(), (3,), (2, 3), (1, 1), (2, 3, 4)]],
    *[("sum", [(2, 3, 4)], {"axis": axis}) for axis in (0, 1, -1, [0, 2], [2, 0], [-1, -2], [0, 1, 2], [])],
    *[("sum", [(2, 3, 4)], {"axis": axis, "keepdims": True}) for axis in (None, 1, [0, 2], [])],
    ("sum", [()], {"keepdims": True}),
    *[("mean", [shape], {}) for shape in [(), (3,), (2, 3), (1, 1), (2, 3, 4)]],
    *[("mean", [(2, 3, 4)], {"axis": axis}) for axis in (0, 1, -1, [0, 2], [-1, -2], [])],
    *[("mean", [(2, 3, 4)], {"axis": axis, "keepdims": True}) for axis in (None, 1, [0, 2])],
    *[("transpose", [shape], {}) for shape in [(), (3,), (2, 3), (2, 3, 4)]],
    *[("transpose", [(2, 3, 4)], {"axes": axes}) for axes in ([0, 1, 2], [1, 2, 0], [2, 0, 1], [0, -1, 1])],
    *[("reshape", [(2, 6)], {"shape": shape}) for shape in ([12], 12, -1, [3, 4], [2, -1, 2], [1, 12, 1])],
    ("reshape", [()], {"shape": [1, 1]}),
    ("reshape", [(1, 1)], {"shape": []}),
    ("spread", [(2, 1)], {"shape": [2, 3]}),
    ("spread", [()], {"shape": [2, 3], "axis": [0, 1]}),
    ("spread", [(3,)], {"shape": [2, 3], "axis": [0]}),
    ("spread", [(3,)], {"shape": [3, 2], "axis": [1]}),
    ("spread", [(2, 1)], {"shape": [4, 2, 3, 5], "axis": [0, 3]}),
    ("spread", [(2, 3)], {"shape": [2, 3]}),
    ("outer", [(2,), (3,)], {}),
    ("outer", [(1,), (1,)], {}),
    *[
        ("matmul", [a, b], {})
        for a, b in [
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((3,), (3, 2)),
            ((2, 3), (3, 4)),
            ((1, 1), (1, 1)),
            ((1, 3), (3, 1)),
            ((5, 2, 3), (3, 4)),
            ((2, 3), (5, 3, 4)),
            ((5, 2, 3), (5, 3, 4)),
            ((5, 1, 2, 3), (4, 3, 2)),
            ((1, 2, 3), (5, 3, 4)),
            ((5, 2, 3), (3,)),
            ((3,), (5, 3, 4)),
            ((2, 5, 2, 3), (3,)),
            ((3,), (2, 1, 3, 4)),
            ((3, 3, 3), (3, 3, 3)),
            ((4, 4), (4, 4)),  # sides as long as the batches below
            ((4, 4, 4), (4,)),
        ]
    ],
    *[(name, [shape], {}) for name in SOFTMAXES for shape in [(3,), (2, 3), (3, 3), (2, 3, 4)]],
    *[(name, [(2, 3, 4)], {"axis": axis}) for name in SOFTMAXES for axis in (0, 1, -2, [0, 2], [2, 1, 0])],
    *[("logsumexp", [shape], {}) for shape in [(3,), (), (2, 3), (1, 1), (2, 3, 4)]],
    *[("logsumexp", [(2, 3, 4)], {"axis": axis}) for axis in (0, 1, -1, [0, 2], [-1, -2], [])],
    *[("logsumexp", [(2, 3, 4)], {"axis": axis, "keepdims": True}) for axis in (None, 1, [0, 2])],
]

TENSORS: dict[str, Callable[..., Any]] = {
    "matmul": lambda a, b: np.matmul(a, b),
    "outer": lambda a, b: np.outer(a, b),
    "transpose": lambda x, axes=None: np.transpose(x, axes),
    "reshape": lambda x, shape: np.reshape(x, shape),
    "sum": lambda x, axis=None, keepdims=False: np.sum(x, axis=_tuple(axis), keepdims=keepdims),
    "mean": lambda x, axis=None, keepdims=False: np.mean(x, axis=_tuple(axis), keepdims=keepdims),
    "spread": lambda x, shape, axis=(): np.broadcast_to(np.expand_dims(x, tuple(axis)), shape),
    "softmax": lambda x, axis=-1: _exp(x) / np.sum(_exp(x), axis=_tuple(axis), keepdims=True),
    "softmin": lambda x, axis=-1: _exp(-x) / np.sum(_exp(-x), axis=_tuple(axis), keepdims=True),
    "log_softmax": lambda x, axis=-1: x - _log(np.sum(_exp(x), axis=_tuple(axis), keepdims=True)),
    "logsumexp": lambda x, axis=None, keepdims=False: _log(
        np.sum(_exp(x), axis=_tuple(axis), keepdims=keepdims)
    ),
}


def _tuple(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


_exp, _log = elementwise(np.exp, mp.exp), elementwise(np.log, mp.log)


# --- as torch functions -------------------------------------------------------------------------


def torch_functions() -> dict[str, Callable[..., Any]]:
    """Op name → torch function."""
    t = torch()
    return {
        "matmul": t.matmul,
        "outer": t.outer,
        "transpose": lambda x, axes=None: x.permute(axes or list(reversed(range(x.ndim)))),
        "reshape": lambda x, shape: x.reshape(shape),
        "sum": _torch_reduction(t.sum),
        "mean": _torch_reduction(t.mean),
        "spread": _torch_spread,
        "softmax": lambda x, axis=-1: _torch_log_softmax(x, axis).exp(),
        "softmin": lambda x, axis=-1: _torch_log_softmax(-x, axis).exp(),
        "log_softmax": _torch_log_softmax,
        "logsumexp": _torch_reduction(t.logsumexp),
    }


def _torch_reduction(function: Callable[..., Any]) -> Callable[..., Any]:
    def reduce(x: Any, axis: Any = None, keepdims: bool = False) -> Any:
        axes = list(range(x.ndim)) if axis is None else axis
        # An empty list of axes means all of them to torch, and none to NumPy.
        return x if axes == [] else function(x, dim=axes, keepdim=keepdims)

    return reduce


def _torch_spread(x: Any, shape: Any, axis: Any = ()) -> Any:
    for one in sorted(axis):
        x = x.unsqueeze(one)
    return x.expand(shape)


def _torch_log_softmax(x: Any, axis: Any = -1) -> Any:
    # torch's own log_softmax takes no more than one axis.
    return x - torch().logsumexp(x, dim=axis, keepdim=True)
