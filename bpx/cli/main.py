"""The entry point: run a command, and turn what goes wrong into an exit code.

Exit codes: 0 fine · 1 something stated or claimed is wrong · 2 the input cannot be used · 3 a bug in bpx.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from bpx.cli.app import app
from bpx.cli.command import COMMANDS
from bpx.cli.input.language import speak_as_asked, without_language
from bpx.cli.output.console import open_missing_streams
from bpx.cli.output.session import BUG, UNUSABLE, TextSession

_WORD = re.compile(r"[A-Za-z][\w-]*")


def with_command(args: Sequence[str]) -> list[str]:
    """The arguments with `explain` in front where a target stands in place of a command."""
    first = args[0] if args else ""
    if not first or first in COMMANDS or first == "-h" or first.startswith("--"):
        return list(args)
    if _WORD.fullmatch(first) and not any("=" in arg for arg in args) and not _is_target(first):
        _refuse_word(first)
    return ["explain", *args]


def _refuse_word(word: str) -> NoReturn:
    """Say what a word alone may have been meant to be, and end."""
    from bpx.spec.reading.examples import example_names
    from bpx.words.diagnostic import Diagnostic

    problem = Diagnostic("no-such-command", None, {"name": word})
    TextSession(None).report([problem.suggesting(word, [*COMMANDS, *example_names()])])
    sys.exit(UNUSABLE)


def _is_target(word: str) -> bool:
    from bpx.spec.reading.examples import example_names

    return word in example_names() or Path(word).exists()


def main() -> None:
    """Run the command line; an uncaught exception is a bug of bpx's and must not look like a verdict."""
    open_missing_streams()
    try:
        app(read_arguments(sys.argv[1:]))
    except BrokenPipeError:  # the reader, `head` say, has seen enough
        _drop_output()
        sys.exit(0)
    except (OSError, MemoryError) as error:  # a full disk; a graph too large for this machine
        from bpx.words.say import say

        sys.stderr.write(say("out-of-room", reason=str(error) or type(error).__name__) + "\n")
        _drop_output()
        sys.exit(UNUSABLE)
    except Exception as error:
        if os.environ.get("BPX_TRACEBACK"):
            raise
        from bpx.words.say import say

        sys.stderr.write(say("bug", kind=type(error).__name__, reason=error) + "\n")
        sys.exit(BUG)


def read_arguments(args: Sequence[str]) -> list[str]:
    """The arguments with their command, and without the language, which is spoken from now on.

    Ends where nobody speaks it.
    """
    try:
        is_shown = speak_as_asked(args)
    except ValueError as error:
        TextSession(None).report(getattr(error, "diagnostics", ()))
        sys.exit(UNUSABLE)
    if not is_shown:
        from bpx.words.diagnostic import Diagnostic

        facts = {"encoding": sys.stdout.encoding}
        TextSession(None).report([Diagnostic("not-shown-in", None, facts, severity="note")])
    return with_command(without_language(args)[0])


def _drop_output() -> None:
    """Python flushes standard output when it ends, and must not fail there a second time."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
