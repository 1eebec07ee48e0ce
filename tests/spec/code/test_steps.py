"""Weights that backward moves itself: which gradient a step is read as, and when that cannot be told."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from bpx.check.report.entry import Verdict
from bpx.check.report.report import Report
from bpx.spec.code.target import check_code, read_code
from bpx.words.diagnostic import BpxError

OUTER = "np.outer(dout, self.x)"
TWICE = f"(2 * {OUTER})"
SQUARED = "np.outer(dout, self.x ** 2)"
LAYER = """import numpy as np
{before}

class Layer:
    def __init__(self):
        self.W = np.eye(3) + 0.5
        self.b = np.zeros(3)
{state}

    def forward(self, x):
        self.x = x
        return {output}

    def backward(self, dout):
{body}


net = Layer()


def inputs():
    return {{"x": np.array([0.3, -0.7, 1.2])}}
"""
SCRIPT = """import numpy as np
X = np.array([[0.0, 0, 1], [0, 1, 1], [1, 0, 1], [1, 1, 1]])
Y = np.array([[0.0], [1], [1], [0]])
rng = np.random.default_rng(1)
syn0 = rng.normal(size=(3, 4))
syn1 = rng.normal(size=(4, 1))


def sigmoid(z):
    return 1 / (1 + np.exp(-z))


def forward():
    global l1, l2
    l1 = sigmoid(X @ syn0)
    l2 = sigmoid(l1 @ syn1)
    return 0.5 * np.sum((Y - l2) ** 2)


def backward():
    global syn0, syn1
    l2_delta = (Y - l2) * l2 * (1 - l2)
    l1_delta = l2_delta.dot(syn1.T) * l1 * (1 - l1)
    syn1 += l1.T.dot(l2_delta)
    syn0 += X.T.dot(l1_delta)
"""
OPTIMIZER = """
class SGD:
    def __init__(self, lr):
        self.lr = lr

    def step(self, layer, g):
        layer.W -= self.lr * g


opt = SGD(0.3)
"""


def report_of(
    folder: Path, body: str, state: str = "pass", before: str = "", output: str = "self.W @ x + self.b"
) -> Report:
    parts = {"body": textwrap.indent(body, " " * 8), "state": textwrap.indent(state, " " * 8)}
    return checked(folder, LAYER.format(before=before, output=output, **parts), "net")


def checked(folder: Path, text: str, names: str) -> Report:
    file = folder / "layer.py"
    file.write_text(text)
    return check_code(read_code(f"{file}:{names}", {}))


def notes(report: Report, code: str) -> list[str]:
    return [note.message for note in report.notes if note.code == code]


def refused(*args: Any, **parts: str) -> str:
    with pytest.raises(BpxError) as error:
        report_of(*args, **parts)
    [problem] = error.value.diagnostics
    return problem.code


def mistakes(report: Report) -> list[str]:
    return [one.text for blame in report.blame for one in blame.mistakes]


# --- the code names the rate, or the gradient -----------------------------------------------------

NAMED = {
    "an attribute": ("self.W -= self.lr * {g}", "self.lr = 0.3", ""),
    "a decaying attribute": ("self.W -= self.lr * {g}\nself.lr *= 0.5", "self.lr = 0.4", ""),
    "an attribute of another object": ("self.W -= opt.lr * {g}", "pass", OPTIMIZER),
    "a dict": ("self.W -= config['lr'] * {g}", "pass", "config = {'lr': 0.3}"),
    "capitals": ("self.W = self.W - LEARNING_RATE * {g}", "pass", "LEARNING_RATE = 0.3"),
    "a weaker name": ("self.W -= alpha * {g}", "pass", "alpha = 0.3"),
    "one of two": ("self.W -= self.lr * {g}", "self.lr = 0.1", "lr = 0.3"),
    "a statement before": ("step = self.lr * {g}\nself.W -= step", "self.lr = 0.3", ""),
    "an optimizer": ("opt.step(self, {g})", "pass", OPTIMIZER),
    "momentum": ("self.v = 0.9 * self.v + self.lr * {g}\nself.W -= self.v",
                 "self.lr, self.v = 0.3, np.zeros((3, 3))", ""),
    "a variable": ("dW = {g}\nself.W -= 0.1 * dW", "pass", ""),
    "a variable without a rate": ("dW = {g}\nself.W -= dW", "pass", ""),
    "a variable and an assignment": ("grad_W = {g}\nself.W = self.W - 0.01 * grad_W", "pass", ""),
    "a variable and momentum": ("dW = {g}\nself.v = 0.9 * self.v + 0.1 * dW\nself.W -= self.v",
                                "self.v = np.zeros((3, 3))", ""),
}  # fmt: skip
named = pytest.mark.parametrize(("body", "state", "before"), NAMED.values(), ids=NAMED)


@named
def test_a_named_step_is_right(tmp_path: Path, body: str, state: str, before: str) -> None:
    report = report_of(tmp_path, body.format(g=OUTER), state, before)
    assert report.verdict == "agree"
    assert not notes(report, "rate-assumed")


@named
def test_a_factor_in_a_named_step_is_a_mistake(tmp_path: Path, body: str, state: str, before: str) -> None:
    report = report_of(tmp_path, body.format(g=TWICE), state, before)
    assert mistakes(report) == ["multiplied by `2` once too often"]


@pytest.mark.parametrize("state", ["self.lr = 0.3", "pass"], ids=["named", "not named"])
def test_a_step_uphill_is_wrong_by_its_sign_alone(tmp_path: Path, state: str) -> None:
    rate = "self.lr" if "lr" in state else "0.3"
    for body in (f"self.W += {rate} * {OUTER}", f"dW = {OUTER}\nself.W += {rate} * dW"):
        report = report_of(tmp_path, body, state)
        assert mistakes(report) == ["wrong sign"]


def test_steps_uphill_of_two_rates_are_wrong_by_their_signs_alone(tmp_path: Path) -> None:
    report = report_of(tmp_path, f"self.W += 0.1 * {OUTER}\nself.b += 0.2 * dout")
    assert mistakes(report) == ["wrong sign", "wrong sign"]


def test_the_slope_of_a_leaky_relu_is_no_rate(tmp_path: Path) -> None:
    body = f"dout = np.where(dout > -9, dout, alpha * dout)\nself.W -= 0.1 * {OUTER}"
    assert report_of(tmp_path, body, before="alpha = 0.3").verdict == "agree"


def test_a_mean_over_the_batch_in_the_step_is_of_the_gradient_or_of_the_rate(tmp_path: Path) -> None:
    for_mean = f"m = 4\ndW = 4 * {OUTER}\nself.W -= self.lr / m * dW"
    assert report_of(tmp_path, for_mean, "self.lr = 0.3").verdict == "agree"
    report = report_of(tmp_path, for_mean.replace("self.lr", "0.3"))
    assert report.verdict == "agree"
    assert "; 0.3 was taken for the step of `W`" in notes(report, "rate-assumed")[0]


# --- nothing names it ---------------------------------------------------------------------------

UNNAMED = {
    "a number": ("0.1 *", "pass", "0.1"),
    "no rate": ("", "pass", "1"),
    "another name": ("epsilon *", "epsilon = 0.3", "0.3"),
    "a name that is not read": ("0.1 *", "alpha = lr = 0.3", "0.1"),
}
unnamed = pytest.mark.parametrize(("rate", "before", "taken"), UNNAMED.values(), ids=UNNAMED)


@unnamed
def test_only_the_direction_of_an_unnamed_step_is_checked(
    tmp_path: Path, rate: str, before: str, taken: str
) -> None:
    report = report_of(tmp_path, f"self.W -= {rate} {OUTER}", before=before)
    assert report.verdict == "agree"
    assert f"; {taken} was taken for the step of `W`" in notes(report, "rate-assumed")[0]


@unnamed
def test_a_wrong_direction_is_wrong_for_every_rate(
    tmp_path: Path, rate: str, before: str, taken: str
) -> None:
    report = report_of(tmp_path, f"self.W -= {rate} {SQUARED}", before=before)
    assert report.verdict == "disagree"
    assert not any("factor" in mistake for mistake in mistakes(report))


def test_the_line_of_a_wrong_step_is_found_with_the_number_in_it(tmp_path: Path) -> None:
    [blame] = report_of(tmp_path, "self.W -= 0.1 * np.outer(dout, self.x * self.x)").blame
    assert blame.code is not None
    assert blame.code.right == "self.W -= 0.1 * np.outer(dout, self.x)"


def test_one_wrong_entry_of_an_unnamed_step_stands_out(tmp_path: Path) -> None:
    report = report_of(tmp_path, f"g = {OUTER}\ng[0, 0] *= 2\nself.W -= 0.1 * 3 * g")
    [column] = report.columns
    assert [*(column.verdicts.ravel() == Verdict.DISAGREE)] == [True] + [False] * 8


def test_a_normalized_gradient_has_another_rate_at_other_inputs(tmp_path: Path) -> None:
    output = "np.tanh(self.W @ x)"
    gradient = "np.outer(dout * (1 - np.tanh(self.W @ self.x) ** 2), self.x)"
    report = report_of(tmp_path, f"g = {gradient}\nself.W -= 0.1 * g / np.linalg.norm(g)", output=output)
    assert report.verdict == "agree"
    assert notes(report, "rate-assumed")


def test_a_step_that_is_right_at_the_given_weights_alone_is_wrong_from_the_first_call_on(
    tmp_path: Path,
) -> None:
    body = f"self.W -= self.lr * {OUTER} * self.W[0, 0] / 1.5"
    report = report_of(tmp_path, body, "self.lr = 0.3")
    assert [one.code for blame in report.blame for one in blame.mistakes] == ["only-here"]


def test_all_steps_have_one_rate(tmp_path: Path) -> None:
    report = report_of(tmp_path, f"self.W -= 0.1 * {OUTER}\nself.b -= 0.1 * dout")
    assert (report.verdict, report.total) == ("agree", 12)
    assert refused(tmp_path, f"self.W -= 0.1 * {TWICE}\nself.b -= 0.1 * dout") == "rates-differ"
    named = f"self.W -= self.lr * {OUTER}\nself.b -= 0.2 * dout"
    assert refused(tmp_path, named, "self.lr = 0.1") == "rates-differ"
    wrong = report_of(tmp_path, f"self.W -= 0.1 * {SQUARED}\nself.b -= 0.1 * dout")
    assert mistakes(wrong) == ["the exponent of `self.x` is 2 instead of 1"]


def test_one_number_has_no_direction(tmp_path: Path) -> None:
    state, output = "self.w = 1.5", "self.w * np.sum(x)"
    step = "self.w -= {rate} * dout * np.sum(self.x{power})"
    assert refused(tmp_path, step.format(rate=0.1, power=""), state, output=output) == "rate-unknown"
    state += "\nself.lr = 0.1"
    right, wrong = (step.format(rate="self.lr", power=power) for power in ("", " ** 2"))
    assert report_of(tmp_path, right, state, output=output).verdict == "agree"
    assert report_of(tmp_path, wrong, state, output=output).verdict == "disagree"


def test_a_script_of_two_layers_steps_along_its_own_errors(tmp_path: Path) -> None:
    report = checked(tmp_path, SCRIPT, "forward,backward")
    assert (report.verdict, report.total) == ("agree", 16)
    uphill = checked(tmp_path, SCRIPT.replace("+= ", "-= "), "forward,backward")
    assert mistakes(uphill) == ["wrong sign"]
    twice = SCRIPT.replace("+= X", "+= 2 * X")
    with pytest.raises(BpxError, match="different ones"):
        checked(tmp_path, twice, "forward,backward")


# --- steps with other terms -----------------------------------------------------------------------

STARTED = ("self.v = 0.9 * self.v + 0.1 * {g}\nself.W -= self.v", "self.v = np.ones((3, 3))")
DECAY = ("self.W -= self.lr * ({g} + 0.01 * self.W)", "self.lr = 0.1")
ADAM = (
    "self.m = 0.9 * self.m + 0.1 * {g}\nself.v = 0.99 * self.v + 0.01 * {g} ** 2\n"
    "self.W -= self.lr * self.m / (np.sqrt(self.v) + 1e-8)",
    "self.lr, self.m, self.v = 0.1, np.zeros((3, 3)), np.zeros((3, 3))",
)
TERMS = {"momentum": STARTED, "weight decay": DECAY, "Adam": ADAM}
of_terms = pytest.mark.parametrize(("body", "state"), TERMS.values(), ids=TERMS)


@of_terms
def test_a_variable_is_checked_in_place_of_a_step_with_other_terms(
    tmp_path: Path, body: str, state: str
) -> None:
    right, wrong = (f"dW = {g}\n{body.format(g='dW')}" for g in (OUTER, SQUARED))
    report = report_of(tmp_path, right, state)
    assert (report.verdict, report.total) == ("agree", 9)
    assert notes(report, "step-of-variable")
    assert mistakes(report_of(tmp_path, wrong, state)) == ["the exponent of `self.x` is 2 instead of 1"]


@of_terms
def test_a_step_with_other_terms_alone_says_nothing(tmp_path: Path, body: str, state: str) -> None:
    assert refused(tmp_path, body.format(g=OUTER), state) == "step-unclear"


# --- a forward that is not traced ------------------------------------------------------------------

UNTRACED = "np.real((self.W @ x + self.b) * (1 + 0j))"


def test_without_a_graph_a_step_must_be_named(tmp_path: Path) -> None:
    report = report_of(tmp_path, f"self.W -= self.lr * {OUTER}", "self.lr = 0.3", output=UNTRACED)
    assert notes(report, "not-traced")
    assert report.verdict == "agree"
    assert report_of(tmp_path, f"dW = {OUTER}\nself.W -= 0.1 * dW", output=UNTRACED).verdict == "agree"
    assert refused(tmp_path, f"self.W -= 0.1 * {OUTER}", output=UNTRACED) == "rate-unknown"
    decay = f"dW = {OUTER}\n{DECAY[0].format(g='dW')}"
    assert refused(tmp_path, decay, DECAY[1], output=UNTRACED) == "step-unclear"
