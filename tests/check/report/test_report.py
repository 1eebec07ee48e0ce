"""The report: the JSON contract, and the verdict of the whole."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
import reports
from checking import spec, toml
from jsonschema import Draft202012Validator
from reports import AGREE, DISAGREE, KINK, OUTSIDE, UNSURE, column
from rows_of_a_table import every

from bpx.check.function.black_box import check_function
from bpx.check.gradcheck import gradcheck
from bpx.check.report.blame import Proof
from bpx.check.report.entry import LocalRow, Verdict
from bpx.check.report.report import Report
from bpx.spec.reading.claims import read_claim, with_claims

# --- the JSON contract --------------------------------------------------------------------------

TEXT = {"type": "string"}
MAYBE_TEXT = {"type": ["string", "null"]}
COUNT = {"type": "integer", "minimum": 0}
NUMBER = {"anyOf": [{"type": "number"}, {"enum": ["inf", "-inf", "nan"]}]}
MAYBE_NUMBER = {"anyOf": [*NUMBER["anyOf"], {"type": "null"}]}
VERDICT = {"enum": ["agree", "disagree", "kink", "outside domain", "cannot tell"]}


def closed(properties: dict[str, Any], optional: tuple[str, ...] = ()) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": [name for name in properties if name not in optional],
        "additionalProperties": False,
    }


def listing(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


SLOPES = {"type": "array", "items": NUMBER, "minItems": 2, "maxItems": 2}
COUNTS = closed(dict.fromkeys(VERDICT["enum"], COUNT))
ENTRY = closed(
    {
        "input": TEXT,
        "index": listing(COUNT),
        "claimed": NUMBER,
        "reference": MAYBE_NUMBER,
        "error": MAYBE_NUMBER,
        "difference": MAYBE_NUMBER,
        "digits": MAYBE_NUMBER,
        "verdict": VERDICT,
        "reason": MAYBE_TEXT,
        "code": MAYBE_TEXT,
        "certified": {"type": "boolean"},
        "budget": {"type": "object", "additionalProperties": {"type": "integer"}, "maxProperties": 1},
        "enclosure": SLOPES,
        "between": SLOPES,
        "by": TEXT,
        "point": {"type": "integer", "minimum": 1},
        "output": listing(COUNT),
        "own": {"const": True},
    },
    optional=("budget", "enclosure", "between", "by", "point", "output", "own"),
)
CLAIM = closed(
    {
        "claim": TEXT,
        "verdict": VERDICT,
        "formula": {"anyOf": [VERDICT, {"type": "null"}]},
        "agreed": COUNT,
        "refuted": {"type": ["integer", "null"]},
        "kept": listing(TEXT),
    }
)
LOCAL = closed(
    {
        "node": TEXT,
        "op": TEXT,
        "arg": TEXT,
        "claimed": MAYBE_NUMBER,
        "reference": MAYBE_NUMBER,
        "error": MAYBE_NUMBER,
        "verdict": VERDICT,
        "reason": MAYBE_TEXT,
        "between": SLOPES,
    },
    optional=("between",),
)
CODE_LINE = closed(
    {
        "text": TEXT,
        "sets": TEXT,
        "right": MAYBE_TEXT,
        "wrong": listing(TEXT),
        "time": {"type": ["integer", "null"]},
    }
)
BLAME = closed(
    {
        "node": TEXT,
        "op": TEXT,
        "arg": MAYBE_TEXT,
        "claim": {"type": "boolean"},
        "file": MAYBE_TEXT,
        "line": {"type": ["integer", "null"]},
        "mistake": TEXT,
        "code": MAYBE_TEXT,
        "alternatives": listing(closed({"code": TEXT, "mistake": TEXT})),
        "also": listing(TEXT),
        "cancelled": listing(TEXT),
        "heirs": listing(TEXT),
        "entries": listing(TEXT),
        "given": listing(TEXT),
        "cause": MAYBE_TEXT,
        "segment": listing(TEXT),
        "correction": MAYBE_TEXT,
        "code_line": {"anyOf": [{"type": "null"}, CODE_LINE]},
        "proof": {"anyOf": [{"type": "null"}, closed({"agree": COUNT, "of": COUNT})]},
    }
)
INPUT = closed({"input": TEXT, "by": TEXT, "shape": listing(COUNT), "counts": COUNTS}, optional=("by",))
SCHEMA = closed(
    {
        "bpx": {"const": 1},
        "kind": {"const": "gradcheck"},
        "title": MAYBE_TEXT,
        "output": TEXT,
        "verdict": VERDICT,
        "reason": MAYBE_TEXT,
        "detect": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1},
        "order": {"enum": [1, 2]},
        "points": closed({"checked": {"type": "integer", "minimum": 1}, "skipped": COUNT}),
        "places": listing(closed({"point": COUNT, "inputs": {"type": "object"}})),
        "claims": listing(CLAIM),
        "unmoved": listing(TEXT),
        "total": COUNT,
        "counts": COUNTS,
        "certified": COUNT,
        "inputs": listing(INPUT),
        "entries": listing(ENTRY),
        "left_out": COUNT,
        "rules": closed({"agree": COUNT, "of": COUNT}),
        "local": listing(LOCAL),
        "blame": listing(BLAME),
        "innocent": listing(TEXT),
        "unexplained": listing(TEXT),
        "diagnostics": listing({"type": "object", "required": ["code", "message", "severity"]}),
    }
)

WRONG_OP = """bpx = 1
title = "A wrong rule"
[inputs]
x = [1.5, -0.5]
[graph]
y = "sum(f(x))"
[ops.f]
args = ["x"]
value = "x * sigmoid(x)"
partials = { x = "sigmoid(x)" }
"""
REAL = {
    "agree": lambda: gradcheck(spec("sin(x) * y", x=0.7, y=[1.0, 2.0])),
    "wrong op": lambda: gradcheck(toml(WRONG_OP)),
    "kink": lambda: gradcheck(spec("relu(x)", x=0.0)),
    "jump": lambda: gradcheck(spec("floor(x)", x=1.0)),
    "no value": lambda: gradcheck(spec("log(x)", x=-1.0)),
    "edge": lambda: gradcheck(spec("sqrt(x)", x=0.0)),
    "claim": lambda: gradcheck(with_claims(spec("x^2", x=3.0), [read_claim("x = -2*x")])),
    "only here": lambda: gradcheck(with_claims(spec("x^2", x=2.0), [read_claim("x = x^2")])),
    "entry": lambda: gradcheck(with_claims(spec("sum(x^2)", x=[2.0, 1.0]), [read_claim("x[1] = 2.0")])),
    "infinite claim": lambda: gradcheck(with_claims(spec("x^2", x=3.0), [read_claim("x = log(x - 3)")])),
    "second": lambda: gradcheck(spec("x^3", x=[1.0, 2.0]), order=2),
    "points": lambda: gradcheck(spec("log(x)", x=0.1), points=5),
    "nothing": lambda: gradcheck(spec("3 + 4")),
    "code": lambda: check_function(
        lambda x: np.array([x[0] * x[1], x[1] ** 2]), [np.array([2.0, 3.0])], lambda g, x: g * x
    ),
}


def plain(report: Report) -> dict[str, Any]:
    """As it reads back from JSON, which knows no nan."""
    return json.loads(json.dumps(report.to_dict(), allow_nan=False))


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(SCHEMA)


@every("name", REAL)
def test_real_reports_keep_the_contract(name: str) -> None:
    Draft202012Validator(SCHEMA).validate(plain(REAL[name]()))


@every("name", reports.MAKERS)
def test_made_reports_keep_the_contract(name: str) -> None:
    Draft202012Validator(SCHEMA).validate(plain(reports.report(name)))


@every("name", REAL)
def test_the_numbers_of_a_report_fit_together(name: str) -> None:
    report = REAL[name]()
    found = plain(report)
    assert sum(found["counts"].values()) == found["total"] == len(report.entries)
    listed = {(one["input"], *one["index"], one.get("by")) for one in found["entries"]}
    assert found["left_out"] == found["total"] - len(listed)
    for key in VERDICT["enum"]:
        assert found["counts"][key] == sum(one["counts"][key] for one in found["inputs"])
    assert found["rules"] == {
        "agree": sum(row["verdict"] == "agree" for row in found["local"]),
        "of": len(found["local"]),
    }
    order = ["disagree", "kink", "outside domain", "cannot tell", "agree"]
    worst = min((one["verdict"] for one in found["entries"]), key=order.index, default="cannot tell")
    assert found["verdict"] == ("disagree" if found["blame"] else worst)


# --- the whole -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [
        ([AGREE, AGREE], "agree"),
        ([AGREE, UNSURE], "cannot tell"),
        ([OUTSIDE, UNSURE], "outside domain"),
        ([OUTSIDE, KINK], "kink"),
        ([KINK, DISAGREE], "disagree"),
    ],
)
def test_the_verdict_is_the_worst(verdicts: list[Verdict], word: str) -> None:
    assert Report(None, "y", (column("x", [1, 2], [1, 2], verdicts=verdicts),)).verdict == word


def test_somebody_to_blame_is_a_disagreement() -> None:
    assert reports.report("harmless_culprit").counts["disagree"] == 0
    assert reports.report("harmless_culprit").verdict == "disagree"


def test_a_large_report_shows_the_worst_of_each_input() -> None:
    network = reports.report("network")
    shown = network.shown()
    assert network.total == 784 * 32 + 32 + 32 * 10 + 10
    assert {one.input for one in shown} == {"W1", "b1", "W2", "b2"}
    assert [one.verdict for one in shown[:10]] == [DISAGREE] * 10
    assert len(network.to_dict()["entries"]) == 40
    assert network.counts["disagree"] == 11
    assert [one.input for one in network.shown("input")[::10]] == ["W1", "b1", "W2", "b2"]


def test_a_proof_holds_where_all_agree() -> None:
    assert Proof(4, 4).holds
    assert not Proof(3, 4).holds


def test_rules_that_agree_are_counted() -> None:
    rows = [LocalRow("y", "exp", "x", 1, 1, 0, verdict) for verdict in (AGREE, KINK, AGREE)]
    assert Report(None, "y", (), local=tuple(rows)).sound == 2


def test_a_report_is_true_where_everything_agrees() -> None:
    assert reports.report("all_agree")
    assert not any(map(reports.report, ("wrong_rule", "kink", "cannot_tell", "outside_domain", "nothing")))


def test_what_does_not_agree_is_listed_for_every_output() -> None:
    """Grouped by output, and the element of the output stands in each row."""

    def backward(g: Any, x: Any) -> Any:
        return np.array([g[0] * x[1], g[0] * x[0] * 2 + g[1] * x[1]])

    report = check_function(lambda x: np.array([x[0] * x[1], x[1] ** 2]), [np.array([2.0, 3.0])], backward)
    assert (report.total, report.left_out) == (2, 0)
    rows = [(one["output"], one["index"], one["verdict"]) for one in plain(report)["entries"]]
    assert rows == [([0], [1], "disagree"), ([1], [1], "disagree"), ([0], [0], "agree")]
    text = str(report)
    assert text.index("Input by input") < text.index("Entry by entry")
    assert "output[1]" in text
