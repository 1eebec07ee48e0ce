"""Arrays as other programs print them: NumPy, PyTorch, JAX, TensorFlow, MATLAB and Octave, Mathematica."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from bpx.graph.arrays import MOST_AXES, Array
from bpx.graph.named.written import Written

# `array(…, dtype=float32)`, `tensor(…, grad_fn=<MulBackward0>)`, `np.float64(…)`, `tf.Tensor(…, shape=(2,))`
_WRAPPED = re.compile(
    r"(?:\w+\.)*(?:array|asarray|Array|tensor|Tensor|Parameter|matrix|float(?:16|32|64))\s*\((?P<inside>.*)\)",
    re.DOTALL,
)
_FACT = re.compile(r",\s*(?:[A-Za-z_]\w*\s*=|(?:np\.|torch\.)?float\d+\b)")  # `, dtype=…`
_TENSORFLOW = re.compile(r"<tf\.Tensor:.*?numpy=(?P<inside>.*)>", re.DOTALL)
_PREFIX = re.compile(r"(?<!\s)(?P<type>\s*+Parameter containing:\s*)")  # of PyTorch
_TOKEN = re.compile(
    r"""\s*+(?:
    (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:(?:[eE]|\*\^)[+-]?\d+)?(?![\w.]))
  | (?P<word>True|False)\b
  | (?P<sign>[\[\](){},;])
    )""",
    re.VERBOSE,
)
_CLOSES = {"]": "[", ")": "(", "}": "{"}
_WORDS = {"True": "1", "False": "0"}


def printed_numbers(text: str) -> Any:
    """The numbers that a text prints, in lists of lists, with their digits; None where it is nothing like it.

    Programs leave zeros out at the end: in `[1.5  0.25]` all numbers have two decimals, and `2.` is exact.
    """
    nest = _nest(_unwrapped(text))
    decimals = max(map(_decimals, _flat(nest)), default=0)
    return _as_written(nest, decimals)


def printed_array(text: str) -> Array | None:
    """The array that a text prints; None where it is nothing of the kind, or has parts left out."""
    nest = _as_written(_nest(_unwrapped(text)), 0)
    if nest is None:
        return None
    try:
        return np.array(nest, dtype=np.float64)
    except ValueError:  # rows of different lengths
        return None


def _unwrapped(text: str) -> str:
    """The text without the names of types around it, and without what is said of the array behind it."""
    text = _PREFIX.sub("", text).strip()
    if tensor := _TENSORFLOW.fullmatch(text):
        text = tensor["inside"]
    while wrapped := _WRAPPED.fullmatch(text):
        inside = wrapped["inside"]
        fact = _FACT.search(inside, inside.rfind("]") + 1)
        text = (inside[: fact.start()] if fact else inside).strip()
    return text


def _nest(text: str) -> Any:
    """Lists of lists of numbers, or one number; None where the text is neither.

    Numbers stand apart by commas or blanks, and `;` ends a row, as in MATLAB.
    """
    open_lists: list[tuple[str, list[Any], list[Any]]] = [("", [], [])]  # bracket, rows before, this row
    at, text = 0, text.rstrip().rstrip(",;")
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None or len(open_lists) > MOST_AXES:
            return None
        at = match.end()
        bracket, rows, row = open_lists[-1]
        sign = match["sign"]
        if sign is None:
            row.append(_number(match))
        elif sign in "[({":
            open_lists.append((sign, [], []))
        elif sign == ";" and bracket == "[" and row:
            rows.append(list(row))
            row.clear()
        elif sign in _CLOSES and bracket == _CLOSES[sign]:
            open_lists.pop()
            open_lists[-1][2].append([*rows, row] if rows else row)
        elif sign != "," or not row or text[at:].lstrip()[:1] in (",", ";"):
            return None
    outermost = open_lists[0][2]
    return outermost[0] if len(open_lists) == 1 and len(outermost) == 1 else None


def _number(match: re.Match[str]) -> str:
    return _WORDS.get(match["word"]) or match["number"].replace("*^", "e").lower()


def _flat(nest: Any) -> Iterator[str]:
    if isinstance(nest, list):
        for inner in nest:
            yield from _flat(inner)
    elif nest is not None:
        yield nest


def _decimals(number: str) -> int:
    return len(number.partition("e")[0].partition(".")[2])


def _as_written(nest: Any, decimals: int) -> Any:
    """The numbers of the texts, each written with as many decimals if any is."""
    if isinstance(nest, list):
        return [_as_written(inner, decimals) for inner in nest]
    if nest is None or "." not in nest:
        return nest if nest is None else float(nest)
    if not decimals:
        return float(nest)
    digits, e, exponent = nest.partition("e")
    return Written(f"{digits}{'0' * (decimals - _decimals(nest))}{e}{exponent}")
