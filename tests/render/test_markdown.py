"""Markdown: well-formed tables, and no sign that means something to a Markdown reader by accident."""

from __future__ import annotations

import re

import pytest
from accounts import NAMES, full_account
from rows_of_a_table import every

from bpx.render.blocks import Heading, Headline, Lines, Table
from bpx.render.markdown import markdown

every_account = every("name", NAMES)
UNESCAPED = re.compile(r"(?<!\\)(?:\\\\)*\|")


def text_of(name: str) -> str:
    return markdown(full_account(name).blocks())


def cells(row: str) -> list[str]:
    """The cells of a row, as a reader splits it."""
    first, *inner, last = UNESCAPED.split(row)
    assert (first, last) == ("", "")
    return inner


def tables_in(text: str) -> list[list[str]]:
    return [part.split("\n") for part in text.strip().split("\n\n") if part.startswith("|")]


def unescaped(text: str) -> str:
    return re.sub(r"\\([^a-zA-Z0-9\s])", r"\1", text)


def test_a_whole_page() -> None:
    blocks = [
        Headline("y = 1"),
        Heading("Forward"),
        Table(("node", "value"), (("x", "1"), ("sum", "2"), ("", "3")), frozenset({1}), frozenset({1, 2})),
        Lines(("one", "two")),
    ]
    assert markdown(blocks).split("\n") == [
        "## y = 1",
        "",
        "### Forward",
        "",
        "| node | value |",
        "| --- | ---: |",
        "| x | 1 |",
        "| **sum** | **2** |",
        "|  | **3** |",
        "",
        "- one",
        "- two",
        "",
    ]


@every("sign", list("|*_`[]<>#~\\{}"))
def test_signs_are_escaped(sign: str) -> None:
    text = markdown([Headline(f"a{sign}b"), Table((f"a{sign}b",), ((f"a{sign}b",),)), Lines((f"a{sign}b",))])
    assert text.count(f"a\\{sign}b") == 4


def test_what_stands_in_backticks_is_code() -> None:
    blocks = [Heading("the claim for `w*x`"), Lines(("`a_b` is `x` * y", "`` and ` and ```", "`one\ntwo`"))]
    assert markdown(blocks).splitlines() == [
        "### the claim for `w*x`",
        "",
        "- `a_b` is `x` \\* y",
        "- \\`\\` and \\` and \\`\\`\\`",
        "- \\`one two\\`",
    ]


@pytest.mark.parametrize("text", ["- passes it on.", "+ passes it on.", "1. first", "# no heading"])
def test_a_line_that_begins_like_a_list_or_a_heading_stays_text(text: str) -> None:
    """GitHub reads `- - x` as a list within a list, and `- 1. x` likewise."""
    (line,) = markdown([Lines((text,))]).splitlines()
    assert re.match(r"- \\?[-+#]|- 1\\?\.", line)
    assert not re.match(r"- ([-+#]|1\.) ", line)


def test_a_line_end_in_a_title_does_not_end_the_heading() -> None:
    assert markdown([Headline("one\ntwo")]).count("\n") == 1


@every_account
def test_rows_have_as_many_cells_as_the_header(name: str) -> None:
    for header, rule, *rows in tables_in(text_of(name)):
        width = len(cells(header))
        assert re.fullmatch(r"\|(?: ---:? \|)+", rule)
        assert len(cells(rule)) == width
        assert {len(cells(row)) for row in rows} == {width}


@every_account
def test_nothing_is_lost(name: str) -> None:
    blocks = full_account(name).blocks()
    found = tables_in(text_of(name))
    wanted = [block for block in blocks if isinstance(block, Table)]
    assert len(found) == len(wanted)
    for (_, _, *rows), table in zip(found, wanted, strict=True):
        plain = [tuple(unescaped(cell.strip()) for cell in cells(row)) for row in rows]
        for index, (row, cells_wanted) in enumerate(zip(plain, table.text_rows, strict=True)):
            bold = [f"**{cell}**" if cell and index in table.strong else cell for cell in cells_wanted]
            assert list(row) == bold


@every_account
def test_stars_are_escaped_but_for_bold_sums(name: str) -> None:
    for line in text_of(name).splitlines():
        without_bold = re.sub(r"\| \*\*(.+?)\*\*(?= \|)", r"| \1", line)
        assert not re.search(r"(?<!\\)\*", without_bold), line


@every_account
def test_no_trailing_blanks_and_one_line_end(name: str) -> None:
    text = text_of(name)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert [line for line in text.split("\n") if line != line.rstrip()] == []
