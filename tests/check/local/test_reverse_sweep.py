"""The sweep: upstream gradients from slopes that are given for each edge."""

from __future__ import annotations

import numpy as np
import pytest
from checking import spec

from bpx.check.local.jacobians import DiagonalJacobian
from bpx.check.local.reverse_sweep import magnitudes, reverse_sweep
from bpx.check.numeric.error_bound import ErrorBound
from bpx.passes.reverse import reverse


@pytest.fixture
def ledger():
    """y = u · v with u = 2x and v = x + 5, at x = 3; the slopes are those of y, written by hand."""
    made = spec("(2*x) * (x + 5)", x=3.0)
    return reverse(made.graph[made.output], [made.graph[made.nodes["x"]]])


@pytest.fixture
def slopes(ledger):
    by_place = {("v1", "x"): 2.0, ("v2", "x"): 1.0, ("out", "v1"): 8.0, ("out", "v2"): 6.0}
    graph = ledger.graph
    x, out = 0, ledger.output
    names = {x: "x", out: "out", graph.args[out][0]: "v1", graph.args[out][1]: "v2"}
    return {
        edge: DiagonalJacobian(
            ErrorBound.exact(np.array(by_place[names[edge.consumer], names[edge.arg]])), ()
        )
        for edge in ledger.edges
    }


def at(found, node):
    return float(found[node].value)


def test_contributions_of_all_paths_add_up(ledger, slopes):
    found = reverse_sweep(ledger.edges, slopes, {ledger.output: ErrorBound.exact(10.0)})
    u, v = ledger.graph.args[ledger.output]
    assert [at(found, node) for node in (0, u, v, ledger.output)] == [220, 80, 60, 10]


def test_a_claim_is_handed_on_in_place_of_what_arrived(ledger, slopes):
    u, _ = ledger.graph.args[ledger.output]
    found = reverse_sweep(
        ledger.edges, slopes, {ledger.output: ErrorBound.exact(1.0)}, {u: ErrorBound.exact(-8.0)}
    )
    assert at(found, 0) == -8 * 2 + 6
    assert at(found, u) == 8  # what its consumers hand back, not what is claimed


def test_a_sweep_may_start_at_an_inner_node(ledger, slopes):
    u, v = ledger.graph.args[ledger.output]
    found = reverse_sweep(ledger.edges, slopes, {u: ErrorBound.exact(1.0)})
    assert at(found, 0) == 2
    assert v not in found


def test_sizes_do_not_cancel(ledger, slopes):
    turned = {
        edge: one._replace(slope=ErrorBound.exact(-one.slope.value)) if i else one
        for i, (edge, one) in enumerate(slopes.items())
    }
    found = magnitudes(ledger.edges, turned, {ledger.output: np.array(1.0)})
    assert found[0] == 22
