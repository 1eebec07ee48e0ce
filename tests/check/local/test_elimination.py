"""The Jacobians of inv, det, logdet and cholesky, which have no parts to be checked one by one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import oracle
from oracle import args_of, arrays
from rows_of_a_table import every

from bpx.check.local import elimination
from bpx.check.local.edges import check_whole_arrays
from bpx.check.local.elimination import jacobian_by_elimination
from bpx.check.local.rounding_error import rounding_errors
from bpx.check.local.structural_rule import StructuralRule
from bpx.check.numeric.error_bound import ErrorBound
from bpx.check.report.entry import Verdict
from bpx.graph.graph import OPS, Graph
from bpx.graph.run import run
from bpx.ops import rows
from bpx.passes.reverse import reverse

ELIMINATED = [op for op in rows() if op.slopes]


def of_op(op):
    return op.name


def checked(op, arg):
    graph = Graph()
    a = graph.input(arg.shape)
    node = graph.add(op, a)
    (edge,) = reverse(node, [a], np.ones(node.shape)).edges
    values = run(graph, {a.id: arg}, [node.id])
    errors = rounding_errors(graph, [a.id, node.id], values)
    return check_whole_arrays(graph, edge, values, errors, 1e-5, 0)


def rule_of(op, arg, error=0.0):
    graph = Graph()
    a = graph.input(arg.shape)
    node = graph.add(op, a)
    values = run(graph, {a.id: arg}, [node.id])
    return StructuralRule(graph, node.id, values, {one: error + 0 * value for one, value in values.items()})


@every("op", ELIMINATED)
def test_right_rules_agree(op):
    for shapes, _ in oracle.cases(op.name):
        (arg,) = args_of(op.name, shapes)
        assert checked(op, arg).verdict is Verdict.AGREE, shapes


def of_one_element(right, upstream, a, out):
    off = np.ones(right.shape)
    off[-1, 0] += 1e-4
    return right * off


MISTAKES = {
    "one element": of_one_element,
    "sign": lambda right, upstream, a, out: -right,
    "a thousandth": lambda right, upstream, a, out: right * 1.001,
    "a transpose": lambda right, upstream, a, out: OPS["transpose"](right, axes=[1, 0]),
    "the upstream gradient": lambda right, upstream, a, out: right + 1e-3 * OPS["sum"](upstream),
}


@every("mistake", MISTAKES)
@every("op", ELIMINATED)
def test_wrong_rules_disagree(op, mistake):
    def pull(upstream, a, out):
        (right,) = op.pull(upstream, a, out)
        return (MISTAKES[mistake](right, upstream, a, out),)

    (arg,) = args_of(op.name, [(4, 4)])
    assert checked(replace(op, pull=pull), arg).verdict is Verdict.DISAGREE


@every("op", ELIMINATED)
def test_the_reference_is_the_complex_step(op):
    for shapes, settings in oracle.cases(op.name):
        (arg,) = args_of(op.name, shapes)
        rule = rule_of(op, arg)
        (upstream,) = arrays([rule.out.shape], seed=1)
        found = jacobian_by_elimination(rule).pull(ErrorBound.exact(upstream))
        (truth,) = oracle.pulls(op.name, upstream, [arg], settings)
        assert (np.abs(found.value - truth) <= found.error + 1e-15 * np.max(np.abs(truth))).all()
        assert (found.error <= 1e-10 * max(1e-3, np.max(np.abs(truth)))).all()


def hilbert(n):
    return 1.0 / (np.arange(n)[:, np.newaxis] + np.arange(n) + 1.0)


@every("n", [3, 5, 7])
@every("name", ["inv", "logdet", "cholesky"])
def test_the_error_bar_holds_what_an_ill_conditioned_matrix_makes_of_rounding(name, n):
    from bpx.check.numeric.multiprecision import lifted, rounded

    op, arg = OPS[name], hilbert(n)
    rule = rule_of(op, arg)
    (upstream,) = arrays([rule.out.shape], seed=1)
    found = jacobian_by_elimination(rule).pull(ErrorBound.exact(upstream))
    truth = rounded(rule.in_multiprecision(0, upstream))
    assert (np.abs(found.value - truth) <= found.error).all()
    assert (np.abs(rule.out - rounded(op.value(lifted(arg), batch=0))) <= value_error(op, arg)).all()


def value_error(op, arg):
    graph = Graph()
    a = graph.input(arg.shape)
    node = graph.add(op, a)
    values = run(graph, {a.id: arg}, [node.id])
    return rounding_errors(graph, [a.id, node.id], values)[node.id]


@every("n", range(2, 9))
@every("name", ["inv", "logdet", "cholesky"])
def test_no_right_rule_is_called_wrong_for_want_of_digits(name, n):
    assert checked(OPS[name], hilbert(n)).verdict is not Verdict.DISAGREE


def test_of_a_matrix_that_may_be_singular_nothing_is_known():
    nearly = np.ones((3, 3)) + 1e-15 * np.arange(9.0).reshape(3, 3) ** 2
    assert checked(OPS["inv"], nearly).verdict is Verdict.CANNOT_TELL
    assert np.isinf(value_error(OPS["inv"], nearly)).all()


def test_the_error_of_the_arg_counts():
    arg = np.array([[2.0, 1.0], [1.0, 3.0]])
    exact, moved = (jacobian_by_elimination(rule_of(OPS["inv"], arg, error)) for error in (0.0, 1e-6))
    assert np.max(exact.slope.error) < 1e-13
    assert np.max(moved.slope.error) > 1e-7


def test_a_jacobian_too_large_is_none(monkeypatch):
    monkeypatch.setattr(elimination, "LARGEST_JACOBIAN_ENTRIES", 80)
    assert jacobian_by_elimination(rule_of(OPS["inv"], np.eye(3))) is None
    assert checked(OPS["inv"], np.eye(3)).reason.code == "too-large"


def test_slopes_of_terms_that_cancel_have_a_size():
    """The minors of a triangular matrix: some are 0, where det · inv(a).T leaves rounding."""
    arg = np.array([[1.0, 0.0, 0.0], [2.0, 3.0, 0.0], [4.0, 5.0, 6.0]])
    magnitude = jacobian_by_elimination(rule_of(OPS["det"], arg)).magnitude(np.ones(()))
    assert (magnitude > 0).all()
    assert magnitude.min() <= 1e-15 * magnitude.max()
