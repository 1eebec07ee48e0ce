"""`[expect]`: does a saved graph still give what it states?

A figure is judged to its own last digit, so that a spec can quote a published one as printed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import Passes
from bpx.explain.query.section import Section, SectionOptions
from bpx.graph.arrays import Array
from bpx.graph.formula import partial
from bpx.graph.named.named_graph import Expect
from bpx.graph.named.written import Written, tolerance
from bpx.graph.numbers import array, shape_text
from bpx.words.diagnostic import Diagnostic
from bpx.words.say import say

_DIGITS = 8


@dataclass(frozen=True, eq=False)
class Expected(Section):
    """How many figures `[expect]` states (an array counts as one), and those that do not hold."""

    count: int
    unmet: tuple[Diagnostic, ...] = ()

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self | None:
        """Only of the output itself, and the gradient that ones arriving at it give."""
        expect = query.spec.expect
        if not expect or not query.whole or query.weighted:
            return None
        count = (expect.value is not None) + len(expect.gradients)
        return cls(count, tuple(_unmet(expect, query)))

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """How many there are and how many hold, if there are any."""
        return {"expect": {"stated": self.count, "held": self.held}} if self.count else {}

    def remarks(self, passes: Passes) -> Iterator[str]:
        """How many hold."""
        if self.count:
            form = "some" if self.unmet else "all"
            yield say(f"account.expected-{form}", count=self.count, held=self.held)

    @property
    def held(self) -> int:
        """How many hold."""
        return self.count - len(self.unmet)


def _unmet(expect: Expect, query: GradientQuery) -> Iterator[Diagnostic]:
    """What `expect` states and the values contradict."""
    output = query.spec.names[query.output]
    gradients = query.gradients_by_name(expect.gradients)
    figures: list[tuple[str, str, Any, Array]] = []
    if expect.value is not None:
        figures.append(("value", output, expect.value, query.values[query.output]))
    for name, expected in expect.gradients.items():
        figures.append((name, partial(output, name), expected, gradients[name]))
    for key, what, expected, actual in figures:
        span = expect.spans.get(key)
        wanted = np.array(expected, dtype=np.float64)
        if wanted.shape != np.shape(actual):
            facts = {
                "what": what,
                "expected": shape_text(wanted.shape),
                "found": shape_text(np.shape(actual)),
            }
            yield Diagnostic("expect-shape", span, facts)
        elif not (np.abs(wanted - actual) <= tolerance(expected, wanted.shape)).all():
            facts = {
                "what": what,
                "expected": _as_written(expected),
                "found": array(np.asarray(actual), _DIGITS),
            }
            yield Diagnostic("expect-mismatch", span, facts)


def _as_written(expected: Any) -> str:
    if isinstance(expected, list):
        return f"[{', '.join(map(_as_written, expected))}]"
    return expected.text if isinstance(expected, Written) else str(expected)
