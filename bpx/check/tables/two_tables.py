"""Where the gradients of two programs part, as plain, frozen data and in every form."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

from bpx.check.report.blocks import blame_text
from bpx.check.report.entry import Verdict
from bpx.check.report.notes import MOST_NAMED, shortened
from bpx.check.report.report import Report
from bpx.graph.formula import numbers
from bpx.graph.numbers import SHOWN_DIGITS, index_text
from bpx.render.blocks import Block, Cell, Heading, Headline, Lines, table
from bpx.render.plain_data import plain_value
from bpx.render.shown import Shown
from bpx.words.say import say, visible


class NodeOfTwo(NamedTuple):
    """A node that both programs state the gradient of.

    `parted` of `total` entries that both state differ by more than both roundings; the one at `at` differs
    most: there the programs state `first` and `second`, and bpx's reference is `reference`. `verdicts` are
    the worst on each program's entries that part; where none parts, on all that both state.
    """

    name: str
    parted: int
    total: int
    at: tuple[int, ...]
    first: float
    second: float
    reference: float
    verdicts: tuple[Verdict, Verdict]

    @property
    def right(self) -> str:
        """Who is right here: `first`, `second`, `both`, `neither`, or `unknown`."""
        sides = {Verdict.AGREE: True, Verdict.DISAGREE: False}
        first, second = map(sides.get, self.verdicts)
        if first is None or second is None:
            return "unknown"
        if first == second:
            return "both" if first else "neither"
        return "first" if first else "second"

    @property
    def entry(self) -> str:
        """The entry that differs most, by name."""
        return self.name + (index_text(self.at) if self.at else "")

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return {
            "node": self.name,
            "parted": self.parted,
            "of": self.total,
            "index": list(self.at),
            "first": plain_value(self.first),
            "second": plain_value(self.second),
            "reference": plain_value(self.reference),
            "verdicts": [verdict.word for verdict in self.verdicts],
            "right": self.right,
        }


@dataclass(frozen=True, repr=False, eq=False)
class TwoTables(Shown):
    """The gradients of two `files`, compared node by node in the order of the reverse pass.

    `reports` are those on each file. `alone` are the nodes that only the first, or only the second, states.
    """

    kind: ClassVar[str] = "audit"

    title: str | None
    output: str
    files: tuple[str, str]
    nodes: tuple[NodeOfTwo, ...]
    reports: tuple[Report, Report]
    alone: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    @cached_property
    def first_parted(self) -> NodeOfTwo | None:
        """The first node at which the two part."""
        return next((node for node in self.nodes if node.parted), None)

    @property
    def failed(self) -> bool:
        """Do the two part, or is one of them wrong?"""
        return self.first_parted is not None or any(report.failed for report in self.reports)

    def __bool__(self) -> bool:
        """Do both state the same, and is it right?"""
        return self.first_parted is None and bool(self.nodes) and all(self.reports)

    def blocks(self) -> list[Block]:
        """The node at which they part and who is right, all nodes, and what is wrong with each program."""
        blocks: list[Block] = [Headline(self._headline())]
        if self.nodes:
            blocks += [Heading(say("check.node-by-node")), self._table()]
        for file, report in zip(self.files, self.reports, strict=True):
            if report.blame:
                blocks += [Heading(say("check.cause-in", file=visible(file)))]
                blocks += [Lines(tuple(blame_text(report).split("\n")))]
        notes = tuple(self._notes())
        return [*blocks, Heading(say("check.notes")), Lines(notes)] if notes else blocks

    def _headline(self) -> str:
        first, second = map(visible, self.files)
        title = f"{visible(self.title)}: " if self.title else ""
        parted = self.first_parted
        if not self.nodes:
            return title + say("check.two-nothing", first=first, second=second)
        if parted is None:
            wrong = any(report.failed for report in self.reports)
            key = "two-wrong" if wrong else "two-agree" if bool(self) else "two-same"
            return title + say(f"check.{key}", first=first, second=second, count=len(self.nodes))
        who = say(f"check.right-{parted.right}", first=first, second=second)
        return title + say("check.two-part", first=first, second=second, node=parted.name, right=who)

    def _table(self) -> Block:
        rows: list[list[Cell]] = [
            [
                visible(node.name),
                f"{node.parted:,}",
                f"{node.total:,}",
                visible(node.entry),
                *(numbers(value, SHOWN_DIGITS) for value in (node.first, node.second, node.reference)),
                say(f"check.right-{node.right}", first=visible(self.files[0]), second=visible(self.files[1])),
            ]
            for node in self.nodes
        ]
        keys = ["node", "parted", "entries", "farthest", "in-first", "in-second", "reference", "who-is-right"]
        return table(keys, rows, right=(1, 2))

    def _notes(self) -> Iterator[str]:
        for file, names in zip(self.files, self.alone, strict=True):
            if names:
                listed = shortened([f"`{visible(name)}`" for name in names], MOST_NAMED)
                yield say("check.only-in", file=visible(file), count=len(names), names=listed)
        for file, report in zip(self.files, self.reports, strict=True):
            yield from (f"{visible(file)}{say('word.colon')}{note.to_line()}" for note in report.notes)

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1."""
        parted = self.first_parted
        return {
            "bpx": 1,
            "kind": self.kind,
            "title": self.title,
            "output": self.output,
            "files": list(self.files),
            "parted": parted.name if parted else None,
            "right": parted.right if parted else None,
            "nodes": [node.to_dict() for node in self.nodes],
            "alone": [list(names) for names in self.alone],
            "reports": [report.to_dict() for report in self.reports],
        }

    def __repr__(self) -> str:
        """A short line; the tables may be long."""
        parted = self.first_parted.name if self.first_parted else None
        return f"<bpx.TwoTables {visible(self.output)}: {len(self.nodes)} nodes, {parted=}>"
