"""What a learner has done: a file of their own, in the folder for data of programs or where they say."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.files import unwritable, write_file

VERSION = 1


@dataclass
class Progress:
    """Counts by name of a topic or target: exercises solved, tries, exercises skipped, and the next seed."""

    path: Path | None  # None where there is no home for it
    topics: dict[str, dict[str, int]] = field(default_factory=dict)

    def of(self, name: str) -> dict[str, int]:
        """The counts of a topic, to be changed in place."""
        counts = self.topics.setdefault(name, {})
        for key in ("solved", "tries", "skipped", "seed"):
            counts.setdefault(key, 0)
        return counts

    def reset(self, name: str | None = None) -> None:
        """Forget a topic, or everything."""
        if name is None:
            self.topics.clear()
        else:
            self.topics.pop(name, None)

    def place(self) -> Path:
        """Where it is kept. Raises `BpxError` where it cannot be."""
        if self.path is None:
            raise BpxError([Diagnostic("no-home")])
        return self.path

    def save(self) -> None:
        """Write the file. Raises `BpxError` where that cannot be done."""
        path = self.place()
        text = json.dumps({"bpx-progress": VERSION, "topics": self.topics}, ensure_ascii=False, indent=1)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise unwritable(path, error) from None
        write_file(path, f"{text}\n")


def default_path() -> Path | None:
    """Where progress is kept unless the learner says otherwise, by the XDG base directories.

    None where the user has no home, as in some containers.
    """
    home = os.environ.get("XDG_DATA_HOME")
    try:
        return (Path(home) if home else Path.home() / ".local" / "share") / "bpx" / "progress.json"
    except RuntimeError:
        return None


def read_progress(path: Path | None) -> Progress:
    """The progress in a file, none where there is no file. Raises `BpxError` for any other file."""
    if path is None:
        return Progress(None)
    try:
        plain = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Progress(path)
    except (OSError, ValueError) as error:
        raise _unreadable(path, str(error)) from None
    if not isinstance(plain, dict) or plain.get("bpx-progress") != VERSION:
        raise _unreadable(path, "")
    return Progress(path, _counts(plain.get("topics")))


def _unreadable(path: Path, reason: str) -> BpxError:
    return BpxError([Diagnostic("no-progress", None, {"name": str(path), "reason": reason})])


def _counts(plain: Any) -> dict[str, dict[str, int]]:
    """The counts, without what is none."""
    topics = plain if isinstance(plain, dict) else {}
    return {
        name: {key: count for key, count in counts.items() if type(count) is int and count >= 0}
        for name, counts in topics.items()
        if isinstance(counts, dict)
    }
