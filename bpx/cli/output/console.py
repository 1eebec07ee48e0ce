"""Streams and files: the only place that prints."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Iterable
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


def has_unicode(stream: Any) -> bool:
    """Can the stream show every character?"""
    return (getattr(stream, "encoding", None) or "utf-8").lower().startswith("utf")


def write_file(file: str, content: str | bytes | Iterable[str]) -> None:
    """Write a file, a text, or pieces of one, in UTF-8. Raises `BpxError` where it cannot be written."""
    try:
        if isinstance(content, bytes):
            Path(file).write_bytes(content)
        else:
            with Path(file).open("w", encoding="utf-8", errors="replace") as stream:
                stream.writelines([content] if isinstance(content, str) else content)
    except OSError as error:
        fail("unwritable", name=file, reason=(error.strerror or str(error)).lower())


def need_folder(file: str) -> None:
    """Fail before the work, not behind it, where a file could not be written for want of its folder."""
    if not Path(file).parent.is_dir():
        fail("unwritable", name=file, reason=os.strerror(errno.ENOENT).lower())


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
