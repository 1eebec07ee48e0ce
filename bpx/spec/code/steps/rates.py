"""The learning rate of a step: what the statements name that move a weight, or set what these read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from bpx.spec.code.lines.backward_values import close
from bpx.spec.code.lines.recorder import Setting

SURE_RATE = re.compile(r"(?i:lr|l_?rate|learning_?rate|step_?size)")
# `alpha` is the slope of a leaky ReLU as well: a rate as an argument, and in the line that moves a weight.
RATE = re.compile(rf"{SURE_RATE.pattern}|(?i:alpha|eta|rate)")


def statements_of(weight: Any, distance: Any, settings: Sequence[Setting]) -> list[Setting]:
    """The statement that moves the weight, and those that have set what it reads, the last first."""
    weight = np.asarray(weight)
    for place, mover in enumerate(settings):
        is_moved = mover.reads and np.shape(mover.value) == weight.shape
        if is_moved and close(weight - mover.value, distance):
            names, found = {*mover.reads}, [mover]
            for setting in reversed(settings[:place]):
                if setting.key.target in names:
                    names |= {*setting.reads}
                    found.append(setting)
            return found
    return []


def rates_in(setting: Setting, pattern: re.Pattern[str]) -> set[float]:
    """The numbers that a statement reads under such names: `self.lr`, `config["lr"]`."""
    words = {name: re.findall(r"\w+", name) for name in setting.reads}
    return {
        float(value)
        for name, value in setting.reads.items()
        if not np.ndim(value) and value and words[name] and pattern.fullmatch(words[name][-1])
    }


def numbers_in(setting: Setting) -> Iterator[float]:
    """The numbers that a statement reads or has written in it."""
    yield from (float(value) for value in setting.reads.values() if not np.ndim(value))
    if setting.statement is not None:
        yield from map(float, re.findall(r"(?<![\w.])\d*\.?\d+(?:e[+-]?\d+)?", setting.statement.value))
