"""Brackets of other kinds, `[y - a]`, that textbooks write around others; and those never closed."""

from __future__ import annotations

import re

from bpx.spec.derivations.text.written import Written
from bpx.words.diagnostic import Span

_NAME = re.compile(r"[^\W\d_]")
_INDEX = re.compile(r"\s*(?:[\d\s:,+-]|\b[ijkl]\b)*\s*")
_BRACES = str.maketrans("{}", "()")  # which group no script in plain text
_PAIRS = {")": "(", "]": "[", "}": "{"}


def with_round_brackets(text: Written, is_latex: bool) -> Written:
    """The formula with `(…)` for each `[…]` that holds a formula: no list, and no index behind a name."""
    content = [*(text.content if is_latex else text.content.translate(_BRACES))]
    opened: list[int] = []
    for at, character in enumerate(text.content):
        if character == "[":
            opened.append(at)
        elif character == "]" and opened:
            start = opened.pop()
            if _holds_formula(text.content, start, at):
                content[start], content[at] = "(", ")"
    return text._replace(content="".join(content))


def _holds_formula(content: str, start: int, end: int) -> bool:
    before, inside = content[:start].rstrip(), content[start + 1 : end]
    is_raised = before.endswith(("^", "_", "^{", "_{"))
    is_command = before.endswith("\\sqrt")  # whose index it is
    is_index = bool(_INDEX.fullmatch(inside)) and content[start - 1 : start].isalnum()
    return bool(_NAME.search(inside)) and not (is_raised or is_command or is_index) and not _is_list(inside)


def _is_list(inside: str) -> bool:
    """Has it a comma outside of brackets?"""
    depth = 0
    for character in inside:
        depth += (character in "([{") - (character in ")]}")
        if character == "," and not depth:
            return True
    return False


def never_closed(text: Written) -> Span | None:
    """The last bracket that is opened and not closed, where no bracket is closed that was not opened."""
    opened: list[int] = []
    for at, character in enumerate(text.content):
        if character in "([{":
            opened.append(at)
        elif character in _PAIRS and (not opened or text.content[opened.pop()] != _PAIRS[character]):
            return None
    return text.part(opened[-1], opened[-1] + 1).span if opened else None
