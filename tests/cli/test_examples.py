"""`bpx examples`."""

from __future__ import annotations

from invoking import invoke, plain_json

from bpx.cli.examples import ExampleList
from bpx.render.blocks import Table
from bpx.spec.reading.examples import example_names


def test_examples() -> None:
    found = plain_json("examples")["examples"]
    assert [one["name"] for one in found] == example_names()
    assert all(one["title"] for one in found)
    table = invoke("examples").stdout
    assert all(name in table for name in example_names())


def test_the_list_of_examples() -> None:
    (table,) = ExampleList((("a", "Title of a"), ("b", "Title of b"))).blocks()
    assert isinstance(table, Table)
    assert table.rows == (("a", "Title of a"), ("b", "Title of b"))
