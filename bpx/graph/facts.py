"""Facts of op rows: how an op is written, where it is smooth, and which values it refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from bpx.graph.arrays import Settings, Shape


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

    `shown` is the same function as people write it, where `of` is written so that float64 loses nothing.
    A guard that is 0 again and again is so where `counter` is whole: between two points where it has one sign
    there may be any number of kinks.
    """

    kind: Literal["positive", "nonnegative", "nonzero", "kink"]
    of: Callable[..., Any]
    shown: Callable[..., Any] | None = None
    counter: Callable[..., Any] | None = None

    def written(self, *args: Any) -> Any:
        """The expression for people."""
        return (self.shown or self.of)(*args)


class BuiltGuard(NamedTuple):
    """A guard of a node, its expression, and the one for people: most often the same."""

    guard: Guard
    expr: Any
    shown: Any


KINKS = ("kink",)  # kinds of guards where an op is defined, but not differentiable
BOUNDARIES = ("positive", "nonnegative", "nonzero")  # and where its domain ends


class Refusal(NamedTuple):
    """Why an op takes no such value of an arg, as a class that is no whole number: a code and facts."""

    code: str
    facts: dict[str, Any]


def no_guards(*args: Any) -> Sequence[Guard]:
    """Those of an op that is smooth everywhere."""
    return ()


@dataclass(frozen=True, eq=False)
class OpFacts:
    """One row of the op table; `bpx.ops.building.row` has the builders.

    `local(*args, out)` gives one local derivative per arg, for elementwise ops; `pull(upstream, *args, out,
    **settings)` gives one contribution per arg, for the others (None for an arg that the op is flat in). Both
    are ordinary functions of `Expr` handles: applied, they build the nodes that are shown and that run. A
    composite op needs no rule: it follows from what the op expands to.
    """

    name: str
    value: Callable[..., Any]
    args: tuple[str, ...] = ()
    local: Callable[..., tuple[Any, ...]] | None = None
    pull: Callable[..., tuple[Any, ...]] | None = None
    shape: Callable[..., Shape] | None = None  # None: args broadcast, elementwise
    settings: Settings = field(default_factory=dict)
    arrange: Callable[..., Settings] | None = None  # (*shapes, **settings) → settings in full
    notation: Notation | None = None
    unit: tuple[float | None, ...] = ()  # this constant as that arg makes the op return the other
    absorb: float | None = None  # this constant as any arg is the result
    guards: Callable[..., Sequence[Guard]] = no_guards
    witness: tuple[Any, ...] | None = None  # a point on the kink
    chooses: tuple[int, ...] = ()  # positions of args that only choose between the others
    expands: Callable[..., Any] | None = None
    computes: Callable[..., Any] | None = None  # the same, as its value is computed, where that is faster
    aliases: tuple[str, ...] = ()
    defaults: tuple[float, ...] = ()  # of the last args, for where they are left out
    variadic: bool = False  # takes more args, each like the last
    # (*values of args, **settings) → why the op cannot take them; its value is not a number then
    refuses: Callable[..., Refusal | None] | None = None
    by_parts: bool = False  # its value is computed by running what it expands to
    sample: tuple[Shape, ...] = ()  # shapes of args to show the op for; empty: any will do
    sample_settings: Settings = field(default_factory=dict)
    linear: bool = False  # in each of its args, the others held
    quoted: int = 0  # so many of its first args are only written: the value is that of the others alone
    # Axes along which elements of x act on each other's outputs, by x's shape; slices along others do not.
    mixes: Callable[..., tuple[int, ...]] | None = None
    # (directions in a leading axis, arg, out, size=) → slopes along these; of their terms, if size is np.abs
    slopes: Callable[..., Any] | None = None

    @property
    def elementwise(self) -> bool:
        """Whether every output element depends on the matching arg elements alone."""
        return self.local is not None

    @property
    def composite(self) -> bool:
        """Whether the op is nothing but a name for simpler ones, worked on as a whole."""
        primitive = self.elementwise or self.linear or self.mixes is not None
        return self.expands is not None and not primitive

    @property
    def optional(self) -> dict[str, float]:
        """The args that may be left out, with the value they have then."""
        return dict(zip(self.args[len(self.args) - len(self.defaults) :], self.defaults, strict=True))

    @property
    def arg_forms(self) -> tuple[str, ...]:
        """The args as a call has them: `x`, and `slope=0.01` for one that may be left out."""
        return tuple(f"{n}={self.optional[n]:g}" if n in self.optional else n for n in self.args)
