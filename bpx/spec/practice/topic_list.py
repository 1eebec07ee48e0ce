"""The topics in every form, with what was done of each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from bpx.render.blocks import Block, Heading, table
from bpx.render.shown import Shown
from bpx.spec.practice.progress import Progress
from bpx.spec.practice.topics import TOPICS
from bpx.words.say import say

_COUNTED = ("solved", "tries", "skipped")


@dataclass(frozen=True, repr=False)
class TopicList(Shown):
    """All topics, and whatever else was practised."""

    kind: ClassVar[str] = "topics"

    progress: Progress

    def _rows(self) -> Iterator[tuple[str, dict[str, int], str]]:
        """Name, counts, and what it is about."""
        practised = self.progress.topics
        for name in [*TOPICS, *(name for name in practised if name not in TOPICS)]:
            counts = {key: practised.get(name, {}).get(key, 0) for key in _COUNTED}
            yield name, counts, say(f"practice.topic-{name}") if name in TOPICS else ""

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1."""
        rows = [{"name": name, "about": about or None, **counts} for name, counts, about in self._rows()]
        return {"bpx": 1, "kind": self.kind, "topics": rows}

    def blocks(self) -> list[Block]:
        """One table."""
        rows = [[name, *map(str, counts.values()), about] for name, counts, about in self._rows()]
        return [
            Heading(say("practice.topics")),
            table(["topic", *_COUNTED, "about"], rows, right={1, 2, 3}),
        ]
