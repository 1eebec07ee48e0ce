"""`bpx learn`."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from bpx.cli.command import command
from bpx.cli.input.completion import lessons
from bpx.cli.input.options import JsonFlag, file_option, form_option
from bpx.cli.output.session import Session
from bpx.cli.output.signals import answered
from bpx.words.say import say


@command(
    "learn",
    "bpx learn",
    "bpx learn 3",
    "bpx learn sum-over-paths -o lesson.html",
)
def learn(
    lesson: Annotated[
        str | None, typer.Argument(metavar="LESSON", help=say("cli.lesson"), autocompletion=lessons)
    ] = None,
    form: Annotated[str | None, form_option("lesson")] = None,
    json: JsonFlag = False,
    output: Annotated[str | None, file_option("lesson")] = None,
) -> None:
    """Read a short lesson, or list them all."""
    with Session("lessons" if lesson is None else "lesson", form, json, output) as session:
        from bpx.spec.lessons.lessons import lesson_named
        from bpx.spec.lessons.shown import LessonList, LessonShown

        if lesson is None:
            session.show(LessonList())
            return
        shown = LessonShown(lesson_named(lesson))
        if session.form.name != "table" or output or not (sys.stdin.isatty() and sys.stdout.isatty()):
            session.show(shown)
            return
        first, *others = shown.pages
        session.show(first)
        for page in others:
            if not _is_turned():
                return
            session.show(page)


def _is_turned() -> bool:
    """Wait for the reader; False where the lesson is left, with Ctrl-C or Ctrl-D."""
    try:
        input(f"{say('lesson.next')} ")
    except (EOFError, KeyboardInterrupt):
        answered()
        typer.echo()
        return False
    return True
