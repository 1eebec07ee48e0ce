"""Arrays as other programs print them: NumPy, PyTorch, JAX, TensorFlow, MATLAB and Octave, Mathematica."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from bpx.graph.arrays import Array

# `array(…, dtype=float32)`, `tensor(…, grad_fn=<MulBackward0>)`, `np.float64(…)`, `tf.Tensor(…, shape=(2,))`
_WRAPPED = re.compile(
    r"(?:\w+\.)*(?:array|asarray|Array|tensor|Tensor|Parameter|matrix|float(?:16|32|64))\s*\((?P<inside>.*)\)",
    re.DOTALL,
)
_FACT = re.compile(r",\s*(?:[A-Za-z_]\w*\s*=|(?:np\.|torch\.)?float\d+\b)")  # `, dtype=…`
_TENSORFLOW = re.compile(r"<tf\.Tensor:.*?numpy=(?P<inside>.*)>", re.DOTALL)
_PREFIX = re.compile(r"(?P<type>\s*Parameter containing:\s*)")  # of PyTorch
_TOKEN = re.compile(
    r"""\s*+(?:
    (?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:(?:[eE]|\*\^)[+-]?\d+)?(?![\w.]))
  | (?P<word>True|False)\b
  | (?P<sign>[\[\](){},;])
    )""",
    re.VERBOSE,
)
_CLOSES = {"]": "[", ")": "(", "}": "{"}
_WORDS = {"True": 1.0, "False": 0.0}
_MOST_AXES = 32


def printed_array(text: str) -> Array | None:
    """The array that a text prints; None where it is nothing of the kind, or has parts left out."""
    nest = _nest(_unwrapped(text))
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
        if match is None or len(open_lists) > _MOST_AXES:
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


def _number(match: re.Match[str]) -> float:
    word = match["word"]
    return _WORDS[word] if word else float(match["number"].replace("*^", "e"))
