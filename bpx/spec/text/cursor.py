"""A place among the tokens of an expression, and how problems are reported there."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

from bpx.spec.text.source_text import SourceText, shortened
from bpx.spec.text.tokens import Token, signs_of, tokens
from bpx.words.diagnostic import Diagnostic

MOST_PROBLEMS = 100  # of one text; behind so many it is not read on


class Stop(Exception):
    """A problem behind which the rest of the text cannot be read."""


class Cursor:
    """Stands at `token`; what is wrong is collected in `problems`."""

    def __init__(self, text: SourceText) -> None:
        self.text = text
        self._following = tokens(text.content)
        self.token = next(self._following)
        self.tokens = [self.token, next(self._following, self.token)]  # up to the next one, or further
        self.at = 0
        self.problems: list[Diagnostic] = []

    @property
    def next(self) -> Token:
        """The token behind the current one; that of the end stands behind itself."""
        return self.tokens[self.at + 1]

    @property
    def previous(self) -> Token:
        """The token before the current one, which must not be the first."""
        return self.tokens[self.at - 1]

    def advance(self) -> None:
        """Go on to the next token."""
        self.at += 1
        self.token = self.tokens[self.at]
        self.tokens.append(next(self._following, self.tokens[-1]))

    def read_ahead(self) -> None:
        """Make the rest of the tokens."""
        self.tokens += [*self._following, self.tokens[-1]]

    def problem(self, code: str, token: Token, help: str | None = None, **facts: Any) -> None:
        """Report something that is wrong with a token; behind too many such reading ends."""
        if len(self.problems) > MOST_PROBLEMS:
            raise Stop
        self.problems.append(Diagnostic(code, self.text.span(token.start, token.end), facts, help))

    def stop(self, code: str, token: Token, help: str | None = None, **facts: Any) -> Stop:
        """Report something after which reading cannot go on; to be raised."""
        with suppress(Stop):
            self.problem(code, token, help, **facts)
        return Stop()

    def to_number(self, token: Token, digits: str | None = None) -> float:
        """The value of a number. Raises `Stop` for one that float64 does not have.

        Any other in its place could be wrong, too: as a count, a shape or an index.
        """
        value = float(digits or token.text.replace("−", "-"))
        if math.isinf(value):
            raise self.stop("number-too-large", token, text=shortened(token.text))
        return value

    def signed_number(self) -> float | None:
        """A number with an optional minus, if one begins here; leaves its last token current."""
        negative = self.token.text in signs_of("sub")
        if negative and self.next.kind == "number":
            self.advance()
        if self.token.kind != "number":
            return None
        return -self.to_number(self.token) if negative else self.to_number(self.token)
