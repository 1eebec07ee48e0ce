"""What a small change of each entry does to the output: done, and as the gradient predicts it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Self

import numpy as np

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import Passes
from bpx.explain.query.section import Section, SectionOptions
from bpx.graph.arrays import Array, Indices
from bpx.graph.numbers import SHOWN_DIGITS, index_text, number
from bpx.graph.run import run
from bpx.graph.subgraph import guards
from bpx.passes.domain import fixed_choices, written
from bpx.passes.reverse import reverse
from bpx.render.blocks import Block, Cell, Heading, Lines, Table, Value
from bpx.render.plain_data import plain_value
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import say, visible

MOST_ENTRIES = 20_000
MOST_SHOWN = 20
_MOST_AT_ONCE = 2**22  # numbers of all nodes in one run, as in a sweep
# A change that differs from the prediction by more than this part of the larger one is explained.
_STRONG = 0.1
# The second-order term explains the difference if it leaves no more than this part of it.
_EXPLAINED = 0.25
_NOISE = 1e-12  # of the output: what rounding of two forward passes may leave as a difference


class Change(NamedTuple):
    """One entry changed: its value before and after, the output then, its change, and the terms of Taylor.

    `cause` says why the change differs strongly from the prediction, where it does: `kink` (of the nodes
    `kinks`), `curvature`, `higher` or `outside` (no value there).
    """

    name: str
    entry: tuple[int, ...]
    before: float
    after: float
    output: float
    change: float
    predicted: float
    second: float
    cause: str | None = None
    kinks: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """The entry as people write it."""
        return f"{self.name}{index_text(self.entry)}"


@dataclass(frozen=True, eq=False)
class Sensitivity(Section):
    """All changes by `step`, the largest first; `base` is the output without any."""

    step: float
    base: float
    changes: tuple[Change, ...]

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self | None:
        """Raises `BpxError` for a step that changes nothing, and where there are too many entries."""
        if options.sensitivity is None:
            return None
        step = options.sensitivity
        if not math.isfinite(step) or step == 0:
            raise BpxError([Diagnostic("bad-change", None, {"found": step})])
        size = sum(math.prod(query.graph.shapes[node]) for node in query.wrt.values())
        if size > MOST_ENTRIES:
            facts = {"size": f"{size:,}", "most": f"{MOST_ENTRIES:,}"}
            raise BpxError([Diagnostic("too-many-changes", None, facts)])
        changed = _Changed(query, step)
        changes = [change for name in query.wrt for change in changed.of(name)]
        changes.sort(key=lambda change: -abs(change.change) if math.isfinite(change.change) else -math.inf)
        return cls(step, changed.base, tuple(changes))

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """Every change."""
        rows = [
            {
                "name": change.name,
                "index": list(change.entry),
                **{key: plain_value(getattr(change, key)) for key in ("before", "after", "output", "change")},
                "predicted": plain_value(change.predicted),
                "second_order": plain_value(change.second),
                "cause": change.cause,
                "kinks": list(change.kinks),
            }
            for change in self.changes
        ]
        return {"sensitivity": {"step": self.step, "base": plain_value(self.base), "changes": rows}}

    def blocks(self, passes: Passes) -> Iterator[Block]:
        """The largest change in words, a row for each, and why some differ from the prediction."""
        output, step = visible(passes.names[passes.output]), _signed(self.step)
        yield Heading(say("account.sensitivity", step=step, output=output))
        if not self.changes:
            return
        shown = self.changes[:MOST_SHOWN]
        headers = [say(f"account.{key}") for key in ("changed-entry", "before", "after")]
        headers += [output, say("account.change"), say("account.prediction")]
        rows: list[tuple[Cell, ...]] = [
            (change.label, *map(Value, (change.before, change.after)), *_results(change)) for change in shown
        ]
        yield Table(tuple(headers), tuple(rows), frozenset(range(1, 6)))
        yield Lines(tuple(self._sentences(shown, output)))

    def _sentences(self, shown: Sequence[Change], output: str) -> Iterator[str]:
        left = len(self.changes) - len(shown)
        if left:
            yield say("account.left-out", count=left)
        yield say("sensitivity.base", output=output, base=number(self.base, SHOWN_DIGITS))
        first = shown[0]
        if math.isfinite(first.change):
            facts = {"name": first.label, "step": _signed(self.step), "output": output}
            facts |= {"change": _signed(first.change), "predicted": _signed(first.predicted)}
            yield say("sensitivity.largest", **facts)
        for change in shown:
            if change.cause:
                yield _explained(change, self.step)


def _explained(change: Change, step: float) -> str:
    """Why a change differs strongly from its prediction."""
    facts = {
        "name": change.label,
        "difference": _signed(change.change - change.predicted),
        "second": _signed(change.second),
        "kinks": ", ".join(f"`{kink}`" for kink in change.kinks),
        "step": number(abs(step), SHOWN_DIGITS),
    }
    return say(f"sensitivity.{change.cause}", **facts)


def _results(change: Change) -> tuple[Cell, ...]:
    """The output after a change, the change of the output, and the prediction."""
    done = (change.output, change.change) if math.isfinite(change.output) else (math.nan, math.nan)
    return tuple(map(_cell, (*done, change.predicted)))


def _cell(value: float) -> Cell:
    return say("sweep.no-value") if math.isnan(value) else Value(value)


def _signed(value: float) -> str:
    text = number(value, SHOWN_DIGITS)
    return text if text.startswith("-") else f"+{text}"


class _Changed:
    """The forward pass with changed entries, many of them in one batched run."""

    def __init__(self, query: GradientQuery, step: float) -> None:
        self.query, self.graph, self.step = query, query.graph, step
        self.inputs = {leaf.node: leaf.value[..., np.newaxis] for leaf in query.spec.inputs}
        self.seed = np.asarray(query.seed)[..., np.newaxis]
        self.base = float(self.total(query.values[query.output][..., np.newaxis])[0])
        fixed = fixed_choices(query.spec, query.wrt.values())
        self.guarded = [node for node in self.graph.needs(of=[query.output]) if node not in fixed]

    def total(self, outputs: Array) -> Array:
        """The output weighted by the upstream gradient, a number for each of the batch."""
        weighted = outputs * self.seed
        return np.asarray(weighted.reshape(-1, weighted.shape[-1]).sum(axis=0))

    def of(self, name: str) -> Iterator[Change]:
        """A change for each entry of a node."""
        node = self.query.wrt[name]
        shape, values = self.graph.shapes[node], np.asarray(self.query.values[node], dtype=np.float64)
        before, predicted = values.ravel(), np.ravel(self.query.gradient(node)) * self.step
        second = self.second(node)
        nodes = self.graph.needs(of=[self.query.output, *self.graph.args[node]])
        at_once = max(1, _MOST_AT_ONCE // sum(math.prod(self.graph.shapes[at]) for at in nodes))
        for start in range(0, before.size, at_once):
            places = np.arange(start, min(start + at_once, before.size))
            outputs = self.run(node, places, [self.query.output])[self.query.output]
            totals = np.broadcast_to(self.total(outputs), places.shape)
            for place, total in zip(places.tolist(), totals.tolist(), strict=True):
                entry = tuple(map(int, np.unravel_index(place, shape))) if shape else ()
                old = float(before[place])
                terms = float(predicted[place]), float(second[place])
                yield self.judged(
                    Change(name, entry, old, old + self.step, total, total - self.base, *terms), node, place
                )

    def run(self, node: int, places: Indices, targets: Sequence[int]) -> dict[int, Array]:
        """The values of nodes where each of the entries is changed, one in each run of the batch."""
        values = np.repeat(np.asarray(self.query.values[node])[..., np.newaxis], len(places), axis=-1)
        flat = values.reshape(-1, len(places))
        flat[places, np.arange(len(places))] += self.step
        return dict(run(self.graph, {**self.inputs, node: values}, targets, batch=True))

    def second(self, node: int) -> Array:
        """½ step² ∂²output/∂entry² of each entry: the diagonal of the Hessian, by a one-hot upstream each."""
        graph, shape = self.graph, self.graph.shapes[node]
        size, gradient = math.prod(shape), self.query.ledger.gradient(node)
        diagonal = np.zeros(size)
        if gradient is None:
            return diagonal
        seed = graph.input(shape)
        derived = reverse(gradient, [graph[node]], seed).gradient(node)
        if derived is None:
            return diagonal
        at_once = max(1, _MOST_AT_ONCE // (size * len(graph.needs(of=[derived.id]))))
        for start in range(0, size, at_once):
            places = np.arange(start, min(start + at_once, size))
            one_hot = np.zeros((size, len(places)))
            one_hot[places, np.arange(len(places))] = 1
            known = {**self.inputs, seed.id: one_hot.reshape(*shape, len(places))}
            value = run(graph, known, [derived.id], batch=True)[derived.id]
            rows = np.broadcast_to(value, (*shape, len(places))).reshape(size, len(places))
            diagonal[places] = rows[places, np.arange(len(places))]
        return self.step * (self.step / 2 * diagonal)

    def judged(self, change: Change, node: int, place: int) -> Change:
        """The change with the cause, where it differs strongly from what is predicted."""
        if not math.isfinite(change.output):
            return change._replace(cause="outside")
        gap = change.change - change.predicted
        noise = _NOISE * max(abs(change.output), abs(self.base))
        if abs(gap) <= max(_STRONG * max(abs(change.change), abs(change.predicted)), noise):
            return change
        if abs(gap - change.second) <= _EXPLAINED * abs(gap):
            return change._replace(cause="curvature")
        kinks = tuple(self.crossed(node, place))
        return change._replace(cause="kink" if kinks else "higher", kinks=kinks)

    def crossed(self, node: int, place: int) -> Iterator[str]:
        """The nodes of which a kink lies between both values of an entry, or at the first."""
        moved = self.graph.touched(by=[node], upto=self.query.output)
        checked = [at for at in self.guarded if moved[at] and at != node]
        exprs = {
            at: [expr.id for guard, expr, _ in guards(self.graph[at]) if guard.kind == "kink"]
            for at in checked
        }
        targets = [expr for every in exprs.values() for expr in every]
        here = run(self.graph, self.inputs, targets, batch=True)
        there = self.run(node, np.array([place]), targets)
        for at, every in exprs.items():
            if any(np.any((here[e] != there[e]) & (here[e] * there[e] <= 0)) for e in every):
                yield written(self.query.spec, at)
