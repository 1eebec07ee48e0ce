"""`%bpx` and `%%bpx`: the command line in a cell of a notebook.

`%load_ext bpx` calls `load_ipython_extension`. Nothing of IPython is imported: what loads the extension
hands its shell over, and only `user_ns` and `register_magic_function` of that are used.
"""

from __future__ import annotations

import io
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr
from typing import Any

from bpx.cli.command import COMMANDS
from bpx.cli.input.missing import among
from bpx.cli.output.session import UNUSABLE, TextSession, collecting
from bpx.render.shown import Shown
from bpx.spec.reading.target import STDIN
from bpx.words.diagnostic import Diagnostic


class CellError(Exception):
    """A command that could not be run: the cell fails, and shows the diagnostics in place of a traceback."""

    def _render_traceback_(self) -> list[str]:
        """What IPython shows."""
        return str(self).splitlines()


def load_ipython_extension(shell: Any) -> None:
    """Give a notebook the magic command, as `%bpx` of a line and `%%bpx` of a cell."""

    def bpx(line: str, cell: str | None = None) -> Shown | None:
        """Run a command of bpx on a target in the line, or on the expression or spec in the cell."""
        return run_magic(line, cell, shell.user_ns)

    # IPython would put the values of variables into `\frac{x}{y}`.
    bpx._ipython_magic_no_var_expand = True  # type: ignore[attr-defined]
    shell.register_magic_function(bpx, magic_kind="line_cell", magic_name="bpx")


def run_magic(line: str, cell: str | None, values: dict[str, Any]) -> Shown | None:
    """Run a command; inputs without a value have that of the variable of their name, where this is numbers.

    Returns what the command shows, for the notebook to show it; None where it prints or writes a file.
    Raises `CellError` where the input cannot be used.
    """
    errors = io.StringIO()
    with collecting() as shown, among(values), redirect_stderr(errors), _standard_input(cell or ""):
        code = _exit_code(line, cell)
    if code >= UNUSABLE:
        raise CellError(errors.getvalue().rstrip())
    sys.stderr.write(errors.getvalue())
    return shown[-1] if shown else None


def _exit_code(line: str, cell: str | None) -> int:
    """Run the command line that a magic stands for, to its end."""
    # Not before there is a command to run: this loads Typer's command line.
    from bpx.cli.main import read_arguments, run

    try:
        return run(read_arguments(_with_cell(_words(line), cell)))
    except SystemExit as end:
        return int(end.code or 0)


def _words(line: str) -> list[str]:
    """The words of a line, with quotes as a shell has them. Ends where one is not closed."""
    try:
        return shlex.split(line)
    except ValueError:
        TextSession(None).report([Diagnostic("unclosed-quote", None, {"text": line.strip()})])
        sys.exit(UNUSABLE)


def _with_cell(args: Sequence[str], cell: str | None) -> list[str]:
    """The arguments with the cell as target; the command is `explain` unless another comes first."""
    if cell is None or not cell.strip():
        return list(args)
    command, rest = (args[0], args[1:]) if args and args[0] in COMMANDS else ("explain", args)
    return [command, STDIN, *rest]


class _Cell(io.BytesIO):
    """The text of a cell; diagnostics name it."""

    name = "<cell>"


@contextmanager
def _standard_input(text: str) -> Iterator[None]:
    before, sys.stdin = sys.stdin, io.TextIOWrapper(_Cell(text.encode("utf-8", "replace")), "utf-8")
    try:
        yield
    finally:
        sys.stdin = before
