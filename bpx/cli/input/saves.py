"""Files that are looked at again whenever they are saved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from time import sleep

_PAUSE = 0.3  # seconds between two looks


def saves(files: Sequence[str]) -> Iterator[None]:
    """At once, and whenever one of the files was saved, without an end."""
    seen: list[tuple[int, int] | None] = []
    while True:
        now = [_saved(file) for file in files]
        if now != seen:
            seen = now
            yield
        sleep(_PAUSE)


def _saved(file: str) -> tuple[int, int] | None:
    """When, and how large; None where there is no file."""
    try:
        status = Path(file).stat()
    except OSError:  # an editor may take a file away for a moment
        return None
    return status.st_mtime_ns, status.st_size
