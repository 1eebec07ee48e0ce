"""Tables of gradients as other programs write them: formats, styles of names, printed digits."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

STYLES: list[Callable[[str], str]] = [
    lambda name: f"d{name}",
    lambda name: f"{name}.grad",
    lambda name: f"grad_{name}",
    lambda name: f"dL/d{name}",
    lambda name: f"∂L/∂{name}",
    lambda name: name,
]
_TYPES = {"float64": "F64", "float32": "F32", "float16": "F16"}


def to_npz(path: Path, arrays: Mapping[str, Any]) -> None:
    np.savez(path, **arrays)


def to_safetensors(path: Path, arrays: Mapping[str, Any]) -> None:
    path.write_bytes(safetensors({name: np.asarray(array) for name, array in arrays.items()}))


def safetensors(arrays: Mapping[str, Any], **entries: Any) -> bytes:
    header: dict[str, Any] = {}
    numbers = b""
    for name, array in arrays.items():
        data = array.tobytes()
        offsets = [len(numbers), len(numbers) + len(data)]
        header[name] = {"dtype": _TYPES[str(array.dtype)], "shape": [*array.shape], "data_offsets": offsets}
        numbers += data
    text = json.dumps({**header, **entries}).encode()
    return struct.pack("<Q", len(text)) + text + numbers


def to_json(path: Path, arrays: Mapping[str, Any], form: str | None = None) -> None:
    """`form` as in `%.3g`; without it every number as NumPy prints it."""
    lines = [f" {json.dumps(name)}: {_nest(np.asarray(array), form)}" for name, array in arrays.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def to_csv(path: Path, arrays: Mapping[str, Any], form: str | None = None) -> None:
    """A column for each array."""
    flat = {name: np.asarray(array).reshape(-1) for name, array in arrays.items()}
    rows = [",".join(f'"{name}"' for name in flat)]
    rows += [
        ",".join(_text(array[i], form) if i < array.size else "" for array in flat.values())
        for i in range(max(array.size for array in flat.values()))
    ]
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def to_long_csv(path: Path, arrays: Mapping[str, Any], form: str | None = None) -> None:
    """A row for each number."""
    rows = ["name;index;value"]
    for name, array in arrays.items():
        for at in np.ndindex(np.shape(array)):
            index = " ".join(map(str, at))
            rows.append(f"{name};{index};{_text(np.asarray(array)[at], form)}")
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")


def _nest(array: Any, form: str | None) -> str:
    if array.ndim:
        return "[" + ", ".join(_nest(part, form) for part in array) + "]"
    return _text(array[()], form)


def _text(number: Any, form: str | None) -> str:
    return str(number) if form is None else form % number
