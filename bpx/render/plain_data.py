"""Numbers and arrays as plain data, as JSON has them, and summaries of large ones."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from bpx.graph.arrays import Array
from bpx.graph.numbers import LARGEST_SHOWN


def plain_value(value: Any) -> Any:
    """A number or array as JSON has it: full precision, non-finite numbers as text."""
    if isinstance(value, float | int):
        return _plain_number(float(value))
    if np.ndim(value) == 0:
        return _plain_number(float(value))
    if np.isfinite(value).all():
        return value.tolist()
    return [plain_value(part) for part in value]


def plain_count(count: int) -> int | str:
    """A count; one of thousands of digits, which Python does not write out, as a power of ten."""
    return count if count.bit_length() < 10_000 else f"10^{count.bit_length() * math.log10(2):.0f}"


def _plain_number(number: float) -> float | str:
    if math.isfinite(number):
        return number
    return "nan" if math.isnan(number) else "inf" if number > 0 else "-inf"


@np.errstate(all="ignore")
def summary(value: Array) -> dict[str, float] | None:
    """Least, mean and largest element, and the Euclidean norm, of an array too large to be shown in full."""
    if value.size <= LARGEST_SHOWN:
        return None
    return {
        "min": float(np.min(value)),
        "mean": float(np.sum(value / value.size)),
        "max": float(np.max(value)),
        "norm": norm(value),
    }


def norm(value: Array) -> float:
    """The length of an array as a vector, by which arrays too large to be shown go."""
    largest = float(np.max(np.abs(value)))  # taken out, so that squares do not overflow
    return largest and largest * float(np.sqrt(np.sum((value / largest) ** 2)))


def quantities(**values: Array | None) -> dict[str, Any]:
    """Arrays by key as plain data, those too large to be shown with their summaries."""
    plain: dict[str, Any] = {}
    for key, value in values.items():
        if value is None or isinstance(value, float) or not np.ndim(value):
            number = None if value is None else float(value)
            plain[key] = number if number is None or math.isfinite(number) else _plain_number(number)
            continue
        plain[key] = plain_value(value)
        if short := summary(value):
            plain[f"{key}_summary"] = {name: _plain_number(figure) for name, figure in short.items()}
    return plain


def summaries(key: str, values: Mapping[str, Array]) -> dict[str, Any]:
    """The summaries of the large ones among named arrays, under one key, if there are any."""
    short = {name: summary(np.asarray(value)) for name, value in values.items()}
    plain = {
        name: {key: _plain_number(figure) for key, figure in figures.items()}
        for name, figures in short.items()
        if figures
    }
    return {f"{key}_summary": plain} if plain else {}
