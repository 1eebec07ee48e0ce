"""All readings of a formula that may be meant in two ways, such as `1/2 (a - y)^2`."""

from __future__ import annotations

import re

from bpx.spec.derivations.text.written import Written
from bpx.spec.notations.read import Reading, read_formula
from bpx.spec.notations.translation.known import Known
from bpx.spec.text.syntax_tree import Expression

_MOST_ASKED = 4
_FRACTION = re.compile(r"(?<![\w)}\]])(\\?\w+)\s*/\s*(\w+)(?=\s*[(\w\\∑Σ|‖\uA000-\uA48C])")


def tree_of(content: Written, known: Known) -> Expression | None:
    """The tree of a formula in its usual reading; None where it has none."""
    first = readings(content, known)[0]
    return first.expression if not first.problems else None


def readings(content: Written, known: Known, asked: int = 0) -> list[Reading]:
    """The readings, the usual one first: `a/b c` is `(a/b) c`."""
    reading = read_formula(content.text, known)
    question = next((problem for problem in reading.problems if problem.code == "two-readings"), None)
    if question is None or asked == _MOST_ASKED:
        return [reading]
    if "/" in str(question.facts["first"]) and _FRACTION.search(content.content):
        bracketed = content.sub(_FRACTION, r"(\\1/\\2)".replace("\\\\", "\\"))
        first = readings(bracketed, known, asked + 1)
        if first[0].expression is not None:
            return first
    every = []
    for choice in ("first", "second"):
        at = content.content.find(str(question.facts["text"]))
        if at < 0:
            continue
        span = content.part(at, at + len(str(question.facts["text"])))
        new = f"({question.facts[choice]})"
        changed = content._replace(
            content=content.content[:at] + new + content.content[at + len(span.content) :],
            offsets=[
                *content.offsets[:at],
                *[content.offsets[at]] * len(new),
                *content.offsets[at + len(span.content) :],
            ],
        )
        every += readings(changed, known, asked + 1)
    read = [one for one in every if one.expression is not None and not one.problems]
    return read or [reading]
