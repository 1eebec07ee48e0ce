"""What a section of an explanation is: one class with its rows, its part of the JSON, and its blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Self

from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import Passes
from bpx.render.blocks import Block
from bpx.words.diagnostic import Diagnostic


class SectionOptions(NamedTuple):
    """Which sections are asked for beside those that every explanation has.

    `paths` names inputs (empty: all, None: no paths); `step` is a learning rate; `order` is that of the
    highest derivatives. `forward` leaves the reverse pass to be worked out; `tree` shows both passes as a
    tree in place of tables, and `rail` draws lanes in front of the reverse pass. `sources`
    shows where each node was written. `sensitivity` is a change of each entry, `cost` counts operations,
    `short` asks for the short forms of gradients.
    """

    paths: Sequence[str] | None = None
    second: bool = False
    step: float | None = None
    check: bool = True
    order: int | None = None
    forward: bool = False
    sources: bool = False
    tree: bool = False
    rail: bool = False
    sensitivity: float | None = None
    cost: bool = False
    short: bool = False


class Section:
    """A section. The rows it needs beside both passes are its fields."""

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self | None:
        """The section of a query; None where it is not asked for. Raises `BpxError`."""
        raise NotImplementedError

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        """Its entries of the JSON contract."""
        return {}

    def blocks(self, passes: Passes) -> Iterator[Block]:
        """What people see."""
        yield from ()

    def remarks(self, passes: Passes) -> Iterator[str]:
        """Sentences that stand behind the notes of the whole."""
        yield from ()

    @property
    def notes(self) -> tuple[Diagnostic, ...]:
        """What stands among the notes of the whole."""
        return ()

    @property
    def unmet(self) -> tuple[Diagnostic, ...]:
        """What is stated and does not hold: an error, which the command line prints as one."""
        return ()
