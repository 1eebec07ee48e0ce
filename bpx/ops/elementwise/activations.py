"""Activation functions of neural networks.

Names, order of args and defaults are PyTorch's. Slopes and bounds are args like any other, numbers or
nodes: they are broadcast against x, and have derivatives. So `prelu` is `leaky_relu`: one learnable slope
per feature stands along the last axis, where PyTorch's prelu has its channels in axis 1.

No value overflows, and small values keep their digits.

Conventions at kinks are PyTorch's. At 0, relu, leaky_relu, elu and selu take the slope of the left side. At
their bounds, relu6, hardtanh, hard_sigmoid and hard_swish take the slope that holds beyond them; of hardtanh
the bound that is met gets everything.

Sources: leaky_relu, Maas, Hannun and Ng (2013), and with a learnable slope He et al. (2015); elu, Clevert,
Unterthiner and Hochreiter (2016); selu, Klambauer et al. (2017); gelu and gelu_tanh, Hendrycks and Gimpel
(2016); silu, Elfwing, Uchibe and Doya (2018); swish, Ramachandran, Zoph and Le (2017); mish, Misra (2019);
hard_swish, Howard et al. (2019).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from bpx.graph.facts import Guard
from bpx.graph.graph import Expr
from bpx.ops.building.row import elem
from bpx.ops.elementwise.functions import erf, exp, expm1, log, sqrt, tanh
from bpx.ops.elementwise.selection import absolute, maximum, minimum, where


def _size(x: Any) -> Any:
    """|x|; of complex numbers x or -x, so that slopes along the imaginary axis are those of |x|."""
    return np.where(x.real >= 0, x, -x) if np.iscomplexobj(x) else np.abs(x)


def _sigmoid(x: Any) -> Any:
    """1/(1+exp(-x)) written so that exp never overflows."""
    small = np.exp(-_size(x))
    return np.where(x >= 0, 1.0, small) / (1.0 + small)


def _softplus(x: Any) -> Any:
    """log(1+exp(x)) written so that exp never overflows."""
    return np.maximum(x, 0.0) + np.log1p(np.exp(-_size(x)))


sigmoid = elem(
    "sigmoid",
    _sigmoid,
    lambda x, out: (out * (1 - out),),
    expands=lambda x: 1 / (1 + exp(-x)),
    aliases=("σ",),
)
softplus = elem("softplus", _softplus, lambda x, out: (sigmoid(x),), expands=lambda x: log(1 + exp(x)))
# Here and in swish, sigmoid(-x) rather than 1 - sigmoid(x): the same, without losing digits for large x.
logsigmoid = elem(
    "logsigmoid",
    lambda x: -_softplus(-x),
    lambda x, out: (sigmoid(-x),),
    expands=lambda x: log(sigmoid(x)),
)
softsign = elem(
    "softsign",
    lambda x: x / (1.0 + _size(x)),
    lambda x, out: (1 / (1 + absolute(x)) ** 2,),
    expands=lambda x: x / (1 + absolute(x)),
)


# --- a kink at 0 --------------------------------------------------------------------------------


def _kink_unless_smooth(smooth: float) -> Callable[[Expr, Expr], Sequence[Guard]]:
    """A kink at x = 0, but for one constant as the other arg, where both sides meet with one slope."""
    kink = Guard("kink", lambda x, other: x)
    return lambda x, other: [] if other.number == smooth else [kink]


relu = elem(
    "relu",
    lambda x: np.maximum(x, 0.0),
    lambda x, out: (x > 0,),
    kink=lambda x: x,
    witness=(0,),
    expands=lambda x: where(x > 0, x, 0),
)
leaky_relu = elem(
    "leaky_relu",
    lambda x, slope: np.where(x > 0, x, slope * x),
    lambda x, slope, out: (where(x > 0, 1, slope), minimum(x, 0)),
    guards=_kink_unless_smooth(1),
    witness=(0, 0.01),
    defaults=(0.01,),
    expands=lambda x, slope: where(x > 0, x, slope * x),
    aliases=("prelu",),
)
# min(x, 0) keeps exp from overflowing on the side that is not taken.
elu = elem(
    "elu",
    lambda x, alpha: np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0.0))),
    lambda x, alpha, out: (where(x > 0, 1, out + alpha), expm1(minimum(x, 0))),
    guards=_kink_unless_smooth(1),
    witness=(0, 2),
    defaults=(1,),
    expands=lambda x, alpha: where(x > 0, x, alpha * (exp(x) - 1)),
)

_SELU_SCALE, _SELU_ALPHA = 1.0507009873554804934193349852946, 1.6732632423543772848170429916717
_SELU_BELOW = _SELU_SCALE * _SELU_ALPHA


def _selu(x: Any) -> Any:
    return np.where(x > 0, _SELU_SCALE * x, _SELU_BELOW * np.expm1(np.minimum(x, 0.0)))


selu = elem(
    "selu",
    _selu,
    lambda x, out: (where(x > 0, _SELU_SCALE, out + _SELU_BELOW),),
    kink=lambda x: x,
    witness=(0,),
    expands=lambda x: _SELU_SCALE * elu(x, _SELU_ALPHA),
)


# --- a straight line between bounds -------------------------------------------------------------


hardtanh = elem(
    "hardtanh",
    lambda x, low, high: np.minimum(np.maximum(x, low), high),
    lambda x, low, high, out: (
        (x > low) * (x < high),
        (x <= low) * (low < high),
        maximum(x, low) >= high,
    ),
    kink=(lambda x, low, high: x - low, lambda x, low, high: x - high, lambda x, low, high: low - high),
    witness=(1, -1, 1),
    defaults=(-1, 1),
    expands=lambda x, low, high: where(maximum(x, low) >= high, high, where(x <= low, low, x)),
)
relu6 = elem(
    "relu6",
    lambda x: np.minimum(np.maximum(x, 0.0), 6.0),
    lambda x, out: ((x > 0) * (x < 6),),
    kink=(lambda x: x, lambda x: x - 6),
    witness=(0,),
    expands=lambda x: where(x < 6, where(x > 0, x, 0), 6),
)


def _hard_sigmoid(x: Any) -> Any:
    return np.minimum(np.maximum(x + 3.0, 0.0), 6.0) / 6.0


def _between_3s(x: Expr) -> Expr:
    return (x > -3) * (x < 3)


hard_sigmoid = elem(
    "hard_sigmoid",
    _hard_sigmoid,
    lambda x, out: (_between_3s(x) / 6,),
    kink=(lambda x: x + 3, lambda x: x - 3),
    witness=(3,),
    expands=lambda x: relu6(x + 3) / 6,
)
hard_swish = elem(
    "hard_swish",
    lambda x: x * _hard_sigmoid(x),
    lambda x, out: (hard_sigmoid(x) + x * _between_3s(x) / 6,),
    kink=(lambda x: x + 3, lambda x: x - 3),
    witness=(3,),
    expands=lambda x: x * relu6(x + 3) / 6,
)


# --- x times a gate that opens softly -----------------------------------------------------------


def _silu_slope(x: Expr) -> Expr:
    s = sigmoid(x)
    return s * (1 + x * (1 - s))


def _swish_slopes(x: Expr, beta: Expr, out: Expr) -> tuple[Expr, Expr]:
    s = sigmoid(beta * x)
    return s * (1 + beta * x * (1 - s)), out * (x * sigmoid(-beta * x))


def _mish_slope(x: Expr) -> Expr:
    t = tanh(softplus(x))
    return t + x * sigmoid(x) * (1 - t**2)


silu = elem(
    "silu",
    lambda x: x * _sigmoid(x),
    lambda x, out: (_silu_slope(x),),
    expands=lambda x: x * sigmoid(x),
)
swish = elem(
    "swish",
    lambda x, beta: x * _sigmoid(beta * x),
    _swish_slopes,
    defaults=(1,),
    expands=lambda x, beta: x * sigmoid(beta * x),
)
mish = elem(
    "mish",
    lambda x: x * np.tanh(_softplus(x)),
    lambda x, out: (_mish_slope(x),),
    expands=lambda x: x * tanh(softplus(x)),
)


# --- x times the share of a normal distribution that lies below it ------------------------------


def _erfc(x: Any) -> Any:
    return np.frompyfunc(math.erfc, 1, 1)(x).astype(np.float64) if np.ndim(x) else np.float64(math.erfc(x))


def _gate_of_gelu(x: Any) -> Any:
    """Φ(x), by erfc, which keeps the digits of the lower tail; numbers of more digits have enough of them."""
    if np.asarray(x).dtype.hasobject:
        return (1 + erf.value(x / np.sqrt(0 * x + 2))) / 2
    return _erfc(-x / math.sqrt(2)) / 2


def _root_of_constant(x: Expr, number: float) -> Expr:
    return sqrt(x.graph.constant(number))


def _share_below(x: Expr) -> Expr:
    """Φ(x), the share of the standard normal distribution below x."""
    return (1 + erf(x / _root_of_constant(x, 2))) / 2


def _bell(x: Expr) -> Expr:
    """φ(x) = Φ'(x), its density."""
    return exp(-(x**2) / 2) / (_root_of_constant(x, 2) * _root_of_constant(x, math.pi))


_TANH_SCALE, _TANH_CUBE = math.sqrt(2 / math.pi), 0.044715


def _gelu_tanh(x: Any) -> Any:
    """(1 + tanh u)/2 is sigmoid(2u), which keeps the digits of the lower tail; x*x*x is quicker than x**3."""
    return x * _sigmoid(2 * _TANH_SCALE * (x + _TANH_CUBE * (x * x * x)))


def _cubed_in(x: Expr) -> Expr:
    """What gelu_tanh(x) = x (1 + tanh(√(2/π) (x + 0.044715 x³)))/2 has beside its scale."""
    return x + _TANH_CUBE * x**3


def _gelu_tanh_slope(x: Expr, out: Expr) -> Expr:
    s = sigmoid(2 * _TANH_SCALE * _cubed_in(x))
    return s + out * (1 - s) * (2 * _TANH_SCALE * (1 + 3 * _TANH_CUBE * x**2))


gelu = elem(
    "gelu",
    lambda x: x * _gate_of_gelu(x),
    lambda x, out: (_share_below(x) + x * _bell(x),),
    expands=lambda x: x * _share_below(x),
)
gelu_tanh = elem(
    "gelu_tanh",
    _gelu_tanh,
    lambda x, out: (_gelu_tanh_slope(x, out),),
    expands=lambda x: x * (1 + tanh(_TANH_SCALE * _cubed_in(x))) / 2,
)
