"""`[expect]`: does a saved graph still give what it states?

A figure is judged to its own last digit, so that a spec can quote a published one as printed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from bpx.explain.explanation import Explanation
from bpx.graph.arrays import Array
from bpx.graph.formula import partial
from bpx.graph.named.named_graph import Expect
from bpx.graph.named.written import Written, tolerance
from bpx.graph.numbers import array, shape_text
from bpx.words.diagnostic import Diagnostic

_DIGITS = 8


def stated(expect: Expect) -> int:
    """How many figures `expect` states; an array counts as one."""
    return (expect.value is not None) + len(expect.gradients)


def unmet(expect: Expect, account: Explanation, gradients: Mapping[str, Array]) -> Iterator[Diagnostic]:
    """What `expect` states and `account` does not bear out; `gradients` are ∂output/∂node by name."""
    output = account.names[account.output]
    figures: list[tuple[str, str, Any, Array]] = []
    if expect.value is not None:
        figures.append(("value", output, expect.value, account.value))
    for name, expected in expect.gradients.items():
        figures.append((name, partial(output, name), expected, gradients[name]))
    for key, what, expected, found in figures:
        span = expect.spans.get(key)
        wanted = np.array(expected, dtype=np.float64)
        if wanted.shape != np.shape(found):
            facts = {"what": what, "expected": shape_text(wanted.shape), "found": shape_text(np.shape(found))}
            yield Diagnostic("expect-shape", span, facts)
        elif not (np.abs(wanted - found) <= tolerance(expected, wanted.shape)).all():
            facts = {
                "what": what,
                "expected": _as_written(expected),
                "found": array(np.asarray(found), _DIGITS),
            }
            yield Diagnostic("expect-mismatch", span, facts)


def _as_written(expected: Any) -> str:
    if isinstance(expected, list):
        return f"[{', '.join(map(_as_written, expected))}]"
    return expected.text if isinstance(expected, Written) else str(expected)
