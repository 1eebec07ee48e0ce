"""A choice with settings, as in `adam(beta1=0.8, eps=1e-6)`, read against a table of what there is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from bpx.words.diagnostic import Diagnostic
from bpx.words.say import say

_CHOICE = re.compile(r"\s*([^\s()]*)\s*(?:\((.*)\)\s*)?", re.DOTALL)
_ALSO = {"eps": "epsilon"}  # what PyTorch calls it

MOST_STEPS = 1_000_000  # the loss of each is kept


class Range(NamedTuple):
    """The numbers that a setting may be, and whether they must be whole."""

    least: float = 0.0
    below: float = math.inf
    whole: bool = False
    above: bool = False  # `least` itself is left out

    def holds(self, value: float) -> bool:
        """Is it one of them? Never of nan and inf."""
        large = value > self.least if self.above else value >= self.least
        return large and value < self.below and not (self.whole and value % 1)

    @property
    def kind(self) -> str:
        """Which sentence says what is allowed."""
        if self.whole:
            return "whole"
        return "positive" if self.above else "fraction" if self.below == 1 else "number"


RANGES = {
    "momentum": Range(below=1),
    "beta1": Range(below=1),
    "beta2": Range(below=1),
    "alpha": Range(below=1),
    "epsilon": Range(),
    "weight_decay": Range(),
    "every": Range(1, whole=True),
    "steps": Range(1, whole=True),
    "warmup": Range(whole=True),
    "gamma": Range(above=True),
    "end": Range(),
}


class Row(Protocol):
    """A row of the table that a choice is made from."""

    @property
    def settings(self) -> Mapping[str, float]:
        """Each setting with its usual value."""


class Choice(NamedTuple):
    """A name, and the settings that were written behind it."""

    name: str
    settings: Mapping[str, float] = {}

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {"name": self.name, "settings": dict(self.settings)}


def read_choice(text: str, table: Mapping[str, Row], kind: str, problems: list[Diagnostic]) -> Choice:
    """The choice in `text`; `kind` is `"optimizer"` or `"schedule"`, for what is said of a wrong one."""
    match = _CHOICE.fullmatch(text)
    name, inside = match.groups() if match else (text, None)
    if name not in table:
        facts = {"name": name, "known": say("word.list").join(table)}
        problem = Diagnostic(f"unknown-{kind}", None, facts, f"{kind}s-are")
        problems.append(problem.suggesting(name, table))
        return Choice(name)
    parts = [part for part in (inside or "").split(",") if part.strip()]
    settings: dict[str, float] = {}
    for part in parts:
        key, value = _setting(part)
        found = [*_problems(name, key, value, table[name].settings, part.strip())]
        if key in settings:
            found.append(Diagnostic("repeated-setting", None, {"setting": key}))
        problems += found
        if not found:
            settings[key] = value
    return Choice(name, settings)


def _setting(part: str) -> tuple[str, float]:
    """The name and the value of a setting; a value that is no number is nan."""
    key, _, value = (side.strip() for side in part.partition("="))
    key = key.replace("-", "_")
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    return _ALSO.get(key, key), number


def _problems(
    name: str, key: str, value: float, known: Mapping[str, float], text: str
) -> Iterator[Diagnostic]:
    if key not in known:
        # The text as it was typed: `adam(0.9)` names no setting at all.
        facts = {"name": name, "setting": text.split("=")[0].strip(), "known": say("word.list").join(known)}
        yield Diagnostic("no-setting", None, facts, "settings-are").suggesting(key, known)
    elif not RANGES[key].holds(value):
        facts = {"setting": key, "found": text.partition("=")[2].strip(), "least": f"{RANGES[key].least:g}"}
        yield Diagnostic(f"setting-{RANGES[key].kind}", None, facts)
