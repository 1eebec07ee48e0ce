"""The report on a derivation: every step with its verdict, and of wrong ones what a hint level allows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from bpx.check.patterns.twins import twin_of
from bpx.check.report.blame import WITHHELD, Blame, Mistake, Twin
from bpx.check.report.notes import about_twin
from bpx.check.report.options import HintLevel
from bpx.graph.arrays import Array
from bpx.graph.numbers import number
from bpx.render.blocks import Block, Excerpt, Heading, Headline, Lines, text_of
from bpx.render.plain_data import plain_value
from bpx.render.shown import Shown
from bpx.spec.derivations.verdicts import Step, Verdict
from bpx.words.say import say, visible

if TYPE_CHECKING:
    from bpx.render.page.report import ReportPage

_SHOWN = (Verdict.WRONG, Verdict.FOLLOWS, Verdict.CANNOT_TELL, Verdict.NOT_READ)


@dataclass(frozen=True, repr=False, eq=False)
class DerivationReport(Shown):
    """What was found in a derivation; `equations` counts those that define the graph."""

    kind: ClassVar[str] = "derivation"
    name: str
    steps: tuple[Step, ...]
    equations: int
    values: int
    level: HintLevel = HintLevel.KIND
    all: bool = False
    replaced: Mapping[str, tuple[Array, Array]] = field(default_factory=dict)  # value given, and of the text

    @property
    def counts(self) -> Counter[Verdict]:
        """How many steps have each verdict."""
        return Counter(step.verdict for step in self.steps)

    @property
    def checked(self) -> int:
        """How many steps were judged."""
        return sum(self.counts[verdict] for verdict in (Verdict.RIGHT, Verdict.WRONG, Verdict.FOLLOWS))

    @property
    def failed(self) -> bool:
        """Is a step wrong?"""
        return self.counts[Verdict.WRONG] > 0

    @property
    def unusable(self) -> bool:
        """Was nothing judged?"""
        return not self.checked

    def __bool__(self) -> bool:
        """Is every step that there is right?"""
        return bool(self.steps) and self.counts[Verdict.RIGHT] == len(self.steps)

    # --- views ---

    def blocks(self) -> list[Block]:
        """What is wrong and cannot be read, line by line as compilers say it; then a line to sum up."""
        blocks: list[Block] = [Headline(f"{visible(self.name)}: {self.summary}")]
        if self.replaced:
            blocks.append(Lines(tuple(self._replaced())))
        for step in self.steps:
            if self.all or step.verdict in _SHOWN or step.reason:
                blocks += self._step(step)
        if any(self._is_withheld(step) for step in self.steps):
            blocks.append(Lines((say("written-step.more", level=int(HintLevel.FORMULA)),)))
        return blocks

    def _is_withheld(self, step: Step) -> bool:
        """Would the sentence on a slip say what is right?"""
        if step.verdict is not Verdict.WRONG or step.mistake is None or self.level is not HintLevel.PATTERN:
            return False
        return WITHHELD in step.mistake.hint(self.level).text

    def _replaced(self) -> Iterator[str]:
        for name, (given, own) in self.replaced.items():
            yield say("written-step.replaced", name=name, given=_shown(given), own=_shown(own))

    def report_page(self) -> ReportPage:
        """The report as a page."""
        from bpx.render.page.report import ReportPage

        return ReportPage(self.blocks())

    @property
    def summary(self) -> str:
        """The counts in a sentence."""
        counts = self.counts
        if not self.steps and not self.equations:
            return say("written-step.nothing")
        parts = [say("written-step.checked", count=self.checked)]
        parts += (
            [say("written-step.equations", count=self.equations)]
            if self.equations and not self.checked
            else []
        )
        for verdict, key in (
            (Verdict.WRONG, "wrong"),
            (Verdict.FOLLOWS, "follow"),
            (Verdict.CANNOT_TELL, "open"),
            (Verdict.NOT_READ, "not-read"),
        ):
            if counts[verdict]:
                parts.append(say(f"written-step.count-{key}", count=counts[verdict]))
        if self.checked and counts[Verdict.RIGHT] == self.checked:
            parts.insert(1, say("written-step.all-right", count=self.checked))
        return say("word.comma").join(parts)

    def _step(self, step: Step) -> Iterator[Block]:
        span = step.place if self.level >= HintLevel.KIND else step.span
        line, column = span.source.position(span.start)
        has_column = self.level >= HintLevel.KIND or step.verdict is not Verdict.WRONG
        place = f"{visible(span.source.name)}:{line}" + (f":{column}" if has_column else "")
        yield Heading(f"{place}: {self.sentence(step)}")
        text = span.source.line(line)
        end = min(column - 1 + span.end - span.start, len(text))
        yield Excerpt(text, column - 1, end) if has_column else Excerpt(text)
        details = [*self._details(step)]
        if details:
            yield Lines(tuple(details))

    def sentence(self, step: Step) -> str:
        """The verdict, and of a slip its kind where the level allows."""
        match step.verdict:
            case Verdict.RIGHT:
                return step.reason or say("written-step.right")
            case Verdict.FOLLOWS:
                return say("written-step.follows", line=step.follows)
            case Verdict.CANNOT_TELL:
                return say("written-step.cannot-tell", reason=step.reason)
            case Verdict.NOT_READ:
                return say("written-step.not-read", reason=step.reason)
        if self.level < HintLevel.KIND:
            return say("written-step.wrong")
        if step.mistake is None:
            return say("written-step.wrong-unknown")
        return self.mistake(step).text

    def mistake(self, step: Step) -> Mistake:
        """The kind of a slip, as far as the level allows."""
        mistake = step.mistake or Mistake("unknown")
        if self.level >= HintLevel.FORMULA:
            return mistake
        return mistake.hint(HintLevel.KIND if self._is_withheld(step) else self.level)

    def twin(self, step: Step) -> Twin | None:
        """The same slip in other numbers, from the level of patterns on."""
        if step.verdict is not Verdict.WRONG or step.mistake is None or self.level < HintLevel.PATTERN:
            return None
        shown_not = [float(value) for array in step.numbers.values() for value in np.ravel(array)]
        return twin_of(Blame("", step.op, None, None, (step.mistake,)), shown_not)

    def _details(self, step: Step) -> Iterator[Any]:
        twin = self.twin(step)
        if twin is not None:
            yield from about_twin(twin)
        if step.verdict is Verdict.WRONG and self.level >= HintLevel.FORMULA and step.correct:
            yield say("written-step.correct", formula=step.correct)
        if step.verdict is Verdict.WRONG and self.level >= HintLevel.NUMBERS and step.numbers:
            facts = {key: _shown(value) for key, value in step.numbers.items()}
            yield say("written-step.numbers", **facts)

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1."""
        return {
            "bpx": 1,
            "kind": self.kind,
            "file": self.name,
            "hint": int(self.level),
            "equations": self.equations,
            "values": self.values,
            "checked": self.checked,
            "counts": {verdict.value: self.counts[verdict] for verdict in Verdict},
            "steps": [self._plain(step) for step in self.steps],
        }

    def _plain(self, step: Step) -> dict[str, Any]:
        span = step.place if self.level >= HintLevel.KIND else step.span
        line, column = span.source.position(span.start)
        end_line, end_column = span.source.position(span.end)
        is_wrong = step.verdict is Verdict.WRONG
        plain: dict[str, Any] = {
            "file": span.source.name,
            "line": line,
            "column": column,
            "end_line": end_line,
            "end_column": end_column,
            "of": step.chain.atom.text if step.chain.atom else step.chain.name or None,
            "text": step.span.text,
            "verdict": step.verdict.value,
            "reason": step.reason or None,
            "follows": step.follows,
        }
        if is_wrong and self.level >= HintLevel.KIND:
            mistake = self.mistake(step)
            plain |= {"code": mistake.code, "mistake": mistake.text}
        twin = self.twin(step)
        if twin is not None:
            plain["twin"] = twin.to_dict()
        if is_wrong and self.level >= HintLevel.FORMULA:
            plain["correct"] = step.correct or None
        if is_wrong and self.level >= HintLevel.NUMBERS:
            plain["numbers"] = {key: plain_value(value) for key, value in step.numbers.items()}
        return plain

    def __repr__(self) -> str:
        """A short line."""
        return f"<bpx.DerivationReport {self.name}: {self.summary}>"


def _shown(value: Any) -> str:
    return number(float(value), 6) if np.ndim(value) == 0 else text_of(value)
