"""The check beside an account."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
from checking import planted, spec
from rows_of_a_table import every

from bpx.check.gradcheck import gradcheck
from bpx.check.quick_check import SKIPPED, quick_check
from bpx.explain.explain import explain
from bpx.passes.reverse import reverse
from bpx.spec.reading.claims import read_claim, with_claims


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
    assert 11 <= check.digits <= 12


def test_what_is_equal_agrees_as_far_as_the_error_bar_tells():
    check = found(spec("2 * x", x=3.0))
    assert check is not None
    assert check.verdict == "agree"
    assert check.digits == 11  # an error bar of 1e-12 of the value, rounded up to a power of ten


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


LOST = [
    ("bce_with_logits(x, 1)", 40.0, 0.0, -4.2483542552916e-18),
    ("bce_with_logits(x, 1)", 36.0, -2.220446049250313e-16, -2.31952283024357e-16),
    ("log(sigmoid(x))", 40.0, 0.0, 4.2483542552916e-18),
    ("tanh(x)", 20.0, 0.0, 1.69934170211664e-17),
]


@pytest.mark.parametrize(("expression", "x", "shown", "value"), LOST)
def test_lost_digits_are_said_with_the_value_that_gradcheck_judges_by(expression, x, shown, value):
    made = spec(expression, x=x)
    check = found(made)
    assert (check.verdict, check.lost, check.worst.claimed) == ("agree", 1, shown)
    assert check.worst.reference == pytest.approx(value, rel=1e-13)
    (entry,) = gradcheck(made).entries
    assert (entry.claimed, entry.reference) == (shown, check.worst.reference)
    account = explain(made)
    assert account.gradients["x"] == shown
    assert f"float64 loses the digits of ∂out/∂x: it is {value:.6g}" in account.to_plain()
    assert account.to_dict()["check"]["worst"]["reference"] == check.worst.reference
    verdicts = {
        claim: gradcheck(with_claims(made, [read_claim(f"x = {claim}")])).verdict
        for claim in (f"{value:.13g}", f"{shown + 1e-9:.13g}", f"{shown:.17g}")
    }
    assert list(verdicts.values()) == ["agree", "disagree", "cannot tell"]


def test_where_few_digits_are_lost_they_are_counted():
    made = spec("sum(layer_norm(x) * [1, 2, 4])", x=[1e8, 1e8 + 1, 1e8 + 3])
    assert "loses the digits of 3 entries" in explain(made).to_plain()
    assert gradcheck(made).to_plain().startswith("The formulas of the gradient of out are right in all 3")
    check = found(spec("var(x)", x=[1e8, 1e8 + 1, 1e8 + 3]))
    assert (check.verdict, check.lost) == ("agree", 0)
    assert check.digits <= 8


VECTORS = ("std(x)", "norm(x)", "sum(layer_norm(x))")


@every("expression, size", [(text, size) for text in VECTORS for size in (1e-200, 1e200)])
def test_it_says_what_the_full_check_says(expression, size):
    made = spec(expression, x=[size, 2 * size, 4 * size])
    check = explain(made).check
    assert check is not None
    assert check.verdict == gradcheck(made).verdict
