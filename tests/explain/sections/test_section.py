"""Sections are entries of a list: each gives its part of the JSON, its blocks and its remarks."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Self

import pytest
from accounts import NAMES, full_account
from rows_of_a_table import every

from bpx.explain import explain as explain_module
from bpx.explain import explanation, measures, sections, short
from bpx.explain.query.gradient_query import GradientQuery
from bpx.explain.query.passes import Passes
from bpx.explain.query.section import Section, SectionOptions
from bpx.explain.sections import SECTIONS
from bpx.explain.sections.worksheet import Worksheet
from bpx.render.blocks import Block, Heading
from bpx.spec.reading.read import read_expression
from bpx.words.diagnostic import Source


@dataclass(frozen=True)
class Size(Section):
    """A section that bpx does not have."""

    nodes: int

    @classmethod
    def of(cls, query: GradientQuery, options: SectionOptions) -> Self:
        return cls(len(query.forward))

    def to_dict(self, passes: Passes) -> dict[str, Any]:
        return {"size": self.nodes}

    def blocks(self, passes: Passes) -> Iterator[Block]:
        yield Heading(f"{self.nodes} nodes")

    def remarks(self, passes: Passes) -> Iterator[str]:
        yield "It is small."


def test_one_class_in_one_file() -> None:
    files = {
        f"{package.__name__}.{path.stem}"
        for package in (sections, measures, short)
        for path in Path(str(package.__file__)).parent.glob("*.py")
        if path.stem != "__init__"
    }
    assert {section.__module__ for section in (*SECTIONS, Worksheet)} == files
    for file in files:
        module = import_module(file)
        own = [one for one in vars(module).values() if getattr(one, "__module__", "") == module.__name__]
        assert len([one for one in own if isinstance(one, type) and issubclass(one, Section)]) == 1


def test_an_entry_makes_a_section(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = read_expression(Source("<expression>", "x*y"), {"x": 3, "y": 2})
    before = explain_module.explain(spec)
    monkeypatch.setattr(explain_module, "SECTIONS", (*SECTIONS, Size))
    after = explain_module.explain(spec)
    assert after.section(Size) == Size(3)
    assert before.section(Size) is None
    *keys, last = before.to_dict()
    assert list(after.to_dict()) == [*keys, "size", last]
    assert after.to_dict()["size"] == 3
    assert str(after) == str(before).replace("\n\nNotes\n", "\n\n3 nodes\n\nNotes\n") + "  It is small.\n"


@every("name", NAMES)
def test_no_two_sections_write_the_same_key(name: str) -> None:
    account = full_account(name)
    keys = [key for section in account.sections for key in section.to_dict(account)]
    assert len(keys) == len(set(keys))
    assert set(keys) <= set(explanation._KEYS)
    assert list(json.loads(account.to_json())) == list(account.to_dict())
