"""Activation functions of neural networks."""

from __future__ import annotations

from typing import Any

import numpy as np

from bpx.ops.functions import exp, log
from bpx.ops.row import elem
from bpx.ops.selection import where


def _sigmoid(x: Any) -> Any:
    """1/(1+exp(-x)) written so that exp never overflows."""
    small = np.exp(-np.abs(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


sigmoid = elem(
    "sigmoid",
    _sigmoid,
    lambda x, out: (out * (1 - out),),
    expands=lambda x: 1 / (1 + exp(-x)),
    aliases=("σ",),
)
relu = elem(
    "relu",
    lambda x: np.maximum(x, 0.0),
    lambda x, out: (x > 0,),
    kink=lambda x: x,
    witness=(0,),
    expands=lambda x: where(x > 0, x, 0),
)
softplus = elem(
    "softplus",
    lambda x: np.maximum(x, 0.0) + np.log1p(np.exp(-np.abs(x))),
    lambda x, out: (sigmoid(x),),
    expands=lambda x: log(1 + exp(x)),
)
