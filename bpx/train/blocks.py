"""A training as blocks: the answer, the curve of the loss, the parameters, the steps and checks asked for."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from bpx.graph.arrays import Array
from bpx.graph.numbers import DIGITS, LARGEST_SHOWN, array, number, shape_text
from bpx.render.blocks import Block, Curve, Heading, Headline, Lines, table
from bpx.render.curve import is_logarithmic
from bpx.render.plain_data import norm
from bpx.train.training import (
    DISAGREE,
    LARGEST_LISTED,
    NOT_FINITE,
    STEPS,
    TARGET,
    Checked,
    ShownStep,
    Training,
)
from bpx.words.diagnostic import Diagnostic
from bpx.words.say import say, visible

_ENDINGS = {STEPS: "missed", TARGET: "target", NOT_FINITE: "not-finite", DISAGREE: "disagree"}
_WIDEST_OF_TWO = 22  # characters of a value that stands beside one more
_WIDEST_OF_FOUR = 14
_MOST_STEPS = 4  # at which the gradient was checked, in a sentence


def training_blocks(training: Training) -> list[Block]:
    """The whole training, section by section."""
    blocks: list[Block] = [Headline(_headline(training))]
    remarks = tuple(_remarks(training))
    blocks += [Lines(remarks)] if remarks else []
    blocks += [*_curve(training), *_parameters(training)]
    for shown in training.shown:
        blocks += _step(training, shown)
    risen = [say("train.risen")] if training.last > training.first else []
    told = [note.to_line() for note in training.notes]
    notes = (*risen, *_checks(training.checks), *told, say("account.digits"))
    blocks += [*_odd_checks(training.checks), Heading(say("account.notes")), Lines(notes)]
    return [*blocks, Heading(_summary(training))]


def _headline(training: Training) -> str:
    title = visible(" ".join((training.spec.title or "").split()))
    form = "train.answer-one" if training.taken == 1 else "train.answer"
    taken, rate = f"{training.taken:,}", number(training.rate, DIGITS)
    answer = say(form, loss=_loss(training), taken=taken, optimizer=training.optimizer, rate=rate)
    return f"{title}: {answer}" if title else answer


def _loss(training: Training) -> str:
    first, last = number(training.first, DIGITS), number(training.last, DIGITS)
    return say("train.loss", output=training.output, first=first, last=last)


def _summary(training: Training) -> str:
    facts = {"size": training.size, "taken": training.taken, "asked": training.asked}
    return say("train.summary", loss=_loss(training), **{key: f"{one:,}" for key, one in facts.items()})


def _remarks(training: Training) -> Iterator[str]:
    """Why it ended, where that has to be said, and what it went by."""
    if training.stopped != STEPS or training.target is not None:
        target = "" if training.target is None else number(training.target, DIGITS)
        yield say(f"train.{_ENDINGS[training.stopped]}", output=training.output, target=target)
    yield from map(_problem, training.problems)
    if training.batch:
        facts = {
            **training.batch._asdict(),
            "inputs": ", ".join(training.batch.inputs),
            "output": training.output,
        }
        yield say("train.batches", **facts)
    if training.settings:
        settings = ", ".join(f"{key} {number(one, DIGITS)}" for key, one in training.settings.items())
        yield say("train.settings", optimizer=training.optimizer, settings=settings)


def _problem(problem: Diagnostic) -> str:
    """A diagnostic in a line, with its place."""
    place = ""
    if problem.span:
        line, column = problem.span.source.position(problem.span.start)
        place = f" ({visible(problem.span.source.name)}:{line}:{column})"
    return f"{problem.severity}: {problem.message}{place}{'; ' + problem.advice if problem.advice else ''}"


def _curve(training: Training) -> Iterator[Block]:
    values = tuple(loss for loss in training.history if math.isfinite(loss))
    if len(values) > 1:
        scale = say("train.logarithmic") if is_logarithmic(values) else ""
        yield Heading(say("train.of-batches" if training.batch else "train.curve") + scale)
        yield Curve(values, start=int(training.batch is not None))


# --- tables -------------------------------------------------------------------------------------


def _parameters(training: Training) -> Iterator[Block]:
    rows = {
        name: {
            "shape": shape_text(before.shape),
            "before": _text(before, LARGEST_LISTED),
            "after": _text(after, LARGEST_LISTED),
        }
        for name, (before, after) in training.parameters.items()
    }
    yield Heading(say("train.parameters"))
    yield _table(rows, _WIDEST_OF_TWO)


def _step(training: Training, shown: ShownStep) -> Iterator[Block]:
    loss = number(shown.loss, DIGITS)
    rows = {
        name: {
            key.replace("new", "new-value"): _text(value, LARGEST_SHOWN)
            for key, value in change._asdict().items()
        }
        for name, change in shown.changes.items()
    }
    yield Heading(say("train.step", step=shown.step, output=training.output, loss=loss))
    if shown.rows is not None:
        yield Lines((say("train.rows", rows=", ".join(map(str, shown.rows))),))
    yield _table(rows, _WIDEST_OF_FOUR)


def _table(rows: Mapping[str, Mapping[str, str]], widest: int) -> Block:
    """A row for each parameter, or one for each quantity where some are too wide to stand side by side."""
    keys = list(next(iter(rows.values())))
    if all(len(text) <= widest for row in rows.values() for text in row.values()):
        return table(["parameter", *keys], [[visible(name), *row.values()] for name, row in rows.items()])
    tall = [
        [visible(name) if key == keys[0] else "", say(f"account.{key}"), text]
        for name, row in rows.items()
        for key, text in row.items()
    ]
    return table(["parameter", "quantity", "value"], tall)


def _text(value: Array, largest: int) -> str:
    """Small arrays in full, others by their norm."""
    if value.size <= largest:
        return array(value, DIGITS)
    return say("train.norm", norm=number(norm(value), DIGITS))


# --- checks -------------------------------------------------------------------------------------


def _checks(checks: Sequence[Checked]) -> Iterator[str]:
    """One sentence for all checks that agree."""
    steps = [f"{one.step:,}" for one in checks if one.verdict == "agree"]
    if steps:
        shown = steps if len(steps) <= _MOST_STEPS else [*steps[: _MOST_STEPS - 1], "…", steps[-1]]
        yield say("train.checked", entries=f"{checks[0].entries:,}", steps=", ".join(shown))


def _odd_checks(checks: Sequence[Checked]) -> Iterator[Block]:
    """The worst entries of those that do not."""
    rows = [
        [str(one.step), one.verdict, visible(one.entry), *(_known(value) for value in one[4:])]
        for one in checks
        if one.verdict != "agree"
    ]
    if rows:
        yield Heading(say("train.odd-checks"))
        yield table(["at-step", "verdict", "entry", "claimed", "reference", "error-bar"], rows)


def _known(value: float) -> str:
    return say("check.no-reference") if math.isnan(value) else number(value, DIGITS)
