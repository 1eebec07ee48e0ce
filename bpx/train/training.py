"""What a training did: the report of `bpx train`, with its JSON contract and every form."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import SHOWN_DIGITS, number
from bpx.render.blocks import Block, Heading, Headline, Lines, headline
from bpx.render.plain_data import plain_value
from bpx.render.shown import Shown
from bpx.train.rows import Batching, Checked, ShownStep, measured
from bpx.train.sections import agreeing, curve, odd_checks, parameters, step
from bpx.train.settings import Choice
from bpx.words.diagnostic import Diagnostic
from bpx.words.say import say, visible

# Why it ended.
STEPS, TARGET, NOT_FINITE, DISAGREE, INTERRUPTED = "steps", "target", "not finite", "disagree", "interrupted"
_ENDINGS = {STEPS: "missed", INTERRUPTED: "interrupted", TARGET: "target"}
_ENDINGS |= {NOT_FINITE: "not-finite", DISAGREE: "disagree"}
AnyGraph = TypeVar("AnyGraph", bound=NamedGraph)  # of what was trained


@dataclass(frozen=True, repr=False, eq=False)
class Training(Shown, Generic[AnyGraph]):
    """All that a training did.

    `spec` is the spec with its new values, those of the last step that could be taken. `history` is the
    loss at the start and after each step; with batches, that of each batch before the step it led to, while
    `first` and `last` are the loss on all examples. `problems` say why it stopped before its end, if it did.
    """

    kind: ClassVar[str] = "training"

    spec: AnyGraph
    output: str
    optimizer: str
    rate: float
    settings: Mapping[str, float]
    schedule: Choice | None
    max_steps: int
    taken: int
    stopped: str
    target: float | None
    batch: Batching | None
    history: tuple[float, ...]
    first: float
    last: float
    parameters: Mapping[str, tuple[Array, Array]]  # name → before, after
    shown: tuple[ShownStep, ...] = ()
    checks: tuple[Checked, ...] = ()
    notes: tuple[Diagnostic, ...] = ()
    problems: tuple[Diagnostic, ...] = ()

    @property
    def size(self) -> int:
        """How many numbers were trained."""
        return sum(before.size for before, _ in self.parameters.values())

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1: numbers in full, non-finite ones as text."""
        return {
            "bpx": 1,
            "kind": self.kind,
            "title": self.spec.title,
            "output": self.output,
            "optimizer": self.optimizer,
            "rate": self.rate,
            "settings": dict(self.settings),
            "schedule": self.schedule.to_dict() if self.schedule else None,
            "steps": {"asked": self.max_steps, "taken": self.taken},
            "stopped": self.stopped,
            "target": self.target,
            "batch": self.batch.to_dict() if self.batch else None,
            "loss": {"first": plain_value(self.first), "last": plain_value(self.last)},
            "history": [plain_value(loss) for loss in self.history],
            "parameters": [
                {"name": name, "shape": list(before.shape), **measured(before=before, after=after)}
                for name, (before, after) in self.parameters.items()
            ],
            "size": self.size,
            "shown": [step.to_dict() for step in self.shown],
            "checks": [check.to_dict() for check in self.checks],
            # One list: the severity of each tells notes and problems apart.
            "diagnostics": [note.to_dict() for note in (*self.notes, *self.problems)],
        }

    def __repr__(self) -> str:
        """A short line; the history may be long."""
        return f"<bpx.Training {visible(self.output)}: {self.first} to {self.last} in {self.taken} steps>"

    def blocks(self) -> list[Block]:
        """The answer, the curve of the loss, the parameters, the steps asked for, the notes, a summary."""
        remarks = tuple(self._remarks())
        blocks: list[Block] = [Headline(self._headline()), *([Lines(remarks)] if remarks else [])]
        blocks += [*curve(self.history, self.batch is not None), *parameters(self.parameters)]
        for shown in self.shown:
            blocks += step(self.output, shown)
        blocks += [*odd_checks(self.checks), Heading(say("account.notes")), Lines(tuple(self._notes()))]
        return [*blocks, Heading(self._summary())]

    def _notes(self) -> Iterator[str]:
        if self.last > self.first:
            yield say("train.risen")
        yield from agreeing(self.checks)
        yield from (note.to_line() for note in self.notes)
        yield say("account.digits")

    def _headline(self) -> str:
        loss, rate = self._loss(), number(self.rate, SHOWN_DIGITS)
        answer = say("train.answer", loss=loss, taken=self.taken, optimizer=self.optimizer, rate=rate)
        return headline(self.spec.title, answer)

    def _loss(self) -> str:
        first, last = number(self.first, SHOWN_DIGITS), number(self.last, SHOWN_DIGITS)
        return say("train.loss", output=self.output, first=first, last=last)

    def _summary(self) -> str:
        facts = {"size": self.size, "taken": self.taken, "steps": self.max_steps}
        return say("train.summary", loss=self._loss(), **{key: f"{count:,}" for key, count in facts.items()})

    def _remarks(self) -> Iterator[str]:
        """Why it ended, where that has to be said, and what it went by."""
        if self.stopped != STEPS or self.target is not None:
            target = "" if self.target is None else number(self.target, SHOWN_DIGITS)
            yield say(f"train.{_ENDINGS[self.stopped]}", output=self.output, target=target)
        yield from map(_problem, self.problems)
        if self.batch:
            facts = {
                **self.batch._asdict(),
                "inputs": say("word.list").join(self.batch.inputs),
                "output": self.output,
            }
            yield say("train.batches", **facts)
        if self.settings:
            yield say("train.settings", optimizer=self.optimizer, settings=_listed(self.settings))
        if self.schedule:
            name, settings = self.schedule
            yield say("train.schedule", schedule=name, settings=_listed(settings))


def _listed(settings: Mapping[str, float]) -> str:
    return say("word.list").join(f"{key} {number(value, SHOWN_DIGITS)}" for key, value in settings.items())


def _problem(problem: Diagnostic) -> str:
    """A diagnostic in a line, with its place."""
    place = ""
    if problem.span:
        line, column = problem.span.source.position(problem.span.start)
        place = f" ({visible(problem.span.source.name)}:{line}:{column})"
    return problem.to_line(place)
