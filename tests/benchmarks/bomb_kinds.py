"""What a bomb is: a name, a size, and the command line that a size makes, with files in the folder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

Made = tuple[list[str], str]  # the arguments, and what stands on standard input


class Bomb(NamedTuple):
    """`made(size)` writes the files that it needs; it gives the command line and standard input.

    `call(size)` is a call of Python in place of a command line.
    """

    name: str
    size: int
    made: Callable[[int], Made]
    call: Callable[[int], object] | None = None


def file(name: str, text: str | bytes) -> str:
    """Write a file; its name."""
    if isinstance(text, bytes):
        Path(name).write_bytes(text)
    else:
        Path(name).write_text(text, encoding="utf-8", errors="surrogatepass")
    return name


def toml(graph: str = 'y = "x^2"', inputs: str = "x = 3", rest: str = "", top: str = "") -> str:
    """A spec in TOML."""
    return f"bpx = 1\n{top}\n[inputs]\n{inputs}\n[graph]\n{graph}\n{rest}\n"


def quoted(text: str) -> str:
    """A text as TOML and JSON write it."""
    return json.dumps(text)


def of(*args: str) -> Callable[[int], Made]:
    """A command line with the size put in for `{n}`."""
    return lambda size: ([arg.replace("{n}", str(size)) for arg in args], "")
