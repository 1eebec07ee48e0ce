"""Plain text: aligned columns, nothing else."""

from __future__ import annotations

from accounts import NAMES, full_account
from rows_of_a_table import every

from bpx.render.blocks import Heading, Headline, Lines, Table
from bpx.render.plain import plain

every_account = every("name", NAMES)


def text_of(name: str) -> str:
    return plain(full_account(name).blocks())


def test_a_whole_page() -> None:
    blocks = [
        Headline("y = 1"),
        Heading("Forward"),
        Table(("node", "value"), (("x", "-12.5"), ("longer", "3")), right=frozenset({1})),
        Lines(("one", "two")),
    ]
    assert plain(blocks).split("\n") == [
        "y = 1",
        "",
        "Forward",
        "  node    value",
        "  x       -12.5",
        "  longer      3",
        "  one",
        "  two",
        "",
    ]


def test_nothing_stands_out() -> None:
    table = Table(("a", "b"), (("1", ""), ("sum", "2")), strong=frozenset({1}))
    assert plain([table]) == "  a    b\n  1\n  sum  2\n"


def test_wide_signs_take_two_cells() -> None:
    table = Table(("a", "b"), (("漢字", "1"), ("x", "2")))
    assert plain([table]) == "  a     b\n  漢字  1\n  x     2\n"


@every_account
def test_no_trailing_blanks(name: str) -> None:
    assert [line for line in text_of(name).split("\n") if line != line.rstrip()] == []


@every_account
def test_no_escape_codes_and_no_tabs(name: str) -> None:
    text = text_of(name).replace("\n", "")
    assert text.isprintable()


@every_account
def test_ends_in_one_line_end(name: str) -> None:
    text = text_of(name)
    assert text.endswith("\n")
    assert not text.endswith("\n\n")


@every_account
def test_one_line_a_row(name: str) -> None:
    blocks = full_account(name).blocks()
    rows = {Headline: 1, Heading: 2}
    wanted = sum(
        len(block.text_rows) + 1
        if isinstance(block, Table)
        else len(block.texts)
        if isinstance(block, Lines)
        else rows[type(block)]
        for block in blocks
    )
    assert text_of(name).count("\n") == wanted


@every_account
def test_columns_stand_under_their_headers(name: str) -> None:
    for table in full_account(name).blocks():
        if isinstance(table, Table):
            header, *rows = plain([table]).rstrip("\n").split("\n")
            for column, (title, cells) in enumerate(
                zip(table.headers, zip(*table.text_rows, strict=True), strict=True)
            ):
                if title and column not in table.right:
                    at = header.index(title)
                    assert all(row[at:].startswith(cell) for row, cell in zip(rows, cells, strict=True))
