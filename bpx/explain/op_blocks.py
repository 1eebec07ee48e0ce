"""The op table and the list of examples as blocks."""

from __future__ import annotations

from collections.abc import Sequence

from bpx.explain.op_reference import OpEntry
from bpx.render.blocks import Block, Headline, Lines, Table
from bpx.words.say import say


def op_list_blocks(entries: Sequence[OpEntry]) -> list[Block]:
    """All ops, one row each."""
    headers = tuple(say(f"ops.{key}") for key in ("name", "written", "rule", "domain"))
    rows = tuple(
        (one.name, one.written, "; ".join(one.rule.values()), "; ".join(one.domain)) for one in entries
    )
    return [Table(headers, rows)]


def op_blocks(entry: OpEntry) -> list[Block]:
    """One op, with all there is to say of it."""
    facts = [
        ("also", ", ".join(entry.also)),
        ("settings", ", ".join(entry.settings)),
        ("domain", "; ".join(entry.domain)),
        ("expands", entry.expands),
        ("sample", ", ".join(entry.sample)),
    ]
    lines = [f"{say(f'ops.{key}')}: {text}" for key, text in facts if text]
    if entry.convention:
        lines.append(entry.convention)
    rows = tuple(entry.rule.items())
    headers = (say("ops.arg"), say("ops.rule"))
    return [
        Headline(f"{entry.name}: {entry.written}"),
        Lines(tuple(lines)),
        Table(headers, rows),
        Lines((entry.pattern,)),
    ]


def example_blocks(titles: Sequence[tuple[str, str]]) -> list[Block]:
    """Names and titles of the bundled examples."""
    return [Table((say("examples.name"), say("examples.title")), tuple(titles))]
