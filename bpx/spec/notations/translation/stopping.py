"""Why a formula is not translated."""

from __future__ import annotations

from typing import Any


class Unreadable(Exception):
    """The notation has nothing to say to it."""


class Asking(Exception):
    """Two readings are equally good; the characters that they are of, and both in bpx's notation."""

    def __init__(self, start: int, end: int, first: str, second: str) -> None:
        super().__init__(first, second)
        self.start, self.end, self.first, self.second = start, end, first, second


class Refusing(Exception):
    """What is written is understood, but bpx has nothing for it: a diagnostic by its code."""

    def __init__(self, code: str, start: int, end: int, help: str | None = None, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.start, self.end, self.help, self.facts = code, start, end, help, facts
