"""`bpx gradcheck`: what it makes of a report; the numbers have tests of their own."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as xml

import pytest
from invoking import FORMS, SIMPLE, error_codes, invoke, process
from reports import network, report

from bpx.check.numeric.tolerances import MOST_EXACT_OPERATIONS


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A checker that hands out `asked["report"]` and remembers what it was asked."""
    asked: dict[str, Any] = {"report": report("all_agree")}

    def checked(spec: Any, **options: Any) -> Any:
        asked.update(options, spec=spec)
        return asked["report"]

    monkeypatch.setitem(sys.modules, "bpx.check.gradcheck", SimpleNamespace(gradcheck=checked))  # type: ignore[misc]
    return asked


CHECK = ["gradcheck", *SIMPLE[1:]]
CHECK_FORMS = [*FORMS, "junit"]


def test_gradcheck_asks_for_little_by_default(asked: dict[str, Any]) -> None:
    invoke(*CHECK)
    assert asked.pop("spec").names
    assert callable(asked.pop("progress"))
    del asked["report"]
    assert asked == {
        "of": None,
        "wrt": None,
        "upstream": None,
        "points": 1,
        "seed": 0,
        "order": 1,
        "detect": 1e-5,
        "budget": MOST_EXACT_OPERATIONS,
        "all": False,
        "executor": None,
        "why": None,
    }


def test_gradcheck_hands_on_every_option(asked: dict[str, Any]) -> None:
    options = "--of out --wrt x,y --upstream 2 --points 20 --seed 7 --order 2 --detect 1e-6 --all"
    invoke(*CHECK, *options.split(), "--claim", "x = 2*(x+y)", "--claim", "y: 4.0")
    assert (asked["of"], asked["wrt"], asked["upstream"]) == ("out", ["x", "y"], 2)
    assert (asked["points"], asked["seed"], asked["order"], asked["detect"]) == (20, 7, 2, 1e-6)
    assert asked["all"] is True
    formula, numbers = asked["spec"].claims.values()
    assert (formula.name, formula.numbers) == ("x", None)
    assert (numbers.name, numbers.numbers, float(numbers.tolerance)) == ("y", 4.0, pytest.approx(0.05))


@pytest.mark.parametrize(
    ("name", "code", "strict"),
    [
        ("all_agree", 0, 0),
        ("nothing", 0, 1),
        ("wrong_rule", 1, 1),
        ("kink", 1, 1),
        ("harmless_culprit", 1, 1),
        ("only_a_kink", 0, 1),
        ("outside_domain", 0, 1),
        ("cannot_tell", 0, 1),
    ],
)
@pytest.mark.parametrize("form", CHECK_FORMS)
def test_exit_code_of_a_check(asked: dict[str, Any], name: str, code: int, strict: int, form: str) -> None:
    asked["report"] = report(name)
    assert invoke(*CHECK, "-f", form, exit=code).stdout == invoke(*CHECK, "-f", form, exit=code).stdout
    invoke(*CHECK, "-f", form, "--strict", exit=strict)


def test_forms_of_a_report(asked: dict[str, Any], tmp_path: Path) -> None:
    asked["report"] = report("only_a_kink")
    starts = {
        "table": "The gradient of y is at a kink",
        "plain": "The gradient of y is at a kink",
        "markdown": "## The gradient of y is at a kink",
        "json": '{\n  "bpx": 1,\n  "kind": "gradcheck",',
        "junit": '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>',
    }
    suffixes = {"plain": "txt", "markdown": "md", "json": "json", "junit": "xml"}
    for form, start in starts.items():
        found = invoke(*CHECK, "-f", form).stdout
        assert found.startswith(start)
        if form in suffixes:
            path = tmp_path / f"report.{suffixes[form]}"
            assert invoke(*CHECK, "-o", str(path)).stdout == ""
            assert path.read_text(encoding="utf-8") == found
    assert invoke(*CHECK, "--json").stdout == invoke(*CHECK, "-f", "json").stdout


def test_very_long_tables_do_without_rules(asked: dict[str, Any]) -> None:
    asked["report"] = replace(network(inputs=75), all=True)
    table, plain = (invoke(*CHECK, "-f", form, exit=1).stdout for form in ("table", "plain"))
    assert table == plain
    assert table.count("\n") > 2_762


def test_strict_makes_failures_of_what_is_skipped(asked: dict[str, Any]) -> None:
    asked["report"] = report("only_a_kink")
    assert "<skipped" in invoke(*CHECK, "-f", "junit").stdout
    assert "<skipped" not in invoke(*CHECK, "-f", "junit", "--strict", exit=1).stdout


@pytest.mark.parametrize("form", ["plain", "json"])
def test_sort(asked: dict[str, Any], form: str) -> None:
    asked["report"] = report("wrong_rule")

    def order(*args: str) -> list[int]:
        text = invoke(*CHECK, "-f", form, *args, exit=1).stdout
        if form == "json":
            return [one["index"][0] for one in json.loads(text)["entries"] if one["index"]]
        return [int(index) for index in re.findall(r"^  w\[(\d)\]", text, re.MULTILINE)]

    assert order() == order("--sort", "worst") == [0, 2, 1]
    assert order("--sort", "input") == [0, 1, 2]


def test_everything_wrong_with_a_check_is_said_at_once(asked: dict[str, Any]) -> None:
    options = ["--points", "0", "--seed", "-1", "--order", "3", "--detect", "nan"]
    claims = ["--claim", "x = 2*", "--claim", "nonsense"]
    found = error_codes("gradcheck", "nosuch(2)", "--set", "q", *options, *claims)
    of_options = ["bad-points", "bad-seed", "bad-order", "bad-detect"]
    assert sorted(found) == sorted(
        [*of_options, "bad-assignment", "ends-too-early", "bad-claim", "unknown-op"]
    )
    assert "spec" not in asked


@pytest.mark.parametrize("detect", ["0", "-1e-5", "1", "inf", "nan"])
def test_an_error_that_cannot_be_asked_for(asked: dict[str, Any], detect: str) -> None:
    assert error_codes(*CHECK, "--detect", detect) == ["bad-detect"]


def test_errors_of_a_check_are_text_where_junit_is_asked_for(asked: dict[str, Any]) -> None:
    found = invoke("gradcheck", "x +", "-f", "junit", exit=2)
    assert (found.stdout, found.stderr.count("error[")) == ("", 1)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_names_survive_a_report_in_any_encoding(encoding: str) -> None:
    args = ["gradcheck", "β^2", "--set", "β=3"]
    printed = {
        form: process(*args, "-f", form, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
        for form in ("json", "junit")
    }
    assert all((one.returncode, one.stderr) == (0, b"") for one in printed.values())
    assert json.loads(printed["json"].stdout.decode(encoding))["entries"][0]["input"] == "β"
    case = xml.fromstring(printed["junit"].stdout.decode(encoding)).find("*/testcase")
    assert case is not None
    assert case.get("name") == "β"
