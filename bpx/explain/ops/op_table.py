"""The op table to be shown: all ops in a row each, or one op with all there is to say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from bpx.explain.ops.op_reference import OpEntry, op_entries, op_entry
from bpx.render.blocks import Block, Headline, Lines, Table
from bpx.render.shown import Shown
from bpx.words.say import say


@dataclass(frozen=True, repr=False)
class OpTable(Shown):
    """Entries of the op table; `alone` says that one op was asked for."""

    kind: ClassVar[str] = "ops"

    entries: tuple[OpEntry, ...]
    alone: bool = False

    @classmethod
    def of(cls, name: str | None = None) -> Self:
        """The op of that name, or all. Raises `BpxError` for an unknown one."""
        return cls((op_entry(name),), alone=True) if name else cls(tuple(op_entries()))

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1."""
        return {"bpx": 1, "kind": self.kind, "ops": [entry.to_dict() for entry in self.entries]}

    def blocks(self) -> list[Block]:
        """One table, or all there is to say of one op."""
        return _op_blocks(self.entries[0]) if self.alone else _list_blocks(self.entries)


def _list_blocks(entries: Sequence[OpEntry]) -> list[Block]:
    """All ops, one row each."""
    headers = tuple(say(f"ops.{key}") for key in ("name", "written", "rule", "domain"))
    rows = tuple(
        (
            entry.name,
            entry.written,
            say("word.semicolon").join(entry.rule.values()),
            say("word.semicolon").join(entry.domain),
        )
        for entry in entries
    )
    return [Table(headers, rows)]


def _op_blocks(entry: OpEntry) -> list[Block]:
    """One op, with all there is to say of it."""
    facts = [
        ("also", say("word.list").join(entry.also)),
        ("settings", say("word.list").join(entry.settings)),
        ("domain", say("word.semicolon").join(entry.domain)),
        ("expands", entry.expands),
        ("sample", say("word.list").join(entry.sample)),
    ]
    lines = [say("word.colon").join([say(f"ops.{key}"), text]) for key, text in facts if text]
    if entry.convention:
        lines.append(entry.convention)
    rows = tuple(entry.rule.items())
    headers = (say("ops.arg"), say("ops.rule"))
    return [
        Headline(say("word.colon").join([entry.name, entry.written])),
        Lines(tuple(lines)),
        Table(headers, rows),
        Lines((entry.pattern,)),
    ]
