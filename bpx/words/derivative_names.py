"""Derivatives that stand in a formula as one name, and how they are shown.

Such a name is written in letters that nobody uses, so that the parser takes it for one: each sign of
`∂L/∂w` is replaced by one letter, and every place in the text stays the same. Whatever is said of such a
name shows the derivative.
"""

from __future__ import annotations

import re

SIGNS, STROKE, BLANK = {"∂": "ʼ", "d": "ʾ"}, "ʻ", "ˀ"
_LETTERS = {letter: sign for sign, letter in SIGNS.items()}
_PLAIN = rf"(?:[^\W{STROKE}{BLANK}{''.join(_LETTERS)}]|\.)"
_NAME = re.compile(
    rf"(?P<d>[{''.join(_LETTERS)}])(?P<of>{_PLAIN}*)(?P<stroke>{STROKE}+)(?P=d)(?P<node>{_PLAIN}+)(?P<blank>{BLANK}*)"
)


def with_derivatives(text: str) -> str:
    """A text in which derivatives were names, with the derivatives: `∂L/∂w`, `d/dw L`."""
    return _NAME.sub(_derivative, text) if STROKE in text else text


def _derivative(match: re.Match[str]) -> str:
    sign = _LETTERS[match["d"]]
    return f"{sign}{match['of']}/{sign}{match['node']}{' ' if match['blank'] else ''}"
