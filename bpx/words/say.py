"""Sentences of the catalogue with facts put in, and text made fit to be shown.

The catalogue is that of the context (`speaking`): threads and tests cannot change each other's language.
Where none was chosen it is that of the process: English, or what the command line was asked for (`speak`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from bpx.words.catalogue import Catalogue
from bpx.words.derivative_names import with_derivatives
from bpx.words.en import CATALOGUE
from bpx.words.holding import holding

_SPOKEN: ContextVar[Catalogue] = ContextVar("catalogue")
_of_process = CATALOGUE

LONGEST_FACT = 400  # characters
_LONGEST_INT = 1000  # bits, some 300 digits
_BRAILLE = 0x2800  # the sign without dots
_UPPER, _LOWER = 0x1B, 0xE4  # which dots stand in either half
_IN_ASCII = str.maketrans(
    {
        "∂": "d",
        "→": "->",
        "…": "...",
        "×": "x",
        "·": "*",
        **{sign: f"^{power}" for power, sign in enumerate("²³⁴⁵⁶⁷⁸⁹", 2)},
        "≥": ">=",
        "≠": "!=",
        "√": "sqrt ",
        "π": "pi",
        "—": "-",
        "±": "+-",
        "│": "|",
        "├": "|",
        "┤": "|",
        "┼": "+",
        "─": "-",
        "└": "`",
        "╰": "`",
        "╯": "'",
        "╮": ".",
        "╭": ".",
        "●": "*",
        "○": "o",
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
    """The sentence of `key` with the facts put in; raises `KeyError` for an unknown key.

    Where a sentence has forms for one and for many, the fact that chooses is given as an int.
    """
    return spoken().sentence(key, {name: _shown(fact) for name, fact in facts.items()})


def _shown(fact: Any) -> Any:
    """A fact fit to be shown; Python writes no whole number of thousands of digits out."""
    if isinstance(fact, int) and fact.bit_length() > _LONGEST_INT:
        return f"{'-' if fact < 0 else ''}10^{math.log10(abs(fact)):.0f}"
    return visible(cut(with_derivatives(fact))) if isinstance(fact, str) else fact


def has_sentence(key: str) -> bool:
    """Is there a sentence of that key in the language that is spoken?"""
    return key in spoken().sentences


def titled(title: str) -> str:
    """The title of a spec; that of a bundled example in the language that is spoken."""
    return spoken().titles.get(title, title)


def spoken() -> Catalogue:
    """The catalogue of the language that is spoken here."""
    return _SPOKEN.get(_of_process)


def speak(catalogue: Catalogue) -> None:
    """From now on, `say` speaks this language in the whole process, where no context chose another."""
    global _of_process
    _of_process = catalogue


@contextmanager
def speaking(catalogue: Catalogue) -> Iterator[None]:
    """Inside, `say` speaks the language of `catalogue`."""
    with holding(_SPOKEN, catalogue):
        yield


def cut(text: str) -> str:
    """A user's text may be of any length, a sentence may not."""
    if len(text) <= LONGEST_FACT:
        return text
    head, tail = text[: LONGEST_FACT // 2], text[-20:]
    # Between words where there are some: half a number is another number.
    return f"{head.rpartition(' ')[0] or head}…{tail.partition(' ')[2] or tail}"


def visible(text: str) -> str:
    """`text` without characters that a terminal would obey instead of showing."""
    return text if text.isprintable() else "".join(char if char.isprintable() else "�" for char in text)
