"""`bpx examples`."""

from __future__ import annotations

from invoking import invoke, plain_json

from bpx.cli.reference.examples import ExampleList
from bpx.render.blocks import Table
from bpx.spec.reading.examples import example_names, example_path


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


def test_an_example_as_it_is_written() -> None:
    assert invoke("examples", "sigmoid").stdout == example_path("sigmoid").read_text(encoding="utf-8")
    assert "the examples are" in invoke("examples", "qqq", exit=2).stderr
