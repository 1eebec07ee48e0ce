"""Safetensors files: a length of 8 bytes, a header in JSON, raw little-endian numbers.

Format: https://github.com/huggingface/safetensors (section Format of its README). Read with the standard
library; nothing is allocated before the header was compared with the length of the file.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeGuard

import numpy as np

from bpx.graph.arrays import MOST_AXES, RoundedInteger, real_floats
from bpx.graph.named.values import rounded_integer
from bpx.spec.tables.table import EXACT, MOST_ARRAYS, NamedNumbers
from bpx.words.diagnostic import Diagnostic
from bpx.words.files import mebibytes
from bpx.words.say import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

_LENGTH = 8  # bytes in front of the header that say how long it is
LARGEST_HEADER = 2**24  # bytes
_METADATA = "__metadata__"
_BFLOAT16 = "BF16"
_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    _BFLOAT16: "<u2",  # the upper half of a float32
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}
_FLOATS = {"F32": "float32", "F16": "float16", _BFLOAT16: "bfloat16"}


def read_safetensors(file: str, data: bytes, problems: list[Diagnostic]) -> Iterator[NamedNumbers]:
    """The tensors of a file in order of its header."""
    try:
        header, start = _header(data)
    except (ValueError, RecursionError) as error:
        facts = {"format": "safetensors", "reason": str(error) or say("table.header-broken")}
        problems.append(Diagnostic("table-broken", None, facts))
        return
    if len(header) > MOST_ARRAYS:
        problems.append(Diagnostic("table-too-many", None, {"most": MOST_ARRAYS}))
        return
    for name, tensor in header:
        if name == _METADATA:
            continue
        try:
            yield _tensor(name, tensor, data, start)
        except RoundedInteger as error:
            problems.append(rounded_integer(name, error))
        except ValueError as error:
            problems.append(Diagnostic("table-array-broken", None, {"name": name, "reason": str(error)}))


def _header(data: bytes) -> tuple[list[tuple[str, Any]], int]:
    """The entries of the header, repeated names too, and where the numbers start. Raises `ValueError`."""
    length = int.from_bytes(data[:_LENGTH], "little")
    if len(data) < _LENGTH or length > len(data) - _LENGTH:
        raise ValueError(say("table.header-ends"))
    if length > LARGEST_HEADER:
        raise ValueError(say("table.header-large", most=mebibytes(LARGEST_HEADER)))
    pairs = json.loads(data[_LENGTH : _LENGTH + length].decode("utf-8"), object_pairs_hook=_Pairs)
    if not isinstance(pairs, _Pairs):
        raise ValueError(say("table.header-broken"))
    room = len(data) - _LENGTH - length
    if sum(_stated_bytes(tensor, room) for _, tensor in pairs) > room:
        raise ValueError(say("table.numbers-shared"))
    return pairs, _LENGTH + length


def _stated_bytes(tensor: Any, room: int) -> int:
    """How many of the bytes a tensor has. No two may share some: few could stand for any number."""
    offsets = dict(tensor).get("data_offsets") if isinstance(tensor, _Pairs) else None
    if not _is_whole(offsets) or len(offsets) != 2 or offsets[1] > room:
        return 0
    return max(offsets[1] - offsets[0], 0)


class _Pairs(list[tuple[str, Any]]):
    """A JSON object with all its keys, repeated ones too."""


def _tensor(name: str, stated: Any, data: bytes, start: int) -> NamedNumbers:
    """The numbers of one tensor. Raises `ValueError`, `RoundedInteger`."""
    fields: dict[str, Any] = dict(stated) if isinstance(stated, _Pairs) else {}
    kind, shape, offsets = (fields.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not isinstance(kind, str) or not (_is_whole(shape) and _is_whole(offsets) and len(offsets) == 2):
        raise ValueError(say("table.entry-broken"))
    if kind not in _TYPES:
        raise ValueError(say("table.type-unknown", type=kind[:20]))
    dtype, (first, last) = np.dtype(_TYPES[kind]), offsets
    if len(shape) > MOST_AXES:
        raise ValueError(say("table.axes"))
    if not first <= last <= len(data) - start:
        raise ValueError(say("table.numbers-end"))
    if math.prod(shape) * dtype.itemsize != last - first:
        raise ValueError(say("table.length"))
    raw = np.frombuffer(data, dtype, math.prod(shape), start + first).reshape(shape)
    return NamedNumbers(name, _floats(raw, kind), floats=_FLOATS.get(kind, EXACT))


def _floats(raw: NDArray[Any], kind: str) -> NDArray[np.float64]:
    if kind == _BFLOAT16:
        raw = (raw.astype(np.uint32) << 16).view(np.float32)
    return real_floats(raw)


def _is_whole(numbers: Any) -> TypeGuard[Sequence[int]]:
    """Is it a list of whole numbers that are not negative?"""
    return (
        isinstance(numbers, Sequence)
        and not isinstance(numbers, str)
        and all(type(number) is int and number >= 0 for number in numbers)
    )
