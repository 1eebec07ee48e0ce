"""`bpx check`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Annotated

import typer

from bpx.cli.command import command
from bpx.cli.gradcheck import Hint
from bpx.cli.input.arguments import values_given
from bpx.cli.input.options import JsonFlag, Values, file_option, form_option
from bpx.cli.input.saves import saves
from bpx.cli.output.session import UNUSABLE, WRONG, Session
from bpx.cli.output.signals import answered
from bpx.words.say import say

if TYPE_CHECKING:
    from bpx.spec.derivations.report import DerivationReport

_INTERRUPTED = 130  # the exit code of a program that Ctrl-C ends

File = Annotated[str, typer.Argument(metavar="FILE", help=say("cli.check-file"))]
Watch = Annotated[bool, typer.Option("--watch", help=say("cli.watch"))]
All = Annotated[bool, typer.Option("--all", help=say("cli.check-all"))]
FormName = Annotated[str | None, form_option("derivation")]
OutputFile = Annotated[str | None, file_option("derivation")]


@command(
    "check",
    "bpx check notes.md",
    "bpx check sheet.tex --hint 4",
    "bpx check notes.md --watch",
)
def check(
    file: File,
    set_: Values = None,
    hint: Hint = 2,
    all_: All = False,
    watch: Watch = False,
    form: FormName = None,
    json: JsonFlag = False,
    output: OutputFile = None,
) -> None:
    """Check a derivation line by line, and point at the first wrong step."""
    if watch and file != "-":
        _watch(file, lambda: _checked(file, set_, hint, all_, Session("derivation", form, json, output)))
    raise typer.Exit(_checked(file, set_, hint, all_, Session("derivation", form, json, output)))


def _checked(file: str, set_: list[str] | None, hint: int, all_: bool, session: Session) -> int:
    """Check the file once and show the report; its exit code."""
    with session:
        report = _report(file, set_, hint, all_)
        session.show(report)
        if report.failed:
            return WRONG
        return UNUSABLE if report.unusable else 0


def _report(file: str, set_: list[str] | None, hint: int, all_: bool) -> DerivationReport:
    from bpx.spec.derivations.check import check_derivation
    from bpx.spec.reading.target import source_of_notes

    source = source_of_notes(file)
    return check_derivation(source.name, source.text, values_given(set_), hint=hint, all=all_)


def _watch(file: str, once: Callable[[], object]) -> None:
    """Check whenever the file is saved, until Ctrl-C."""
    try:
        for _ in saves([file]):
            with suppress(typer.Exit):  # what is wrong is said, and the next save may mend it
                once()
    except KeyboardInterrupt:
        answered()
        raise typer.Exit(_INTERRUPTED) from None
