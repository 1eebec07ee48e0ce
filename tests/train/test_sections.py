"""Trainings on screen: the answer first, every number one of the JSON, nothing wider than the terminal."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from rich.cells import cell_len
from rows_of_a_table import every
from trainings import NAMES, training

from bpx.graph.numbers import number
from bpx.render.blocks import Curve, Heading, Headline, Table
from bpx.render.markdown import markdown
from bpx.render.plain import plain
from bpx.words.say import in_encoding

every_training = pytest.mark.parametrize("name", NAMES)


def text(name: str) -> str:
    return plain(training(name).blocks())


def lines(name: str) -> list[str]:
    return text(name).splitlines()


ANSWERS = {
    "logistic regression": r"Logistic regression: .* — L 0\.139387 → [\d.]+ in 30 steps \(sgd, rate 0\.1\)",
    "a network": r"Same sign\? — L [\d.]+ → [\d.]+ in 400 steps \(adam, rate 0\.01\)",
    "one step": r"Same sign\? — L [\d.]+ → [\d.]+ in 1 step \(sgd, rate 0\.1\)",
    "no step": r"Same sign\? — L ([\d.]+) → \1 in 0 steps \(sgd, rate 0\.1\)",
    "not finite": r"Too fast — L 0\.25 → [\d.]+e\d+ in \d steps \(sgd, rate 1e40\)",
    "a wrong rule": r"L -?[\d.]+ → -?[\d.]+ in 0 steps \(sgd, rate 0\.1\)",
}


@every("name", ANSWERS)
def test_the_answer_comes_first(name: str) -> None:
    assert re.fullmatch(ANSWERS[name], lines(name)[0])
    assert isinstance(training(name).blocks()[0], Headline)


def numbers_of(plain_data: Any) -> Iterator[float]:
    if isinstance(plain_data, dict):
        plain_data = list(plain_data.values())
    if isinstance(plain_data, list):
        for one in plain_data:
            yield from numbers_of(one)
    elif isinstance(plain_data, int | float):
        yield float(plain_data)


NUMBER = re.compile(r"-?\d+(?:\.\d+)?(?:e-?\d+)?")
# What is left out: names, shapes, places, the ends of the axis of the curve.
NO_NUMBERS = re.compile(r"\b[A-Za-z_]+\d|\d(×\d)+|:\d+:\d+|^ +[01] +\d+$", re.MULTILINE)


@every_training
def test_every_number_stands_in_the_json(name: str) -> None:
    found = training(name).to_dict()
    told = " ".join([found["title"] or "", *(one["message"] for one in found["diagnostics"])])
    told += " ".join(formula for shown in found["shown"] for formula in shown["formulas"])
    known = {number(one, 6) for one in numbers_of(found)} | set(NUMBER.findall(told))
    shown = NO_NUMBERS.sub(" ", re.sub(r"(?<=\d),(?=\d{3})", "", text(name)))
    assert set(NUMBER.findall(shown)) - known == set()


@every_training
def test_the_last_line_sums_up(name: str) -> None:
    one = training(name)
    last = lines(name)[-1]
    assert last.endswith(f"numbers trained: {one.size}, steps taken: {one.taken} of {one.max_steps}")
    assert isinstance(one.blocks()[-1], Heading)


@every(
    "name, sentence",
    [
        ("to a target", "Stopped because L reached 0.7."),
        ("target missed", "L did not reach 1e-9."),
        ("not finite", "Stopped early; the last finite values are shown."),
        ("a wrong rule", "Stopped early because the gradient is wrong."),
        ("batches", "Batches of 5 of 23 examples (X, y), seed 7; L above is the loss of all examples."),
        ("batches", "Settings of momentum: momentum 0.5."),
        ("a network", "Settings of adam: beta1 0.9, beta2 0.999, epsilon 1e-8."),
        (
            "a network",
            "Checked against finite differences at steps 0, 150, 300, 400: all 21 gradient entries agree.",
        ),
        ("out of its range", "note: `w` has left its range, so the trained spec states no range for it"),
        ("batches", "note: each epoch drops 3 of 23 examples, different ones every time"),
    ],
)
def test_what_there_is_to_say(name: str, sentence: str) -> None:
    assert f"  {sentence}" in lines(name)


def test_what_went_wrong_is_said_with_its_place() -> None:
    assert "  error: `L = apart^2` is inf, the first value that is not finite (a.toml:8:6)" in (
        re.sub(r";.*", "", line) for line in lines("not finite")
    )
    assert "  error: the cause is the rule of `glide`, at node `y` (a.toml:11:19)" in lines("a wrong rule")


def curves(name: str) -> list[Curve]:
    return [block for block in training(name).blocks() if isinstance(block, Curve)]


def test_the_curve_is_the_history() -> None:
    assert curves("a network") == [Curve(training("a network").history, 0)]
    assert curves("batches") == [Curve(training("batches").history, 1)]
    assert curves("not finite") == [Curve(training("not finite").history[:-1], 0)]
    assert curves("no step") == []


def test_the_scale_of_the_curve_is_said() -> None:
    assert "The loss at each step, on a logarithmic scale" in lines("not finite")
    assert "The loss at each step" in lines("all scalars")
    assert "The loss of each batch" in lines("batches")


def tables(name: str) -> list[Table]:
    return [block for block in training(name).blocks() if isinstance(block, Table)]


def test_a_step_as_in_a_textbook() -> None:
    _, step = tables("all scalars")
    assert step.headers == ("parameter", "value", "gradient", "update", "new value")
    assert step.rows[4] == ("w5", "0.4", "0.082167", "-0.0410835", "0.358916")
    assert "Step 1, starting from E_total = 0.298371" in lines("all scalars")


def test_arrays_stand_below_each_other() -> None:
    _, first, second = tables("a network")
    assert first.headers == second.headers == ("parameter", "", "value")
    assert [row[:2] for row in first.rows[:9]] == [
        ("W1", "value"),
        ("", "gradient"),
        ("", "m"),
        ("", "v"),
        ("", "m_hat"),
        ("", "v_hat"),
        ("", "update"),
        ("", "new value"),
        ("b1", "value"),
    ]
    assert first.rows[7][2] == second.rows[0][2]  # the new value is where the next step begins


def test_large_parameters_go_by_their_norm() -> None:
    shape, before, after = tables("a network")[0].rows[:3]
    assert shape == ("W1", "shape", "2×5")
    assert re.fullmatch(r"before norm [\d.]+", " ".join(before[1:]))
    assert re.fullmatch(r"after norm [\d.]+", " ".join(after[1:]))


def test_checks_that_do_not_agree_have_a_table() -> None:
    assert tables("a wrong rule")[-1].rows[0][:3] == ("0", "disagree", "w")
    assert len(tables("a network")) == 3


@every_training
@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_any_encoding(name: str, encoding: str) -> None:
    """Only the question mark of a title is one."""
    shown = in_encoding(text(name), encoding)
    assert shown.count("?") == text(name).count("?")


@every_training
def test_markdown_fences_the_curve(name: str) -> None:
    shown = markdown(training(name).blocks())
    assert shown.startswith("## ")
    assert shown.count("```") == 2 * len(curves(name))
    for fenced in re.findall(r"```text\n(.*?)```", shown, re.DOTALL):
        assert max(map(cell_len, fenced.splitlines())) <= 72
