"""Values for the arguments of a user's function: written, from a file, from a function there, or drawn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from bpx.graph.named.draw import draw
from bpx.spec.reading.target import read_file
from bpx.spec.tables.numpy_files import npy_arrays, npz_arrays
from bpx.spec.tables.table import within
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.files import bytes_of, is_file

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
    if not is_file(path):
        raise BpxError([Diagnostic("missing-file", None, {"name": source})])
    try:
        return _read(path)
    except BpxError:
        raise
    except (ValueError, OSError) as error:
        raise BpxError([Diagnostic("unreadable", None, {"name": source, "reason": str(error)})]) from None


def _read(path: Path) -> dict[str, Any]:
    """Arrays by name, of the types that they were saved with. Raises `BpxError`, `ValueError`, `OSError`."""
    problems: list[Diagnostic] = []
    if path.suffix == ".npz":
        arrays = npz_arrays(str(path), bytes_of(path, LARGEST_FILE), problems, LARGEST_FILE)
        values: dict[str, Any] = dict(arrays)
    elif path.suffix == ".npy":
        values = dict(npy_arrays(str(path), bytes_of(path, LARGEST_FILE), problems))
    elif path.suffix == ".json":
        values = _from_json(path, problems)
    else:
        raise BpxError([Diagnostic("inputs-format", None, {"name": str(path)})])
    if problems:
        raise BpxError([within(str(path), problem) for problem in problems])
    return values


def _from_json(path: Path, problems: list[Diagnostic]) -> dict[str, Any]:
    import json

    data = json.loads(read_file(path).text)
    if not isinstance(data, dict):
        raise BpxError([Diagnostic("inputs-no-names", None, {"name": str(path)})])
    values = {name: _as_argument(value) for name, value in data.items()}
    for name, value in values.items():
        if isinstance(value, np.ndarray) and value.dtype.kind not in "biuf":
            problems.append(Diagnostic("not-a-number", None, {"name": name, "found": str(data[name])}))
    return values


def _called(function: Callable[..., Any], name: str) -> dict[str, Any]:
    result = function()
    if not isinstance(result, dict):
        raise BpxError([Diagnostic("inputs-no-dict", None, {"name": name})])
    return dict(result)
