"""The smallest input that fails as a given one does (Zeller's ddmin, on lines and then on tokens)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from fuzz.calling import Case, cpu

TRIES = 400  # calls at most
SECONDS = 60.0  # of CPU, after which nothing more is left out
TOKENS = re.compile(rb"\s+|[A-Za-z_]\w*|[0-9.]+(?:e[+-]?[0-9]+)?|.", re.DOTALL)


class Budget:
    """How many calls are left for a test, and until when."""

    def __init__(self, fails: Callable[[Case], bool], left: int = TRIES, seconds: float = SECONDS) -> None:
        self.fails, self.left, self.end = fails, left, cpu() + seconds

    def __call__(self, case: Case) -> bool:
        self.left -= 1
        return self.left >= 0 and cpu() < self.end and self.fails(case)


def minimised(case: Case, fails: Callable[[Case], bool]) -> Case:
    """Drop args, lines and tokens while the case still fails."""
    test = Budget(fails)
    case = _with_args(case, reduced(case.args[1:], lambda args: test(_with_args(case, args))))
    for at in range(len(case.files)):
        for parts in (lambda data: data.splitlines(True), TOKENS.findall):
            pieces = parts(case.files[at][1])
            kept = reduced(
                pieces, lambda pieces, at=at, case=case: test(_with_file(case, at, b"".join(pieces)))
            )
            case = _with_file(case, at, b"".join(kept))
    for at in range(1, len(case.args)):
        pieces = TOKENS.findall(case.args[at].encode("utf-8", "surrogatepass"))
        kept = reduced(pieces, lambda pieces, at=at, case=case: test(_with_arg(case, at, b"".join(pieces))))
        case = _with_arg(case, at, b"".join(kept))
    return case


def _with_args(case: Case, args: Sequence[str]) -> Case:
    return case._replace(args=(case.args[0], *args))


def _with_arg(case: Case, at: int, data: bytes) -> Case:
    args = list(case.args)
    args[at] = data.decode("utf-8", "surrogatepass")
    return case._replace(args=tuple(args))


def _with_file(case: Case, at: int, data: bytes) -> Case:
    files = list(case.files)
    files[at] = (files[at][0], data)
    return case._replace(files=tuple(files))


def reduced(parts: Sequence[Any], fails: Callable[[list[Any]], bool]) -> list[Any]:
    """As few of the parts as still fail together, so that no single one can be left out."""
    parts, count = list(parts), 2
    while parts:
        size = max(1, len(parts) // count)
        for start in range(0, len(parts), size):
            rest = parts[:start] + parts[start + size :]
            if fails(rest):
                parts, count = rest, max(count - 1, 2)
                break
        else:
            if size == 1:
                return parts
            count = min(len(parts), 2 * count)
    return parts
