"""One command's output: where it goes, in which form, and what becomes of bad input."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, Self

import typer

from bpx.cli.output.console import fail, has_unicode, print_to, terminal, warn
from bpx.cli.output.outputs import Outputs
from bpx.render.forms import Form, form_named, form_of_file
from bpx.words.en import CATALOGUE as ENGLISH
from bpx.words.files import keeping_inputs, write_file
from bpx.words.holding import holding
from bpx.words.say import speaking

if TYPE_CHECKING:
    from bpx.render.shown import Shown
    from bpx.words.diagnostic import Diagnostic

WRONG, UNUSABLE, BUG = 1, 2, 3  # exit codes

# What is shown in a notebook, which shows objects in its own way; None elsewhere.
_COLLECTED: ContextVar[list[Shown] | None] = ContextVar("collected", default=None)
_LOOKED_AT = ("html", "svg", "png", "pdf")  # forms that are pictures to a notebook, not texts


def wants_json(args: Sequence[str]) -> bool:
    """Do arguments that could not be read to their end ask for JSON?"""
    behind_format = [value for arg, value in pairwise(args) if arg in ("-f", "--format")]
    return "json" in behind_format or any(arg in ("--json", "-fjson", "--format=json") for arg in args)


@contextmanager
def collecting() -> Iterator[list[Shown]]:
    """Inside, what would be printed as tables or pictures goes to the list."""
    shown: list[Shown] = []
    with holding(_COLLECTED, shown):
        yield shown


class TextSession:
    """A command that writes a text of its own, to a file or, also where that is `-`, to standard output."""

    outputs: Outputs  # to which a command adds the files that it writes beside its own

    def __init__(self, file: str | None, is_spec: bool = False, is_json: bool = False) -> None:
        """`is_spec`: the file is a spec, and may replace the one that it was made from.

        `is_json`: diagnostics are wanted as JSON.
        """
        self.file, self.is_spec, self.is_json = None if file == "-" else file, is_spec, is_json
        self._context = ExitStack()

    def prepare(self) -> None:
        """What must hold before the work begins. Raises `BpxError`."""

    def __enter__(self) -> Self:
        from bpx.words.diagnostic import BpxError

        self.outputs = Outputs(self._context.enter_context(keeping_inputs()))
        try:
            self.prepare()
            self.outputs.add(self.file, self.is_spec)
        except BpxError as error:
            self._context.close()
            self.refuse(error)
        if self.is_json:  # programs read it, the same in every language
            self._context.enter_context(speaking(ENGLISH))
        return self

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        self._context.close()
        if error is None or isinstance(error, typer.Exit):
            return
        from bpx.graph.arrays import ShapeError, SizeError
        from bpx.words.diagnostic import BpxError, Diagnostic

        if isinstance(error, ShapeError) and isinstance(error.inmost, SizeError):
            facts = {"op": error.op, "reason": error.inmost.extent}  # of the reverse pass; the graph fits
            error = BpxError([Diagnostic("too-large", None, facts)])
        if isinstance(error, BpxError):
            self.refuse(error)

    def refuse(self, error: Any) -> NoReturn:
        """Report the diagnostics of a `BpxError`, and end."""
        self.report(error.diagnostics)
        raise typer.Exit(UNUSABLE) from None

    def report(self, diagnostics: Sequence[Diagnostic]) -> None:
        """Diagnostics as JSON on standard output where that is asked for, else as text on standard error."""
        if self.is_json:
            with speaking(ENGLISH):
                plain = [diagnostic.to_dict() for diagnostic in diagnostics]
            print_json({"bpx": 1, "kind": "error", "diagnostics": plain})
        else:
            warn("\n\n".join(diagnostic.to_text() for diagnostic in diagnostics))

    def write(self, content: str | bytes) -> None:
        """Write to the file, or else to standard output."""
        if self.file is not None:
            write_file(self.file, content)
        elif isinstance(content, bytes):
            sys.stdout.buffer.write(content)
            sys.stdout.flush()
        else:
            print_to(sys.stdout, content)


class Session(TextSession):
    """A command that shows an object of some kind, in the form asked for or that of the file's ending."""

    form: Form

    def __init__(self, kind: str, form: str | None, json: bool, file: str | None) -> None:
        super().__init__(file, is_json=json or form == "json")
        self.kind, self.form_name = kind, "json" if json else form

    def prepare(self) -> None:
        """Choose the form. Raises `BpxError` for a form or an ending that nobody knows."""
        if self.file and Path(self.file).suffix.lower() == ".toml":
            fail("report-as-spec", name=self.file)
        if self.form_name is not None:
            self.form = form_named(self.form_name, self.kind)
        else:
            self.form = form_of_file(self.file or "", self.kind)
        self.is_json = self.form.name == "json"
        if self.form.is_binary and self.file is None and sys.stdout.isatty():
            fail("binary-to-terminal", "write-a-file", form=self.form.name.upper(), ending=self.form.name)

    def show(self, shown: Shown) -> None:
        """Write the object in the form, or leave it to the notebook."""
        collected = _COLLECTED.get() if self.file is None else None
        if collected is not None and (self.form_name is None or self.form.name in _LOOKED_AT):
            collected.append(shown if self.form.view == "blocks" else self.form.of(shown))
        elif self.form.is_binary:
            self.write(self.form.content(shown))
        elif self.file is not None:
            write_file(self.file, self.form.pieces(shown))
        elif self.form.name == "table":
            from bpx.render.table import table_text

            self.write(table_text(shown.blocks(), terminal()))
        else:
            for text in self.form.pieces(shown):
                self.write(text if has_unicode(sys.stdout) else self.form.in_ascii(text))


def print_json(plain: dict[str, Any]) -> None:
    """Plain data on standard output."""
    from bpx.render.json import in_ascii, json_text

    text = json_text(plain)
    print_to(sys.stdout, text if has_unicode(sys.stdout) else in_ascii(text))
