"""Certificates: what a proved enclosure decides, and what it leaves to other sources."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from checking import in_float64_alone, point_of, spec, toml
from rows_of_a_table import every

import bpx
from bpx.check.gradcheck import gradcheck
from bpx.check.report.entry import Verdict
from bpx.check.report.report import Report
from bpx.check.whole import certificates, checked_graph
from bpx.check.whole.evaluation import Claimed, by_rule
from bpx.check.whole.sources import evaluated
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.reading.claims import read_claim, with_claims

pytest.importorskip("flint")


def check(made: NamedGraph, *claims: str, **options) -> Report:
    return gradcheck(with_claims(made, list(map(read_claim, claims))), **options)


# Formulas that lose nearly all digits in float64, and their derivatives.
LOST = [
    ("(1/(x+1)-2/x)+1/(x-1)", 954840.5563720833, -7.218181892167093e-24),
    ("(x-sin(x))/(x-tan(x))", 0.02168995727876527, 0.009760087194419636),
    ("sqrt((exp(2*x)-1)/(exp(x)-1))", 1.6719224539303467e-06, 0.35355383392887924),
]


@every("expression, x, slope", LOST)
@every(
    "factor, verdict",
    [(1, "agree"), (1.0001, "disagree"), (0.999, "disagree"), (-1, "disagree")],
)
def test_a_number_is_decided_though_float64_loses_its_digits(expression, x, slope, factor, verdict):
    report = check(spec(expression, x=x), f"x = {slope * factor!r}")
    (entry,) = report.entries
    assert (report.verdict, report.certified) == (verdict, 1)
    low, high = entry.enclosure
    assert low <= slope <= high
    assert high - low <= 4 * np.spacing(abs(slope))


@pytest.mark.parametrize(("expression", "x", "slope"), LOST)
def test_the_own_rules_are_right_as_a_formula(expression, x, slope):
    report = check(spec(expression, x=x))
    assert (report.verdict, report.certified) == ("agree", 1)


@pytest.mark.parametrize(("expression", "x", "slope"), LOST)
def test_without_it_nothing_false_is_said(monkeypatch, expression, x, slope):
    in_float64_alone(monkeypatch)
    assert check(spec(expression, x=x), f"x = {slope!r}").verdict in ("agree", "cannot tell")
    assert check(spec(expression, x=x), f"x = {slope * 1.0001!r}").verdict in ("disagree", "cannot tell")


def test_a_formula_is_judged_on_balls():
    made = spec("tanh(x)", x=20.0)
    assert check(made, "x = 1 - tanh(x)^2").reason.code == "digits-lost"
    assert check(made, "x = (1 - tanh(x)^2)*1.0001").verdict == "disagree"
    assert check(made, "x = 1 - tanh(x)^2").certified == 1


def test_a_formula_that_no_bits_decide_keeps_the_evidence_there_was(monkeypatch):
    report = check(spec("exp(x)", x=1.0), "x = exp(x) + step(log(exp(x)) - x)")  # the step stands at a tie
    assert report.certified == 0


def test_every_entry_of_a_small_network_is_certified():
    made = toml("""bpx = 1
[inputs]
x = [[0.5, -1.0], [2.0, 0.3]]
W = [[0.1, -0.2, 0.3], [0.4, 0.5, -0.6]]
b = [0.0, 0.1, -0.1]
y = {value = [2, 0], role = "constant"}
[graph]
h = "tanh(x @ W + b)"
L = "cross_entropy(h, y)"
""")
    report = gradcheck(made)
    assert (report.verdict, report.certified) == ("agree", report.total)
    inner = gradcheck(made, wrt=["h"])
    assert (inner.verdict, inner.certified) == ("agree", 6)


def test_of_a_large_graph_only_open_entries_are_looked_at(monkeypatch):
    for module in (certificates, checked_graph):
        monkeypatch.setattr(module, "MOST_BALL_OPERATIONS", 30)
    report = check(spec("sum(sin(x))", x=np.arange(1.0, 9.0)), "x = cos(x)*[1,1,1,2,1,1,1,1]")
    assert [entry.label for entry in report.entries if entry.enclosure] == ["x[3]"]
    assert report.counts["disagree"] == 1


def test_a_budget_that_is_spent_leaves_the_evidence_there_was(monkeypatch):
    for module in (certificates, checked_graph):
        monkeypatch.setattr(module, "MOST_BALL_OPERATIONS", 0)
    report = check(spec("x^2", x=3.0))
    assert (report.verdict, report.certified) == ("agree", 0)


# --- where nothing is proved ----------------------------------------------------------------------


@every(
    "expression, values, verdict",
    [
        ("relu(x)", {"x": 0.0}, "kink"),
        ("abs(x)", {"x": 0.0}, "kink"),
        ("max(x, 1)", {"x": 1.0}, "kink"),
        ("floor(x)", {"x": 3.0}, "kink"),
        ("norm(x)", {"x": [0.0, 0.0]}, "kink"),
        ("sqrt(x)", {"x": 0.0}, "outside domain"),
        ("x^1.5", {"x": 0.0}, "outside domain"),
    ],
)
def test_a_kink_and_an_edge_are_never_certified(expression, values, verdict):
    report = check(spec(expression, **values))
    assert (report.verdict, report.certified) == (verdict, 0)


def test_at_kinks_that_cancel_along_each_axis_nothing_is_certified():
    report = check(spec("abs(x+y) - abs(x-y)", x=0.0, y=0.0))
    assert report.certified == 0


def test_entries_beside_one_at_a_kink_are_certified():
    report = check(spec("sum(relu(x)*x)", x=[-1.0, 0.0, 2.0]), "x = [0, 0, 4]")
    assert [bool(entry.enclosure) for entry in report.entries] == [True, False, True]


@pytest.mark.parametrize(
    ("expression", "values", "slopes"),
    [
        ("sigmoid(x)", {"x": 0.0}, [0.25]),
        ("softplus(x)", {"x": 0.0}, [0.5]),
        ("logsumexp(x)", {"x": [2.0, 2.0]}, [0.5, 0.5]),
        ("gelu(x)", {"x": 0.0}, [0.5]),
    ],
)
def test_branches_that_are_only_taken_for_float64_are_no_kinks(expression, values, slopes):
    report = check(spec(expression, **values))
    assert report.certified == report.total
    assert [entry.reference for entry in report.entries] == pytest.approx(slopes, rel=1e-15)


# --- claims as they were made ---------------------------------------------------------------------


def test_printed_digits_are_respected():
    assert check(spec("x/3", x=1.0), "x = 0.33").verdict == "agree"
    assert check(spec("x/3", x=1.0), "x = 0.32").verdict == "disagree"


def test_bpx_never_refutes_the_number_that_it_shows():
    made = spec("sqrt((exp(2*x)-1)/(exp(x)-1))", x=1.6719224539303467e-06)
    point = point_of(made)
    own = float(point.claimed_gradient(made.nodes["x"]))
    assert abs(own / 0.35355383392887924 - 1) > 1e-6  # float64 has lost digits that are asked for
    evaluation = evaluated(point, "x", made.nodes["x"], Claimed(np.array(own), np.zeros(())))
    assert evaluation.verdicts.tolist() == [Verdict.CANNOT_TELL]


@every("x", np.linspace(22, 33, 12).tolist())
def test_one_rounding_of_the_terms_is_not_held_against_a_number(x):
    number = math.exp(x) / (1 + math.exp(x)) - 1  # the right derivative, as float64 gives it in another form
    made = spec("softplus(x) - x", x=x)
    evaluation = evaluated(point_of(made), "x", made.nodes["x"], Claimed(np.array(number), np.zeros(())))
    assert Verdict.DISAGREE not in evaluation.verdicts.tolist()


def test_a_0_that_rounding_makes_of_nothing_is_not_refuted():
    made = spec("softplus(x) - x", x=40.0)  # its derivative is -4e-18, from terms of size 1
    evaluation = evaluated(point_of(made), "x", made.nodes["x"], Claimed(np.array(0.0), np.zeros(())))
    assert Verdict.DISAGREE not in evaluation.verdicts.tolist()


def test_detect_is_respected():
    made, claim = spec("sin(x)", x=0.7), "x = cos(x) * (1 + 1e-9)"
    assert check(made, claim).verdict == "agree"
    assert check(made, claim, detect=1e-10).verdict == "disagree"


# --- the report -----------------------------------------------------------------------------------


def test_text_and_json_say_what_is_certified():
    report = check(spec("x*y", x=2.0, y=3.0), "x = 3")
    assert "Certified: a proved enclosure of the derivative decides each of the 2 entries." in str(report)
    plain = json.loads(json.dumps(report.to_dict()))
    assert plain["certified"] == 2
    assert [(entry["certified"], entry["enclosure"]) for entry in plain["entries"]] == [
        (True, [3.0, 3.0]),
        (True, [2.0, 2.0]),
    ]


def test_without_a_proof_nothing_is_called_certified(monkeypatch):
    in_float64_alone(monkeypatch)
    report = check(spec("x*y", x=2.0, y=3.0))
    assert "Certified" not in str(report)
    assert report.to_dict()["certified"] == 0
    assert all("enclosure" not in entry for entry in report.to_dict()["entries"])


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("(x+y)^2*sin(z)", {"x": 3.0, "y": -1.0, "z": 0.5}),
        ("sum(relu(x*y))*z", {"x": [1.0, -2.0], "y": [3.0, 0.5], "z": -0.25}),
        ("x^y + log(z)", {"x": 1.5, "y": 2.25, "z": 0.1}),  # the exponent has to move alone
        ("relu(x)*y + exp(z)", {"x": 0.0, "y": 2.0, "z": 1.0}),
    ],
)
def test_one_run_for_all_inputs_encloses_what_a_run_for_each_does(monkeypatch, expression, values):
    together = check(spec(expression, **values))
    monkeypatch.setattr(certificates, "_with_all_moving", lambda evaluation: None)
    apart = check(spec(expression, **values))
    assert together.to_json() == apart.to_json()
    assert apart.certified >= 2


def test_a_right_gradient_of_numbers_takes_one_run(monkeypatch):
    runs = []
    weighted = certificates._weighted_output
    monkeypatch.setattr(certificates, "_weighted_output", lambda *given: runs.append(1) or weighted(*given))
    report = check(spec("(x+y)^2*sin(z)", x=3.0, y=-1.0, z=0.5))
    assert (report.certified, len(runs)) == (3, 1)


# --- all gradients at once -----------------------------------------------------------------------


@pytest.mark.parametrize("name", ["neuron_2d", "logistic_regression_claims", "relu_at_kink"])
def test_gradients_judged_at_once_are_as_each_by_itself(monkeypatch, name):
    """Own gradients and claimed formulas, proved in one row; and at a kink, where they are not."""
    made = bpx.load(name)
    at_once = made.gradcheck(points=2, all=True).to_json()
    monkeypatch.setattr(certificates, "proved_at_once", lambda checked, claims: [])
    assert made.gradcheck(points=2, all=True).to_json() == at_once


def test_most_gradients_are_judged_at_once(monkeypatch):
    def one_by_one(*asked):
        raise AssertionError

    monkeypatch.setattr(certificates, "certify", one_by_one)
    report = bpx.load("perceptron_2_2_1").gradcheck(points=3)
    assert (report.verdict, report.certified) == ("agree", report.total)


def test_one_gradient_that_is_wrong_leaves_all_to_be_looked_at_by_themselves():
    made = spec("x*y + z", x=2.0, y=3.0, z=1.0)
    checked = point_of(made)
    own = {name: (made.nodes[name], by_rule(checked, made.nodes[name])) for name in "xyz"}
    assert [one.name for one in certificates.proved_at_once(checked, own)] == ["x", "y", "z"]
    node, claimed = own["y"]
    wrong = own | {"y": (node, claimed._replace(value=np.asarray(2.001)))}
    assert certificates.proved_at_once(checked, wrong) == []
    number = own | {"y": (node, claimed._replace(formula=None, is_rule=False))}
    assert certificates.proved_at_once(checked, number) == []
