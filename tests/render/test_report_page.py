"""Reports as pages: all the numbers, a map of each array, inert text, and the same bytes each time."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
from invoking import invoke
from reports import MAKERS, report
from rows_of_a_table import every

import bpx
from bpx.check.report.figures import heat_maps
from bpx.render.blocks import Excerpt
from bpx.render.page.report import ReportPage, report_html

CODE = Path(__file__).parents[2] / "examples" / "code" / "two_layer_net.py"
VOID = {"meta", "input", "br"}
OPTIONAL = {"tr", "td", "th", "thead", "tbody", "p", "li"}


class Reader(HTMLParser):
    """The tags of a page, which must nest, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.open, self.text, self.tags = list[str](), list[str](), set[str]()

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)
        if tag not in VOID | OPTIONAL:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert tag in OPTIONAL or self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def read(page: str) -> Reader:
    reader = Reader()
    reader.feed(page)
    assert not reader.open
    return reader


@every("name", MAKERS)
def test_a_page_has_every_number_of_the_tables_and_is_small(name: str) -> None:
    made = report(name)
    page = made.to_html()
    assert page == made.to_html()
    text = " ".join(read(page).text)
    for block in made.blocks():
        for cells in getattr(block, "text_rows", ()):
            assert all(cell in text for cell in cells)
    assert len(page) < 30_000 + 100 * max(0, made.total - 50)
    assert not re.search(r"(?:src|href)=|url\(|@import", page)


def test_text_of_users_is_inert() -> None:
    hostile = bpx.parse("x^2", x=3.0)
    page = bpx.gradcheck(
        lambda x: x * x, [2.0], lambda g, x: x, names=["<script>alert(1)</script>"]
    ).to_html()
    assert "<script>alert" not in page
    assert read(hostile.gradcheck().to_html()).tags >= {"h1", "svg", "table"}


def test_a_map_shows_which_rows_and_columns_are_off() -> None:
    x, wrong = np.arange(1.0, 13.0).reshape(3, 4), np.arange(1.0, 13.0).reshape(3, 4) * 2
    wrong[1] *= -1
    wrong[0, 2] *= 1.001
    made = bpx.parse("sum(x*x)", x=x).gradcheck(claims={"x": wrong})
    [heat] = heat_maps(made.columns)
    assert heat.cells == ((0, 0, 1, 0), (3, 3, 3, 3), (0, 0, 0, 0))
    assert (heat.rows, heat.columns, heat.whole) == ("1", "", True)
    assert "Off throughout: rows 1." in made.to_html()


def test_of_a_large_array_cells_show_the_worst() -> None:
    x = np.ones((100, 130))
    wrong = 2 * x
    wrong[99, 129] = 5.0
    [heat] = heat_maps(bpx.parse("sum(x*x)", x=x).gradcheck(claims={"x": wrong}, causes=False).columns)
    assert heat.pooled == (3, 3)
    assert (len(heat.cells), len(heat.cells[0])) == (34, 44)
    assert [(row, at) for row, cells in enumerate(heat.cells) for at, cell in enumerate(cells) if cell] == [
        (33, 43)
    ]


def test_files_by_their_endings(tmp_path: Path) -> None:
    claim = ["gradcheck", "logistic_regression", "--claim", "z = y - a", "--why", "w[0]"]
    page, picture = tmp_path / "a.html", tmp_path / "a.svg"
    invoke(*claim, "-o", str(page), exit=1)
    shown = page.read_text(encoding="utf-8")
    assert {"polyline", "svg", "table", "script"} <= read(shown).tags
    assert "the mistake is here" in shown
    invoke(*claim, "-o", str(picture), exit=1)
    assert picture.read_text(encoding="utf-8").startswith("<svg")


def test_the_wrong_line_of_code_is_shown_among_its_neighbours() -> None:
    page = bpx.gradcheck(f"{CODE}:forward,backward").to_html()
    [listing] = re.findall(r"<pre .*?</pre>", page, re.DOTALL)
    assert re.findall("<mark>(.*?)</mark>", listing) == ["19  dZ1 = (dZ2 @ W2.T) * (1 - A1)"]
    assert re.findall("<ins>(.*?)</ins>", listing) == ["    dZ1 = (dZ2 @ W2.T) * (1 - A1 ** 2)"]
    assert listing.count("\n") == 1 + 8 - 1


def test_a_map_says_so_where_no_entry_agrees() -> None:
    page = bpx.parse("sum(x*x)", x=[1.0, 2.0]).gradcheck(claims={"x": [1.0, 1.0]}).to_html()
    assert "x (2). No entry agrees." in page


def test_carets_stand_below_their_line() -> None:
    page = report_html(ReportPage([Excerpt("dy = <2h>", 5, 9)]))
    assert "<pre>dy = &lt;2h&gt;\n     ^^^^</pre>" in page
