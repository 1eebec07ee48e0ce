"""Objects in a notebook: every number of the tables, the picture as it is, and nothing that is obeyed."""

from __future__ import annotations

import shutil
import subprocess
from base64 import b64decode
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from accounts import full_account
from reports import MAKERS, report
from rows_of_a_table import every

import bpx
from bpx.render.blocks import Curve, Heading, Headline, Lines, Table
from bpx.render.notebook import fragment
from bpx.render.picture import layout
from bpx.render.picture.placing import engines
from bpx.words.say import visible

ACCOUNTS = ("square of a sum", "a weighted output", "kinks", "mazur_network", "lstm_cell")
HOSTILE = r"""
bpx = 1
title = "</div><script>alert(1)</script> <img src=x onerror=y> $x^2$ \u202e \u001b[1m \"q\""
[inputs]
x = 1
[graph]
y = "x<2"
"""
HARMLESS = {*"div h3 h4 p img table thead tbody tr th td ul li span strong code".split()}  # noqa: SIM905
needs_engine = pytest.mark.skipif(engines.engine() is None, reason="needs the extra `draw`")


class Reader(HTMLParser):
    """The elements of a fragment, the texts of its tables and items, and whether every element is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.attrs: list[dict[str, str | None]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.attrs.append(dict(attrs))
        if tag in ("td", "th", "li", "h3", "h4", "pre"):
            self.texts.append((tag, ""))
        if tag != "img":
            self.open.append(tag)
        self.quote(tag)

    def handle_endtag(self, tag: str) -> None:
        self.quote(tag)
        assert self.open.pop() == tag

    def quote(self, tag: str) -> None:
        """Code stands in backticks elsewhere."""
        if tag == "code":
            self.handle_data("`")

    def handle_data(self, data: str) -> None:
        if {"td", "th", "li", "h3", "h4", "pre"} & set(self.open):
            tag, text = self.texts[-1]
            self.texts[-1] = tag, text + data


def expected(blocks: list[Any]) -> list[tuple[str, str]]:
    texts: list[tuple[str, str]] = []
    for block in blocks:
        if isinstance(block, Headline | Heading):
            texts.append(("h3" if isinstance(block, Headline) else "h4", str(block.text)))
        elif isinstance(block, Table):
            heads = [block.rail_header] * bool(block.rails) + [*block.headers]
            texts += [("th", text) for text in heads]
            for number, row in enumerate(block.text_rows):
                texts += [("td", rail.first) for rail in block.rails[number : number + 1]]
                texts += [("td", text) for text in row]
        elif isinstance(block, Lines):
            texts += [("li", str(text)) for text in block.texts]
    return texts


@every("name", ACCOUNTS)
def test_an_explanation_has_every_cell(name: str) -> None:
    blocks = full_account(name).blocks()
    assert Reader(fragment(blocks)).texts == expected(blocks)


@every("name", MAKERS)
def test_a_report_has_every_cell(name: str) -> None:
    texts = [(tag, visible(text)) for tag, text in expected(report(name).blocks())]
    assert Reader(report(name)._repr_html_()).texts == texts


def test_rails_and_curves() -> None:
    tree = bpx.load("two_paths").explain(rail=True)
    assert Reader(tree._repr_html_()).texts == expected(tree.blocks())
    curve = Reader(fragment([Curve((3.0, 2.0, 1.0))]))
    assert curve.tags == {"div", "pre"}
    assert curve.texts[0][1].startswith("3 ")


@needs_engine
def test_the_picture_is_an_image() -> None:
    explanation = bpx.parse("(x+y)^2", x=3, y=-1).explain()
    reader = Reader(explanation._repr_html_())
    image = next(attrs for attrs in reader.attrs if "src" in attrs)
    kind, _, data = str(image["src"]).partition(",")
    assert kind == "data:image/svg+xml;base64"
    assert b64decode(data).decode() == explanation.to_svg()
    assert ElementTree.fromstring(b64decode(data)).tag.endswith("svg")
    assert image["alt"] == explanation.picture().description
    assert Reader(explanation.picture()._repr_html_()).tags >= {"img"}


def kinds(shown: Any, **options: Any) -> list[str]:
    return list(shown._repr_mimebundle_(**options))


@needs_engine
def test_one_bundle_has_every_form_the_richest_first() -> None:
    spec = bpx.parse("x^2", x=3)
    explanation = spec.explain()
    assert kinds(explanation) == ["text/html", "text/latex", "text/plain"]
    assert kinds(explanation.picture()) == ["text/html", "image/svg+xml", "text/plain"]
    assert explanation.picture()._repr_svg_() == explanation.to_svg()
    # With SVG in a notebook, `nbconvert --to latex` ends where there is no Inkscape.
    assert not hasattr(explanation, "_repr_svg_")
    assert kinds(explanation.page()) == ["text/html", "text/plain"]
    assert kinds(spec.gradcheck()) == ["text/html", "text/latex", "text/plain"]
    assert kinds(explanation, include=["text/html", "text/plain"]) == ["text/html", "text/plain"]
    assert kinds(explanation, exclude={"text/html"}) == ["text/latex", "text/plain"]
    bundle = explanation._repr_mimebundle_()
    assert bundle["text/html"] == explanation._repr_html_()
    assert bundle["text/latex"] == explanation._repr_latex_()


def test_without_a_layout_library_there_are_tables_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(layout, "engine", lambda: None)
    explanation = bpx.parse("x^2", x=3).explain()
    assert explanation.picture()._repr_svg_() is None
    assert "img" not in Reader(explanation._repr_html_()).tags
    assert kinds(explanation) == ["text/html", "text/latex", "text/plain"]
    assert kinds(explanation.picture()) == ["text/html", "text/plain"]


def test_a_page_stands_in_a_frame_of_its_own() -> None:
    page = bpx.load(HOSTILE).explain().page()
    frame = next(attrs for attrs in Reader(page._repr_html_()).attrs if "srcdoc" in attrs)
    assert frame["srcdoc"] == page.to("html")
    assert frame["sandbox"] == "allow-scripts"
    assert frame["title"]


def test_what_users_wrote_is_not_obeyed() -> None:
    text = bpx.load(HOSTILE).explain()._repr_html_()
    assert Reader(text).tags <= HARMLESS
    assert all(set(attrs) <= {"style", "src", "alt"} for attrs in Reader(text).attrs)
    assert "$x" not in text  # a formula to MathJax
    assert not {"\u202e", "\x1b"} & set(text)


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no LaTeX here")
def test_latex_stands_in_documents_of_others(tmp_path: Path) -> None:
    parts = [str(shown._repr_latex_()) for shown in (full_account("kinks"), report("hostile_names"))]
    head = r"\documentclass{article}\usepackage{amsmath,longtable}\begin{document}"
    text = "\n".join([head, *parts, r"\end{document}"])
    (tmp_path / "it.tex").write_text(text, encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "it.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
