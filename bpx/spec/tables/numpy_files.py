"""NPY and NPZ files: headers are checked before anything is allocated, and no pickle is ever loaded.

Format: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import math
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from io import BytesIO
from pathlib import PurePath
from tokenize import TokenError
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from bpx.graph.arrays import MOST_AXES, RoundedInteger, real_floats
from bpx.graph.named.values import rounded_integer
from bpx.spec.tables.table import LARGEST_TABLE, MOST_ARRAYS, NamedNumbers, floats_of
from bpx.words.diagnostic import Diagnostic
from bpx.words.files import has_more_members, mebibytes, unpacked
from bpx.words.say import say

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NPY = ".npy"
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# NumPy writes no others; what bzip2 and LZMA unpack to is bounded by nothing.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What readers of the standard library and of NumPy raise for bytes that are not of the format; a header is
# read by `ast.literal_eval`.
_BROKEN = (
    ValueError,
    TypeError,
    KeyError,
    EOFError,
    SyntaxError,
    OverflowError,
    RecursionError,
    MemoryError,
    NotImplementedError,
    RuntimeError,
    OSError,
    zipfile.BadZipFile,
    zlib.error,
)


class NamedArray(NamedTuple):
    """An array with the type that it was saved with."""

    name: str
    array: NDArray[Any]


class _Refused(Exception):
    """Bytes that are no array of numbers; `code` and `facts` are those of the diagnostic."""

    def __init__(self, code: str, help: str | None = None, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.help, self.facts = code, help, facts


def read_npy(file: str, data: bytes, problems: list[Diagnostic]) -> Iterator[NamedNumbers]:
    """The one array of an NPY file, which goes by the name of the file."""
    yield from _as_floats(npy_arrays(file, data, problems), problems)


def read_npz(file: str, data: bytes, problems: list[Diagnostic]) -> Iterator[NamedNumbers]:
    """The arrays of an NPZ file."""
    yield from _as_floats(npz_arrays(file, data, problems, LARGEST_TABLE), problems)


def npy_arrays(file: str, data: bytes, problems: list[Diagnostic]) -> Iterator[NamedArray]:
    """The array of an NPY file as it was saved."""
    yield from _named(PurePath(file).stem, data, problems)


def npz_arrays(file: str, data: bytes, problems: list[Diagnostic], most: int) -> Iterator[NamedArray]:
    """The arrays of an NPZ file as they were saved, where they unpack to no more than `most` bytes."""
    if has_more_members(data, MOST_ARRAYS):
        problems.append(Diagnostic("table-too-many", None, {"most": MOST_ARRAYS}))
        return
    try:
        archive = zipfile.ZipFile(BytesIO(data))
    except _BROKEN as error:
        problems.append(Diagnostic("table-broken", None, {"format": "NPZ", "reason": _reason(error)}))
        return
    members = [info for info in archive.infolist() if not info.is_dir()]
    if sum(info.file_size for info in members) > most:
        problems.append(Diagnostic("table-unpacks", None, {"most": mebibytes(most)}))
        return
    for info in members:
        name = info.filename.removesuffix(_NPY)
        try:
            content = _member(archive, info)
        except _BROKEN as error:
            facts = {"name": name, "reason": _reason(error)}
            problems.append(Diagnostic("table-array-broken", None, facts))
        else:
            yield from _named(name, content, problems)


def _member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    """The bytes of a member: never more than it says it has, which was counted before."""
    if info.compress_type not in _COMPRESSIONS:
        raise NotImplementedError(say("table.compression"))
    return unpacked(archive, info)


def _as_floats(arrays: Iterable[NamedArray], problems: list[Diagnostic]) -> Iterator[NamedNumbers]:
    """Each as float64; an integer that float64 does not have is refused, as it is from Python."""
    for name, array in arrays:
        with np.errstate(all="ignore"):
            try:
                yield NamedNumbers(name, real_floats(array), floats=floats_of(array))
            except RoundedInteger as error:
                problems.append(rounded_integer(name, error))


def _named(name: str, data: bytes, problems: list[Diagnostic]) -> Iterator[NamedArray]:
    try:
        array = _array(data)
    except _Refused as refused:
        problems.append(Diagnostic(refused.code, None, {"name": name, **refused.facts}, refused.help))
    except _BROKEN as error:
        problems.append(Diagnostic("table-array-broken", None, {"name": name, "reason": _reason(error)}))
    else:
        yield NamedArray(name, array)


def _array(data: bytes) -> NDArray[Any]:
    """The array in the bytes of an NPY file."""
    stream = BytesIO(data)
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(say("table.version", version=f"{version[0]}.{version[1]}"))
    try:
        shape, by_columns, dtype = _HEADERS[version](stream)
    except (SyntaxError, TokenError):  # of such a header they say nothing that helps
        raise ValueError(say("table.header-broken")) from None
    if dtype.hasobject:
        raise _Refused("table-pickle", "save-arrays")
    if dtype.kind not in "biuf":
        raise _Refused("not-a-number", found=str(dtype))
    if len(shape) > MOST_AXES or any(length < 0 for length in shape):
        raise ValueError(say("table.shape"))
    stated, left = math.prod(shape) * dtype.itemsize, len(data) - stream.tell()
    if stated != left:
        raise _Refused("table-length", stated=f"{stated:,}", found=f"{left:,}")
    numbers = np.frombuffer(data, dtype, offset=stream.tell())
    return numbers.reshape(shape, order="F" if by_columns else "C")


def _reason(error: BaseException) -> str:
    """What a reader says of broken bytes, its first line."""
    lines = str(error).splitlines() or [type(error).__name__]
    return lines[0][:1].lower() + lines[0][1:]
