"""Literals: lists of numbers, indices, and the values of settings. No operators work inside of them."""

from __future__ import annotations

import math
from typing import Any

from bpx.graph.arrays import MOST_AXES
from bpx.graph.graph import OPS
from bpx.spec.text.cursor import Cursor, Stop
from bpx.spec.text.source_text import shortened
from bpx.spec.text.syntax_tree import NumberList
from bpx.spec.text.tokens import Token
from bpx.words.say import say

AT = "at"  # the setting that is an index, written as one: at=[1:3, 0]
_WORDS = {"true": True, "false": False, "none": None, "inf": math.inf}  # in settings, in any case


def number_list(cursor: Cursor) -> NumberList:
    """`[1, 2]` or `[[1, 2], [3, 4]]`; leaves the last bracket current."""
    start = cursor.token.start
    open_lists: list[list[Any]] = [[]]
    wants_value = True
    while True:
        token = cursor.token
        if token.text == "[" and wants_value:
            open_lists.append([])
            if len(open_lists) > MOST_AXES:
                raise cursor.stop("too-deep", token)
        elif token.text == "]" and len(open_lists) > 1 and (not wants_value or not open_lists[-1]):
            closed = open_lists.pop()
            open_lists[-1].append(closed)
            wants_value = False
            if len(open_lists) == 1:
                return NumberList(closed, start, token.end)
        elif token.text == "," and not wants_value:
            wants_value = True
        elif wants_value and (value := cursor.signed_number()) is not None:
            open_lists[-1].append(value)
            wants_value = False
        else:
            raise cursor.stop("bad-list", token, found=_quoted(token))
        cursor.advance()


# --- indices ------------------------------------------------------------------------------------


def index(cursor: Cursor) -> tuple[Any, ...]:
    """What stands between the brackets of `[1:3, 0]`, by axis; leaves the closing one current."""
    bracket = cursor.token
    cursor.advance()
    entries = [_index_of_axis(cursor, bracket)]
    while cursor.token.text == ",":
        cursor.advance()
        entries.append(_index_of_axis(cursor, bracket))
    if cursor.token.text != "]":
        raise _not_an_index(cursor, bracket)
    return tuple(entries)


def _index_of_axis(cursor: Cursor, bracket: Token) -> Any:
    """A whole number, a slice `1:3`, or `...` for all axes that are left."""
    if cursor.token.text in ("...", "…"):
        cursor.advance()
        return ...
    ends = [_whole_number(cursor, bracket)]
    while cursor.token.text == ":" and len(ends) < 3:
        cursor.advance()
        ends.append(_whole_number(cursor, bracket))
    if ends == [None]:
        raise _not_an_index(cursor, bracket)
    return slice(*ends) if len(ends) > 1 else ends[0]


def _whole_number(cursor: Cursor, bracket: Token) -> int | None:
    value = cursor.signed_number()
    if value is None:
        return None
    if not value.is_integer():
        raise _not_an_index(cursor, bracket)
    cursor.advance()
    return int(value)


def _not_an_index(cursor: Cursor, bracket: Token) -> Stop:
    token = cursor.token
    if token.kind == "end":
        return cursor.stop("unclosed-bracket", bracket, "close-bracket", found="[", closing="]")
    return cursor.stop("not-an-index", token, index=shortened(token.text))


# --- settings -----------------------------------------------------------------------------------


def setting_value(cursor: Cursor, op: str, setting: str) -> Any:
    """What stands behind the `=` of a setting: a number, a list, an index, a word or a text; passes it."""
    token = cursor.token
    value: Any
    if setting == AT and token.text == "[":
        value = index(cursor)
    elif token.kind == "name" and token.text.lower() in _WORDS:
        value = _WORDS[token.text.lower()]
    elif token.kind == "quoted":
        value = token.text[1:-1]
    elif token.text == "[":
        value = number_list(cursor).value
    else:
        value = _number_or_infinity(cursor)
        if value is None:
            raise _no_setting_value(cursor, token, op, setting)
    cursor.advance()
    return value


def _number_or_infinity(cursor: Cursor) -> float | None:
    value = cursor.signed_number()
    if value is None and cursor.token.text in ("-", "−") and cursor.next.text == "inf":
        cursor.advance()
        return -math.inf
    return value


def _no_setting_value(cursor: Cursor, token: Token, op: str, setting: str) -> Stop:
    """A node as setting; one that is meant as an arg may be given by place."""
    row, text = OPS.get(op), _quoted(token)
    if row is None or setting not in row.optional:
        return cursor.stop("bad-setting-value", token, found=text)
    call = f"{row.name}({', '.join(row.args)})"
    return cursor.stop("bad-setting-value", token, "call-form", found=text, call=call)


def _quoted(token: Token) -> str:
    """A token in backticks, or the words for the end of the text."""
    return f"`{token.text}`" if token.text else say("word.end")
