"""Practising in a terminal: one exercise, one cell at a time. What is typed comes in as lines, blocks go out.

The hints go up by one level with each wrong try at a cell, and never by two.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bpx.check.report.options import HintLevel
from bpx.render.blocks import Block, Cell, Headline, Lines
from bpx.spec.practice.cells.rounding import written
from bpx.spec.practice.cells.verdicts import Judgement, Verdict
from bpx.spec.practice.exercise import Exercise
from bpx.spec.practice.grade import grade, missed_mistake
from bpx.spec.practice.hints import explained, hints
from bpx.spec.practice.progress import Progress
from bpx.spec.practice.sheet import Sheet
from bpx.spec.practice.topic_list import TopicList
from bpx.spec.text.source_text import SourceText
from bpx.words.diagnostic import Source
from bpx.words.say import say

_SOLVED_FOR_A_BLANK, _MOST_BLANKS = 2, 8
COMMANDS = ("hint", "skip", "list", "reset", "quit", "help")


class Dialogue:
    """A learner at a row of exercises: `drawn(seed, blanks)` makes them, `progress` counts under `name`."""

    def __init__(self, name: str, drawn: Callable[[int, int], Exercise], progress: Progress) -> None:
        self.name, self.drawn, self.progress = name, drawn, progress
        self.is_over = False
        self.solved = 0  # in this sitting
        self._begin()

    def _begin(self) -> None:
        self.exercise = self.drawn(self.counts["seed"], self.blanks)
        self.texts: dict[str, SourceText] = {}
        self.skipped = False
        self.left = list(self.exercise.planted if self.exercise.finds_mistakes else self.exercise.asked)
        self.tries: dict[str, int] = {}  # wrong ones, by the cell that their hints are about
        self.last: Judgement | None = None  # what a hint is about

    @property
    def counts(self) -> dict[str, int]:
        """What the learner has done of this."""
        return self.progress.of(self.name)

    @property
    def blanks(self) -> int:
        """One at first, and one more for every few exercises that were solved: the example fades."""
        return 1 + min(self.counts["solved"] // _SOLVED_FOR_A_BLANK, _MOST_BLANKS - 1)

    @property
    def prompt(self) -> str:
        """What stands in front of the line to be typed."""
        if not self.left:
            return say("practice.prompt-next")
        return say("practice.prompt-fix") if self.exercise.finds_mistakes else f"{self.left[0]} = "

    def opening(self) -> list[Block]:
        """The exercise, with what may be typed."""
        sheet = Sheet(self.exercise)
        commands = ", ".join(f"`{command}`" for command in COMMANDS)
        lines = (sheet.task(), say("practice.commands", commands=commands))
        number = self.counts["solved"] + self.counts["skipped"] + 1
        headline = say("practice.exercise", name=sheet.title, number=number)
        return [Headline(headline), *sheet.tables(), Lines(lines), *self._asking()]

    def _asking(self) -> list[Block]:
        """What the next cell is, in words."""
        if self.exercise.finds_mistakes or not self.left:
            return []
        cell = self.exercise.workings.cells[self.left[0]]
        return [Lines((say("practice.asking", meaning=self.exercise.workings.described(cell)),))]

    def reply(self, line: str) -> list[Block]:
        """What is said to a line that was typed."""
        text = line.strip()
        if text.lower() in COMMANDS:
            command: Callable[[], list[Block]] = getattr(self, f"_{text.lower()}")
            return command()
        if not self.left:
            self._begin()
            return self.opening()
        if not text:
            return self._asking()
        return self._fix(text) if self.exercise.finds_mistakes else self._answer(self.left[0], text)

    # --- answers ---

    def _fix(self, text: str) -> list[Block]:
        name, equals, value = text.partition("=")
        key = self.exercise.workings.named(name) if equals else None
        if key is not None and key not in self.exercise.asked:
            return [Lines((say("practice.fix-given", cell=key),))]
        if key is None:
            return [Lines((say("practice.fix-form", example=f"{self.exercise.asked[0]} = 0.5"),))]
        if key not in self.left and key in self.exercise.planted:
            return [Lines((say("practice.fixed-already", cell=key),))]
        return self._answer(key, value.strip())

    def _answer(self, key: str, text: str) -> list[Block]:
        source = Source(say("practice.typed"), text)
        grading = grade(self.exercise, {**self.texts, key: SourceText(source, text)})
        judgement = next(judgement for judgement in grading.judgements if judgement.key == key)
        if judgement.verdict is Verdict.INVALID:
            said = tuple(problem.to_text() for problem in judgement.problems)
            return [Lines((*"\n".join(said).split("\n"), say("practice.no-try")))]
        self.counts["tries"] += 1
        if judgement.counts:
            self.last = judgement
            return self._right(key, SourceText(source, text))
        # Where nothing is wrong by itself the hints lead to where something is.
        self.last = missed_mistake(self.exercise, self.left[0]) if judgement.innocent else judgement
        self.tries[self.last.key] = self.tries.get(self.last.key, 0) + 1
        innocent = [*hints(self.exercise, judgement, HintLevel.PLACE)] if judgement.innocent else []
        return [Lines((*innocent, *self._hints_of(self.last)))]

    def _hints_of(self, judgement: Judgement) -> Iterator[Cell]:
        """What the tries have earned: one level for each that was wrong."""
        level = min(self.tries[judgement.key], max(HintLevel))
        return hints(self.exercise, judgement, HintLevel(level))

    def _right(self, key: str, text: SourceText) -> list[Block]:
        self.texts[key] = text
        self.left.remove(key)
        value = written(self.exercise.right[key], self.exercise.digits + 1)
        said = say("practice.right", cell=key, value=value)
        return [Lines((said,)), *(self._asking() if self.left else self._finished())]

    def _finished(self) -> list[Block]:
        self.solved += not self.skipped
        self.counts["skipped" if self.skipped else "solved"] += 1
        self.counts["seed"] += 1
        self.progress.save()
        return [Lines((say("practice.solved", count=self.counts["solved"], name=self.name),))]

    # --- commands ---

    def _hint(self) -> list[Block]:
        """What the tries so far have earned; of what is right, all."""
        if self.last is None:
            return [*self._asking(), Lines((say("practice.hint-after-try"),))]
        if self.last.counts:
            cell = self.exercise.workings.cells[self.last.key]
            return [Lines(tuple(explained(self.exercise, cell)))]
        return [Lines(tuple(self._hints_of(self.last)))]

    def _skip(self) -> list[Block]:
        """The answer, and on to the next cell."""
        if not self.left:
            self._begin()
            return self.opening()
        key, self.skipped = self.left.pop(0), True
        self.last = None
        value = written(self.exercise.right[key], self.exercise.digits + 1)
        self.texts[key] = SourceText(Source(key, value), value)
        said = say("practice.skipped", cell=key, value=value)
        return [Lines((said,)), *(self._asking() if self.left else self._finished())]

    def _list(self) -> list[Block]:
        return TopicList(self.progress).blocks()

    def _reset(self) -> list[Block]:
        """Begin with this again, from its first exercise."""
        self.progress.reset(self.name)
        self.progress.save()
        self._begin()
        return [Lines((say("practice.reset-done", name=self.name),)), *self.opening()]

    def _quit(self) -> list[Block]:
        self.is_over = True
        self.progress.save()
        return [Lines((say("practice.bye", count=self.solved, file=str(self.progress.path)),))]

    def _help(self) -> list[Block]:
        return [Lines(tuple(say(f"practice.command-{command}") for command in COMMANDS))]
