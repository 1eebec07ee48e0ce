"""Losses at saturation, at kinks and at what they refuse; their values and pulls are tested as tensor ops."""

from __future__ import annotations

import math

import numpy as np
import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from oracle import mp
from rows_of_a_table import every

from bpx import BpxError, parse
from bpx.explain.ops.op_reference import op_entry
from bpx.graph.arrays import ShapeError
from bpx.graph.graph import OPS, Graph
from bpx.graph.run import run
from bpx.ops.tensors import SettingError
from bpx.passes.reverse import grad

PAIRED = ("mse", "mae", "huber", "smooth_l1", "bce", "bce_with_logits", "hinge", "kl_div")


def found(name: str, x, target, **settings) -> tuple[float, np.ndarray, np.ndarray]:
    """The value and both gradients."""
    graph = Graph()
    args = [graph.input(np.shape(x)), graph.input(np.shape(target))]
    out = graph.add(OPS[name], *args, **settings)
    gradients = grad(out, args)
    given = {one.id: np.array(values, dtype=float) for one, values in zip(args, (x, target), strict=True)}
    values = run(graph, given, [out.id, *(one.id for one in gradients)])
    return (float(values[out.id]), *(values[one.id] for one in gradients))


def value(name: str, x, target, **settings) -> float:
    return found(name, x, target, **settings)[0]


def assert_near(got: float, truth, tolerance: float = 4e-15) -> None:
    assert abs(mp.mpf(float(got)) - truth) <= tolerance * abs(truth) + mp.mpf("1e-300"), (got, truth)


# --- logits of any size -------------------------------------------------------------------------

LOGITS = [-1e4, -1000, -745, -40, -1, -1e-9, 0, 1e-9, 1, 36, 40, 745, 1000, 1e4]


@every("z", LOGITS)
@every("target", [0, 1, 0.25])
def test_bce_with_logits_keeps_its_digits_at_any_logit(z, target):
    loss, by_z, by_target = found("bce_with_logits", z, target)
    with mp.workdps(6000):
        p = 1 / (1 + mp.exp(-mp.mpf(z)))
        truth = -target * mp.log(p) - (1 - target) * mp.log(1 - p)
        assert_near(loss, truth)
        assert abs(mp.mpf(float(by_z)) - (p - target)) <= 2e-16
    assert by_target == -z


@every("z", LOGITS)
@every("right", [0, 1])
def test_cross_entropy_keeps_its_digits_at_any_logit(z, right):
    logits = [z, 0.5]
    loss, by_z, _ = found("cross_entropy", logits, right)
    with mp.workdps(6000):
        powers = [mp.exp(mp.mpf(one)) for one in logits]
        assert_near(loss, -mp.log(powers[right] / sum(powers)))
        for place in (0, 1):
            truth = powers[place] / sum(powers) - (place == right)
            assert abs(mp.mpf(float(by_z[place])) - truth) <= 2e-16


def test_logits_of_ten_thousand_are_exact():
    assert value("cross_entropy", [1e4, -1e4], 0) == 0
    assert value("cross_entropy", [1e4, -1e4], 1) == 2e4
    assert value("cross_entropy", [[1e4, -1e4], [0, 1e4]], [[0, 1], [0.5, 0.5]]) == (2e4 + 5e3) / 2
    assert value("bce_with_logits", [1000, -1000], [0, 1]) == 1000
    assert value("bce_with_logits", [1000, -1000], [1, 0]) == 0


@pytest.mark.parametrize("p", [1e-300, 1e-20, 0.5, 1 - 2**-53])
def test_bce_keeps_its_digits_at_any_probability(p):
    for target in (0, 1):
        with mp.workdps(400):
            truth = -mp.log(p) if target else -mp.log(1 - mp.mpf(p))
            assert_near(value("bce", p, target), truth)


def test_torch_cuts_bce_off_at_100_and_bpx_does_not():
    torch = oracle.torch()
    ours, _, _ = found("bce", 1e-60, 1)
    theirs = torch.nn.functional.binary_cross_entropy(
        torch.tensor(1e-60).double(), torch.tensor(1.0).double()
    )
    assert (ours, float(theirs)) == (pytest.approx(60 * math.log(10), rel=1e-15), 100)


# --- one loss in terms of another ---------------------------------------------------------------

scores = arrays(np.float64, st.tuples(st.integers(1, 3), st.integers(1, 4)), elements=st.floats(-9, 9))


@given(scores, st.data())
def test_class_numbers_are_probabilities_of_0_and_1(z, data):
    rows, classes = z.shape
    numbers = np.array(data.draw(st.lists(st.integers(0, classes - 1), min_size=rows, max_size=rows)))
    ones = np.eye(classes)[numbers]
    for name in ("cross_entropy", "nll"):
        by_number, by_probability = found(name, z, numbers), found(name, z, ones)
        assert by_number[0] == pytest.approx(by_probability[0], rel=1e-14, abs=1e-300)
        np.testing.assert_allclose(by_number[1], by_probability[1], rtol=0, atol=1e-16)
        assert not by_number[2].any()


@given(scores)
def test_cross_entropy_is_the_divergence_and_the_entropy_together(z):
    target = oracle.tensor("softmax", z[::-1] / 3)
    entropy = -np.sum(target * np.log(target)) / len(z)
    divergence = value("kl_div", oracle.tensor("log_softmax", z), target)
    assert divergence >= -1e-15
    assert value("cross_entropy", z, target) == pytest.approx(divergence + entropy, rel=1e-13, abs=1e-15)


@given(scores)
def test_bce_with_logits_is_bce_of_the_sigmoid(z):
    target = np.linspace(0, 1, z.size).reshape(z.shape)
    by_probability = value("bce", 1 / (1 + np.exp(-z)), target)
    assert value("bce_with_logits", z, target) == pytest.approx(by_probability, rel=1e-11)


@given(scores, st.sampled_from([0.25, 1, 3]))
def test_huber_lies_between_a_square_and_a_size(d, delta):
    zeros = np.zeros(d.shape)
    loss = value("huber", d, zeros, delta=delta)
    assert loss <= value("mse", d, zeros) / 2 * (1 + 1e-12) + 1e-300
    assert loss <= delta * value("mae", d, zeros) * (1 + 1e-12)
    assert value("smooth_l1", d, zeros, beta=delta) == pytest.approx(loss / delta, rel=1e-13)


def test_kl_div_counts_a_target_of_0_for_nothing():
    loss, by_input, _ = found("kl_div", [-1, -2, -3], [0.5, 0.5, 0])
    assert loss == pytest.approx(math.log(0.5) + 1.5, rel=1e-14)
    assert by_input.tolist() == [-0.5, -0.5, 0]
    assert math.isnan(value("kl_div", [-1, -2], [1.5, -0.5]))


def test_kl_div_is_torchs_batchmean_and_not_its_mean():
    functional = oracle.torch().nn.functional
    tensors = [oracle.torch().tensor(one, dtype=oracle.torch().float64) for one in ([[-1, -2]], [[0.5, 0.5]])]
    ours = value("kl_div", [[-1, -2]], [[0.5, 0.5]])
    assert ours == pytest.approx(float(functional.kl_div(*tensors, reduction="batchmean")), rel=1e-14)


# --- kinks --------------------------------------------------------------------------------------


@every(
    "name, x, target, settings, loss, by_x",
    [
        ("mae", [1, 3], [1, 2], {}, 0.5, [0, 0.5]),
        ("hinge", [1, 0.5, -1], [1, 1, 1], {}, 2.5 / 3, [0, -1 / 3, -1 / 3]),
        ("hinge", [-1, 0.5], [-1, -1], {}, 0.75, [0, 0.5]),
        ("huber", [1, -1, 0], [0, 0, 0], {}, 1 / 3, [1 / 3, -1 / 3, 0]),
        ("huber", [2, 8], [0, 0], {"delta": 2}, 8, [1, 1]),
        ("smooth_l1", [2, -2], [0, 0], {"beta": 2}, 1, [0.5, -0.5]),
    ],
)
def test_the_convention_at_a_kink(name, x, target, settings, loss, by_x):
    got, gradient, _ = found(name, x, target, **settings)
    assert got == pytest.approx(loss, rel=1e-15)
    np.testing.assert_allclose(gradient, by_x, rtol=1e-15)


@pytest.mark.parametrize(
    ("expression", "z", "verdict"),
    [
        ("mae(z, [1, 2])", [1, 3], "kink"),
        ("hinge(z, [1, -1])", [1, 3], "kink"),
        ("huber(z, [1, 2])", [2, 3.5], "agree"),  # bent there, and smooth
    ],
)
def test_a_kink_is_noted_and_nothing_disagrees_there(expression, z, verdict):
    spec = parse(expression, z=z)
    assert ("at-kink-inside" in [note.code for note in spec.explain().notes]) == (verdict == "kink")
    assert spec.gradcheck().verdict == verdict


@every(
    "expression, z",
    [
        ("mse(z, [1, 2.5])", [1, 3]),
        ("mae(z, [1, 2.5])", [0.5, 3]),
        ("huber(z, [1, 2.5], delta=0.7)", [1.5, 3.5]),
        ("smooth_l1(z, [1, 2.5])", [1.5, 5]),
        ("bce(z, [0, 1, 0.5])", [0.1, 0.9, 0.3]),
        ("bce_with_logits(z, [0, 1, 0.5])", [3, 0.9, -0.3]),
        ("hinge(z, [1, -1, 1])", [0.5, 0.9, 3]),
        ("nll(log_softmax(z), [[0.5, 0.5], [0, 1]])", [[1, 2], [0.5, -1]]),
        ("cross_entropy(z, [[0.5, 0.5, 0], [0, 1, 1]])", [[1, 2, 0], [0.5, -1, 3]]),
        ("nll(log_softmax(z), [1, 0])", [[1, 2], [0.5, -1]]),
        ("cross_entropy(z, [2, 0])", [[1, 2, 0], [0.5, -1, 3]]),
        ("cross_entropy(z, 1)", [40, 0, -1000]),
        ("kl_div(log_softmax(z), [0.25, 0.75])", [1, 2]),
    ],
)
def test_differences_agree_to_second_order(expression, z):
    assert parse(expression, z=z).gradcheck(order=2).verdict == "agree"


# --- rules as the textbook has them -------------------------------------------------------------


@every(
    "name, arg, rule",
    [
        ("mse", "prediction", "upstream / 6 * (2 * (prediction - target))"),
        ("huber", "prediction", "upstream / 6 * clip(prediction - target, -1, 1)"),
        ("bce", "p", "upstream / 6 * ((p - target) / (p * (1 - p)))"),
        ("bce_with_logits", "z", "upstream / 6 * (sigmoid(z) - target)"),
        ("cross_entropy", "logits", "upstream / 2 * (softmax(logits) - one_hot(target, n=3))"),
        ("cross_entropy", "target", "0"),
    ],
)
def test_the_rule_reads_as_in_the_textbook(name, arg, rule):
    assert op_entry(name).rule[arg] == rule


# --- what is refused ----------------------------------------------------------------------------


@every("name", ["cross_entropy", "nll"])
@every(
    "target, place, shown",
    [([0, 3], "target[1]", "3"), ([-1, 0], "target[0]", "-1"), ([0.5, 0], "target[0]", "0.5")],
)
def test_numbers_that_are_no_classes_are_named(name, target, place, shown):
    with pytest.raises(BpxError) as caught:
        parse(f"{name}(z, t)", z=[[1, 2, 3], [4, 5, 6]], t=target).explain(wrt="z")
    (problem,) = caught.value.diagnostics
    assert problem.code == ("bad-id" if float(shown).is_integer() else "id-not-whole")
    assert (problem.facts["place"], problem.facts["found"], problem.facts["count"]) == (place, shown, 3)


def test_the_number_of_a_single_example_is_named_without_a_place():
    with pytest.raises(BpxError) as caught:
        parse("cross_entropy(z, 2)", z=[1, 2]).explain()
    assert caught.value.diagnostics[0].facts["place"] == "target"


@pytest.mark.parametrize(
    ("expression", "z", "need"),
    [
        ("bce(z, [0, 1])", [0, 0.5], "z > 0"),
        ("bce(z, [0, 1])", [0.5, 1], "1 + (-z) > 0"),
        ("bce(z, [0, 1])", [0.5, -1], "z > 0"),
        ("kl_div([-1, -2], z)", [1.5, -0.5], "where(z == 0, 1, z) > 0"),
    ],
)
def test_what_is_no_probability_leaves_the_domain(expression, z, need):
    with pytest.raises(BpxError) as caught:
        parse(expression, z=z).explain()
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.facts["need"]) == ("outside-domain", need)


@every("name", PAIRED)
@every("shapes", [((3,), (2,)), ((3,), (3, 1)), ((3,), ()), ((1, 3), (3,))])
def test_pairs_of_different_shapes_are_refused(name, shapes):
    graph = Graph()
    with pytest.raises(ShapeError) as caught:
        graph.add(OPS[name], *map(graph.input, shapes))
    assert (caught.value.op, caught.value.shapes) == (name, shapes)


@every("name", ["cross_entropy", "nll"])
@every(
    "shapes",
    [((2, 3), (3,)), ((2, 3), (2, 1)), ((), ()), ((3,), (2,)), ((2, 3), ()), ((3,), (2, 3))],
)
def test_targets_that_fit_no_scores_are_refused(name, shapes):
    graph = Graph()
    with pytest.raises(ShapeError) as caught:
        graph.add(OPS[name], *map(graph.input, shapes))
    assert (caught.value.op, caught.value.shapes) == (name, shapes)


@pytest.mark.parametrize(
    ("expression", "help"),
    [("mse(z, [1, 2, 3])", "shape-alike"), ("cross_entropy(z, [1, 2, 3])", "shape-classes")],
)
def test_misfits_name_both_shapes_and_say_what_is_wanted(expression, help):
    with pytest.raises(BpxError) as caught:
        parse(expression, z=[[1, 2], [3, 4]])
    (problem,) = caught.value.diagnostics
    assert problem.facts["args"] == "`z` of shape 2×2 and `[1, 2, 3]` of shape 3"
    assert problem.help == help


@every("name, setting", [("huber", "delta"), ("smooth_l1", "beta")])
@every("wrong", [0, -1.0, math.inf, math.nan, True, None, [1]])
def test_settings_that_do_not_fit(name, setting, wrong):
    graph = Graph()
    with pytest.raises(SettingError) as caught:
        graph.add(OPS[name], graph.input((2,)), graph.input((2,)), **{setting: wrong})
    assert (caught.value.code, caught.value.facts["setting"]) == ("not-positive", setting)
