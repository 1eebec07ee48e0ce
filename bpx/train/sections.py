"""The sections of a training: the curve of the loss, the parameters, the steps and checks asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from bpx.check.report.entry import verdict_text
from bpx.graph.arrays import Array
from bpx.graph.numbers import LARGEST_SHOWN, SHOWN_DIGITS, array, number, shape_text
from bpx.render.blocks import Block, Curve, Heading, Lines, table
from bpx.render.curve import is_logarithmic
from bpx.render.plain_data import norm
from bpx.train.optimizers import QUANTITIES
from bpx.train.rows import LARGEST_LISTED, Checked, ShownStep
from bpx.words.say import say, visible

_WIDEST_OF_TWO = 22  # characters of a value, of two in a row
_WIDEST_OF_FOUR = 14
_MOST_IN_A_ROW = 4
_MOST_STEPS = 4  # at which the gradient was checked, in a sentence


def curve(history: Sequence[float], batched: bool) -> Iterator[Block]:
    """The finite losses; with batches, one for each batch."""
    # A training that diverged still has a curve up to there.
    values = tuple(loss for loss in history if math.isfinite(loss))
    if len(values) > 1:
        scale = say("train.logarithmic") if is_logarithmic(values) else ""
        yield Heading(say("train.of-batches" if batched else "train.curve") + scale)
        # On all data the first loss is that before any step; with batches it is that of batch 1.
        yield Curve(values, start=int(batched))


def parameters(before_and_after: Mapping[str, tuple[Array, Array]]) -> Iterator[Block]:
    """What became of each parameter."""
    rows = {
        name: {
            "shape": shape_text(before.shape),
            "before": _text(before, LARGEST_LISTED),
            "after": _text(after, LARGEST_LISTED),
        }
        for name, (before, after) in before_and_after.items()
    }
    yield Heading(say("train.parameters"))
    yield _table(rows, _WIDEST_OF_TWO)


def step(output: str, shown: ShownStep) -> Iterator[Block]:
    """A step in full."""
    loss = number(shown.loss, SHOWN_DIGITS)
    rows = {
        name: {
            key.replace("new", "new-value"): _text(value, LARGEST_SHOWN)
            for key, value in shown.of(name).items()
        }
        for name in shown.changes
    }
    yield Heading(say("train.step", step=shown.step, output=output, loss=loss))
    if shown.rows is not None:
        yield Lines((say("train.rows", rows=say("word.list").join(map(str, shown.rows))),))
    yield _table(rows, _WIDEST_OF_FOUR)
    yield Lines(shown.formulas)


def _table(rows: Mapping[str, Mapping[str, str]], widest: int) -> Block:
    """A row for each parameter, or one for each quantity where some are too wide for one row."""
    keys = list(next(iter(rows.values())))
    if len(keys) <= _MOST_IN_A_ROW and all(
        len(text) <= widest for row in rows.values() for text in row.values()
    ):
        right = {
            at
            for at, key in enumerate(keys, 1)
            if key != "shape" and all(_is_number(row[key]) for row in rows.values())
        }
        cells = [[visible(name), *row.values()] for name, row in rows.items()]
        return table(["parameter", *keys], cells, right)
    tall = [
        [visible(name) if key == keys[0] else "", _label(key), text]
        for name, row in rows.items()
        for key, text in row.items()
    ]
    return table(
        ["parameter", "quantity", "value"], tall, {2} if all(_is_number(row[2]) for row in tall) else ()
    )


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _label(key: str) -> str:
    """The quantities of an optimizer are called what its formulas call them."""
    return key if key in QUANTITIES else say(f"account.{key}")


def _text(value: Array, largest: int) -> str:
    """Small arrays in full, others by their norm."""
    if value.size <= largest:
        return array(value, SHOWN_DIGITS)
    return say("train.norm", norm=number(norm(value), SHOWN_DIGITS))


def agreeing(checks: Sequence[Checked]) -> Iterator[str]:
    """One sentence for all checks that agree."""
    steps = [f"{check.step:,}" for check in checks if check.verdict == "agree"]
    if steps:
        shown = steps if len(steps) <= _MOST_STEPS else [*steps[: _MOST_STEPS - 1], "…", steps[-1]]
        # `checks[0]` stands for all: every check looks at the same parameters.
        at = say("train.at-steps", count=len(steps), steps=say("word.list").join(shown))
        yield say("train.checked", entries=checks[0].entries, at=at)


def odd_checks(checks: Sequence[Checked]) -> Iterator[Block]:
    """The worst entries of the checks that do not agree."""
    rows = [
        [
            str(check.step),
            verdict_text(check.verdict),
            visible(check.entry),
            *(_known(value) for value in check[4:]),
        ]
        for check in checks
        if check.verdict != "agree"
    ]
    if rows:
        yield Heading(say("train.odd-checks"))
        yield table(["at-step", "verdict", "entry", "claimed", "reference", "error-bar"], rows, {0, 3, 4, 5})


def _known(value: float) -> str:
    return say("check.no-reference") if math.isnan(value) else number(value, SHOWN_DIGITS)
