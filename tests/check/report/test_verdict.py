"""The verdict on a claim and its evidence: a table with a row for every rule, and what always holds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from checking import spec, toml
from hypothesis import given
from hypothesis import strategies as st
from rows_of_a_table import every

from bpx.check.gradcheck import gradcheck
from bpx.check.numeric.tolerances import SAFETY_FACTOR
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Evidence, Obstacle
from bpx.check.report.verdict import VERDICT_RULES, VerdictRule, verdict
from bpx.spec.reading.claims import read_claim, with_claims

AGREE, DISAGREE, KINK = Verdict.AGREE, Verdict.DISAGREE, Verdict.KINK
OUTSIDE, UNCLEAR = Verdict.OUTSIDE_DOMAIN, Verdict.CANNOT_TELL
SIZES = st.floats(1e-6, 1e6) | st.floats(-1e6, -1e-6)


# --- the table: claim, reference, bar, what else is known → verdict, code ------------------------


class Row(NamedTuple):
    claimed: float
    value: float
    error: float
    verdict: Verdict
    code: str | None
    known: Mapping[str, Any] = MappingProxyType({})

    @property
    def evidence(self) -> Evidence:
        return Evidence.of(self.value, self.error, **self.known)


def beside(low: float, high: float, **known: Any) -> dict[str, Any]:
    return {"kink": True, "low": low, "high": high, **known}


NAN = math.nan
TABLE = [
    # The number, as it stands beside the reference.
    Row(2.0, 2.0, 1e-12, AGREE, None),
    Row(2.0, 2.0 + 1e-9, 1e-12, AGREE, None),  # less than must be seen, and known to be so little
    Row(2.0, 2.001, 1e-12, DISAGREE, "differs"),
    Row(-2.0, 2.0, 1e-12, DISAGREE, "differs"),
    Row(2.0, 20.0, 1.0, DISAGREE, "differs"),  # a wide bar refutes what is further off
    Row(1e-12, -1e-12, 1e-20, DISAGREE, "differs"),  # nothing absolute passes small gradients
    Row(2.0, 2.0, 1e-3, UNCLEAR, "uncertain"),
    Row(2.0, 3.0, 1.0, UNCLEAR, "uncertain"),
    Row(0.0, 0.0, 1e-12, UNCLEAR, "uncertain"),
    Row(2.0, NAN, math.inf, UNCLEAR, "uncertain"),
    Row(NAN, 2.0, 1e-12, DISAGREE, "claim-not-finite"),
    Row(math.inf, 2.0, 1e-12, DISAGREE, "claim-not-finite"),
    Row(NAN, NAN, math.inf, UNCLEAR, "claim-not-finite"),
    # Rounding that is bounded by itself needs no factor of safety.
    Row(2.0, 2.0, 1e-5, AGREE, None, {"widest": 1.5e-5}),
    Row(2.0, 2.0, 1e-5, UNCLEAR, "uncertain", {"widest": 3e-5}),
    Row(2.0, 2.00001, 1e-5, AGREE, None, {"widest": 1.5e-5}),
    Row(2.0, 2.0001, 1e-5, DISAGREE, "differs", {"widest": 1.5e-5}),
    # A flat function bears out an exact 0 alone.
    Row(0.0, 0.0, 1e-7, AGREE, None, {"flat": True}),
    Row(1e-9, 0.0, 1e-7, UNCLEAR, "uncertain", {"flat": True}),
    Row(1e-3, 0.0, 1e-7, DISAGREE, "differs", {"flat": True}),
    # Where terms cancel, the bar is measured by the terms.
    Row(3e-17, 0.0, 1e-15, AGREE, None, {"scale": 1.0, "rest": 1e-14}),
    Row(3e-17, 0.0, 1e-15, UNCLEAR, "uncertain", {"scale": 1e-12, "rest": 1e-14}),
    Row(3e-17, 0.0, 1e-15, UNCLEAR, "uncertain", {"scale": 1.0}),  # a number that may be but rounding
    Row(0.0, 0.0, 1e-15, AGREE, None, {"scale": 1.0}),
    Row(1e-3, 0.0, 1e-15, DISAGREE, "differs", {"scale": 1.0, "rest": 1e-14}),
    # Beside the largest entry of the array, what is next to nothing does not matter.
    Row(3e-14, 1e-14, 5e-14, AGREE, "negligible", {"array_scale": 1.0}),
    Row(3e-14, 1e-14, 5e-14, UNCLEAR, "uncertain", {"array_scale": 1e-6}),
    Row(3e-8, 3e-8, 5e-14, UNCLEAR, "uncertain", {"array_scale": 1.0}),
    Row(3e-14, 1e-14, 1e-15, DISAGREE, "differs", {"array_scale": 1.0}),
    # The claim's last written digit, and its own rounding, are not held against it.
    Row(0.33, 1 / 3, 1e-12, AGREE, None, {"tolerance": 5e-3}),
    Row(0.32, 1 / 3, 1e-12, DISAGREE, "differs", {"tolerance": 5e-3}),
    Row(2.001, 2.0, 1e-12, UNCLEAR, "claim-noise", {"claim_noise": 1e-3}),
    Row(NAN, 2.0, 1e-12, DISAGREE, "claim-not-finite", {"claim_noise": 1e-3}),
    Row(0.0, 0.0048, 1e-12, UNCLEAR, "no-digit", {"tolerance": 0.05}),
    Row(0.0, 0.06, 1e-12, DISAGREE, "differs", {"tolerance": 0.05}),
    Row(0.0, 0.0, 1e-15, AGREE, None, {"tolerance": 0.05, "scale": 1.0}),
    Row(0.0, 0.0, 0.0, AGREE, None, {"tolerance": 0.05}),
    # A number that float64 makes of a right formula is no proof, and no mistake.
    Row(0.0, 1.7e-17, 1e-30, UNCLEAR, "rounded-formula", {"rounded_formula": True}),
    Row(1.7e-17, 1.7e-17, 1e-30, AGREE, None, {"rounded_formula": True}),
    # The claim's formula in many digits.
    Row(0.0, 1.7e-17, 1e-30, AGREE, "digits-lost", {"formula_gap": 0.0}),
    Row(0.0, 1.7e-17, 1e-30, DISAGREE, "formula", {"formula_gap": 1.0}),
    Row(0.0, 1.7e-17, 1e-30, DISAGREE, "differs", {"formula_gap": 1.0, "formula_error": 1.0}),
    Row(1.0, 1.0, 1e-3, DISAGREE, "formula", {"formula_gap": 1e-3}),
    Row(2.0, 2.0, 1e-12, AGREE, None, {"formula_gap": 0.0}),
    Row(2.0, 1.0, 1e-12, UNCLEAR, "uncertain", {"unproved": True}),
    Row(2.0, 2.0, 1e-12, AGREE, None, {"unproved": True}),
    # Digits that there was no budget for.
    Row(2.0, 1.0, 1e-12, UNCLEAR, "beyond-budget", {"unproved": True, "beyond_budget": True}),
    Row(2.0, 2.0, 1e-3, UNCLEAR, "beyond-budget", {"beyond_budget": True}),
    Row(2.0, 2.0, 1e-12, AGREE, None, {"beyond_budget": True}),
    Row(2.0, 1.0, 1e-12, DISAGREE, "differs", {"beyond_budget": True}),
    # A kink: between the slopes of both sides, or not.
    Row(0.5, NAN, NAN, KINK, "at-kink", beside(0.0, 1.0)),
    Row(1.0, NAN, NAN, KINK, "at-kink", beside(0.0, 1.0)),
    Row(1.5, NAN, NAN, DISAGREE, "beyond-kink", beside(0.0, 1.0)),
    Row(NAN, NAN, NAN, DISAGREE, "beyond-kink", beside(0.0, 1.0)),
    Row(1.5, NAN, NAN, KINK, "at-kink", beside(0.0, 1.0, side_error=0.1)),
    Row(1.5, NAN, NAN, KINK, "at-kink", beside(0.0, 1.0, tolerance=0.5)),
    Row(1.5, NAN, NAN, DISAGREE, "conventions-at-kink", beside(0.0, 1.0, conventional=True)),
    Row(0.5, NAN, NAN, KINK, "at-kink", beside(0.0, 1.0, conventional=True)),
    Row(1.5, NAN, NAN, UNCLEAR, "unclear-kink", beside(0.0, 1.0, side_error=math.inf)),
    Row(1.5, NAN, NAN, KINK, "jump", beside(0.0, 1.0, jump=True, side_error=math.inf)),
    Row(0.5, NAN, NAN, DISAGREE, "beyond-kinks", beside(0.0, 1.0, contradiction=True)),
    Row(1.5, NAN, NAN, KINK, "limiting", beside(0.0, 1.0, limiting=True)),
    Row(1.5, NAN, NAN, KINK, "limiting", beside(0.0, 1.0, limiting=True, contradiction=True)),
    Row(1.5, NAN, NAN, KINK, "jump", beside(0.0, 1.0, limiting=True, jump=True)),
    # Kinks that cancel leave a slope; a choice at each of them may give another.
    Row(0.0, 1.0, 1e-12, DISAGREE, "conventions", {"conventional": True}),
    Row(0.0, 1.0, 1e-12, KINK, "limiting", {"limiting": True}),
    Row(1.0, 1.0, 1e-12, AGREE, None, {"limiting": True}),
    Row(1.0, 1.0, 1e-12, AGREE, None, {"conventional": True}),
    Row(NAN, 1.0, 1e-12, DISAGREE, "claim-not-finite", {"conventional": True}),
    # Other upstream gradients, numbers in use, the whole graph.
    Row(2.1, 2.1, 1e-12, DISAGREE, "differs", {"rule_gap": 0.1, "rule_scale": 2.0}),
    Row(1e-15, 0.0, 1e-12, UNCLEAR, "uncertain", {"rule_gap": 1e-15, "rule_scale": 1e-15}),
    Row(0.0, 0.0, 0.0, UNCLEAR, "uncertain", {"rule_gap": 1e-15, "rule_scale": 1e-15}),
    Row(2.0, 2.0, 1e-12, AGREE, None, {"rule_gap": 1e-6, "rule_scale": 2.0}),
    Row(2.0, 2.0, 1e-12, UNCLEAR, "wiring", {"wiring": True}),
    Row(0.0, 1e-17, 1e-30, UNCLEAR, "wiring", {"wiring": True, "formula_gap": 0.0}),
    Row(2.0, 3.0, 1e-12, DISAGREE, "differs", {"wiring": True}),
    Row(2.0, 2.0, 1e-3, UNCLEAR, "uncertain", {"wiring": True}),
    # Nothing to compare.
    Row(2.0, 2.0, 1e-12, DISAGREE, "claim-shape", {"obstacle": Obstacle.CLAIM_SHAPE}),
    Row(2.0, 2.0, 1e-12, DISAGREE, "wrong-shape", {"obstacle": Obstacle.WRONG_SHAPE}),
    Row(2.0, 2.0, 1e-12, OUTSIDE, "edge", {"obstacle": Obstacle.EDGE}),
    Row(2.0, 2.0, 1e-12, OUTSIDE, "no-slope", {"obstacle": Obstacle.NO_SLOPE}),
    Row(NAN, NAN, NAN, OUTSIDE, "not-finite", {"obstacle": Obstacle.NOT_FINITE}),
    Row(NAN, NAN, NAN, OUTSIDE, "no-value", {"obstacle": Obstacle.NO_VALUE}),
    Row(2.0, NAN, NAN, OUTSIDE, "output-not-finite", {"obstacle": Obstacle.OUTPUT_NOT_FINITE}),
    Row(2.0, NAN, math.inf, OUTSIDE, "beside-edge", {"obstacle": Obstacle.BESIDE_EDGE}),
    Row(2.0, 2.0, 1e-12, OUTSIDE, "steep", {"obstacle": Obstacle.STEEP}),
    Row(2.0, NAN, math.inf, UNCLEAR, "structure", {"obstacle": Obstacle.STRUCTURE}),
    Row(2.0, NAN, math.inf, UNCLEAR, "stairs", {"obstacle": Obstacle.STAIRS}),
    Row(2.0, 2.0, 1e-12, UNCLEAR, "scatter", {"obstacle": Obstacle.SCATTER}),
    Row(2.0, 2.0, 1e-12, DISAGREE, "accumulates", {"obstacle": Obstacle.ACCUMULATES}),
    Row(2.0, 2.0, 1e-12, UNCLEAR, "claim-scatter", {"obstacle": Obstacle.CLAIM_SCATTER}),
    Row(2.0, NAN, NAN, UNCLEAR, "unseen", {"obstacle": Obstacle.UNSEEN}),
    Row(2.0, 2.0, 1e-12, UNCLEAR, "worker-lost", {"obstacle": Obstacle.WORKER_LOST}),
    Row(2.0, NAN, NAN, UNCLEAR, "too-large", {"obstacle": Obstacle.TOO_LARGE}),
    Row(0.0, 0.0, 2.0, UNCLEAR, "apart", {"apart": True}),
    Row(9.0, 0.0, 0.1, DISAGREE, "differs", {"apart": True}),
    Row(2.0, NAN, NAN, UNCLEAR, "many-sides", {"obstacle": Obstacle.MANY_SIDES}),
    Row(2.0, NAN, NAN, KINK, "no-gradient", {"obstacle": Obstacle.NO_GRADIENT}),
    Row(2.0, NAN, NAN, KINK, "no-gradient-beside", {"obstacle": Obstacle.NO_GRADIENT_BESIDE}),
    Row(2.0, NAN, NAN, UNCLEAR, "unseen-beside", {"obstacle": Obstacle.UNSEEN_BESIDE}),
    Row(2.0, NAN, NAN, UNCLEAR, "other-gradient", {"obstacle": Obstacle.OTHER_GRADIENT}),
    Row(2.0, NAN, NAN, UNCLEAR, "unknown-gradient", {"obstacle": Obstacle.UNKNOWN_GRADIENT}),
]


def broken(rules: Sequence[VerdictRule]) -> list[Row]:
    """The rows of the table that do not come out by these rules."""
    judged = [(row, verdict(row.claimed, row.evidence, rules=rules)) for row in TABLE]
    return [row for row, (word, code, *_) in judged if (word[()], code[()]) != (row.verdict, row.code)]


@every("row", TABLE)
def test_every_row(row: Row) -> None:
    found = verdict(row.claimed, row.evidence)
    assert (Verdict(int(found.verdicts)), found.codes[()]) == (row.verdict, row.code)


PROVED = {"certified": True, "lowest": 2.0, "highest": 2.0}
CERTIFIED = [
    (Row(2.0, 2.0, 0.0, AGREE, None, PROVED), True),
    (Row(2.1, 2.0, 0.0, DISAGREE, "differs", PROVED), True),
    (Row(2.1, 2.0, 0.0, AGREE, "digits-lost", {**PROVED, "formula_gap": 0.0}), True),
    (Row(NAN, 2.0, 0.0, DISAGREE, "claim-not-finite", PROVED), True),
    # What does not rest on the enclosure is not proved by it.
    (Row(2.1, 2.0, 0.0, UNCLEAR, "claim-noise", {**PROVED, "claim_noise": 0.1}), False),
    (Row(2.0, 2.0, 0.0, UNCLEAR, "wiring", {**PROVED, "wiring": True}), False),
    (Row(2.0, 2.0, 0.0, DISAGREE, "differs", {**PROVED, "rule_gap": 1.0, "rule_scale": 2.0}), False),
    (Row(2.0, 2.0, 0.0, AGREE, None), False),
]


@every("row, certified", CERTIFIED)
def test_what_an_enclosure_decides_is_certified(row: Row, certified: bool) -> None:
    judgement = verdict(row.claimed, row.evidence)
    assert (Verdict(int(judgement.verdicts)), judgement.codes[()]) == (row.verdict, row.code)
    assert bool(judgement.certified) is certified


def test_entries_are_written_whatever_the_order_of_the_array() -> None:
    evidence = Evidence.of(np.zeros((3, 2)).T + 1.0, 0.0)
    evidence.put([1, 3], value=5.0)
    assert evidence.value.tolist() == [[1, 5, 1], [5, 1, 1]]


@every("at", range(len(VERDICT_RULES)))
def test_no_rule_can_be_taken_away(at: int) -> None:
    assert broken(VERDICT_RULES[:at] + VERDICT_RULES[at + 1 :])


@every("at", range(len(VERDICT_RULES)))
def test_no_rule_can_hold_always(at: int) -> None:
    always = VERDICT_RULES[at]._replace(holds=lambda case: True, needs=None)
    assert broken((*VERDICT_RULES[:at], always, *VERDICT_RULES[at + 1 :]))


def test_every_obstacle_has_a_rule() -> None:
    codes = {rule.code for rule in VERDICT_RULES}
    assert {obstacle.code for obstacle in Obstacle if obstacle} <= codes


def test_arrays_are_decided_entry_by_entry_as_each_alone() -> None:
    names = {name for row in TABLE for name in row.known}
    together = Evidence.of([row.value for row in TABLE], 0.0)
    for i, row in enumerate(TABLE):
        alone = row.evidence
        together.put(i, error=row.error, **{name: getattr(alone, name) for name in names})
    found = verdict(np.array([row.claimed for row in TABLE]), together)
    assert found.verdicts.tolist() == [row.verdict for row in TABLE]
    assert found.codes.tolist() == [row.code for row in TABLE]
    assert found.plain.tolist() == [row.code is None for row in TABLE]


# --- whole checks: expression, values, claim → verdict, code --------------------------------------

CUSTOM = """bpx = 1
[inputs]
x = 0.5
[graph]
y = "gated(2*x)"
[ops.gated]
args = ["x"]
value = "x * sigmoid(x)"
partials = { x = "sigmoid(x)" }
"""

CHECKS: list[tuple[str, dict[str, Any], str | None, str, str | None]] = [
    ("x^2", {"x": 3.0}, None, "agree", None),
    ("x^2", {"x": 3.0}, "x = 6", "agree", None),
    ("x^2", {"x": 3.0}, "x = 2*x", "agree", None),
    ("x^2", {"x": 3.0}, "x = 6.001", "disagree", "differs"),
    ("x^2", {"x": 3.0}, "x = x", "disagree", "differs"),
    ("x/3", {"x": 1.0}, "x = 0.33", "agree", None),
    ("x/3", {"x": 1.0}, "x = 0.35", "disagree", "differs"),
    ("x/300", {"x": 1.0}, "x = 0.0", "cannot tell", "no-digit"),
    ("x/300", {"x": 1.0}, "x = 0", "disagree", "differs"),
    ("0*x", {"x": 1.0}, "x = 0.0", "agree", None),
    ("sum(x/[3, 300])", {"x": [1.0, 1.0]}, "x = [0.333333333333333, 0.0]", "disagree", "differs"),
    ("relu(x)", {"x": 0.0}, None, "kink", "at-kink-taken"),
    ("relu(x)", {"x": 0.0}, "x = 0.5", "kink", "at-kink"),
    ("relu(x)", {"x": 0.0}, "x = 1.5", "disagree", "beyond-kink"),
    ("max(x, y)", {"x": 1.0, "y": 1.0}, "x = 1; y = 1", "disagree", "beyond-kinks"),
    ("relu(x) - relu(-x)", {"x": 0.0}, "x = 1", "agree", None),
    ("relu(x) - relu(-x)", {"x": 0.0}, None, "disagree", "conventions"),
    ("floor(x)", {"x": 1.0}, None, "kink", "jump"),
    ("sqrt(x)", {"x": 0.0}, "x = 7", "outside domain", "edge"),
    ("log(x)", {"x": -1.0}, None, "outside domain", "no-value"),
    ("sin(x) - x", {"x": 0.0}, "x = 0", "agree", None),
    ("floor(x)", {"x": 0.5}, "x = 0", "agree", None),
]
EXACT_CHECKS: list[tuple[str, dict[str, Any], str | None, str, str | None]] = [
    ("tanh(x)", {"x": 20.0}, None, "agree", "digits-lost"),
    ("tanh(x)", {"x": 20.0}, "x = 1 - tanh(x)^2", "agree", "digits-lost"),
    ("tanh(x)", {"x": 20.0}, "x = 2*(1 - tanh(x)^2)", "disagree", "differs"),
    ("tanh(x)", {"x": 20.0}, "x = 0", "cannot tell", "rounded-formula"),
    ("tanh(x)", {"x": 20.0}, "x = 1.69934170211664e-17", "agree", None),
    ("tanh(x)", {"x": 20.0}, "x = 1e-17", "disagree", "differs"),
    ("tanh(x)*y", {"x": 20.0, "y": 0.5}, "y = 0", "disagree", "differs"),
]


def checked(expression: str, values: dict[str, Any], claims: str | None) -> tuple[str, str | None]:
    texts = claims.split("; ") if claims else []
    report = gradcheck(with_claims(spec(expression, **values), [read_claim(text) for text in texts]))
    return report.verdict, report.reason.code if report.reason else None


@every("expression, values, claim, word, code", CHECKS)
def test_every_check(
    expression: str, values: dict[str, Any], claim: str | None, word: str, code: str | None
) -> None:
    assert checked(expression, values, claim) == (word, code)


@every("expression, values, claim, word, code", EXACT_CHECKS)
def test_every_check_in_many_digits(
    expression: str, values: dict[str, Any], claim: str | None, word: str, code: str | None
) -> None:
    assert checked(expression, values, claim) == (word, code)


def test_a_wrong_rule_differs() -> None:
    report = gradcheck(toml(CUSTOM))
    assert report.verdict == "disagree"
    assert report.reason
    assert report.reason.code == "differs"


# --- what holds of all claims ---------------------------------------------------------------------


def judged(claimed: float, value: float, error: float, detect: float = 1e-5, **known: Any) -> Verdict:
    return Verdict(int(verdict(claimed, Evidence.of(value, error, **known), detect).verdicts))


@given(SIZES, SIZES, st.floats(0, 1e3), st.sampled_from([1e-3, 1e-5, 1e-8]))
def test_agreement_is_never_wider_than_what_must_be_seen(
    claimed: float, value: float, error: float, detect: float
) -> None:
    scale = max(abs(claimed), abs(value))
    if judged(claimed, value, error, detect) is AGREE:
        assert SAFETY_FACTOR * error <= detect * scale
        assert abs(claimed - value) <= 1.1 * detect * scale


@given(SIZES, st.floats(-1, 1), st.floats(1e-15, 1e-2))
def test_a_claim_within_the_bar_never_disagrees(value: float, share: float, relative: float) -> None:
    error = relative * abs(value)
    assert judged(value + share * error, value, error) is not DISAGREE


@given(SIZES, st.floats(1.2e-5, 10), st.sampled_from([1, -1]))
def test_what_must_be_seen_is_seen(value: float, relative: float, sign: int) -> None:
    claimed = value * (1 + sign * relative)
    assert judged(claimed, value, 1e-9 * abs(value)) is DISAGREE
