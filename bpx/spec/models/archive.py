"""A ZIP file of somebody's: its members are read in memory, within limits, and never unpacked to disk."""

from __future__ import annotations

import json
import mmap
import zipfile
import zlib
from pathlib import Path
from typing import Any

from bpx.spec.models.model import ModelError
from bpx.words.files import has_more_members, keep_from_writing, mebibytes, unpacked

LARGEST_MODEL = 2**30  # bytes of a file, and of all that it unpacks to
LARGEST_JSON = 2**26  # bytes
MOST_VALUES = 2_000_000  # of a JSON text: Python takes up to 200 bytes for each; an operation has some 70
MOST_MEMBERS = 100_000
# `torch` writes no others; what bzip2 and LZMA unpack to is bounded by nothing.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN = (ValueError, EOFError, NotImplementedError, RuntimeError, OSError, zipfile.BadZipFile, zlib.error)


class Archive:
    """The members of a ZIP file by name, without the folder that all of them stand in."""

    def __init__(self, path: Path) -> None:
        """Read the directory of the file. Raises `ModelError`, or `OSError` where it cannot be opened."""
        size = path.stat().st_size
        if size > LARGEST_MODEL:
            raise ModelError("too-big", most=mebibytes(LARGEST_MODEL))
        keep_from_writing(path, str(path))
        if size:  # nothing cannot be mapped
            with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                if has_more_members(data, MOST_MEMBERS):
                    raise ModelError("model-members", most=f"{MOST_MEMBERS:,}")
        try:
            self._zip = zipfile.ZipFile(path)
        except (ValueError, NotImplementedError, zipfile.BadZipFile) as error:
            raise ModelError("model-broken", reason=str(error).lower()) from None
        self._members = {info.filename.partition("/")[2]: info for info in self._zip.infolist()}
        if sum(info.file_size for info in self._zip.infolist()) > LARGEST_MODEL:
            raise ModelError("model-unpacks", most=mebibytes(LARGEST_MODEL))

    def __enter__(self) -> Archive:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def names(self, folder: str) -> list[str]:
        """The members in a folder."""
        return [name for name in self._members if name.startswith(f"{folder}/")]

    def has(self, name: str) -> bool:
        """Is there a member of this name?"""
        return name in self._members

    def read(self, name: str) -> bytes:
        """The bytes of a member, no more than it says it has. Raises `ModelError`."""
        info = self._members.get(name)
        if info is None:
            raise ModelError("model-lacks", member=name)
        if info.compress_type not in _COMPRESSIONS:
            raise ModelError("model-compression", member=name)
        try:
            return unpacked(self._zip, info)
        except _BROKEN as error:
            raise ModelError("model-broken", reason=str(error).lower()) from None

    def json(self, name: str) -> Any:
        """The data in a member. Raises `ModelError`."""
        if self.has(name) and self._members[name].file_size > LARGEST_JSON:  # no more than that is unpacked
            raise ModelError("too-big", most=mebibytes(LARGEST_JSON))
        text = self.read(name)
        # Before there is an object of each.
        if sum(map(text.count, (b",", b"[", b"{"))) > MOST_VALUES:
            raise ModelError("model-values", member=name, most=f"{MOST_VALUES:,}")
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise ModelError("model-broken", reason=f"{name}: {str(error).lower()}") from None
