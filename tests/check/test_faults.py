"""A fault of bpx's own in the search for a cause costs the cause, never the verdict."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every

import bpx
from bpx.check import gradcheck as of_specs
from bpx.check.blame import blame_claims
from bpx.check.function import black_box
from bpx.spec.code import check
from bpx.words.guards import faults


def fault(*any: Any, **other: Any) -> Any:
    raise IndexError("list index out of range")


def of_a_claim() -> bpx.Report:
    return bpx.parse("w*x", w=2.0, x=3.0).gradcheck(claims={"w": 5.0})


def of_code() -> bpx.Report:
    return bpx.gradcheck(lambda x: np.sum(x**2), [np.ones(2)], lambda g, x: [g * x])


def of_a_black_box() -> bpx.Report:
    return bpx.gradcheck(lambda x: np.sum(x**2), [np.ones(2)], lambda g, x: [g * x], calls=1000)


CASES = [
    (blame_claims, "blamed_claims", of_a_claim),
    (check, "_with_lines", of_code),
    (black_box, "blamed_inputs", of_a_black_box),
]


@every("module, helper, report", CASES)
def test_a_fault_costs_the_cause_alone(module: Any, helper: str, report: Any) -> None:
    entries = report().to_dict()["entries"]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(faults, "raised", False)
        patched.setattr(module, helper, fault)
        without = report()
    assert without.verdict == "disagree" and without.to_dict()["entries"] == entries
    assert all(culprit.code is None for culprit in without.blame)  # what is left needs no line
    assert "no-cause" in [note.code for note in without.notes]
    assert "IndexError" in str(without)


def with_a_rule() -> bpx.Report:
    text = """bpx = 1
[inputs]
x = 2.0
[ops]
cube = { args = ["a"], value = "a^3", partials = { a = "3*a^2" } }
[graph]
L = "cube(x)"
"""
    return bpx.load(text).gradcheck()


def test_a_fault_in_the_check_of_rules_alone_costs_that_check() -> None:
    assert with_a_rule().verdict == "agree"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(faults, "raised", False)
        patched.setattr(of_specs, "check_custom_rules", fault)
        without = with_a_rule()
    assert without.verdict == "agree" and [note.code for note in without.notes] == ["no-rules-alone"]


def test_a_fault_in_a_twin_costs_the_twin() -> None:
    report = bpx.parse("w*x", w=2.0, x=3.0).gradcheck(claims={"w": -3.0})
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(faults, "raised", False)
        hinted = replace(report, twins=fault).hint(3)
    assert [culprit.twin for culprit in hinted.blame] == [None] and hinted.verdict == "disagree"
    assert [note.code for note in hinted.notes] == ["no-twin"]
    assert [culprit.twin is None for culprit in report.hint(3).blame] == [False]


@every("module, helper, report", CASES)
def test_tests_and_tracebacks_show_the_fault(module: Any, helper: str, report: Any) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, helper, fault)
        with pytest.raises(IndexError):
            report()
