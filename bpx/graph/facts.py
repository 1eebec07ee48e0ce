"""Facts of op rows: how an op is written, where it is smooth, and which values it refuses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, NamedTuple


class Notation(NamedTuple):
    """How an op is written: `x + y`, `-x`, `x.T`, `x[0]`; without a notation it is a call, `exp(x)`."""

    place: Literal["infix", "prefix", "postfix", "index"]
    symbol: str
    precedence: int
    groups: Literal["left", "right", "none"] = "left"  # a-b-c = (a-b)-c; a^b^c = a^(b^c); no a<b<c
    also: tuple[str, ...] = ()  # other spellings understood on reading


class Guard(NamedTuple):
    """A fact about where an op is smooth, as an expression of its args.

    - `positive`: defined and smooth where the expression is > 0
    - `nonnegative`: defined where it is ≥ 0, smooth where it is > 0
    - `nonzero`: defined and smooth where it is not 0
    - `kink`: defined everywhere, smooth where it is not 0
    """

    kind: Literal["positive", "nonnegative", "nonzero", "kink"]
    of: Callable[..., Any]


class Refusal(NamedTuple):
    """Why an op takes no such value of an arg, as a class that is no whole number: a code and facts."""

    code: str
    facts: dict[str, Any]


class Elimination(NamedTuple):
    """What the checker knows, apart from the rule, of an op of matrices that elimination computes.

    `slopes(directions, arg, out, size=)` says how fast the value moves along directions of the arg, which
    stand in a leading axis; with np.abs as `size`, how large the terms are that these slopes are sums of.
    `sums(arg, out)` is of the arg's shape: how large the numbers are that elimination adds up at each element,
    |L| · |U|. The computed value is that of an arg that is off by the rounding of these.
    """

    slopes: Callable[..., Any]
    sums: Callable[..., Any]
