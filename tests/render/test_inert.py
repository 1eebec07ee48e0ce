"""Text of users is inert: nothing that reads one of bpx's forms obeys it, wherever the text stands.

Names of nodes, of files and of layers, titles, claims, lines of code and facts of sentences are all the same
hostile text, in every form that an explanation, a report, a picture and a training's curve can take.
"""

from __future__ import annotations

import ast
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as xml

import pytest
from reports import column
from rich.console import Console
from rows_of_a_table import every

import bpx
from bpx.check.report.blame import Blame, CodeLine, Mistake
from bpx.check.report.entry import Verdict
from bpx.check.report.report import Report
from bpx.explain.explain import explain
from bpx.render.forms import forms_of
from bpx.render.picture.picture import Card, Edge, Frame, Kind, Picture
from bpx.words.diagnostic import Diagnostic, Source, Span

HOSTILE = (
    "[bold]b[/bold] [link=https://x.y]z[/link] \x1b[31mred\x1b[0m \x07 <script>alert(1)</script> </script>"
    '<img src=x onerror="alert(2)"> --> ]]> &lt; \\input{/etc/passwd} \\end{tikzpicture}$x$ %c #h ~t ^^41 '
    '{a} "q" \'r\' `s` """ \'\'\' \\" | *i* _u_ ![p](http://x.y) \r\n# h\n```\n- l \u202eLTR \u2066iso\u2069 '
    "\u200bzero \ud800 \u2028end ;click n1 call alert() %%{init: {}}%%"
)
OBEYED = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff]")


def hostile_source() -> Span:
    source = Source(
        HOSTILE, f"def backward(g):\n    dz = g  # {' '.join(HOSTILE.splitlines())}\n    return dz\n"
    )
    start = source.text.index("dz")
    return Span(source, start, source.text.index("\n", start))


def explanation() -> Any:
    spec = bpx.parse("w*x + sum(A)", w=2.0, x=3.0, A=[[1.0, 2.0], [3.0, 4.0]])
    names = {"w": HOSTILE, "x": "x", "A": HOSTILE + "2"}
    inputs = tuple(each._replace(name=names[each.name]) for each in spec.inputs)
    [node] = spec.steps.values()
    warning = Diagnostic("native-code", hostile_source(), {"name": HOSTILE}, severity="note")
    hostile = replace(spec, title=HOSTILE, inputs=inputs, steps={HOSTILE + "3": node}, warnings=(warning,))
    return explain(hostile, second=True, paths=["x"])


def report() -> Report:
    span, names = hostile_source(), (HOSTILE,)
    code = CodeLine(span, span.text, HOSTILE, HOSTILE, names, gradient_of=HOSTILE)
    mistake = Mistake.of("formula", formula=HOSTILE)
    by_line = Blame(HOSTILE, HOSTILE, None, None, (mistake,), claim=True, code=code)
    of_claim = Blame(HOSTILE, HOSTILE, HOSTILE, span, (), claim=True, heirs=names, also=names)
    wrong = column(HOSTILE, [[1.0, 2.0], [3.0, 4.0]], 1.0, verdicts=Verdict.DISAGREE)
    note = Diagnostic("native-code", span, {"name": HOSTILE}, severity="note")
    told: dict[str, Any] = {"blame": (by_line, of_claim), "innocent": names, "notes": (note,)}
    return Report(HOSTILE, HOSTILE, (wrong,), **told, drawing=lambda _: picture(), again=HOSTILE)


def picture() -> Picture:
    lines = (HOSTILE, HOSTILE)
    cards = [
        Card(at, HOSTILE, HOSTILE, kind, HOSTILE, lines, lines, HOSTILE, HOSTILE, nodes=(at,))
        for at, kind in enumerate((Kind.INPUT, Kind.OP))
    ]
    edges = (Edge(0, 1, HOSTILE),)
    return Picture(HOSTILE, HOSTILE, tuple(cards), edges, (Frame(HOSTILE, (1,)),))


MAKERS: dict[str, Callable[[], Any]] = {"explanation": explanation, "report": report, "picture": picture}
TEXTS = ("_repr_html_", "_repr_latex_", "__str__", "__repr__")


def forms(shown: Any) -> dict[str, str]:
    """What is written of it: by each form that is text, and for a notebook and a terminal."""
    texts = {form.name: form.text(shown) for form in forms_of(shown.kind) if not form.is_binary}
    return texts | {verb: text for verb in TEXTS if (text := getattr(shown, verb)()) is not None}


class Elements(HTMLParser):
    """What a browser makes of a page: its elements, its attributes and the text of its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags, self.attributes, self.scripts = list[str](), set[str](), list[str]()
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1] == "script" and self.cdata_elem:
            self.scripts[-1] += data


def html_is_inert(text: str) -> None:
    page = Elements(text)
    assert "onerror" not in page.attributes
    assert not {"a"} & set(page.tags)
    assert page.tags.count("script") == text.count("<script>") <= 1
    assert all(tag != "img" or 'src="data:image/svg+xml' in text for tag in page.tags)
    assert page.tags.count("img") <= 1


def xml_is_inert(text: str) -> None:
    tags = {element.tag.split("}")[-1] for element in xml.fromstring(text).iter()}
    assert not tags & {"script", "img", "a"}


def tex_is_inert(text: str) -> None:
    assert not re.search(r"\\(input|ifx|write|def|csname)\b", text)
    assert text.count("\\end{tikzpicture}") == text.count("\\begin{tikzpicture}")
    assert "^^" not in text
    assert len(re.findall(r"(?<!\\)\$", text)) % 2 == 0


def outside_of_quotes(text: str) -> str:
    return re.sub(r'"(?:[^"\\]|\\.)*"', "", text)


def dot_is_inert(text: str) -> None:
    assert not re.search("script|bold|alert|input", outside_of_quotes(text))


def mermaid_is_inert(text: str) -> None:
    rest = re.sub(r'"[^"\n]*"', "", text)
    sentences = [line.strip() for line in text.splitlines() if line.strip().startswith(("accT", "accD"))]
    graph = [line for line in rest.splitlines() if not line.strip().startswith(("accT", "accD"))]
    assert not re.search("script|bold|alert|init|click", "\n".join(graph))
    assert not re.search("[<>{}%;#]", "".join(sentences))


def markdown_is_inert(text: str) -> None:
    """In a code span nothing is obeyed; it ends with the next backtick of any kind."""
    sentences = re.sub(r"```\w*\n.*?\n```", "", text, flags=re.DOTALL)
    sentences = re.sub(r"(?<![\\`])`[^`\n]+`(?!`)", "", sentences)
    assert not re.search(r"(?<!\\)(<|!\[|\]\(|\$|`|\*i\*)", sentences)
    assert not re.search(r"^(# h|- l|```$)", sentences, re.MULTILINE)


def json_is_inert(text: str) -> None:
    text.encode()
    assert HOSTILE in json.dumps(json.loads(text), ensure_ascii=False) or HOSTILE in str(json.loads(text))


CHECKS: dict[str, Callable[[str], None]] = {
    "html": html_is_inert,
    "_repr_html_": html_is_inert,
    "svg": xml_is_inert,
    "junit": xml_is_inert,
    "latex": tex_is_inert,
    "_repr_latex_": tex_is_inert,
    "tikz": tex_is_inert,
    "dot": dot_is_inert,
    "mermaid": mermaid_is_inert,
    "markdown": markdown_is_inert,
    "json": lambda text: json.loads(text) and None,
}


@every("maker", MAKERS)
def test_text_of_users_is_inert(maker: str) -> None:
    for name, text in forms(MAKERS[maker]()).items():
        assert not OBEYED.search(text), name
        if name in CHECKS:
            CHECKS[name](text)


def test_markup_of_a_terminal_is_text() -> None:
    console = Console(force_terminal=True, color_system="truecolor", width=4000, record=True)
    with console.capture() as capture:
        console.print(report())
    assert "[bold]b[/bold]" in capture.get()
    assert "\x1b]8" not in capture.get(), "a link"
    assert "\x1b[31mred" not in capture.get()


def test_json_gives_the_text_back() -> None:
    for make in (explanation, report):
        shown = make()
        assert json.loads(shown.to_json())["title"] == HOSTILE


def test_a_diagnostic_shows_the_text_and_obeys_nothing() -> None:
    [note] = report().notes
    assert not OBEYED.search(str(note))


@every("library", ["numpy", "torch", "jax"])
def test_a_title_is_no_code(library: str) -> None:
    module = ast.parse(replace(bpx.load("sigmoid"), title=HOSTILE).to_code(library))
    assert not any(isinstance(node, ast.Call) and "alert" in ast.dump(node) for node in ast.walk(module))


@pytest.mark.skipif(not shutil.which("pdflatex"), reason="needs pdfLaTeX")
def test_latex_with_such_text_compiles(tmp_path: Path) -> None:
    (tmp_path / "it.tex").write_text(report().to_latex(), encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "it.tex"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert result.returncode == 0, result.stdout[-2000:]
