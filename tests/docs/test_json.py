"""The tables of `bpx help json` name every key that the JSON output has."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from pages import DOCS, section
from reports import MAKERS, report
from typer.testing import CliRunner

import bpx
from bpx.cli.main import app
from bpx.words.diagnostic import Diagnostic, Source, Span

PAGE = DOCS / "json.md"
DIAGNOSTIC = Diagnostic("cycle", Span(Source("net.toml", "a"), 0, 1), {"cycle": "a"}).to_dict()


def named(title: str) -> set[str]:
    """What the tables of a section name, and keys of diagnostics, which all of them have."""
    return set(re.findall(r"`(\w+)`", section(PAGE, title))) | set(DIAGNOSTIC)


def keys(rows: Iterable[dict[str, Any]], beside: str) -> set[str]:
    return {key for row in rows for key in row if not key.endswith(beside)}


def keys_within(plain: Any) -> Iterator[str]:
    rows = plain if isinstance(plain, list) else [plain]
    for row in rows:
        if isinstance(row, dict):
            yield from row
            for value in row.values():
                yield from keys_within(value)


def test_an_explanation() -> None:
    spec = bpx.load("logistic_regression")
    measured = {"sensitivity": 0.1, "cost": True}
    plain = spec.explain(paths=[], second=True, step=0.1, expand=["all"], **measured).to_dict()
    opened = bpx.load("two_moons").explain(node="h1").to_dict()
    rows = [plain, opened, *(plain[key] for key in ("output", "expect", "step", "check", "expanded"))]
    rows += [*plain["nodes"], *plain["edges"], *plain["paths"], *plain["second"]]
    rows += [plain["sensitivity"], plain["cost"], *plain["sensitivity"]["changes"]]
    rows += [*plain["paths"][0]["shown"], *plain["step"]["parameters"].values(), *opened["nodes"]]
    assert keys(rows, "_summary") - named("An explanation") == set()


def test_a_sweep() -> None:
    plain = bpx.parse("w*b", w=1, b=2).sweep({"w": [0, 1], "b": [0, 1]}, gradient=True, descend=1).to_dict()
    rows = [plain, *plain["axes"], plain["lowest"], plain["descent"]]
    assert keys(rows, "_summary") - named("A sweep") == set()


def test_a_diagnostic() -> None:
    listed = set(re.findall(r"`(\w+)`", section(PAGE, "An explanation")))
    assert set(DIAGNOSTIC) - listed == set()


def test_a_report() -> None:
    verdicts = {"agree", "disagree", "kink", "outside domain", "cannot tell"}  # keys of `counts`
    made = {key for name in MAKERS for key in keys_within(report(name).to_dict())}
    made |= set(keys_within(bpx.gradcheck("x^2", {"x": 3}, why="x").to_dict()))
    assert made - named("A report") - verdicts == set()


def test_two_tables() -> None:
    plain = bpx.parse("x^2", x=2.0).audit({"dx": 4.0}, {"dx": 3.0}).to_dict()
    assert keys([plain, *plain["nodes"]], "_summary") - named("Two tables") == set()


def test_a_training() -> None:
    values = {"x": [1, 2, 3], "w": 0.5}
    plain = bpx.parse("mean((w*x - x)^2)", **values).train(wrt="w", batch=2, show_steps=1, check=50).to_dict()
    shown = plain["shown"][0]
    rows = [plain, shown, *(plain[key] for key in ("steps", "batch", "loss"))]
    rows += [*plain["parameters"], *plain["checks"], *shown["parameters"].values()]
    assert keys(rows, "_norm") - named("A training") == set()


def test_lists() -> None:
    for kind in ("ops", "examples"):
        plain = json.loads(CliRunner().invoke(app, [kind, "--json"]).stdout)
        assert {*plain, *plain[kind][0]} - named("Lists") == set()


def size_stated(title: str) -> int:
    (size,) = re.findall(r"more than (\d+) elements", section(PAGE, title))
    return int(size)


@pytest.mark.parametrize("beyond", [0, 1])
def test_from_which_size_on_arrays_have_summaries(beyond: int) -> None:
    spec = bpx.parse("sum(x^2)", x=[1.0] * (size_stated("An explanation") + beyond))
    assert ("value_summary" in spec.explain().to_dict()["nodes"][0]) == bool(beyond)


@pytest.mark.parametrize("beyond", [0, 1])
def test_from_which_size_on_arrays_have_norms(beyond: int) -> None:
    spec = bpx.parse("sum(x^2)", x=[1.0] * (size_stated("A training") + beyond))
    assert ("after_norm" in spec.train(wrt="x", steps=1).to_dict()["parameters"][0]) == bool(beyond)
