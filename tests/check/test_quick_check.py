"""The check beside an account."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
from checking import planted, spec

from bpx.check.quick_check import SKIPPED, quick_check
from bpx.passes.reverse import reverse


def found(made, wrt=None):
    nodes = {one.name: one.node for one in made.inputs} if wrt is None else wrt
    graph, seed = made.graph.copy(), np.ones(made.graph.shapes[made.output])
    ledger = reverse(graph[made.output], [graph[node] for node in nodes.values()], graph.constant(seed))
    return quick_check(made, ledger, nodes, seed)


def test_all_entries_are_counted_and_the_worst_speaks():
    check = found(spec("sum(sin(x)) * y", x=[1.0, 2.0, 3.0], y=2.0))
    assert check is not None
    assert (check.verdict, check.entries) == ("agree", 4)
    assert isinstance(check.digits, int)
    assert 11 <= check.digits <= 16


def test_what_is_equal_agrees_as_far_as_the_error_bar_tells():
    check = found(spec("2 * x", x=3.0))
    assert check is not None
    assert check.verdict == "agree"
    assert 13 <= check.digits <= 16  # as far as the error bar tells


def test_a_wrong_rule():
    check = found(planted(spec("sin(x)", x=1.0), "out", 0, lambda right, x, out: 2 * right))
    assert check is not None
    assert (check.verdict, check.digits) == ("disagree", 0)


def test_a_large_graph_is_left_out():
    assert found(spec("sum(x)", x=np.ones(200_000))) == SKIPPED


def test_nothing_to_check():
    assert found(spec("x^2", x=3.0), {}) is None


def test_balls_are_not_loaded_for_it() -> None:
    """python-flint takes 25 ms to load, a tenth of a small explanation."""
    code = "import sys, bpx; print(bpx.parse('x^2', x=3).explain().check.verdict, 'flint' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["agree", "False"]
