"""Builders of op rows: `elem` for elementwise ops, `structural` for others, `composite` for combinations.

A row holds everything bpx knows about an op; `register` puts it into the table under its name. The
names of an op's args are those of its rule's parameters.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import methodcaller
from typing import Any, Literal

import numpy as np

from bpx.graph.arrays import Settings, Shape, ShapeError
from bpx.graph.facts import Guard, Notation, Refusal, no_guards
from bpx.graph.graph import OPS, Op
from bpx.graph.subgraph import expansion
from bpx.words.say import say

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
    defaults: tuple[float, ...] = (),
    refuses: Callable[..., Refusal | None] | None = None,
    expands: Maker | None = None,
    aliases: tuple[str, ...] = (),
) -> Op:
    """An elementwise op: `local(*args, out)` gives ∂out/∂arg for each arg, in order.

    `positive`, `nonnegative`, `nonzero` and `kink` are guard expressions (see `Guard`); `guards`
    computes them instead where they depend on what the args are. `defaults` are the values of the last
    args where they are left out.
    """
    kinks = [kink] if callable(kink) else kink
    facts = _guards(positive=[positive], nonnegative=[nonnegative], nonzero=[nonzero], kink=kinks)
    return register(
        Op(
            name,
            value,
            _parameters(local)[:-1],
            local=local,
            notation=notation,
            unit=unit,
            absorb=absorb,
            guards=guards or ((lambda *args: facts) if facts else no_guards),
            witness=witness,
            chooses=chooses,
            defaults=defaults,
            refuses=refuses,
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
    args: tuple[str, ...] = (),
    defaults: tuple[float, ...] = (),
    variadic: bool = False,
    chooses: tuple[int, ...] = (),
    settings: Settings | None = None,
    arrange: Callable[..., Settings] | None = None,
    linear: bool = False,
    mixes: Callable[..., tuple[int, ...]] | None = None,
    slopes: Callable[..., Any] | None = None,
    refuses: Callable[..., Refusal | None] | None = None,
    expands: Maker | None = None,
    aliases: tuple[str, ...] = (),
    sample: tuple[Shape, ...] = (),
    sample_settings: Settings | None = None,
) -> Op:
    """An op that moves or mixes elements: `pull(upstream, *args, out, **settings)` gives contributions.

    `value` takes the settings and `batch` (how many batch axes stand last, 0 or 1) by keyword. Either
    the op is `linear` in each of its args (those it `chooses` by aside), or it has one arg and says along
    which axes it `mixes` it; one without parts tells the checker by `slopes` how its value moves. A
    `variadic` one names its `args`; `defaults` are the values of the last ones, for where they are left out.
    `sample` and `sample_settings` are what it is shown for.
    """
    return register(
        Op(
            name,
            value,
            args or _parameters(pull)[1:-1],
            defaults=defaults,
            pull=pull,
            shape=shape,
            settings=settings or {},
            arrange=arrange,
            notation=notation,
            linear=linear,
            mixes=mixes,
            slopes=slopes,
            chooses=chooses,
            refuses=refuses,
            expands=expands,
            aliases=aliases,
            variadic=variadic,
            sample=sample,
            sample_settings=sample_settings or {},
        )
    )


def composite(
    name: str,
    expands: Maker,
    *,
    args: tuple[str, ...] = (),
    variadic: bool = False,
    defaults: tuple[float, ...] = (),
    settings: Settings | None = None,
    arrange: Callable[..., Settings] | None = None,
    value: Callable[..., Any] | None = None,
    computes: Maker | None = None,
    pull: Callable[..., tuple[Any, ...]] | None = None,
    refuses: Callable[..., Refusal | None] | None = None,
    aliases: tuple[str, ...] = (),
    sample: tuple[Shape, ...] = (),
    sample_settings: Settings | None = None,
) -> Op:
    """An op that is a name for simpler ones: `expands(*args, **settings)` builds them.

    Shape, value and rule follow from these. A `value` that is faster, others that `computes` builds for it,
    or a `pull` that reads like the textbook's, may be given beside them, as `structural` has them; they must
    give the same.
    """

    op = Op(
        name,
        value or _value_of_expansion(lambda: op),
        args or _parameters(expands),
        pull=pull,
        shape=_shape_of_expansion(lambda: op),
        settings=settings or {},
        arrange=arrange,
        refuses=refuses,
        expands=expands,
        computes=computes,
        aliases=aliases,
        defaults=defaults,
        variadic=variadic,
        by_parts=value is None and computes is None,
        sample=sample,
        sample_settings=sample_settings or {},
    )
    return register(op)


def _shape_of_expansion(row: Callable[[], Op]) -> Callable[..., Shape]:
    """The shape of what a composite op expands to; `row` gives the op, which there is not yet."""

    def shape(*shapes: Shape, **settings: Any) -> Shape:
        op = row()
        try:
            inside = expansion(op, shapes, settings)
        except ShapeError as error:
            # The report names the op that the user wrote, and what went wrong inside.
            raise ShapeError(op.name, shapes, inside=error) from None
        return inside.graph.shapes[inside.root]

    return shape


def _value_of_expansion(row: Callable[[], Op]) -> Callable[..., Any]:
    """The value of the ops that a composite op stands for, by running them."""

    def value(*args: Any, batch: int, **settings: Any) -> Any:
        shapes = [np.shape(arg)[: np.ndim(arg) - batch] for arg in args]
        return expansion(row(), shapes, settings, as_computed=True).run(args, batch=bool(batch))

    return value


def by_method(name: str, function: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """`function` for float64; for the numbers of an object array, their method of that name.

    For what no ufunc asks of them: most ufuncs, as `np.exp`, call the method of their own name.
    """
    of_objects = np.frompyfunc(methodcaller(name), 1, 1)
    return lambda x: of_objects(x) if np.asarray(x).dtype.hasobject else function(x)


def by_class(function: Callable[..., Any], of_objects: Callable[..., Any]) -> Callable[..., Any]:
    """`function` for float64; for the numbers of object arrays, the same in functions that these know."""
    return lambda *args: (
        of_objects(*args) if any(np.asarray(arg).dtype.hasobject for arg in args) else function(*args)
    )


def register(op: Op) -> Op:
    """Put a row into the table; a second row of the same name is a programming error."""
    for name in (op.name, *op.aliases):
        if name in OPS:
            raise ValueError(say("python.op-twice", op=name))
        OPS[name] = op
    return op


def _guards(**expressions: Sequence[Maker | None]) -> list[Guard]:
    """The guards of each kind, in order."""
    kinds: Any = expressions.items()
    return [Guard(kind, expression) for kind, every in kinds for expression in every if expression]


def _parameters(rule: Callable[..., Any]) -> tuple[str, ...]:
    """The positional parameters of a rule (its settings are keyword-only)."""
    return rule.__code__.co_varnames[: rule.__code__.co_argcount]
