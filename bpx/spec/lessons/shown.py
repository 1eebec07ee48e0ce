"""Lessons in every form: the list of all, a lesson, a page of one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from bpx.render.blocks import Block, Heading, Headline, Lines, Table
from bpx.render.shown import Shown
from bpx.spec.lessons.lessons import LESSONS
from bpx.spec.lessons.parts import Lesson, blocks_of, explanation_of
from bpx.words.say import say

if TYPE_CHECKING:
    from bpx.render.page.report import ReportPage


@dataclass(frozen=True, repr=False)
class LessonList(Shown):
    """All lessons, by number and name."""

    kind: ClassVar[str] = "lessons"

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1."""
        rows = [
            {"number": at, "name": lesson.name, "title": lesson.title, "example": lesson.example}
            for at, lesson in enumerate(LESSONS, 1)
        ]
        return {"bpx": 1, "kind": self.kind, "lessons": rows}

    def blocks(self) -> list[Block]:
        """One table."""
        headers = (say("lesson.number"), say("lesson.name"), say("lesson.title"))
        rows = tuple((str(at), lesson.name, lesson.title) for at, lesson in enumerate(LESSONS, 1))
        return [Table(headers, rows, right=frozenset({0})), Lines((say("lesson.how"),))]


@dataclass(frozen=True, repr=False)
class LessonShown(Shown):
    """A lesson, all of it."""

    kind: ClassVar[str] = "lesson"

    lesson: Lesson

    @cached_property
    def pages(self) -> list[LessonPage]:
        """Page by page, so that a question stands before its answer."""
        number = LESSONS.index(self.lesson) + 1
        following = number + 1 if number < len(LESSONS) else None
        return [LessonPage(tuple(blocks)) for blocks in blocks_of(self.lesson, following)]

    def blocks(self) -> list[Block]:
        """One page after the other."""
        return [block for page in self.pages for block in page.content]

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1: texts, and tables as rows of texts."""
        return {
            "bpx": 1,
            "kind": self.kind,
            "name": self.lesson.name,
            "title": self.lesson.title,
            "example": self.lesson.example,
            "exercise": self.lesson.exercise,
            "pages": [[_plain(block) for block in page.content] for page in self.pages],
        }

    def report_page(self) -> ReportPage:
        """The same with the picture of the graph."""
        from bpx.render.page.report import ReportPage

        return ReportPage(self.blocks(), picture=explanation_of(self.lesson).picture())


@dataclass(frozen=True, repr=False)
class LessonPage(Shown):
    """A page of a lesson."""

    kind: ClassVar[str] = "lesson"

    content: tuple[Block, ...]

    def blocks(self) -> list[Block]:
        """What stands on it."""
        return list(self.content)


def _plain(block: Block) -> dict[str, Any]:
    if isinstance(block, Table):
        return {"headers": list(block.headers), "rows": [list(row) for row in block.text_rows]}
    if isinstance(block, Lines):
        return {"text": "\n".join(map(str, block.texts))}
    assert isinstance(block, Heading | Headline)
    return {"heading": str(block.text)}
