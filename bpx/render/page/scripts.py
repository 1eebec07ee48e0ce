"""The JavaScript of pages: files of definitions, of which a page takes those that it needs."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import cache
from importlib.resources import files

_DEFINITION = re.compile(r"^const (\w+) =", re.MULTILINE)
_WORD = re.compile(r"\b[A-Za-z_]\w*")


@cache
def source(name: str, features: frozenset[str] = frozenset()) -> str:
    """A file of this folder, without its comments and indents.

    A line that ends in `//: NAME` is for pages with that feature alone.
    """
    text = files("bpx.render.page").joinpath(name).read_text(encoding="utf-8")
    lines = (line.strip().partition(" //: ") for line in text.splitlines())
    return "\n".join(
        line
        for line, _, feature in lines
        if not line.startswith("//") and (not feature or feature in features)
    )


@cache
def definitions() -> dict[str, str]:
    """Name → its definition, of all functions that tapes call, in the order of the files."""
    parts = "\n\n".join(source(name) for name in ("ops.js", "arrays.js")).split("\n\n")
    return {match[1]: part.strip() for part in parts if (match := _DEFINITION.search(part))}


def definitions_for(script: str) -> str:
    """The definitions of all that a script calls, and of what these call."""
    known, waiting = definitions(), [script]
    needed = set[str]()
    while waiting:
        new = {word for word in _WORD.findall(waiting.pop()) if word in known} - needed
        needed |= new
        waiting += [known[name] for name in new]
    return "\n".join(text for name, text in known.items() if name in needed)


def _names(file: str) -> Iterable[str]:
    return _DEFINITION.findall(source(file))


OPS_OF_ELEMENTS = frozenset(_names("ops.js"))
