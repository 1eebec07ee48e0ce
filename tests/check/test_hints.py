"""Hints: each level says more than the one before, and none below 4 gives the answer away, in any form."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from rows_of_a_table import every

import bpx
from bpx.check.patterns.twins import twin_of
from bpx.check.report.blame import SLIP_OF, Blame, Mistake
from bpx.check.report.options import HintLevel
from bpx.check.report.report import Report
from bpx.graph.run import run
from bpx.render.forms import forms_of
from bpx.words.diagnostic import BpxError
from bpx.words.en import ENGLISH

DRAWN = 7  # of so many cases one is drawn, and looked at in every form
HIDING = (HintLevel.PLACE, HintLevel.KIND, HintLevel.PATTERN)
LOGISTIC = "z = w*x + b; a = sigmoid(z); L = -(y*log(a) + (1-y)*log(1-a))"
AT = {"w": 0.813, "x": 1.527, "b": -0.219, "y": 0.37}
LAYER = "h = tanh(X @ W + b); L = mean((h - T)^2)"
ARRAYS = {
    "X": [[0.31, -1.27], [0.83, 0.59], [-0.41, 1.13]],
    "W": [[0.23, -0.67], [0.91, 0.37]],
    "b": [0.17, -0.29],
    "T": [[0.2, 0.5], [-0.3, 0.7], [0.6, -0.8]],
}
# What is computed, at which values, and a wrong claim on it.
CLAIMS = [
    ("(x+y)^2", {"x": 3.17, "y": -1.31}, {"x": "2*(x-y)"}),
    ("(x+y)^2", {"x": 3.17, "y": -1.31}, {"y": "x+y"}),
    ("x^3*y", {"x": 1.27, "y": 2.71}, {"x": "3*x^3*y"}),
    ("x/y", {"x": 1.27, "y": 2.71}, {"y": "-x/y"}),
    ("sin(3*x)", {"x": 0.57}, {"x": "cos(3*x)"}),
    ("x*y + x^2", {"x": 1.37, "y": 2.19}, {"x": "y"}),
    ("log(x)*y", {"x": 1.37, "y": 2.19}, {"x": "x*y"}),
    ("relu(x)*y", {"x": -1.37, "y": 2.19}, {"x": "y"}),
    ("relu(x*y)*y", {"x": 0.0, "y": 2.19}, {"x": "6*y"}),  # at a kink, beyond both slopes
    ("x^2*y", {"x": 2.37, "y": 1.19}, {"x": "x*y + 2.37*y"}),  # right at these values alone
    (LOGISTIC, AT, {"z": "y - a"}),
    (LOGISTIC, AT, {"z": "a*(1-a)"}),
    (LOGISTIC, AT, {"z": "z*(1-z)*(a-y)/(a*(1-a))"}),
    (LOGISTIC, AT, {"w": "(a-y)*w"}),
    (LOGISTIC, AT, {"a": "-y/a", "z": "-y*(1-a)", "w": "-y*(1-a)*x"}),
    (LOGISTIC, AT, {"b": "0.1234"}),
    (LAYER, ARRAYS, {"W": "X.T @ (2*(h - T)*(1 - h))/6"}),
    (LAYER, ARRAYS, {"b": "mean(2*(h - T)*(1 - h^2)/6, axis=0)"}),
    (LAYER, ARRAYS, {"h": "(h + T)/3"}),
]
CODE = """import numpy as np
def forward(X, W, b):
    z = X @ W + b
    h = np.tanh(z)
    return (h ** 2).sum()
def backward(g, X, W, b):
    z = X @ W + b
    h = np.tanh(z)
    dh = 2 * h * g
    dz = dh * (1 - h ** 2)
    dW = X.T @ dz
    db = dz.sum(0)
    dX = dz @ W.T
    return dX, dW, db
def inputs():
    X, W = np.array([[1.31, 2.17], [.53, -1.19]]), np.array([[.31, -.23], [.17, .43]])
    return dict(X=X, W=W, b=np.array([.11, .29]))
"""
LINES = [
    ("dz = dh * (1 - h ** 2)", "dz = dh * (1 - h)"),
    ("db = dz.sum(0)", "db = dz.mean(0)"),
    ("dX = dz @ W.T", "dX = dz @ W"),
]


@cache
def of_claims(case: int) -> tuple[Report, bpx.Spec]:
    formula, values, claims = CLAIMS[case]
    spec = bpx.parse(formula, **values)
    report = spec.gradcheck(claims=claims)
    # That takes the most time.
    return report if case % DRAWN == 0 else replace(report, drawing=None), spec


def of_line(folder: Path, right: str, wrong: str) -> Report:
    assert right in CODE
    (folder / "net.py").write_text(CODE.replace(right, wrong), encoding="utf-8")
    return bpx.gradcheck(f"{folder / 'net.py'}:forward,backward")


def texts(report: Report, whole: bool = True) -> Iterator[tuple[str, str]]:
    """Everything that a report can be, as what a person or a program reads of it; or two forms alone."""
    for form in forms_of("gradcheck"):
        if form.name == "svg" and report.drawing is None:
            continue
        if not whole and form.name not in ("plain", "json"):
            continue
        try:
            text = form.text(report)
        except BpxError:  # no layout library
            continue
        yield form.name, read(text) if form.name in ("html", "svg") else text
    yield "short", report.short()
    yield "repr", repr(report)
    yield "notebook", read(report._repr_html_())
    yield "python", str([vars(column) for column in report.columns]) + str(report.local) + str(report.blame)


def read(page: str) -> str:
    """What a page shows and says, without the places of what it draws."""
    page = re.sub(r"<(style|script).*?</\1>", " ", page, flags=re.DOTALL)
    said = re.findall(r'(?:aria-label|title|data-[a-z]+)="([^"]*)"', page)
    return html.unescape(" ".join([*said, re.sub(r"<[^>]*>", " ", page)]))


def tells(text: str, right: list[float], known: list[float]) -> list[float]:
    """The right numbers that stand in a text to three digits, unless they are known anyway."""
    shown = np.array([float(number) for number in {*re.findall(r"\d+\.?\d*(?:e[+-]?\d+)?", text)}])
    shown = shown[~same(shown, known).any(axis=1)]
    return np.array(right)[same(np.array(right), shown).any(axis=1)].tolist()


def same(some: np.ndarray, others: Sequence[float]) -> np.ndarray:
    """Which of some numbers (in rows) look like which others."""
    some = np.abs(some)[:, None]
    return np.abs(some - np.abs(others)) <= 5e-4 * some


def answers(report: Report) -> list[float]:
    """The right numbers, and how far off the claimed ones are."""
    entries = [entry for entry in report.entries if not entry.reference <= entry.claimed <= entry.reference]
    slopes = [slope for entry in report.entries for slope in entry.between or ()]
    numbers = [*slopes, *(entry.reference for entry in report.entries), *(one.difference for one in entries)]
    return [number for number in numbers if abs(number) > 1e-9]


def claimed(report: Report) -> list[float]:
    return [entry.claimed for entry in report.shown() if not entry.own]


def formulas(report: Report) -> Iterator[str]:
    """The right formulas and lines, each side of an equation by itself; not names and numbers alone."""
    for culprit in report.blame:
        if culprit.code and culprit.code.right:
            yield culprit.code.right
        if culprit.correction:
            formula = culprit.correction.formula
            for side in (*str(formula).split(" = ")[1:], *formula.latex().split(" = ")[1:]):
                if re.search(r"[-+*/@ ]", side):
                    yield side


def nothing_is_given_away(report: Report, known: list[float], stated: str, whole: bool) -> None:
    right, sides = answers(report), [side for side in formulas(report) if side not in stated]
    for level in HIDING:
        for form, text in texts(report.hint(level), whole):
            assert tells(text, right, known) == [], (level, form)
            assert [side for side in sides if side in text] == [], (level, form)


# --- nothing is given away ----------------------------------------------------------------------


@every("case", range(len(CLAIMS)))
def test_a_hint_on_a_claim_gives_nothing_away(case: int) -> None:
    formula, values, claims = CLAIMS[case]
    report, spec = of_claims(case)
    assert report.verdict == "disagree"
    given = np.concatenate([np.ravel(value) for value in values.values()])
    forward = run(spec.graph, spec.input_values, list(range(len(spec.graph.ops)))).values()
    known = [*given, *np.concatenate([*map(np.ravel, forward)]), *claimed(report)]
    nothing_is_given_away(report, known, formula + str(claims), whole=case % DRAWN == 0)


@every("right, wrong", LINES)
def test_a_hint_on_a_line_gives_nothing_away(right: str, wrong: str, tmp_path: Path) -> None:
    report = of_line(tmp_path, right, wrong)
    assert report.blame[0].code
    assert report.blame[0].code.text == wrong
    whole = (right, wrong) == LINES[0]
    # The upstream gradients are given; that of a bias is the same.
    given = np.concatenate([np.ravel(value) for value in report.to_dict()["upstream"].values()])
    nothing_is_given_away(report, [*given, *claimed(report)], "", whole)
    assert right not in "".join(text for level in HIDING for _, text in texts(report.hint(level), whole))
    assert right in str(report.hint(HintLevel.FORMULA))


def test_the_test_sees_what_is_given_away() -> None:
    report, _ = of_claims(0)
    for level in (HintLevel.FORMULA, HintLevel.NUMBERS):
        with pytest.raises(AssertionError):
            everything = dict(texts(report.hint(level)))
            assert not any(side in everything["plain"] for side in formulas(report))
    assert tells(dict(texts(report))["json"], answers(report), claimed(report))


def test_a_hint_is_no_door_to_a_higher_one() -> None:
    report, _ = of_claims(0)
    assert report.hint(1).hint(5).to_json() == report.hint(1).to_json()


# --- each level says more -----------------------------------------------------------------------


@every("case", range(0, len(CLAIMS), 2))
def test_each_level_says_more(case: int) -> None:
    report, _ = of_claims(case)
    if report.blame[0].mistakes == ():
        return  # there is no pattern to show
    place, kind, pattern, right, whole = (report.hint(level) for level in HintLevel)
    blames = [one.blame[0].to_dict() for one in (place, kind, pattern, right, whole)]
    assert [one["node"] for one in blames] == [report.blame[0].node] * 5
    assert [one["mistake"] is None for one in blames] == [True, False, False, False, False]
    code = report.blame[0].mistakes[0].code
    assert [one["code"] == code for one in blames] == [False, False, True, True, True]
    assert ["twin" in one for one in blames[:3]] == [False, False, SLIP_OF[code] != "unknown"]
    assert [one["correction"] is None for one in blames] == [True, True, True, False, False]
    shown = [one.to_dict()["entries"][0]["reference"] is None for one in (place, kind, pattern, right, whole)]
    at_kink = report.entries[0].between is not None  # there is no right number then
    assert shown == [True, True, True, True, at_kink]


def test_the_whole_report_is_what_it_was() -> None:
    report, _ = of_claims(0)
    assert report.hint(HintLevel.NUMBERS) is report


def test_there_is_no_other_level() -> None:
    report, _ = of_claims(0)
    for level in (0, 6):
        with pytest.raises(BpxError, match="hint level"):
            report.hint(level)


# --- kinds and twins ----------------------------------------------------------------------------


def test_every_mistake_is_of_a_kind() -> None:
    parts = {"on-path", "path", "path-by", "path-of-several", "at-each", "both"}  # of sentences
    codes = {key.removeprefix("mistake.") for key in ENGLISH if key.startswith("mistake.")}
    codes = {code for code in codes if not code.startswith("kind-")} - parts
    assert codes == set(SLIP_OF)
    assert {f"mistake.kind-{kind}" for kind in SLIP_OF.values()} <= set(ENGLISH)


@every("code", sorted(SLIP_OF))
def test_a_twin_shows_another_number_than_the_right_one(code: str) -> None:
    twin = twin_of(Blame("z", "sigmoid", "a", None, (Mistake(code),), claim=True), [])
    if SLIP_OF[code] in ("unknown", "state", "shape", "step"):  # have no numbers of their own
        assert twin is None
    else:
        assert twin
        assert str(twin.right) != str(twin.wrong)


def test_a_twin_is_of_the_same_op() -> None:
    blame = Blame("z", "sigmoid", "a", None, (Mistake.of("at-input", op="sigmoid"),), claim=True)
    twin = twin_of(blame, [])
    assert twin
    s = 1 / (1 + np.exp(-0.7))
    assert str(twin.setting) == "s = sigmoid(u)"
    assert float(str(twin.right)) == pytest.approx(3.5 * s * (1 - s), rel=1e-3)
    assert float(str(twin.wrong)) == pytest.approx(3.5 * 0.7 * (1 - 0.7), rel=1e-3)


def test_a_twin_has_none_of_the_numbers_of_the_problem() -> None:
    blame = Blame("z", "sigmoid", "a", None, (Mistake("sign"),), claim=True)
    first = twin_of(blame, [])
    assert first
    other = twin_of(blame, [float(str(first.right))])
    assert other
    assert str(other.right) != str(first.right)


def test_two_mistakes_at_once_have_the_twin_of_the_one_that_says_more() -> None:
    both = Mistake.of("both", first=Mistake("upstream-forgotten"), second=Mistake("sign"))
    twin = twin_of(Blame("z", "sigmoid", "a", None, (both,), claim=True), [])
    assert twin == twin_of(Blame("z", "sigmoid", "a", None, (Mistake("upstream-forgotten"),), claim=True), [])


def test_what_is_right_is_withheld_in_the_words_too() -> None:
    mistake = Mistake.of("slip", wrong="x - y", right="x + y")
    assert mistake.hint(HintLevel.PATTERN).text == "`x - y` should be `…`"
    assert Mistake.of("at-each", mistake=mistake, count=2).hint(HintLevel.KIND).code == "kind-value"
