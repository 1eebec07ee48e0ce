"""Builders of op rows: `elem` for elementwise ops, `structural` for the others.

A row holds everything bpx knows about an op; `register` puts it into the table under its name. The
names of an op's args are those of its rule's parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import methodcaller
from typing import Any, Literal

import numpy as np

from bpx.graph import OPS, Guard, Notation, Op, Settings, Shape

Maker = Callable[..., Any]


def infix(
    symbol: str, precedence: int, *also: str, groups: Literal["left", "right", "none"] = "left"
) -> Notation:
    """Written between its args; `also` are other spellings understood on reading."""
    return Notation("infix", symbol, precedence, groups, also)


def prefix(symbol: str, precedence: int, *also: str) -> Notation:
    """Written before its arg."""
    return Notation("prefix", symbol, precedence, also=also)


def postfix(symbol: str, precedence: int, *also: str) -> Notation:
    """Written behind its arg."""
    return Notation("postfix", symbol, precedence, also=also)


def elem(
    name: str,
    value: Callable[..., Any],
    local: Callable[..., tuple[Any, ...]],
    notation: Notation | None = None,
    *,
    unit: tuple[float | None, ...] = (),
    absorb: float | None = None,
    positive: Maker | None = None,
    nonnegative: Maker | None = None,
    nonzero: Maker | None = None,
    kink: Maker | Sequence[Maker] = (),
    guards: Callable[..., Sequence[Guard]] | None = None,
    witness: tuple[float, ...] | None = None,
    chooses: tuple[int, ...] = (),
    expands: Maker | None = None,
    aliases: tuple[str, ...] = (),
) -> Op:
    """An elementwise op: `local(*args, out)` gives ∂out/∂arg for each arg, in order.

    `positive`, `nonnegative`, `nonzero` and `kink` are guard expressions (see `Guard`); `guards`
    computes them instead where they depend on what the args are.
    """
    facts = [
        *_guards("positive", positive),
        *_guards("nonnegative", nonnegative),
        *_guards("nonzero", nonzero),
        *_guards("kink", *([kink] if callable(kink) else kink)),
    ]
    return register(
        Op(
            name,
            value,
            _parameters(local)[:-1],
            local=local,
            notation=notation,
            unit=unit,
            absorb=absorb,
            guards=guards or (lambda *args: facts),
            witness=witness,
            chooses=chooses,
            expands=expands,
            aliases=aliases,
        )
    )


def structural(
    name: str,
    value: Callable[..., Any],
    pull: Callable[..., tuple[Any, ...]],
    shape: Callable[..., Shape],
    notation: Notation | None = None,
    *,
    settings: Settings | None = None,
    arrange: Callable[..., Settings] | None = None,
    linear: bool = False,
    mixes: Callable[..., tuple[int, ...]] | None = None,
    expands: Maker | None = None,
    aliases: tuple[str, ...] = (),
) -> Op:
    """An op that moves or mixes elements: `pull(upstream, *args, out, **settings)` gives contributions.

    `value` takes the settings and `batch` (how many batch axes stand last, 0 or 1) by keyword. Either
    the op is `linear` in each of its args, or it has one arg and says along which axes it `mixes` it.
    """
    return register(
        Op(
            name,
            value,
            _parameters(pull)[1:-1],
            pull=pull,
            shape=shape,
            settings=settings or {},
            arrange=arrange,
            notation=notation,
            linear=linear,
            mixes=mixes,
            expands=expands,
            aliases=aliases,
        )
    )


def by_method(name: str, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`function` for float64; the numbers of an object array are asked by a method of that name.

    For what no ufunc asks of them: most ufuncs, as `np.exp`, call the method of their own name.
    """
    of_objects = np.frompyfunc(methodcaller(name), 1, 1)
    return lambda x: of_objects(x) if np.asarray(x).dtype.hasobject else function(x)


def register(op: Op) -> Op:
    """Put a row into the table; a second row of the same name is a programming error."""
    for name in (op.name, *op.aliases):
        if name in OPS:
            raise ValueError(f"op {name!r} is in the table already")
        OPS[name] = op
    return op


def _guards(kind: Any, *expressions: Maker | None) -> list[Guard]:
    return [Guard(kind, expression) for expression in expressions if expression]


def _parameters(rule: Callable[..., Any]) -> tuple[str, ...]:
    """The positional parameters of a rule (its settings are keyword-only)."""
    return rule.__code__.co_varnames[: rule.__code__.co_argcount]
