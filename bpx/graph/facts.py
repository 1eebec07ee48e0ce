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
