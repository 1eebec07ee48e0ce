"""Third and higher derivatives by scalar inputs, each a gradient of a derivative of the order below."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import Passes
from bpx.explain.query.section import Section, SectionOptions
from bpx.graph.arrays import Array
from bpx.graph.graph import Expr, Graph
from bpx.graph.named.claim import higher_partial
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.passes.reverse import Ledger, reverse, zeros
from bpx.render.blocks import Block, Heading, Table, Value
from bpx.render.plain_data import plain_value
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import say

if TYPE_CHECKING:
    from bpx.check.quick_check import QuickCheck

HIGHEST = 8
LARGEST = 64  # derivatives of one order
MOST_NODES = 20_000  # a derivative may be some times as large as that of the order below


def check_order(order: int | None, spec: NamedGraph) -> None:
    """Before any pass: raise `BpxError` for an order that there is not, or of a graph too large for it."""
    if order is not None and not 1 <= order <= HIGHEST:
        raise BpxError([Diagnostic("bad-highest-order", None, {"found": order, "most": HIGHEST})])
    if (order or 1) > 2:
        _refuse_large(spec.graph)


def _refuse_large(graph: Graph) -> None:
    if len(graph) > MOST_NODES:
        raise BpxError([Diagnostic("higher-too-large", None, {"most": f"{MOST_NODES:,}"})])


class HigherRow(NamedTuple):
    """A derivative by the inputs `by`, in their order, each as often as it is derived by."""

    by: tuple[str, ...]
    value: float

    def name(self, output: str) -> str:
        """`∂³L/∂x²∂y`."""
        return higher_partial(output, self.by)


@dataclass(frozen=True, eq=False)
class HigherDerivatives(Section):
    """The derivatives of order 3 and up; `verdict` is the worst that differences say of any order."""

    rows: tuple[HigherRow, ...]
    verdict: str | None

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self | None:
        """Raises `BpxError` where an input is no scalar, and where there are too many derivatives."""
        if options.order is None or options.order < 3:
            return None
        shaped = [name for name, node in query.wrt.items() if query.graph.shapes[node]]
        if shaped:
            raise BpxError([Diagnostic("higher-of-scalars", None, {"name": shaped[0]})])
        return cls(*_Differentiation(query, options.order, options.check).rows())

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """The rows, and what differences say of them."""
        rows = [{"by": list(row.by), "value": plain_value(row.value)} for row in self.rows]
        return {"higher": rows, **({"higher_check": self.verdict} if self.verdict else {})}

    def blocks(self, passes: Passes) -> Iterator[Block]:
        """One table: a row for each derivative."""
        output = passes.names[passes.output]
        yield Heading(say("account.higher"))
        yield Table(
            (say("account.derivative"), say("account.value")),
            tuple((row.name(output), Value(np.asarray(row.value))) for row in self.rows),
            frozenset({1}),
        )

    def remarks(self, passes: Passes) -> Iterator[str]:
        """What differences say, in a line."""
        if self.verdict and self.verdict != "skipped":
            order = max(len(row.by) for row in self.rows)
            facts = {"count": len(self.rows), "order": order, "verdict": self.verdict}
            yield say("account.higher-agree" if self.verdict == "agree" else "account.higher-open", **facts)


class _Differentiation:
    """Derivative after derivative, each order the gradients of the one below."""

    def __init__(self, query: GradientQuery, order: int, check: bool) -> None:
        self.query, self.order, self.graph = query, order, query.graph
        self.wrt = dict(query.wrt)
        self.check = check
        self.checks: list[QuickCheck] = []

    def rows(self) -> tuple[tuple[HigherRow, ...], str | None]:
        """All derivatives from order 3 on, and the verdict on them."""
        names = list(self.wrt)
        nodes: dict[tuple[str, ...], Expr] = {
            (name,): self.node(self.query.ledger, node) for name, node in self.wrt.items()
        }
        rows: list[HigherRow] = []
        for order in range(2, self.order + 1):
            wanted = list(combinations_with_replacement(names, order))
            if len(wanted) > LARGEST:
                facts = {"size": len(wanted), "order": order, "most": LARGEST}
                raise BpxError([Diagnostic("too-many-higher", None, facts)])
            nodes = self.next(nodes, wanted)
            if order > 2:
                values = run(self.graph, self.query.spec.input_values, [expr.id for expr in nodes.values()])
                rows += [HigherRow(by, float(values[expr.id])) for by, expr in nodes.items()]
        return tuple(rows), self.verdict()

    def next(
        self, nodes: dict[tuple[str, ...], Expr], wanted: list[tuple[str, ...]]
    ) -> dict[tuple[str, ...], Expr]:
        """The derivatives of the next order: the gradients of those of the last."""
        ledgers = {by: self.ledger(expr) for by, expr in nodes.items()}
        # `by` is sorted: the last input is the one that the derivative below is derived by.
        return {by: self.node(ledgers[by[:-1]], self.wrt[by[-1]]) for by in wanted}

    def ledger(self, expr: Expr) -> Ledger:
        """The reverse pass of a derivative, and what differences say of it."""
        seed = np.ones(())
        ledger = reverse(expr, [self.graph[node] for node in self.wrt.values()], self.graph.constant(seed))
        _refuse_large(self.graph)
        if self.check:
            self.checks += [check] if (check := self.checked(expr, ledger, seed)) else []
        return ledger

    def checked(self, expr: Expr, ledger: Ledger, seed: Array) -> QuickCheck | None:
        """What differences of a derivative say of those of the next order."""
        from bpx.check.quick_check import quick_check

        spec = replace(
            self.query.spec, graph=self.graph, output=expr.id, size=len(self.graph), claims={}, composites={}
        )
        return quick_check(spec, ledger, self.wrt, seed)

    def node(self, ledger: Ledger, node: int) -> Expr:
        """A derivative as a node, zero where it depends on nothing."""
        gradient = ledger.gradient(node)
        return zeros(self.graph[node]) if gradient is None else gradient

    def verdict(self) -> str | None:
        """The worst of all orders: where one does not exist, those above it do not either."""
        from bpx.check.quick_check import SKIPPED, quick_check
        from bpx.check.report.entry import Verdict

        if not self.check:
            return None
        query = self.query
        first = quick_check(query.spec, query.ledger, self.wrt, query.seed, second=True)
        words = {check.verdict for check in (*self.checks, *([first] if first else []))}
        worst = next((verdict.word for verdict in sorted(Verdict) if verdict.word in words), None)
        # A check that was left out says nothing, neither for the others nor against them.
        return SKIPPED.verdict if worst in (None, Verdict.AGREE.word) and SKIPPED.verdict in words else worst
