"""The explanation of a gradient: both passes, and the sections about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from bpx.explain.query.passes import Passes
from bpx.explain.query.section import Section
from bpx.explain.sections.accuracy import Accuracy
from bpx.explain.sections.expansion import Expansion
from bpx.explain.sections.forward import Forward
from bpx.explain.sections.gradients import Gradients
from bpx.explain.sections.paths import Paths, PathTable
from bpx.explain.sections.patterns import Patterns
from bpx.explain.sections.second import SecondDerivatives, SecondRow
from bpx.explain.sections.step import Step
from bpx.explain.short.short_forms import ShortForms
from bpx.graph.arrays import Array
from bpx.graph.numbers import SHOWN_DIGITS
from bpx.render.blocks import Block, Heading, Headline, Lines, headline, rounded, text_of
from bpx.render.json import Rows
from bpx.render.plain_data import quantities
from bpx.render.shown import Shown
from bpx.words.arguments import checked
from bpx.words.diagnostic import Diagnostic
from bpx.words.say import say, visible

if TYPE_CHECKING:
    from bpx.check.quick_check import QuickCheck
    from bpx.check.short.short_forms import GradientForms
    from bpx.explain.picture.picture import PictureOptions
    from bpx.render.page.page import Page
    from bpx.render.picture.picture import Picture

_S = TypeVar("_S", bound=Section)

# The keys of the contract, in the order they have in version 1; those of later sections follow.
_KEYS: tuple[str, ...] = (
    "bpx",
    "kind",
    "title",
    "output",
    "nodes",
    "edges",
    "gradients",
    "gradients_summary",
    "independent",
)
_KEYS += (
    "ops",
    "opened",
    "paths",
    "expanded",
    "step",
    "second",
    "expect",
    "check",
    "worksheet",
    "sensitivity",
    "cost",
    "short",
)
_PLACES = {key: place for place, key in enumerate(_KEYS)}


@dataclass(frozen=True, repr=False, eq=False)
class Explanation(Passes, Shown):
    """A gradient explained: rows of both passes, and sections in the order in which people see them."""

    kind: ClassVar[str] = "explanation"

    sections: tuple[Section, ...] = ()

    # --- what is in the sections ---

    @checked
    def section(self, kind: type[_S]) -> _S | None:
        """The section of that class, if there is one."""
        return next((section for section in self.sections if isinstance(section, kind)), None)

    @property
    def gradients(self) -> Mapping[str, Array]:
        """∂output/∂node by the node's name."""
        section = self.section(Gradients)
        return section.values if section else {}

    @property
    def independent(self) -> tuple[str, ...]:
        """The nodes that the output does not depend on."""
        section = self.section(Gradients)
        return section.independent if section else ()

    @property
    def ops(self) -> Mapping[str, str | None]:
        """The ops that the reverse pass met, and what they are in simpler ones."""
        section = self.section(Patterns)
        return section.ops if section else {}

    @property
    def paths(self) -> tuple[PathTable, ...]:
        """The paths to each input, where they were asked for."""
        section = self.section(Paths)
        return section.tables if section else ()

    @property
    def expanded(self) -> Expansion | None:
        """What was written in simpler ops."""
        return self.section(Expansion)

    @property
    def short(self) -> tuple[GradientForms, ...]:
        """The short forms of gradients, where they were asked for."""
        section = self.section(ShortForms)
        return section.gradients if section else ()

    @property
    def step(self) -> Step | None:
        """The step of gradient descent, where one was asked for."""
        return self.section(Step)

    @property
    def second(self) -> tuple[SecondRow, ...]:
        """The second derivatives, where they were asked for."""
        section = self.section(SecondDerivatives)
        return section.rows if section else ()

    @property
    def check(self) -> QuickCheck | None:
        """What differences say of the gradients."""
        section = self.section(Accuracy)
        return section.check if section else None

    @property
    def unmet(self) -> tuple[Diagnostic, ...]:
        """What is stated and does not hold."""
        return tuple(diagnostic for section in self.sections for diagnostic in section.unmet)

    @property
    def is_wrong(self) -> bool:
        """Does something stated not hold, or do differences contradict the gradient?"""
        return bool(self.unmet) or (self.check is not None and self.check.verdict == "disagree")

    # --- the whole ---

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1: numbers in full, non-finite ones as text."""
        plain = self.plain_data()
        return {key: list(value) if isinstance(value, Rows) else value for key, value in plain.items()}

    def plain_data(self) -> dict[str, Any]:
        """The same with the nodes and the edges as `Rows`."""
        plain: dict[str, Any] = {
            "bpx": 1,
            "kind": self.kind,
            "title": self.title,
            "output": {"name": self.names[self.output], **quantities(value=self.value)},
            **({"opened": self.opened} if self.opened else {}),
        }
        for section in self.sections:
            plain |= section.to_dict(self)
        keys = sorted(plain, key=lambda key: _PLACES.get(key, len(_PLACES)))
        diagnostics = [note.to_dict() for note in (*self.notes, *self.unmet)]
        return {**{key: plain[key] for key in keys}, "diagnostics": diagnostics}

    def blocks(self) -> list[Block]:
        """The answer, the sections, the notes."""
        blocks: list[Block] = [Headline(self._headline())]
        for section in self.sections:
            blocks += section.blocks(self)
        notes = [note.to_line() for note in self.notes]
        notes += [remark for section in self.sections for remark in section.remarks(self)]
        blocks += [Heading(say("account.notes")), Lines(tuple(notes))] if notes else []
        return blocks if self.digits == SHOWN_DIGITS else rounded(blocks, self.digits)

    @checked
    def picture(self, options: PictureOptions | None = None) -> Picture:
        """The graph as a picture. Raises `BpxError` where it has too many nodes for the style asked for."""
        from bpx.explain.picture.picture import picture_of

        return picture_of(self, options or self._picture_options())

    @checked
    def page(self, options: PictureOptions | None = None) -> Page:
        """The graph as a page for a browser."""
        from bpx.explain.page.page import page_of

        return page_of(self, options or self._picture_options())

    def _picture_options(self) -> PictureOptions:
        """Both passes; a worksheet does not give its solution away."""
        from bpx.explain.picture.picture import PictureOptions
        from bpx.render.picture.choices import Pass

        forward = self.section(Forward)
        return PictureOptions(Pass.FORWARD if forward and forward.alone else Pass.BOTH)

    def _headline(self) -> str:
        return headline(self.title, f"{self.names[self.output]} = {text_of(self.value, digits=self.digits)}")

    def __repr__(self) -> str:
        """A short line; the explanation may be long."""
        output = visible(self.names[self.output])
        return f"<bpx.Explanation {output}: {len(self.nodes)} nodes, {len(self.edges)} edges>"
