"""Rich tables: they fit the terminal, keep rows of matrices whole, and take no markup from users."""

from __future__ import annotations

import io
import re
from collections import Counter
from functools import cache
from typing import Any

import numpy as np
from accounts import NAMES, full_account
from rich.cells import cell_len
from rich.console import Console
from rows_of_a_table import every

from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.explain.ops.op_reference import op_entries
from bpx.explain.ops.op_table import OpTable
from bpx.graph.numbers import LARGEST_SHOWN, number
from bpx.render.blocks import Block, Headline, Lines, Table
from bpx.render.table import renderables
from bpx.spec.reading.read import read_expression
from bpx.words.diagnostic import Source
from bpx.words.say import in_encoding

every_account = every("name", NAMES)


def printed(blocks: Any, width: int = 80, **options: Any) -> str:
    console = Console(file=io.StringIO(), width=width, **{"color_system": None, **options})
    for renderable in renderables(blocks):
        console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]


def widest(text: str) -> int:
    return max(map(cell_len, text.splitlines()))


@cache
def blocks_of(name: str) -> list[Block]:
    return list(full_account(name).blocks())


@cache
def shown(name: str, width: int) -> str:
    """The account in a terminal; those of 80 columns are looked at by several tests."""
    return printed(blocks_of(name), width)


@every_account
def test_no_line_is_wider_than_the_terminal(name: str) -> None:
    for width in (80, 60, 120):
        assert widest(shown(name, width)) <= width


def test_the_op_table_fits_80_cells() -> None:
    assert widest(printed(OpTable.of().blocks())) <= 80
    for entry in op_entries():
        assert widest(printed(OpTable.of(entry.name).blocks())) <= 80


def matrices(account: Explanation) -> list[Any]:
    arrays = [value for row in account.nodes for value in (row.value, row.upstream)]
    arrays += [value for edge in account.edges for value in (edge.contribution, edge.upstream)]
    arrays += account.gradients.values()
    return [one for one in arrays if one is not None and np.ndim(one) == 2 and one.size <= LARGEST_SHOWN]


@every_account
def test_a_row_of_a_matrix_keeps_to_a_line(name: str) -> None:
    one = full_account(name)
    lines = [line.replace(" ", "") for line in shown(name, 80).splitlines()]
    for matrix in matrices(one):
        for row in matrix:
            text = f"[{','.join(number(float(value), 6) for value in row)}]"
            assert any(text in line for line in lines), text


def test_rows_of_a_matrix_stand_under_each_other() -> None:
    text = printed([Table(("value",), (("[[1, 2], [3, 4]]",),))])
    assert [line.rstrip() for line in text.splitlines()][-2:] == [" [[1, 2],", "  [3, 4]]"]


def test_rows_stand_under_each_other_behind_a_formula_too() -> None:
    text = printed([Table(("value",), (("W = [[1, 2], [3, 4]]",),))])
    assert [line.rstrip() for line in text.splitlines()][-2:] == [" W = [[1, 2],", "      [3, 4]]"]


@every_account
def test_nothing_is_lost_in_a_narrow_terminal(name: str) -> None:
    wide, narrow = (Counter(shown(name, width)) for width in (4000, 50))
    assert all(wide[sign] <= narrow[sign] for sign in wide if sign not in " ─\n")


@every(
    "text",
    ["[bold]x[/bold]", "[/]", "[red", ":smile:", "[link=http://a]b[/link]", "\\[x]"],
)
def test_users_text_is_no_markup(text: str) -> None:
    shown = printed([Headline(text), Table((text,), ((text,),)), Lines((text,))])
    assert shown.count(text) == 4


def test_a_name_that_looks_like_markup() -> None:
    spec = read_expression(Source("<expression>", "bold * red"), {"bold": [[1.0, 2.0], [3.0, 4.0]], "red": 2})
    assert "[[2, 4]," in printed(explain(spec).blocks())


def test_colour_only_where_it_is_wanted() -> None:
    blocks = full_account("sigmoid").blocks()
    assert "\x1b" not in printed(blocks)
    assert "\x1b[" in printed(blocks, color_system="standard", force_terminal=True)


def test_sums_are_bold_and_the_words_stay_the_same() -> None:
    blocks = full_account("two_paths").blocks()
    coloured = printed(blocks, color_system="standard", force_terminal=True)
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == printed(blocks)
    (sum_row,) = [line for line in coloured.splitlines() if "12 + 24" in line]
    assert re.match(r"\x1b\[1(;\d+)*m", sum_row)


@every_account
def test_ascii_terminals_get_ascii_rules(name: str) -> None:
    raw = io.TextIOWrapper(io.BytesIO(), encoding="ascii", errors="strict")
    console = Console(file=raw, width=80, color_system=None)
    with console.capture() as capture:
        for renderable in renderables(blocks_of(name)):
            console.print(renderable)
    text = in_encoding(capture.get(), "ascii")
    assert text.isascii()
    assert "?" not in text
