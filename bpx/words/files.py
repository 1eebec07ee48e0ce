"""Files: read so that no output can replace them unseen, and written as a whole or not at all.

A file is written beside its place and moved into it: at any moment, on a full disk too, there is the old one
or the new one. What is no file of a folder, such as a pipe or `/dev/stdout`, is written as it comes.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from io import FileIO
from pathlib import Path
from threading import get_ident
from typing import TYPE_CHECKING, BinaryIO

from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.holding import holding

if TYPE_CHECKING:
    from mmap import mmap
    from zipfile import ZipFile, ZipInfo

Identity = tuple[int, int]  # of a file, whatever path leads to it: its device and its number there

# These may be files that the shell has opened, which would go on to write to what was replaced.
_OPENED_BY_OTHERS = tuple(map(Path, ("/dev/stdout", "/dev/stderr", "/dev/fd", "/proc")))
_MEMBER = b"PK\x01\x02"  # begins the entry of each member in the directory of a ZIP file
MOST_STREAMED = 2**26  # bytes of what has no size that could be asked for before
# The files that the command in this context is going to write: what it reads must be none of them.
_TO_WRITE: ContextVar[dict[Identity, str] | None] = ContextVar("to_write", default=None)


@contextmanager
def keeping_inputs() -> Iterator[dict[Identity, str]]:
    """Inside, no file may be read that is in the mapping, which the caller fills: it is to be written."""
    to_write: dict[Identity, str] = {}
    with holding(_TO_WRITE, to_write):
        yield to_write


def identity(file: str | Path | int) -> Identity | None:
    """What a file is known by; None where there is none, and for what is no file of a folder."""
    try:
        status = os.fstat(file) if isinstance(file, int) else Path(file).stat()
    except (OSError, ValueError):
        return None
    return (status.st_dev, status.st_ino) if stat.S_ISREG(status.st_mode) else None


def exists(path: str | Path) -> bool:
    """Is there a file or a folder? Of a text that is no possible name there is none."""
    return bool(_mode(path))


def is_file(path: str | Path) -> bool:
    """Is there a file?"""
    return stat.S_ISREG(_mode(path))


def is_folder(path: str | Path) -> bool:
    """Is there a folder?"""
    return stat.S_ISDIR(_mode(path))


def _mode(path: str | Path) -> int:
    try:
        return Path(path).stat().st_mode
    except (OSError, ValueError):  # too long, or with a NUL in it: `pathlib` itself raises then
        return 0


def opened(path: Path) -> BinaryIO:
    """The file, to be read. Raises `OSError`, and `BpxError` where the command is going to write to it."""
    file = path.open("rb")
    try:
        keep_from_writing(file.fileno(), str(path))
    except BpxError:
        file.close()
        raise
    return file


def bytes_of(path: Path, most: int) -> bytes:
    """The bytes of a file, no more than `most`. Raises `BpxError`."""
    facts: dict[str, str] = {"name": str(path)}
    try:
        with opened(path) as file:
            most = most if identity(file.fileno()) else min(most, MOST_STREAMED)
            data = file.read(most + 1)
    except FileNotFoundError:
        raise BpxError([Diagnostic("missing-file", None, facts)]) from None
    except BpxError:
        raise
    except (OSError, ValueError) as error:  # a NUL in the name is a ValueError
        facts["reason"] = reason_of(error)
        raise BpxError([Diagnostic("unreadable", None, facts)]) from None
    if len(data) > most:
        raise BpxError([Diagnostic("too-big", None, {**facts, "most": mebibytes(most)})])
    return data


def has_more_members(archive: bytes | mmap, most: int) -> bool:
    """Has a ZIP file more members? They are counted before `zipfile` makes an object of each."""
    at = -1
    for _ in range(most + 1):
        at = archive.find(_MEMBER, at + 1)
        if at < 0:
            return False
    return True


def unpacked(archive: ZipFile, member: ZipInfo) -> bytes:
    """The bytes of a member of an archive: no more are unpacked than it says it has.

    `archive.read` unpacks up to 2 GiB at a time before it looks at how many there should be.
    """
    with archive.open(member) as stream:
        return stream.read(member.file_size)


def keep_from_writing(file: str | Path | int, name: str) -> None:
    """Say that a file is read. Raises `BpxError` where the command is going to write to it."""
    to_write = _TO_WRITE.get()
    if to_write and (known := identity(file)) in to_write:
        facts = {"name": name, "output": to_write[known] if known else name}
        raise BpxError([Diagnostic("replaces-input", None, facts)])


def write_file(path: str | Path, content: str | bytes | Iterable[str]) -> None:
    """Write a file, a text or pieces of one in UTF-8; a link stays one, and a file keeps its permissions.

    Raises `BpxError` where that cannot be done; what stood there before stands there still.
    """
    parts = [content] if isinstance(content, bytes) else _encoded(content)
    try:
        if is_special(path):
            with Path(path).open("ab", buffering=0) as file:
                _write_all(file, parts)
        else:
            need_permission(path)
            _replace(_place(path), parts)
    except (OSError, ValueError) as error:
        raise unwritable(path, error) from None


def _encoded(content: str | Iterable[str]) -> Iterator[bytes]:
    for text in [content] if isinstance(content, str) else content:
        yield text.encode("utf-8", "replace")


def unwritable(path: str | Path, error: OSError | ValueError) -> BpxError:
    """The error of a file that cannot be written."""
    return BpxError([Diagnostic("unwritable", None, {"name": str(path), "reason": reason_of(error)})])


def reason_of(error: Exception) -> str:
    """Why the system refused, in its words, as part of a sentence."""
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).lower()


def mebibytes(count: int) -> str:
    """A limit of so many bytes as people read it."""
    return f"{count // 2**20} MiB"


def is_special(path: str | Path) -> bool:
    """Is it a pipe, a device, or a file that is open already: nothing that could be replaced?"""
    try:
        status = Path(path).stat()
    except (OSError, ValueError):
        return False
    absolute = Path(path).absolute()
    is_open = any(place in (absolute, *absolute.parents) for place in _OPENED_BY_OTHERS)
    return is_open or not (stat.S_ISREG(status.st_mode) or stat.S_ISDIR(status.st_mode))


def need_permission(path: str | Path) -> None:
    """Raises `OSError` or `ValueError` where a file cannot be written for want of a folder or of a right."""
    place = _place(path)
    with suppress(FileNotFoundError):
        if stat.S_ISDIR(place.stat().st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not os.access(place, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    if is_special(path):
        return
    if not is_folder(place.parent):
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT))
    if not os.access(place.parent, os.W_OK | os.X_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _place(path: str | Path) -> Path:
    """Where the file is, or would be, behind all links. Raises `OSError`."""
    try:
        return Path(path).resolve()
    except RuntimeError:  # until Python 3.13, of links in a circle
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP)) from None


def _replace(place: Path, parts: Iterable[bytes]) -> None:
    """Write the parts beside the place, and move them there."""
    draft = place.with_name(f".bpx-{os.getpid()}-{get_ident()}")
    try:
        with draft.open("xb", buffering=0) as file:  # with the permissions that files of this user have
            _write_all(file, parts)
        with suppress(FileNotFoundError):
            draft.chmod(stat.S_IMODE(place.stat().st_mode))
        draft.replace(place)
    except BaseException:  # Ctrl-C too leaves nothing behind
        with suppress(OSError):
            draft.unlink()
        raise


def _write_all(file: FileIO, parts: Iterable[bytes]) -> None:
    """Write without a buffer, whose rest Python would try to write once more when it ends."""
    for part in parts:
        rest = memoryview(part)
        while rest:
            rest = rest[file.write(rest) :]
