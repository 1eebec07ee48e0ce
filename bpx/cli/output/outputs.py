"""The files that a command is going to write: looked at before the work begins.

One rule for all commands: an output replaces no file that the command reads, and no file that holds a spec,
unless it is a spec itself; no two outputs go to one file.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from pathlib import Path

from bpx.cli.output.console import fail
from bpx.words.files import Identity, identity, is_special, need_permission, unwritable

_MOST_LOOKED_AT = 2**20  # bytes of a file that may hold a spec
_ENDINGS_OF_SPECS = ("", ".toml", ".json", ".txt")
_GRAPH = re.compile(r'"graph"\s*:|^\s*\[\s*graph\s*\]|^\s*graph\s*[.=]', re.MULTILINE)
_OTHER = re.compile(r'\s*\{\s*"bpx"\s*:\s*\d+\s*,\s*"kind"|.{,400}json-schema\.org|.*bpx-sheet', re.DOTALL)


class Outputs:
    """The files that one command writes; `to_write` has those that must not be read."""

    def __init__(self, to_write: dict[Identity, str]) -> None:
        self._to_write = to_write
        self._places: set[str] = set()

    def add(self, file: str | None, is_spec: bool = False) -> None:
        """One more file, if any. Raises `BpxError` where it cannot be written, or must not be."""
        if file is None or file == "-":
            return
        try:
            need_permission(file)
        except (OSError, ValueError) as error:
            raise unwritable(file, error) from None
        if is_special(file):
            return
        place = os.path.normcase(Path(file).resolve())
        if place in self._places:
            fail("output-twice", name=file)
        self._places.add(place)
        if is_spec:
            return
        if holds_spec(file):
            fail("replaces-spec", name=file)
        if known := identity(file):
            self._to_write[known] = file


def holds_spec(file: str) -> bool:
    """Is a spec written in the file? Reports, sheets and the schema, which name a graph too, are none."""
    path = Path(file)
    if path.suffix.lower() not in _ENDINGS_OF_SPECS:
        return False
    with suppress(OSError), path.open("rb") as stream:
        text = stream.read(_MOST_LOOKED_AT).decode("utf-8", "ignore")
        return bool(_GRAPH.search(text)) and not _OTHER.match(text)
    return False
