"""The op table as people read it, computed from the rows: rules printed, conventions evaluated."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.facts import Guard
from bpx.graph.formula import MOST_IN_A_RULE, formula, ops_written, symbol
from bpx.graph.graph import OPS, Expr, Graph, Op
from bpx.graph.numbers import SHOWN_DIGITS, number, shape_text
from bpx.graph.run import run
from bpx.graph.subgraph import guards
from bpx.ops import rows
from bpx.passes.reverse import pullback
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import has_sentence, say

_SAMPLE_SHAPE = (2, 3)
_UPSTREAM = "upstream"
# What guards of a composite op are shown; of more, or of longer ones, it is said that they are inside.
_MOST_GUARDS, _MOST_IN_A_GUARD = 2, 4


class OpEntry(NamedTuple):
    """One op: how it is written, its rule, where it is defined and smooth, what it does at a kink."""

    name: str
    written: str
    also: tuple[str, ...]
    settings: tuple[str, ...]
    rule: dict[str, str]  # arg → local derivative, or (for structural ops) what the arg gets
    domain: tuple[str, ...]
    convention: str | None
    expands: str | None
    pattern: str
    sample: tuple[str, ...]  # the shapes of the args that the rule is shown for, where it depends on them

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return self._asdict()


def op_entry(name: str) -> OpEntry:
    """The entry of an op, by its name or an alias. Raises `BpxError` for an unknown one."""
    by_symbol = {
        symbol: op for op in rows() if op.notation for symbol in (op.notation.symbol, *op.notation.also)
    }
    if name in by_symbol:
        return _entry(by_symbol[name])
    if name not in OPS:
        raise BpxError([Diagnostic("unknown-op", None, {"name": name}, "list-ops").suggesting(name, OPS)])
    return _entry(OPS[name])


def op_entries() -> list[OpEntry]:
    """The entries of all ops, in the order of the table."""
    return [_entry(op) for op in rows()]


def _entry(op: Op) -> OpEntry:
    sample = _Sample(op)
    return OpEntry(
        op.name,
        f"{op.name}({', '.join(op.arg_forms)})" if op.defaults else sample.text(sample.out),
        (*(op.notation.also if op.notation else ()), *op.aliases),
        tuple(op.settings),
        sample.rule(),
        sample.domain(),
        sample.convention(),
        sample.expansion(),
        pattern_text(op),
        () if op.elementwise else tuple(shape_text(arg.shape) for arg in sample.args),
    )


def pattern_text(op: Op, positions: Container[int] | None = None) -> str:
    """What the op does with the upstream gradient, for the args at `positions` (all where None).

    A sentence of the catalogue is for all args or for one, `pattern.pow.x`; without one the rule is printed.
    """
    if has_sentence(f"pattern.{op.name}"):
        return say(f"pattern.{op.name}")
    args = [arg for position, arg in enumerate(op.args) if positions is None or position in positions]
    known = [say(f"pattern.{op.name}.{arg}") for arg in args if has_sentence(f"pattern.{op.name}.{arg}")]
    return say("word.gap").join(known or _printed_pattern(op, args))


def _printed_pattern(op: Op, args: Sequence[str]) -> Iterator[str]:
    kind = "contribution" if op.local is None else "local" if len(op.args) == 1 else "local-of"
    rule = _Sample(op).rule()
    return (say(f"pattern-of-rule.{kind}", op=op.name, rule=rule[arg], arg=arg) for arg in args)


def meaning(op: Op) -> str | None:
    """`sigmoid(x) = 1 / (1 + exp(-x))`, for elementwise ops that are written in simpler ones."""
    if op.expands is None or not op.elementwise:
        return None
    sample = _Sample(op)
    return f"{sample.text(sample.out)} = {sample.expansion()}"


class _Sample:
    """The op applied to args of its own names, in a graph of its own."""

    def __init__(self, op: Op) -> None:
        self.op, self.graph = op, Graph()
        shapes = op.sample or [() if op.elementwise else _SAMPLE_SHAPE] * len(op.args)
        self.args = [self.graph.input(shape) for shape in shapes]
        # Args with defaults need not be shown.
        self.names = {expr.id: symbol(name) for expr, name in zip(self.args, op.args, strict=False)}
        self.out = self.graph.add(op, *self.args, **op.sample_settings)
        self.settings = self.graph.settings[self.out.id]

    def text(self, expr: Any) -> str:
        expr = self.graph.lift(expr)
        return str(formula(self.graph, expr.id, self.names, open_root=expr.id == self.out.id))

    def rule(self) -> dict[str, str]:
        if self.op.local:
            factors: Iterable[Any] = self.op.local(*self.out.args, self.out)
        else:
            upstream = self.graph.input(self.out.shape)
            self.names[upstream.id] = symbol(_UPSTREAM)
            factors = pullback(self.op, upstream, self.out.args, self.out, self.settings)
        # Inside its own rule the op's output is called by what it is: exp(x), not out.
        return {arg: self.rule_text(factor) for arg, factor in zip(self.op.args, factors, strict=False)}

    def rule_text(self, factor: Any) -> str:
        if factor is None:
            return "0"
        has_own_rule = self.op.local or self.op.pull
        long = ops_written(self.graph, self.graph.lift(factor).id, self.names) > MOST_IN_A_RULE
        return say("ops.by-parts") if long and not has_own_rule else self.text(factor)

    def domain(self) -> tuple[str, ...]:
        if has_sentence(f"domain.{self.op.name}"):  # where no expression of the args says it
            return (say(f"domain.{self.op.name}"),)
        built = [(guard, shown) for guard, _, shown in guards(self.out) if self.varies(shown)]
        texts = tuple(dict.fromkeys(self.guard_text(guard, expr) for guard, expr in built))
        long = any(ops_written(self.graph, expr.id, self.names) > _MOST_IN_A_GUARD for _, expr in built)
        if self.op.composite and (long or len(texts) > _MOST_GUARDS):
            return (say("ops.inside"),)
        return texts or (say("ops.everywhere"),)

    def varies(self, expr: Expr) -> bool:
        """Does it rest on an arg? The square root of a length, inside an op, is defined for good."""
        return any(arg.id in self.graph.needs(of=[expr.id]) for arg in self.args)

    def guard_text(self, guard: Guard, expr: Expr) -> str:
        text = self.text(expr)
        if guard.kind == "kink":
            return say("ops.kink", guard=text)
        if guard.kind == "nonnegative":
            need, smooth = (say(f"need.{kind}", guard=text) for kind in ("nonnegative", "strict"))
            return say("word.comma").join([say("ops.defined", need=need), say("ops.smooth", need=smooth)])
        return say("ops.defined", need=say(f"need.{guard.kind}", guard=text))

    def convention(self) -> str | None:
        """The partials evaluated at the witness, a point on the kink."""
        if self.op.witness is None or self.op.local is None:
            return None
        coordinates = {
            expr.id: np.float64(value) for expr, value in zip(self.args, self.op.witness, strict=True)
        }
        nodes = [self.graph.lift(factor).id for factor in self.op.local(*self.out.args, self.out)]
        values = run(self.graph, coordinates, nodes)
        point = ", ".join(
            f"{name} = {number(value)}" for name, value in zip(self.op.args, self.op.witness, strict=True)
        )
        return say(
            "ops.convention",
            point=point,
            count=len(nodes),
            locals=", ".join(number(float(values[node]), SHOWN_DIGITS) for node in nodes),
        )

    def expansion(self) -> str | None:
        if self.op.expands is None:
            return None
        expr: Expr = self.op.expands(*self.out.args, **self.settings)
        return self.text(expr)
