"""The check of functions nobody can look into: what is right agrees, what is wrong does not."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rows_of_a_table import every

from bpx.check.function import black_box as blackbox
from bpx.check.function.black_box import BlackBoxCheck, FunctionOptions, check_function
from bpx.check.function.black_box_multiprecision import BlackBoxMultiprecision
from bpx.check.function.caller import Caller
from bpx.check.report.entry import Verdict
from bpx.check.report.report import Report
from bpx.words.diagnostic import BpxError


@pytest.fixture(params=["with many digits", "float64 alone"])
def digits(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[bool]:
    """Once with many digits, once as where a function does not run on such numbers."""
    there = request.param == "with many digits"
    if not there:
        monkeypatch.setattr(BlackBoxMultiprecision, "look", lambda self: False)
    return there  # type: ignore[return-value]


@pytest.fixture
def no_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(BlackBoxMultiprecision, "look", lambda self: False)


def verdict(forward: Any, inputs: Any, backward: Any, **settings: Any) -> str:
    return check_function(forward, inputs, backward, **settings).verdict


def codes(report: Report) -> set[str]:
    return {entry.reason.code for entry in report.entries if entry.reason}


def softmax(z: Any) -> Any:
    e = np.exp(z - np.max(z, axis=-1, keepdims=True))
    return e / np.sum(e, axis=-1, keepdims=True)


RNG = np.random.default_rng(0)
X, W, B = RNG.normal(size=(5, 4)), RNG.normal(size=(4, 3)), RNG.normal(size=3)


def layer(x: Any, w: Any, b: Any) -> Any:
    return np.sum(np.tanh(x @ w + b))


def layer_pull(g: Any, x: Any, w: Any, b: Any) -> Any:
    d = g * (1 - np.tanh(x @ w + b) ** 2)
    return d @ w.T, x.T @ d, np.sum(d, axis=0)


CORRECT: dict[str, tuple[Any, Any, Any]] = {
    "number": (lambda x: x * x, [3.0], lambda g, x: 2 * g * x),
    "int": (lambda x: x * x, [3], lambda g, x: 2 * g * x),
    "two numbers": (lambda x, y: x / y, [3.0, 0.5], lambda g, x, y: (g / y, -g * x / y**2)),
    "vector": (softmax, [np.array([1.0, 2, 3])], lambda g, z: softmax(z) * (g - np.sum(g * softmax(z)))),
    "matrices": (lambda a, b: a @ b, [X, W], lambda g, a, b: (g @ b.T, a.T @ g)),
    "layer": (layer, [X, W, B], layer_pull),
    "broadcast": (lambda x, b: x + b, [X, B[0] * np.ones(4)], lambda g, x, b: (g, np.sum(g, axis=0))),
    "large output": (np.outer, [np.arange(1.0, 10), np.arange(2.0, 12)], lambda g, a, b: (g @ b, a @ g)),
    "dead relu": (lambda x: np.maximum(x, 0), [np.array([-1.0, 2, -3])], lambda g, x: g * (x > 0)),
    "stationary": (np.cos, [0.0], lambda g, x: -g * np.sin(x)),
    "constant": (lambda x: 0 * x + 1, [np.ones(3)], lambda g, x: 0 * g),
    "one element": (lambda x: x**3, [np.array([2.0])], lambda g, x: [3 * g[0] * x[0] ** 2]),
    "tuple of one": (lambda x: x**3, [np.array([2.0, 1.0])], lambda g, x: (3 * g * x**2,)),
}  # fmt: skip


@pytest.mark.parametrize("name", CORRECT)
def test_what_is_right_agrees(name: str, digits: bool) -> None:
    forward, inputs, backward = CORRECT[name]
    report = check_function(forward, inputs, backward)
    assert report.verdict == "agree"
    assert report.notes == ()
    assert report.total == sum(np.size(one) for one in inputs)


MISTAKES: dict[str, Callable[[Any], Any]] = {
    "sign": lambda d: -np.asarray(d),
    "twice": lambda d: 2 * np.asarray(d),
    "off by 1e-3": lambda d: 1.001 * np.asarray(d),
    "off by 1e-4": lambda d: (1 - 1e-4) * np.asarray(d),
    "off by 2e-5": lambda d: (1 + 2e-5) * np.asarray(d),
    "added": lambda d: np.asarray(d) + 1e-3,
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("name", ["number", "vector", "layer", "large output", "one element"])
def test_planted_mistakes_are_found(name: str, mistake: str, digits: bool) -> None:
    forward, inputs, backward = CORRECT[name]

    def wrong(g: Any, *values: Any) -> Any:
        found = backward(g, *values)
        found = list(found) if isinstance(found, tuple) else [found]
        return (*found[:-1], MISTAKES[mistake](found[-1]))

    report = check_function(forward, inputs, wrong)
    assert report.verdict == "disagree"
    assert {entry.input for entry in report.entries if entry.verdict is Verdict.DISAGREE} == {
        report.columns[-1].input
    }


def test_how_many_calls_were_made_before_changes_no_located_element() -> None:
    """They depend on rounding, which is another on another processor."""
    x = np.linspace(0.1, 1, 70)
    caller = Caller(np.exp, lambda g, x: (1.001 * g * np.exp(x),), [x], None)
    check = BlackBoxCheck(caller, FunctionOptions(exact=False, calls=5_000))
    check._differences()
    caller.calls += 5_000
    check.outputs.look()
    assert [element for element, _ in check.outputs.found] == [0, 1, 2]


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32), st.floats(1.2e-5, 2), st.booleans())
def test_one_element_off_is_the_one_that_disagrees(seed: int, size: float, up: bool) -> None:
    rng = np.random.default_rng(seed)
    x, w = rng.normal(size=(2, 3)), rng.normal(size=(3, 2))
    where = tuple(rng.integers(0, 3, size=2) % (3, 2))

    def wrong(g: Any, x: Any, w: Any) -> Any:
        d = g * np.cos(x @ w)
        by_w = x.T @ d
        by_w[where] *= 1 + (size if up else -size)
        return d @ w.T, by_w

    report = check_function(lambda x, w: np.sin(x @ w), [x, w], wrong)
    bad = [(entry.input, entry.index) for entry in report.entries if entry.verdict is Verdict.DISAGREE]
    assert bad == [("w", where)]


def test_the_reference_and_its_bar_are_reported() -> None:
    entry = check_function(np.exp, [0.5], lambda g, x: g * np.exp(x)).entries[0]
    assert abs(entry.reference - math.exp(0.5)) <= entry.error <= 1e-9
    assert entry.claimed == math.exp(0.5)


def test_the_smallest_error_to_see_can_be_chosen() -> None:
    def backward(g: Any, x: Any) -> Any:
        return g * np.cos(x) * (1 + 1e-7)

    assert verdict(np.sin, [0.7], backward) == "agree"
    assert verdict(np.sin, [0.7], backward, detect=5e-8) == "disagree"


# --- upstream -------------------------------------------------------------------------------------


def test_a_forgotten_upstream_shows(digits: bool) -> None:  # T10
    report = check_function(lambda x: x * x, [3.0], lambda g, x: 2 * x)
    assert report.verdict == "disagree"
    assert codes(report) == {"other-upstream"}
    assert verdict(lambda x: x * x, [np.ones(3)], lambda g, x: 2 * x) == "disagree"
    assert verdict(lambda x: np.outer(x, x), [np.arange(1.0, 10)], lambda g, x: 2 * x) == "disagree"


def test_a_forgotten_upstream_shows_where_digits_are_lost() -> None:
    def right(g: Any, x: Any) -> Any:
        return g * (1 - np.tanh(x) ** 2)

    assert verdict(np.tanh, [40.0], right) == "agree"
    assert verdict(np.tanh, [40.0], lambda g, x: right(1.0, x)) == "disagree"


def test_an_upstream_gradient_that_is_rounded_shows_where_only_many_digits_know_the_slope() -> None:
    """Next to a kink differences leave the entry open, so that the rows agree in many digits alone."""

    def wrong(g: Any, x: Any) -> Any:
        return np.asarray(13.0 * g).astype(np.float16).astype(float)

    def forward(x: Any) -> Any:
        return np.maximum(x**3 - 8, 0) + x

    x = np.array([2 + 1e-12])
    assert verdict(forward, [x], lambda g, x: g * (3 * x**2 + 1)) == "agree"
    assert verdict(forward, [x], wrong) == "disagree"


# --- shapes and arguments -------------------------------------------------------------------------


def test_a_gradient_of_the_wrong_shape_is_never_broadcast() -> None:
    report = check_function(lambda x, b: x + b, [X, np.ones(4)], lambda g, x, b: (g, g))
    assert [column.verdicts.min() for column in report.columns] == [Verdict.AGREE, Verdict.DISAGREE]
    assert codes(report) == {"claim-shape"}


def test_sums_over_too_few_axes() -> None:
    report = check_function(
        lambda x, b: x + b, [np.ones((2, 3, 4)), np.ones(4)], lambda g, x, b: (g, np.sum(g, axis=0))
    )
    assert report.verdict == "disagree"
    assert "(3, 4)" in report.reason.text  # type: ignore[union-attr]


@every(
    "arguments, code",
    [
        ((np.sin, [1.0]), "no-function"),
        (("sin", [1.0], np.cos), "no-function"),
        ((np.sin, ["a"], lambda g, x: g), "not-numeric"),
        ((np.sin, [1j], lambda g, x: g), "not-numeric"),
        ((np.sin, [[[1.0], [1.0, 2.0]]], lambda g, x: g), "not-numeric"),
        ((np.sin, [1.0], lambda g, x: (g, g)), "gradient-count"),
        ((np.add, [1.0, 2.0], lambda g, x, y: g), "gradient-count"),
        ((np.sin, [1.0], lambda g, x: 1j), "result-not-numeric"),
        ((lambda x: "text", [1.0], lambda g, x: g), "result-not-numeric"),
        ((lambda x: 1 // 0, [1.0], lambda g, x: g), "function-raised"),
        ((np.sin, [1.0], lambda g, x: {}["missing"]), "function-raised"),
        ((np.sin, [1.0], lambda g, x: g, ["x", "y"]), "bad-names"),
        ((np.add, [1.0, 2.0], lambda g, x, y: (g, g), ["x", "x"]), "bad-names"),
    ],
)
def test_arguments_that_do_not_fit(arguments: Any, code: str) -> None:
    with pytest.raises(BpxError) as caught:
        check_function(*arguments)
    assert [one.code for one in caught.value.diagnostics] == [code]


@pytest.mark.parametrize("facts", [{"detect": 0}, {"detect": 1}, {"seed": -1}])
def test_options_that_mean_nothing(facts: Any) -> None:
    with pytest.raises(BpxError):
        check_function(np.sin, [1.0], lambda g, x: g, **facts)


def test_names() -> None:
    def area(width: Any, height: Any) -> Any:
        return width * height

    def pull(g: Any, x: Any, y: Any) -> Any:
        return g * y, g * x

    assert [one.input for one in check_function(area, [2.0, 3.0], pull).columns] == ["width", "height"]
    assert check_function(area, [2.0, 3.0], pull).output == "area"
    assert [one.input for one in check_function(area, [2.0, 3.0], pull, ["a", "b"]).columns] == ["a", "b"]
    assert [one.input for one in check_function(lambda *x: area(*x), [2.0, 3.0], pull).columns] == [
        "x0",
        "x1",
    ]


def test_what_is_not_claimed_is_not_judged() -> None:
    report = check_function(lambda x, y: x * y, [2.0, 3.0], lambda g, x, y: (g * y, None))
    assert [one.input for one in report.columns] == ["x"]


def test_the_report_is_plain_data() -> None:
    report = check_function(layer, [X, W, B], layer_pull)
    plain = report.to_dict()
    assert plain["counts"]["agree"] == report.total == 35
    assert plain["blame"] == []
    assert len(plain["entries"]) == 35


def test_the_same_seed_gives_the_same_report() -> None:
    one, two = (check_function(layer, [X, W, B], layer_pull, seed=3).to_dict() for _ in range(2))
    assert one == two


# --- types, chance, mutation ----------------------------------------------------------------------


def test_float32_is_widened_and_said_so() -> None:
    report = check_function(lambda x: np.sum(x**2), [np.ones(3, np.float32)], lambda g, x: 2 * g * x)
    assert report.verdict == "agree"
    assert [note.code for note in report.notes] == ["widened-input"]


def test_a_function_that_computes_in_float32_is_not_called_wrong(no_digits: None) -> None:
    x = np.array([0.3, 1.7])
    right = check_function(lambda x: np.float32(x) ** 2, [x], lambda g, x: 2 * g * x)
    assert right.counts["disagree"] == 0
    assert verdict(lambda x: np.float32(x) ** 2, [x], lambda g, x: 3 * g * x) == "disagree"


def test_arrays_of_integers_are_data() -> None:
    def pull(g: Any, x: Any, i: Any) -> Any:
        return g * np.bincount(i, minlength=4), None

    report = check_function(lambda x, i: np.sum(x[i]), [np.arange(4.0), np.array([1, 2, 2])], pull)
    assert report.verdict == "agree"
    assert [note.code for note in report.notes] == ["integer-input"]


def test_chance_is_found_and_not_called_wrong() -> None:
    rng = np.random.default_rng(0)
    report = check_function(lambda x: x + rng.normal(), [1.0], lambda g, x: g)
    assert report.verdict == "cannot tell"
    assert [note.code for note in report.notes] == ["not-deterministic"]


def test_a_little_scatter_is_noise() -> None:
    rng = np.random.default_rng(0)

    def forward(x: Any) -> Any:
        return np.exp(x) + 1e-15 * rng.normal()

    assert verdict(forward, [1.0], lambda g, x: g * np.exp(x)) == "agree"
    assert verdict(forward, [1.0], lambda g, x: g * 1.001 * np.exp(x)) == "disagree"


def test_an_output_that_changes_its_shape() -> None:
    lengths = iter(range(1, 100))
    with pytest.raises(BpxError):
        check_function(lambda x: np.ones(next(lengths)) * x, [1.0], lambda g, x: g)


def test_mutation_is_found_and_does_no_harm() -> None:
    def mutating(x: Any, w: Any) -> Any:
        x *= 2
        return x @ w

    def pull(g: Any, x: Any, w: Any) -> Any:
        return 2 * np.outer(g, w), 2 * x.T @ g

    x, w = X.copy(), W[:, 0].copy()
    report = check_function(mutating, [x, w], pull)
    assert report.verdict == "agree"
    assert [(note.code, note.facts["name"]) for note in report.notes] == [("changes-input", "x")]
    assert (x == X).all()


def test_a_gradient_made_with_updated_weights() -> None:
    def pull(g: Any, x: Any, w: Any) -> Any:
        by_w = x.T @ g
        w -= 0.1 * by_w
        return g @ w.T, by_w

    report = check_function(lambda x, w: x @ w, [X, W], pull)
    assert [column.verdicts.min() for column in report.columns] == [Verdict.DISAGREE, Verdict.AGREE]
    assert [note.facts["function"] for note in report.notes] == ["backward"]


# --- kinks and edges ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        (0.0, "kink"),
        (0.5, "kink"),
        (1.0, "kink"),
        (1.5, "disagree"),
        (-0.1, "disagree"),
        (math.nan, "disagree"),
    ],
)
def test_at_a_kink_the_claim_lies_between_the_slopes(claim: float, expected: str, digits: bool) -> None:
    report = check_function(lambda x: np.maximum(x, 0), [0.0], lambda g, x: g * claim)
    assert report.verdict == expected
    assert report.entries[0].between == pytest.approx((0, 1), abs=1e-9)


def test_relu_of_relu_at_zero(digits: bool) -> None:
    report = check_function(lambda x: np.maximum(np.maximum(x, 0), 0), [0.0], lambda g, x: g * 0.5)
    assert report.verdict == "kink"


def test_a_tie_counted_once_and_twice(digits: bool) -> None:
    x = np.ones(4)
    assert verdict(np.max, [x], lambda g, x: g * np.full(4, 0.25)) == "kink"
    assert verdict(np.max, [x], lambda g, x: g * np.array([1.0, 0, 0, 0])) == "kink"
    twice = check_function(np.max, [x], lambda g, x: g * np.full(4, 0.5))
    assert twice.verdict == "disagree"
    assert codes(twice) == {"slopes-together"}


def test_kinks_of_mixed_signs_are_left_alone(digits: bool) -> None:
    found = verdict(lambda x, y: abs(x) - abs(y), [0.0, 0.0], lambda g, x, y: (g * 0.3, g * 0.9))
    assert found == "kink"


@pytest.mark.parametrize("f", [np.sqrt, np.log, lambda x: 1 / x, lambda x: np.where(x > 0, 1.0, 0.0)])
def test_where_there_is_no_slope(f: Any, digits: bool) -> None:
    assert verdict(f, [0.0], lambda g, x: g * 1.0) == "outside domain"


@pytest.mark.parametrize("share", [1.0, 1e-3])
def test_a_function_even_about_the_point_need_not_have_a_derivative(share: float, digits: bool) -> None:
    def forward(x: Any) -> Any:
        return 3 * x[0] + share * (x[0] * np.sin(1 / x[0]) if x[0] != 0 else 0)

    report = check_function(forward, [np.zeros(1)], lambda g, x: (g * np.array([3.0]),))
    assert report.verdict == "cannot tell"
    assert codes(report) == {"apart"}


def _saddle(x: Any) -> Any:
    """No slope along the axes at 0, but gradients (2, 0) and (0, 2) beside it."""
    return np.abs(x[0] + x[1]) - np.abs(x[0] - x[1])


def _both_ways(x: Any) -> Any:
    return np.maximum(x[1], 0) - np.maximum(x[0], 0) - np.maximum(x[2], 0)


def _smooth(x: Any) -> Any:
    return x[0] * x[1] + x[0]


@pytest.mark.parametrize(
    ("forward", "claim", "expected"),
    [
        (_saddle, (2.0, 0.0), "kink"),
        (_saddle, (0.0, 2.0), "kink"),
        (_saddle, (1.0, 1.0), "kink"),
        (_saddle, (2.0, 2.0), "disagree"),
        (_both_ways, (-0.5, 0.5, -0.2), "kink"),
        (_both_ways, (-0.5, 1.5, 0.0), "disagree"),
        (_smooth, (1.0, 0.0), "agree"),
        (_smooth, (1.0, 2.0), "disagree"),
    ],
)
def test_gradients_beside_a_kink_and_their_mixtures(
    forward: Any, claim: Any, expected: str, no_digits: None
) -> None:
    x, backward = np.zeros(len(claim)), lambda g, x: (g * np.array(claim),)
    assert verdict(forward, [x], backward) == expected
    # A kink that is parted from the point by less than rounding shows may be left open.
    if expected == "kink":
        beside = 1 + np.array([2e-15, -2e-15, 4e-15])[: len(claim)]
        assert verdict(lambda x: forward(x - 1), [beside], backward) in ("kink", "cannot tell")


def test_kinks_with_too_many_sides_to_look_at(no_digits: None) -> None:
    """Of hundreds of sides 64 are met: a claim that fits none of these may fit another."""
    signs = np.random.default_rng(5).choice([-1.0, 1.0], (20, 10))
    shares = np.random.default_rng(6).normal(size=20)
    claim = 3 * signs.T @ (shares * np.sign(signs @ np.arange(1.0, 11)))

    def forward(x: Any) -> Any:
        return shares @ np.abs(signs @ x)

    report = check_function(forward, [np.zeros(10)], lambda g, x: (g * claim,))
    assert report.verdict == "cannot tell"
    assert codes(report) <= {"many-sides", "between-slopes"}


@pytest.mark.parametrize("height", [1e-7, 1e-9, 1e-11])
def test_who_claims_that_a_staircase_is_flat_is_not_refuted(height: float, no_digits: None) -> None:
    def forward(x: Any) -> Any:
        return np.round(np.sin(x) / height) * height

    assert verdict(forward, [0.3], lambda g, x: 0.0 * g) == "cannot tell"
    assert verdict(forward, [0.3], lambda g, x: 2.0 * g) == "disagree"


def test_a_function_that_refuses_points_outside_its_domain() -> None:
    def forward(x: Any) -> Any:
        if x <= 0:
            raise ValueError("negative")
        return math.log(x)

    assert verdict(forward, [1e-3], lambda g, x: g / x) == "agree"
    assert verdict(forward, [1e-3], lambda g, x: 1.001 * g / x) == "disagree"


def test_a_forward_difference_is_not_the_derivative() -> None:
    def relu(x: Any) -> Any:
        return np.maximum(x, 0)

    report = check_function(relu, [-0.25], lambda g, x: g * (relu(x + 1) - relu(x)))
    assert report.entries[0].claimed == 0.75
    assert report.verdict == "disagree"


# --- traps that many digits get out of ------------------------------------------------------------


def test_complex_numbers_play_no_part() -> None:  # T7: abs() would drop an imaginary step
    def softplus(x: Any) -> Any:
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))

    assert verdict(softplus, [np.array([-2.0, 0.0, 3.0])], lambda g, x: g / (1 + np.exp(-x))) == "agree"


def test_a_formula_that_loses_its_digits_is_right() -> None:  # T9
    labels = np.array([1.0, 0, 0])

    def loss(z: Any) -> Any:
        shifted = z - np.max(z)
        return np.log(np.sum(np.exp(shifted))) - np.sum(labels * shifted)

    z = np.array([40.0, 0.0, -3.0])
    report = check_function(loss, [z], lambda g, z: g * (softmax(z) - labels))
    assert report.verdict == "agree"
    assert codes(report) == {"digits-lost"}
    assert verdict(loss, [z], lambda g, z: g * (softmax(z) - 1.001 * labels)) == "disagree"
    assert verdict(loss, [z], lambda g, z: g * 1.001 * (softmax(z) - labels)) == "disagree"


def test_saturation_is_not_a_dead_unit() -> None:  # T11
    def saturated(g: Any, x: Any) -> Any:
        return g * (1 - np.tanh(x) ** 2)

    assert verdict(np.tanh, [40.0], saturated) == "agree"
    assert verdict(np.tanh, [40.0], lambda g, x: -saturated(g, x)) == "disagree"
    assert verdict(lambda x: np.maximum(x, 0), [-40.0], lambda g, x: g * 0.0) == "agree"


def test_a_bare_zero_for_a_saturated_unit_is_left_open() -> None:  # T11
    assert verdict(np.tanh, [40.0], lambda g, x: 0.0 * float(x)) == "cannot tell"


def test_functions_that_take_no_objects_are_left_to_differences() -> None:  # T8, T12
    def forward(x: Any) -> Any:
        return np.array([math.erf(float(one)) for one in x])

    def pull(g: Any, x: Any) -> Any:
        return g * 2 / math.sqrt(math.pi) * np.exp(-(x**2))

    x = np.array([0.3, -1.2])
    assert verdict(forward, [x], pull) == "agree"
    assert verdict(forward, [x], lambda g, x: 1.0001 * pull(g, x)) == "disagree"


def test_a_wrong_slope_below_the_grain_is_no_false_alarm(digits: bool) -> None:  # T2
    found = verdict(
        lambda x: (x * x + 1) / (x * x - 1), [1 + 2.0**-20], lambda g, x: -4 * g * x / (x * x - 1) ** 2
    )
    assert found == ("agree" if digits else "cannot tell")


def test_a_wrong_sign_at_a_tiny_scale() -> None:
    def forward(x: Any) -> Any:
        return 1e-9 * np.sin(x)

    assert verdict(forward, [0.7], lambda g, x: g * 1e-9 * np.cos(x)) == "agree"
    assert verdict(forward, [0.7], lambda g, x: -g * 1e-9 * np.cos(x)) == "disagree"


# --- large inputs ---------------------------------------------------------------------------------


def test_many_entries_are_checked_together(no_digits: None) -> None:
    x = np.random.default_rng(0).normal(size=3000)
    calls = []

    def forward(x: Any) -> Any:
        calls.append(x)
        return np.sum(np.tanh(x))

    report = check_function(forward, [x], lambda g, x: g * (1 - np.tanh(x) ** 2))
    assert report.verdict == "agree"
    assert "certified-together" in [note.code for note in report.notes]
    assert len(calls) < 3000


def test_a_budget_that_ends_is_named(no_digits: None) -> None:
    x = np.linspace(0.5, 2, 300)
    report = check_function(lambda x: np.sum(x**3), [x], lambda g, x: -3 * g * x**2, calls=100)
    assert report.verdict == "disagree"
    assert report.counts["cannot tell"] == 300 - blackbox.TOGETHER
    unseen = [entry.reason for entry in report.entries if entry.reason and entry.reason.code == "unseen"]
    assert {reason.budget["calls"] for reason in unseen if reason.budget} == {100}
    plain = report.to_dict()["entries"]
    assert {row["budget"]["calls"] for row in plain if row["code"] == "unseen"} <= {100}
    assert [note.code for note in report.notes] == ["looked-at-in-part"]


def test_the_one_of_many_that_is_wrong_is_found(no_digits: None) -> None:
    x = np.linspace(0.5, 2, 600)

    def wrong(g: Any, x: Any) -> Any:
        found = 3 * g * x**2
        found[217] *= 1.0001
        return found

    report = check_function(lambda x: np.sum(x**3), [x], wrong)
    bad = [entry.index for entry in report.entries if entry.verdict is Verdict.DISAGREE]
    assert bad == [(217,)]
    assert report.counts["cannot tell"] == 0


def test_seconds_end_a_check_only_where_they_are_asked_for(no_digits: None) -> None:
    x = np.linspace(0.5, 2, 200)
    report = check_function(lambda x: np.sum(x**3), [x], lambda g, x: 3 * g * x**2, seconds=1e-9)
    assert report.counts["agree"] == blackbox.TOGETHER


# --- what hides errors ----------------------------------------------------------------------------


def notes(report: Report) -> list[str]:
    return [note.code for note in report.notes]


def tanh_pull(g: Any, x: Any) -> Any:
    return g * (1 - np.tanh(x) ** 2)


@pytest.mark.parametrize(
    ("forward", "code"),
    [
        (lambda x: np.tanh(x).astype(np.float32), "coarse-type"),
        (lambda x: np.tanh(x.astype(np.float32)).astype(float), "noisy"),
    ],
)
def test_float32_is_named_and_what_passes_it(forward: Any, code: str) -> None:
    x = np.array([0.3, -1.2])
    report = check_function(forward, [x], tanh_pull)
    assert (report.verdict, notes(report)) == ("cannot tell", [code, "looser-agrees"])
    detect = float(report.notes[-1].facts["detect"])
    assert detect <= 1e-3
    assert verdict(forward, [x], tanh_pull, detect=detect) == "agree"
    assert verdict(forward, [x], lambda g, x: 1.1 * tanh_pull(g, x), detect=1e-3) == "disagree"


@pytest.mark.parametrize("dtype", [np.float32, float])
def test_a_slope_below_the_rounding_of_float32_is_no_false_alarm(dtype: Any) -> None:
    def forward(x: Any) -> Any:
        return np.array([1 + 1e-9 * np.sin(x[0])]).astype(np.float32).astype(dtype)

    assert verdict(forward, [np.array([0.4])], lambda g, x: g * 1e-9 * np.cos(x)) == "cannot tell"


@pytest.mark.parametrize("claim", [0.0, 1.0])
@pytest.mark.parametrize(
    "forward",
    [lambda x: np.round(x, 3), lambda x: np.floor(1000 * x) / 1000, lambda x: x.astype(np.float16)],
)
def test_the_secant_of_a_staircase_is_no_reference(forward: Any, claim: float, no_digits: None) -> None:
    report = check_function(forward, [np.array([0.1234, 1.7719])], lambda g, x: claim * g, detect=1e-2)
    assert (report.verdict, codes(report)) == ("cannot tell", {"stairs"})


# The first slope is called 0; f is flat for rounding alone, and it is 5e-110, 1e-16, 2e-8, 7e-35 and -4e-18.
LOST_IN_ROUNDING: list[tuple[Any, list[float], list[float]]] = [
    (np.expm1, [-251.7], [0]),
    (np.hypot, [1e-8, 1e8], [0, 1]),
    (lambda x, y: x**2 - y**2, [1e-8, 1e8], [0, -2e8]),
    (np.tanh, [40.0], [0]),
    (lambda x, y: y + np.exp(-x), [40.0, 2.0], [0, 1]),
]
PLATEAUS: list[tuple[Any, list[float], list[float]]] = [
    (lambda x: np.clip(x, 0, 1), [5.0], [0]),
    (lambda x: np.maximum(x, 0) ** 2, [-3.0], [0]),
    (lambda x: np.where(x > 0, x, 0), [-1e-3], [0]),
    (lambda x, y: y + 1e3 * np.minimum(x, 0), [2.0, 7.0], [0, 1]),
    (lambda x, y: y, [0.3, 2.0], [0, 1]),
    (lambda x, y: y + np.minimum(np.exp(x), 1), [1.0, 2.0], [0, 1]),
]


def into_array(f: Any) -> Any:
    """The same, into an array made before, which takes no objects."""

    def forward(*inputs: Any) -> Any:
        out = np.zeros(1)
        out[0] = f(*inputs)
        return out

    return forward


@pytest.mark.parametrize(("f", "values", "claims"), LOST_IN_ROUNDING)
def test_a_zero_that_rounding_made_is_not_called_right(f: Any, values: Any, claims: list[float]) -> None:
    report = check_function(into_array(f), values, lambda g, *x: [g[0] * claim for claim in claims])
    assert report.verdict == "cannot tell"
    assert codes(report) <= {"stairs", "uncertain"}


@every("f, values, claims", PLATEAUS)
def test_a_zero_on_a_plateau_is_right(f: Any, values: Any, claims: list[float]) -> None:
    assert verdict(into_array(f), values, lambda g, *x: [g[0] * claim for claim in claims]) == "agree"


def test_many_digits_know_the_slope_of_a_staircase() -> None:
    x = np.array([0.1234, 1.7719])
    assert verdict(lambda x: np.floor(1000 * x) / 1000, [x], lambda g, x: 0 * g) == "agree"
    assert verdict(lambda x: np.floor(1000 * x) / 1000, [x], lambda g, x: g) == "disagree"


def test_a_smooth_function_that_is_constant_has_no_jump(digits: bool) -> None:
    for seed in range(12 if digits else 40):
        x = np.random.RandomState(seed).randn(6)
        found = verdict(lambda x: np.sum((x - x.mean()) / x.std()), [x], lambda g, x: (np.zeros_like(x),))
        assert found in ("agree", "cannot tell")


def test_a_small_constant_on_one_side_is_hinted_at() -> None:
    p = np.array([[0.2, 0.8], [0.6, 0.4]])
    report = check_function(
        lambda p: -np.sum(np.log(p[[0, 1], [1, 0]] + 1e-7)),
        [p],
        lambda g, p: -g * np.array([[0.0, 1 / p[0, 1]], [1 / p[1, 0], 0.0]]),
    )
    assert (report.verdict, notes(report)) == ("disagree", ["small-constant", "looser-agrees"])
    assert report.blame[0].mistakes == ()
    assert report.notes[1].facts["detect"] == "1e-4"


def test_a_large_mistake_is_not_explained_away() -> None:
    assert notes(check_function(np.sin, [X], lambda g, x: 1.1 * g * np.cos(x))) == []


def test_an_entry_next_to_nothing_does_not_leave_the_whole_open(no_digits: None) -> None:
    x = np.random.RandomState(0).randn(2000)
    x[77] = 17.0
    report = check_function(lambda x: np.sum(np.tanh(x)), [x], tanh_pull)
    assert report.verdict == "agree"
    assert [note.facts["entries"] for note in report.notes if note.code == "negligible"] == ["x[77]"]


def test_of_which_output_an_entry_is_wrong() -> None:
    report = check_function(
        lambda x: np.array([x[0] * x[1], x[0] + x[1], x[1] ** 2]),
        [np.array([2.0, 3.0])],
        lambda g, x: (np.array([g[0] * x[1] + g[1], g[0] * x[0] + g[1] + g[2] * x[1]]),),
    )
    wrong = [(entry.output, entry.index) for entry in report.shown() if entry.verdict is Verdict.DISAGREE]
    assert wrong == [((2,), (1,))]


def test_a_network_of_many_parameters_is_certified_together() -> None:
    """A loss with kinks all around: nothing is left open, in far fewer calls than one for each parameter."""
    rng = np.random.RandomState(0)
    data, labels = rng.randn(8, 100), rng.randint(10, size=8)
    inputs = [rng.randn(*shape) * 0.1 for shape in ((100, 50), (50,), (50, 10), (10,))]
    calls = []

    def scores(W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        return np.maximum(0, data @ W1 + b1) @ W2 + b2

    def forward(*inputs: Any) -> Any:
        calls.append(1)
        penalty = 0.05 * (np.sum(inputs[0] ** 2) + np.sum(inputs[2] ** 2))
        return -np.mean(np.log(softmax(scores(*inputs))[np.arange(8), labels])) + penalty

    def backward(g: Any, W1: Any, b1: Any, W2: Any, b2: Any) -> Any:
        z = data @ W1 + b1
        d = g * (softmax(scores(W1, b1, W2, b2)) - np.eye(10)[labels]) / 8
        dh = (d @ W2.T) * (z > 0)
        dW2 = np.maximum(0, z).T @ d + 0.1 * g * W2
        return data.T @ dh + 0.1 * g * W1, np.sum(dh, axis=0), dW2, np.sum(d, axis=0)

    report = check_function(forward, inputs, backward)
    assert (report.verdict, report.total) == ("agree", 5560)
    assert len(calls) < 5560

    def wrong(g: Any, *inputs: Any) -> Any:
        gradients = backward(g, *inputs)
        gradients[0][17, 31] *= 1.01
        return gradients

    report = check_function(forward, inputs, wrong)
    assert [entry.index for entry in report.shown() if entry.verdict is Verdict.DISAGREE] == [(17, 31)]
    assert report.counts["cannot tell"] == 0


def test_a_check_costs_little_more_than_central_differences() -> None:
    x = np.random.RandomState(0).randn(8, 8)
    for factor in (1.0, 1.1):
        calls = []

        def forward(x: Any, calls: Any = calls) -> Any:
            calls.append(1)
            return np.tanh(x)

        check_function(forward, [x], lambda g, x, factor=factor: factor * tanh_pull(g, x))
        # Of the wrong ones the whole ladder is looked at, of the right ones a third.
        assert len(calls) < (20 if factor == 1 else 60) * 2 * x.size


# --- real cases -----------------------------------------------------------------------------------

REAL: dict[str, tuple[Any, Any, Any]] = {
    "order of the visits": (lambda a: (a + a) + (a + a), [3.0], lambda g, a: 3 * g),
    "a shared node visited twice": (lambda x: (x * x) * (3 * x), [2.0], lambda g, x: 28 * g),
    "backward called twice": (lambda x: 5 * x, [1.0], lambda g, x: 10 * g),
    "softmax with a factor 2": (
        softmax,
        [np.array([0.1, 0.7, -0.3])],
        lambda g, z: 2 * softmax(z) * (g - np.sum(g * softmax(z))),
    ),
    "softmax diagonal only": (
        softmax,
        [np.array([0.1, 0.7, -0.3])],
        lambda g, z: g * softmax(z) * (1 - softmax(z)),
    ),
    "an extra mean over everything": (
        lambda x: np.mean(x**2, axis=0),
        [np.arange(24.0).reshape(2, 3, 4) + 1],
        lambda g, x: 2 * g * x / x.size,
    ),
    "a sum divided by the batch": (
        lambda x: np.sum(x**2),
        [np.arange(6.0).reshape(3, 2) + 1],
        lambda g, x: 2 * g * x / 3,
    ),
}


@pytest.mark.parametrize("name", REAL)
def test_mistakes_people_have_made(name: str, digits: bool) -> None:
    assert verdict(*REAL[name]) == "disagree"


def test_nothing_is_said_on_the_side() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert verdict(np.log, [1e-3], lambda g, x: g / x) == "agree"
        assert verdict(lambda x: 1 / x, [0.0], lambda g, x: -g / x**2) == "outside domain"


def test_sums_of_slices_in_backward_run_on_many_digits() -> None:
    """`np.sum` of guarded objects gives an array of no axes, not a number."""

    def backward(factor: float) -> Any:
        return lambda g, x: np.array([np.sum(g * 3 * x[i : i + 1] ** 2 * factor) for i in range(3)])

    x = [np.array([1.0, 2.0, 0.5])]
    assert verdict(lambda x: np.sum(x**3), x, backward(1 + 1.2e-5)) == "disagree"
    assert verdict(lambda x: np.sum(x**3), x, backward(1.0)) == "agree"


@pytest.mark.parametrize(
    ("forward", "slope"),
    [
        (lambda x: ((x + 1e16) - 1e16).sum(), lambda x: np.ones(1)),
        (lambda x: 1e17 * np.log(1 + np.exp(-40 - x)).sum(), lambda x: -1e17 * np.exp(-40 - x)),
        (lambda x: (1 - np.tanh(20 + x)).sum() * 1e17, lambda x: -4e17 * np.exp(-40 - 2 * x)),
    ],
)
def test_where_float64_loses_the_value_that_it_is_flat_says_nothing(forward: Any, slope: Any) -> None:
    assert verdict(forward, [np.array([0.3])], lambda g, x: g * slope(x)) in ("agree", "cannot tell")


def test_a_claim_that_is_nan_is_no_small_difference() -> None:
    wrong = np.array([1.0, np.nan, 1.0])
    report = check_function(
        lambda x: (x**2).sum(), [np.array([0.3, 1.0, 2.0])], lambda g, x: 2 * g * x * wrong
    )
    assert report.verdict == "disagree"
    assert not report.notes


# --- rounding that no difference shows ------------------------------------------------------------


@pytest.mark.parametrize("offset", [1.0, 1e4, -3.7e7])
def test_the_bar_covers_what_is_rounded_alike_all_along_a_line(offset, no_digits):
    """By s, f is linear; but the deviation that multiplies it was rounded once, in f and claim alike."""
    rng = np.random.default_rng(3)
    for _ in range(60):
        x = offset + 1e-9 * abs(offset) * rng.normal(size=4)
        report = check_function(
            lambda s, x: (x[0] - x.mean()) * s,
            [np.float64(2.0), x],
            lambda g, s, x: (g * (x[0] - x.mean()), g * s * (np.eye(4)[0] - 0.25)),
            names=["s", "x"],
        )
        scale = next(entry for entry in report.entries if entry.input == "s")
        true = Fraction(x[0]) - sum(map(Fraction, x.tolist())) / 4
        assert abs(scale.reference - float(true)) <= scale.error
        assert report.verdict != "disagree"


def test_a_claim_that_has_lost_its_digits_is_not_rejected_by_chance(no_digits):
    """The grain of cos(x) next to 1 does not show when x moves by its last digits, only over a stretch."""
    for seed in range(12):
        found = verdict(
            lambda x: (1 - np.cos(x)) / (x * x),
            [np.float64(0.0010001)],
            lambda g, x: g * (np.sin(x) / (x * x) - 2 * (1 - np.cos(x)) / x**3),
            seed=seed,
        )
        assert found == "cannot tell"


def test_float32_inside_is_averaged_out_where_many_values_are_enough(no_digits):
    def forward(x: Any) -> Any:
        return np.tanh((x * 1.5).astype(np.float32).astype(float) / 1.5)

    x = np.array([0.3, -1.2])
    assert verdict(forward, [x], tanh_pull) == "agree"
    assert verdict(forward, [x], lambda g, x: 1.0001 * tanh_pull(g, x)) == "disagree"


def test_a_slope_that_is_small_beside_the_function_is_found_in_many_values(no_digits):
    """Differences leave 2e-11 of a slope of 1.4e-6; their number, and wider steps, leave less."""
    right = check_function(lambda x: 700 + 10 * x**6, [np.float64(0.0297)], lambda g, x: 60 * g * x**5)
    assert right.verdict == "agree"
    assert right.worst.error < 3e-12
    wrong = check_function(lambda x: 700 + 10 * x**6, [np.float64(0.0297)], lambda g, x: 60.003 * g * x**5)
    assert wrong.verdict == "disagree"
