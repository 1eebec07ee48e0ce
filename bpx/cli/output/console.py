"""Streams and files: the only place that prints."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from rich.console import Console

_NARROWEST = 40  # columns; in fewer a table shows nothing


def print_to(stream: Any, text: str) -> None:
    """Print; signs that the stream's encoding lacks are spelled in ASCII."""
    from bpx.words.say import in_encoding

    stream.write(in_encoding(text, getattr(stream, "encoding", None) or "utf-8"))
    stream.flush()


def warn(text: str) -> None:
    """A line on standard error; where that cannot be written, nothing else changes."""
    with suppress(OSError, ValueError):
        print_to(sys.stderr, f"{text}\n")


def leave(code: int) -> NoReturn:
    """End with the exit code, also where Python could not flush a stream, which it tries once more."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            with suppress(OSError, ValueError):
                os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)


def has_unicode(stream: Any) -> bool:
    """Can the stream show every character?"""
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")


def fail(code: str, help: str | None = None, /, **facts: Any) -> NoReturn:
    """Raise `BpxError` with one diagnostic, and its help by key."""
    from bpx.words.diagnostic import BpxError, Diagnostic

    raise BpxError([Diagnostic(code, None, facts, help)])


def terminal() -> Console:
    """Standard output as Rich sees it: as wide and as colourful as it is."""
    from rich.console import Console

    if os.environ.get("FORCE_COLOR") == "0":  # Rich takes any text for a yes
        del os.environ["FORCE_COLOR"]
    console = Console(force_jupyter=False)  # in a notebook it would print behind the back of a capture
    if console.is_dumb_terminal:  # for Rich always 80 columns wide
        console.size = shutil.get_terminal_size()
    console.width = max(console.width, _NARROWEST)
    return console


def open_missing_streams() -> None:
    """A stream that was closed before the start is None to Python."""
    sys.stdin = sys.stdin or Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 — open to the end
    sys.stdout = sys.stdout or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    sys.stderr = sys.stderr or Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
