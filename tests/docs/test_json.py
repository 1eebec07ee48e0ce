"""The tables of `bpx help json` name every key that the JSON output has."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

import pytest
from pages import DOCS, section
from reports import MAKERS, report

import bpx
from bpx.check.report.report import Verdict
from bpx.explain.op_reference import op_entries
from bpx.graph.numbers import LARGEST_SHOWN
from bpx.train.training import LARGEST_LISTED
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
    plain = spec.explain(paths=[], second=True, step=0.1, expand=["all"]).to_dict()
    opened = bpx.load("two_moons").explain(node="h1").to_dict()
    rows = [plain, opened, *(plain[key] for key in ("output", "expect", "step", "check", "expanded"))]
    rows += [*plain["nodes"], *plain["edges"], *plain["paths"], *plain["second"]]
    rows += [*plain["paths"][0]["shown"], *plain["step"]["parameters"].values(), *opened["nodes"]]
    assert keys(rows, "_summary") - named("An explanation") == set()


def test_a_diagnostic() -> None:
    listed = set(re.findall(r"`(\w+)`", section(PAGE, "An explanation")))
    assert set(DIAGNOSTIC) - listed == set()


def test_a_report() -> None:
    verdicts = {verdict.word for verdict in Verdict}
    made = {key for name in MAKERS for key in keys_within(report(name).to_dict())}
    assert made - named("A report") - verdicts == set()


def test_a_training() -> None:
    values = {"x": [1, 2, 3], "w": 0.5}
    plain = bpx.parse("mean((w*x - x)^2)", **values).train(wrt="w", batch=2, show_steps=1, check=50).to_dict()
    shown = plain["shown"][0]
    rows = [plain, shown, *(plain[key] for key in ("steps", "batch", "loss"))]
    rows += [*plain["parameters"], *plain["checks"], *shown["parameters"].values()]
    assert keys(rows, "_norm") - named("A training") == set()


def test_lists() -> None:
    assert set(op_entries()[0].to_dict()) | {"ops", "examples", "title"} <= named("Lists")


@pytest.mark.parametrize("size", [LARGEST_SHOWN, LARGEST_LISTED])
def test_sizes(size: int) -> None:
    assert f"more than {size} elements" in PAGE.read_text(encoding="utf-8")
