"""How wide a text becomes, without asking a font.

The widths are those of DejaVu Sans, the widest font that pictures are likely to be shown in: where another
one is used, texts are narrower than their boxes, never wider.
"""

from __future__ import annotations

import unicodedata

_NARROW, _DIGIT, _WIDE = 0.41, 0.64, 1.03  # in units of the size of the font
_SMALL, _CAPITAL = 0.64, 0.79
_NARROW_CHARS = frozenset("ijlIt.,:;'|![]()/ fr·")
_WIDE_CHARS = frozenset("mwMWOQ@%…")
_SIGNS = frozenset("+−×=<>∇∂→√±~^")
_BOLD = 1.12


def text_width(text: str, size: float, bold: bool = False) -> float:
    """The width of a line in pixels, at a font size in pixels."""
    return sum(map(_width, text)) * size * (_BOLD if bold else 1.0)


def _width(char: str) -> float:
    if char in _NARROW_CHARS:
        return _NARROW
    if char in _WIDE_CHARS:
        return _WIDE
    if char in _SIGNS:
        return 0.84
    if unicodedata.east_asian_width(char) in "WF":
        return 1.0
    if char.isdigit() or char == "-":
        return _DIGIT if char != "-" else 0.84  # a minus is drawn
    if unicodedata.combining(char):
        return 0.0
    return _CAPITAL if char.isupper() else _SMALL if char.isascii() else 0.9
