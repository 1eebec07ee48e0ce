"""A few inputs of both fuzzers, what once fell, and that the fuzzers see and shrink what is wrong.

Longer: `python -m tests.fuzz --seconds 600 --seed 1`.
"""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import numpy as np
import pytest
from fuzz import mutation, programs
from fuzz.calling import Case, failure_of
from fuzz.minimising import minimised, reduced
from rows_of_a_table import every

import bpx

MUTATED = 60
PROGRAMS = 6


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_mutated_inputs() -> None:
    for i in range(MUTATED):
        case = mutation.case(f"mutation:0:{i}")
        assert failure_of(case) is None, str(case)


def test_random_programs() -> None:
    for i in range(PROGRAMS):
        assert programs.outcome_of(f"programs:0:{i}") is None, i


# What fell by hand, beside the fuzzers.
FELL = [
    ["explain", "sum(relu(x))", "--set=x=[0, 1]", "--sensitivity=1e300"],
    ["explain", "x^2*y", "--set=x=2", "--set=y=1", "--sensitivity=1e300", "--json"],
]


@every("words", FELL)
def test_command_lines_that_once_fell(words: list[str]) -> None:
    assert failure_of(Case(tuple(words))) is None


def test_a_seed_gives_the_same_input() -> None:
    assert mutation.case("mutation:3:14") == mutation.case("mutation:3:14")
    assert mutation.case("mutation:3:14") != mutation.case("mutation:3:15")


@pytest.mark.parametrize("size", [3, 24])
def test_a_wrong_claim_below_a_sort_has_a_short_correction(size: int) -> None:
    # Written out, the rule doubles with each round of the sorting network.
    spec = bpx.parse("sum(sort(x))", x=np.random.default_rng(0).permutation(size) / 3)
    report = spec.gradcheck(claims={"x": np.full(size, 0.5)})
    assert report.verdict == "disagree"
    assert len(str(report.blame[0].correction)) < 1000


def test_an_exception_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bpx, "parse", lambda *args, **values: 1 / 0)
    failure = failure_of(Case(("@parse",), (("text", b"x"),)))
    assert failure is not None
    assert failure.kind.startswith("ZeroDivisionError")


def test_what_fails_is_shrunk() -> None:
    case = Case(("explain", "--json", "me.toml"), (("me.toml", b"a = 1\nb = [1, 2]\nc = 3\n"),))
    small = minimised(case, lambda case: b"[" in case.files[0][1] and "me.toml" in case.args)
    assert small == Case(("explain", "me.toml"), (("me.toml", b"["),))
    assert reduced(list("abcdef"), lambda parts: {"b", "e"} <= set(parts)) == ["b", "e"]


def test_words_that_reach_out_are_left_out() -> None:
    for i in range(200):
        words = takewhile(lambda word: word != "--", mutation.case(f"mutation:9:{i}").args)
        assert not any(word.startswith(("/", "--watch", "-o", "--output", "--install")) for word in words)
