"""The entry point: run a command, and turn whatever ends it into an exit code.

Exit codes: 0 fine · 1 something stated or claimed is wrong · 2 the input cannot be used · 3 a bug in bpx ·
130 and 143 stopped by Ctrl-C and by SIGTERM, which `bpx/__main__.py` sees to.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import typer

from bpx.cli.app import app
from bpx.cli.command import COMMANDS, commands_with
from bpx.cli.input.language import speak_as_asked, without_language
from bpx.cli.output.console import leave, open_missing_streams, warn
from bpx.cli.output.session import BUG, UNUSABLE, TextSession, wants_json
from bpx.cli.output.signals import exit_code

_WORD = re.compile(r"[A-Za-z][\w-]*")
_TRACEBACK = "--traceback"
_UsageError: Any = typer.BadParameter.__base__  # which Typer does not name


def with_command(args: Sequence[str]) -> list[str]:
    """The arguments with `explain` in front where a target stands in place of a command."""
    first = args[0] if args else ""
    if not first or first in COMMANDS or first == "-h" or (first.startswith("--") and first != "--"):
        return list(args)
    if _WORD.fullmatch(first) and not any("=" in arg for arg in args) and not _is_example(first):
        _refuse_word(first, args)
    return ["explain", *args]


def _refuse_word(word: str, args: Sequence[str]) -> NoReturn:
    """Say what a word alone may have been meant to be, and end."""
    from bpx.spec.reading.examples import example_names
    from bpx.words.diagnostic import Diagnostic

    problem = Diagnostic("no-such-command", None, {"name": word})
    _refuse([problem.suggesting(word, [*COMMANDS, *example_names()])], args)


def _refuse(problems: Sequence[Any], args: Sequence[str]) -> NoReturn:
    """Report what is wrong with the arguments, in the form that they ask for, and end."""
    TextSession(None, is_json=wants_json(args)).report(problems)
    sys.exit(UNUSABLE)


def _is_example(word: str) -> bool:
    from bpx.spec.reading.examples import example_names

    return word in example_names()


def main() -> None:
    """Run the command line to its end; nothing that goes wrong in bpx may look like a verdict."""
    open_missing_streams()
    args = sys.argv[1:]
    is_traced = _TRACEBACK in args[: args.index("--") if "--" in args else None]
    if is_traced:
        from bpx.words.guards import faults

        faults.raised = True
    try:
        code = run(read_arguments([arg for arg in args if arg != _TRACEBACK] if is_traced else args))
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        code = 0
    except (OSError, MemoryError) as error:  # a full disk; a graph too large for this machine
        from bpx.words.files import reason_of
        from bpx.words.say import say

        warn(say("out-of-room", reason=reason_of(error)))
        code = UNUSABLE
    except Exception as error:
        if is_traced or exit_code() is not None:  # a module whose import Ctrl-C broke off may raise anything
            raise
        warn(_of_bug(error))
        code = BUG
    leave(code)


def run(args: Sequence[str]) -> int:
    """Run a command; its exit code.

    Not by calling `app`: that takes a broken pipe and Ctrl-C for failures of its own.
    """
    if any(name.startswith("_BPX_COMPLETE") for name in os.environ):
        app()  # a shell asks what a word may go on with, which ends here
    command = typer.main.get_command(app)
    try:
        with command.make_context("bpx", list(args)) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except _UsageError as error:
        from bpx.cli.input.refused import refused_option

        owners = [name for name in args if name in COMMANDS] or commands_with(
            getattr(error, "option_name", "")
        )
        _refuse([refused_option(error, next(iter(owners), None))], args)
    return 0


def read_arguments(args: Sequence[str]) -> list[str]:
    """The arguments with their command, and without the language, which is spoken from now on.

    Ends where nobody speaks it.
    """
    try:
        is_shown = speak_as_asked(args)
    except ValueError as error:
        _refuse(getattr(error, "diagnostics", ()), args)
    if not is_shown:
        from bpx.words.diagnostic import Diagnostic

        facts = {"encoding": sys.stdout.encoding}
        TextSession(None).report([Diagnostic("not-shown-in", None, facts, severity="note")])
    return with_command(without_language(args)[0])


def _of_bug(error: Exception) -> str:
    """What to say of a bug, and what to send."""
    from platform import python_version

    from bpx import __version__
    from bpx.words.say import say

    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    facts = {"kind": type(error).__name__, "reason": str(error), "place": place}
    return say("bug", **facts, version=__version__, python=python_version())
