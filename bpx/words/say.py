"""Sentences of the catalogue with facts put in, and text made fit to be shown."""

from __future__ import annotations

from typing import Any

from bpx.words.en import ENGLISH

_LONGEST_FACT = 400  # characters
_BRAILLE = 0x2800  # the sign without dots
_UPPER, _LOWER = 0x1B, 0xE4  # which dots stand in either half
_IN_ASCII = str.maketrans(
    {
        "∂": "d",
        "→": "->",
        "…": "...",
        "×": "x",
        "·": "*",
        "²": "^2",
        "≥": ">=",
        "≠": "!=",
        "√": "sqrt ",
        "π": "pi",
        "—": "-",
        "±": "+-",
        "“": '"',
        "”": '"',
    }
)
_IN_ASCII |= {
    _BRAILLE + dots: ":" if dots & _UPPER and dots & _LOWER else "'" if dots & _UPPER else "."
    for dots in range(1, 256)
}


def in_encoding(text: str, encoding: str) -> str:
    """`text` as that encoding can show it: bpx's own signs in ASCII, what else is missing as `?`."""
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return text.translate(_IN_ASCII).encode(encoding, "replace").decode(encoding)
    except LookupError:  # an encoding nobody knows
        return in_encoding(text, "ascii")
    return text


def say(key: str, /, **facts: Any) -> str:
    """The sentence of `key` with the facts put in; raises `KeyError` for an unknown key."""
    shown = {name: visible(_cut(fact)) if isinstance(fact, str) else fact for name, fact in facts.items()}
    return ENGLISH[key].format(**shown)


def _cut(text: str) -> str:
    """A user's text may be of any length, a sentence may not."""
    return text if len(text) <= _LONGEST_FACT else f"{text[: _LONGEST_FACT // 2]}…{text[-20:]}"


def visible(text: str) -> str:
    """`text` without characters that a terminal would obey instead of showing."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "�" for char in text)
