"""Values for the arguments of a user's function: written, from a file, from a function there, or drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bpx.graph.named.draw import draw
from bpx.words.diagnostic import BpxError, Diagnostic

_FIXTURE = "inputs"
LARGEST_FILE = 2**30  # bytes that a file of inputs may unpack to


def gathered(
    module: ModuleType | None,
    values: Mapping[str, Any],
    source: str | None = None,
    drawn: str | None = None,
    seed: int = 0,
) -> dict[str, Any]:
    """Values by name: what the file's own `inputs()` or `source` gives, then what is `drawn`, then `values`.

    `source` is a `.npz`, `.npy` or `.json` file or the name of a function of the module, which is
    None where there is no code. Raises `BpxError`.
    """
    found: dict[str, Any] = {}
    if source is None and callable(getattr(module, _FIXTURE, None)):
        found.update(_called(getattr(module, _FIXTURE), _FIXTURE))
    elif source is not None:
        found.update(_from(module, source))
    if drawn is not None:
        found.update(draw(drawn, seed))
    found.update({name: _as_argument(value) for name, value in values.items()})
    return found


def _as_argument(value: Any) -> Any:
    """Lists as arrays: of floats where a number is one, else of whole numbers, which choose."""
    return np.array(value) if isinstance(value, list) else value


def _from(module: ModuleType | None, source: str) -> dict[str, Any]:
    if module is not None and source.isidentifier():
        function = getattr(module, source, None)
        if not callable(function):
            raise BpxError([Diagnostic("not-in-file", None, {"name": source, "file": module.__file__})])
        return _called(function, source)
    path = Path(source)
    if not path.is_file():
        raise BpxError([Diagnostic("missing-file", None, {"name": source})])
    try:
        return _read(path)
    except (ValueError, OSError, KeyError) as error:
        raise BpxError([Diagnostic("unreadable", None, {"name": source, "reason": str(error)})]) from None


def _read(path: Path) -> dict[str, Any]:
    """Arrays by name. Pickles are refused: they could run anything."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            sizes = [info.file_size for info in arrays.zip.infolist()]
            if sum(sizes) > LARGEST_FILE:
                raise BpxError([Diagnostic("too-big", None, {"name": str(path), "most": "1 GiB"})])
            return {name: arrays[name] for name in arrays.files}
    if path.suffix == ".npy":
        return {path.stem: np.load(path, allow_pickle=False)}
    if path.suffix == ".json":
        import json

        data = json.loads(path.read_text(encoding="utf-8"))
        return {name: _as_argument(value) for name, value in data.items()}
    raise BpxError([Diagnostic("inputs-format", None, {"name": str(path)})])


def _called(function: Callable[..., Any], name: str) -> dict[str, Any]:
    result = function()
    if not isinstance(result, dict):
        raise BpxError([Diagnostic("inputs-no-dict", None, {"name": name})])
    return dict(result)
