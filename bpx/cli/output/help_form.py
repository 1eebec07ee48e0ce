"""The help of a command in the language that is spoken, with lines broken by the cells they take."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import typer

from bpx.words.en import ENGLISH
from bpx.words.say import say
from bpx.words.widths import has_wide, wrapped

_OF_TYPER = (
    *("cli.arguments", "cli.options", "cli.commands"),
    *("cli.show-help", "cli.install-completion", "cli.show-completion"),
)
_KEYS = {str(ENGLISH[key]): key for key in _OF_TYPER}  # what Typer says itself, by its English words
_DEFAULT, _REQUIRED = re.compile(r"\[default: ([^\]]*)\]"), "[required]"
_WIDEST_NAME = 30  # cells of the left column, as Typer has it

_Formatter: Any = typer.Context.formatter_class


def _translated(text: str) -> str:
    """What Typer says itself, in the language that is spoken."""
    text = say(_KEYS[text]) if text in _KEYS else text
    text = _DEFAULT.sub(lambda match: say("cli.default", value=match[1]), text)
    return text.replace(_REQUIRED, say("cli.required"))


class HelpFormatter(_Formatter):  # type: ignore[misc]
    """Typer's, but for its words and for lines of wide characters, which it would not break."""

    def write_usage(self, prog: str, args: str = "", prefix: str | None = None) -> None:
        """Write the usage line."""
        super().write_usage(prog, args, prefix or say("cli.usage"))

    def write_heading(self, heading: str) -> None:
        """Write a heading."""
        self.write(f"{' ' * self.current_indent}{say('cli.heading', heading=_translated(heading))}\n")

    def write_text(self, text: str) -> None:
        """Write paragraphs; one behind a `\\b` keeps its lines."""
        if not has_wide(text):
            super().write_text(text)
            return
        paragraphs = text.split("\n\n")
        self.write("\n\n".join(map(self._paragraph, paragraphs)) + "\n")

    def write_dl(self, rows: Sequence[tuple[str, str]], *args: Any, **settings: Any) -> None:
        """Write names, and beside them what they mean."""
        rows = [(name, _translated(text)) for name, text in rows]
        left = min(max(len(name) for name, _ in rows), _WIDEST_NAME) + self.current_indent + 4
        room = max(self.width - left, 10)
        super().write_dl([(name, _broken(text, room)) for name, text in rows], *args, **settings)

    def _paragraph(self, text: str) -> str:
        indent = " " * self.current_indent
        lines = text.strip("\n").split("\n")
        if lines[0].strip() == "\b":
            return "\n".join(indent + line for line in lines[1:])
        return "\n".join(indent + line for line in wrapped(" ".join(lines), self.width - len(indent)))


def _broken(text: str, room: int) -> str:
    """Wide text in lines that Typer leaves as they are."""
    return "\b\n" + "\n".join(wrapped(text, room)) if has_wide(text) else text


class HelpContext(typer.Context):
    """The context of a command whose help is written in this form."""

    formatter_class = HelpFormatter
