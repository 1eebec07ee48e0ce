"""Brackets of other kinds, `[y - a]`, that textbooks write around others; and those never closed."""

from __future__ import annotations

import re

from bpx.spec.derivations.text.written import Written
from bpx.words.diagnostic import Span

_NAME = re.compile(r"[^\W\d_]")
_INDEX = re.compile(r"(?:[\d\s:,+-]|\b[ijkl]\b)*+")
_BRACES = str.maketrans("{}", "()")  # which group no script in plain text
_PAIRS = {")": "(", "]": "[", "}": "{"}


def with_round_brackets(text: Written, is_latex: bool) -> Written:
    """The formula with `(…)` for each `[…]` that holds a formula: no list, and no index behind a name.

    One pass, however they are nested: where the last name, and the last comma of each depth, stands tells
    whether a bracket that closes has one inside.
    """
    content = [*(text.content if is_latex else text.content.translate(_BRACES))]
    opened: list[tuple[int, bool, int]] = []  # where, whether it may hold a formula, and how deep it is
    last_name = last_sign = -1
    depth, commas = 0, dict[int, int]()
    for at, character in enumerate(text.content):
        if character in ")]}":
            depth -= 1
        if character == "[":
            opened.append((at, not _belongs_to_script(text.content, last_sign + 1), depth + 1))
        elif character == "]" and opened:
            start, is_free, inside = opened.pop()
            has_comma = commas.get(inside, -1) > start
            if is_free and last_name > start and not has_comma and not _is_index(text.content, start, at):
                content[start], content[at] = "(", ")"
        elif character == ",":
            commas[depth] = at
        if character in "([{":
            depth += 1
        if not character.isspace():
            last_sign = at
        if _NAME.match(character):
            last_name = at
    return text._replace(content="".join(content))


def _belongs_to_script(content: str, end: int) -> bool:
    """Is what follows here raised or lowered, or the index of a root?"""
    return content.endswith(("^", "_", "^{", "_{", "\\sqrt"), 0, end)


def _is_index(content: str, start: int, end: int) -> bool:
    return content[start - 1 : start].isalnum() and bool(_INDEX.fullmatch(content, start + 1, end))


def never_closed(text: Written) -> Span | None:
    """The last bracket that is opened and not closed, where no bracket is closed that was not opened."""
    opened: list[int] = []
    for at, character in enumerate(text.content):
        if character in "([{":
            opened.append(at)
        elif character in _PAIRS and (not opened or text.content[opened.pop()] != _PAIRS[character]):
            return None
    return text.part(opened[-1], opened[-1] + 1).span if opened else None
