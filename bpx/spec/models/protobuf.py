"""How many fields the messages of an ONNX file have, counted without making an object of any.

The format of protobuf: https://protobuf.dev/programming-guides/encoding/. A field is a varint, its number
times eight plus its kind, and then its payload: a varint, 8 bytes, a length and so many bytes, or 4 bytes.
"""

from __future__ import annotations

from collections.abc import Mapping

_VARINT, _EIGHT, _BYTES, _FOUR = 0, 1, 2, 5
# Of each message, the fields that are messages themselves, as in `onnx.proto`: what else there is takes no
# more memory than bytes of the file.
_MESSAGES: Mapping[str, Mapping[int, str]] = {
    "model": {7: "graph", 8: "opset", 14: "entry", 20: "training", 25: "function", 26: "configuration"},
    "training": {1: "graph", 2: "graph", 3: "entry", 4: "entry"},
    "function": {7: "node", 9: "opset", 11: "attribute", 12: "value", 14: "entry"},
    "graph": {
        **{1: "node", 5: "tensor", 11: "value", 12: "value", 13: "value", 14: "notes", 15: "sparse"},
        16: "entry",
    },
    "node": {5: "attribute", 9: "entry", 10: "configuration"},
    "attribute": {
        **{5: "tensor", 6: "graph", 10: "tensor", 11: "graph", 14: "type", 15: "type"},
        **{22: "sparse", 23: "sparse"},
    },
    "tensor": {3: "entry", 13: "entry", 16: "entry"},
    "sparse": {1: "tensor", 2: "tensor"},
    "notes": {2: "entry"},
    "value": {2: "type", 4: "entry"},
    "type": {1: "typed", 4: "type", 5: "typed", 8: "typed", 9: "type"},
    "typed": {1: "type", 2: "shape"},
    "shape": {1: "dimension"},
    "configuration": {2: "entry"},
}  # fmt: skip


def has_more_fields(data: bytes, most: int) -> bool:
    """Have the messages of a model more fields together? Of a broken one, those before the fault count."""
    waiting = [("model", 0, len(data))]
    count = 0
    while waiting:
        kind, at, end = waiting.pop()
        inside = _MESSAGES.get(kind, {})
        while at < end and count <= most:
            count += 1
            key, at = _varint(data, at)
            length = {_VARINT: 0, _EIGHT: 8, _FOUR: 4}.get(key & 7)
            if key & 7 in (_VARINT, _BYTES):
                payload, at = _varint(data, at)
                length = payload if key & 7 == _BYTES else 0
            if length is None or at + length > end:
                break
            if key & 7 == _BYTES and (message := inside.get(key >> 3)):
                waiting.append((message, at, at + length))
            at += length
    return count > most


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """The number at a place, and the place behind it."""
    if at < len(data) and data[at] < 128:  # as most are
        return data[at], at + 1
    number = shift = 0
    for byte in data[at : at + 10]:
        at += 1
        number |= (byte & 127) << shift
        if byte < 128:
            break
        shift += 7
    return number, at
