r"""LaTeX: it compiles, nothing that users wrote is obeyed, and every number is one of the JSON."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from accounts import NAMES, full_account
from reports import MAKERS, report
from rows_of_a_table import every

import bpx
from bpx.graph.formula import formula, numbers, words
from bpx.graph.graph import OPS, Graph
from bpx.graph.notation_latex import escaped
from bpx.graph.numbers import number
from bpx.render.blocks import Curve, Heading, Headline, Lines, Phrase, Table, Value
from bpx.render.latex import latex
from bpx.spec.reading.examples import example_names

ENGINE = shutil.which("pdflatex")
COMMAND = re.compile(r"\\([a-zA-Z]+|.)", re.DOTALL)
_WORDS = (
    "LTleft alpha approx arccos arcsin arctan arraystretch begin beta bfseries boldmath c cdot circle cos "
    "cosh delta det documentclass end endhead footnotesize frac gamma ge hline infty item lambda lceil "
    "ldots le left lfloor log mathrm max min mu ne odot operatorname parindent partial pi pm put r rceil "
    "renewcommand rfloor rho right rightarrow section setlength sigma sin sinh sqrt ss subsection surd "
    "tan tanh text textasciicircum textasciigrave textasciitilde textbackslash textbar textemdash "
    "textgreater textless textquotedblleft textquotedblright textquoteright texttt theta times top "
    "usepackage v"
)
KNOWN = {*_WORDS.split(), *r"\,;|{}$&#%_'`^~", '"', " "}
WORDS = re.compile(r"\\text\{(?:[^{}]|\{[^{}]*\})*\}")
NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?: \\cdot 10\^\{-?\d+\})?(?:e-?\d+)?(?![\w.])")


def document(name: str) -> str:
    return full_account(name).to_latex()


def groups_balance(text: str) -> bool:
    depth = 0
    for token in re.findall(r"\\.|[{}]", text, re.DOTALL):
        depth += {"{": 1, "}": -1}.get(token, 0)
        assert depth >= 0
    return depth == 0


def environments_balance(text: str) -> bool:
    open_ones: list[str] = []
    for kind, name in re.findall(r"\\(begin|end)\{(\w+)\}", text):
        if kind == "begin":
            open_ones.append(name)
        else:
            assert open_ones.pop() == name
    return not open_ones


def assert_is_sound(text: str) -> None:
    assert groups_balance(text)
    assert environments_balance(text)
    assert set(COMMAND.findall(text)) <= KNOWN
    assert text.count(r"\left") - text.count(r"\leftarrow") == text.count(r"\right") - text.count(
        r"\rightarrow"
    )
    assert text.isascii()


def assert_compile(texts: Iterable[str], folder: Path) -> None:
    """Each of the documents compiles: in one run, since all begin alike and most of a run is its start."""
    heads, bodies = zip(*(text.split("\\begin{document}") for text in texts), strict=True)
    assert len(set(heads)) == 1
    body = "\\clearpage".join(body.removesuffix("\\end{document}\n") for body in bodies)
    whole = f"{heads[0]}\\begin{{document}}{body}\\end{{document}}\n"
    (folder / "all.tex").write_text(whole, encoding="utf-8")
    command = [str(ENGINE), "-halt-on-error", "-interaction=nonstopmode", "all.tex"]
    result = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert result.returncode == 0, result.stdout[-2000:]


with_engine = pytest.mark.skipif(ENGINE is None, reason="no LaTeX here")


@every("name", NAMES)
def test_an_explanation_is_sound(name: str) -> None:
    assert_is_sound(document(name))


@every("name", MAKERS)
def test_a_report_is_sound(name: str) -> None:
    assert_is_sound(report(name).to_latex())


@with_engine
def test_explanations_compile(tmp_path: Path) -> None:
    assert_compile(map(document, NAMES), tmp_path)


@with_engine
def test_reports_compile(tmp_path: Path) -> None:
    assert_compile((report(name).to_latex() for name in MAKERS), tmp_path)


@with_engine
def test_the_checks_of_examples_compile(tmp_path: Path) -> None:
    assert_compile((bpx.load(name).gradcheck().to_latex() for name in example_names()), tmp_path)


# --- numbers ------------------------------------------------------------------------------------


def numbers_in(plain: object) -> Iterator[float]:
    if isinstance(plain, dict):
        for value in plain.values():
            yield from numbers_in(value)
    elif isinstance(plain, list):
        for value in plain:
            yield from numbers_in(value)
    elif isinstance(plain, int | float) and not isinstance(plain, bool):
        yield float(plain)
    elif isinstance(plain, str):  # formulas and sentences
        yield from map(float, re.findall(r"-?\d+(?:\.\d+)?(?:e-?\d+)?", plain))


def numbers_shown(text: str) -> set[str]:
    r"""The numbers of the cells of tables, as `number` writes them."""
    rows = [WORDS.sub(" ", line) for line in text.split("\n") if line.endswith(r" \\")]
    cells = [cell for row in rows for cell in re.findall(r"\$([^$]*)\$", row)]
    plain = [re.sub(r"_\{[^}]*\}|\^\{(?!-?\d+\})[^}]*\}", " ", cell) for cell in cells]
    found = {match for cell in plain for match in NUMBER.findall(cell)}
    return {re.sub(r" \\cdot 10\^\{(-?\d+)\}", r"e\1", one) for one in found}


def assert_numbers_are_those_of(text: str, plain: object) -> None:
    exact = set(numbers_in(plain))
    assert numbers_shown(text) <= {
        number(value, digits) for value in exact for digits in (*range(1, 18), None)
    }


@every("name", NAMES)
def test_every_number_of_an_explanation_stands_in_the_json(name: str) -> None:
    assert_numbers_are_those_of(document(name), json.loads(full_account(name).to_json()))


@every("name", example_names())
def test_every_number_of_a_check_stands_in_the_json(name: str) -> None:
    checked = bpx.load(name).gradcheck(all=True)
    assert_numbers_are_those_of(checked.to_latex(), json.loads(checked.to_json()))


def test_a_rounded_negative_zero_has_no_sign() -> None:
    assert numbers(-0.0, 6).latex() == "0"


# --- what users wrote ---------------------------------------------------------------------------

HOSTILE = r"\input{/etc/passwd} %#$&_^~{}<>|\"'` -- ∂σ→é中 [a]*" + "\n" + r"\end{document}"


def test_text_is_inert() -> None:
    assert set(COMMAND.findall(escaped(HOSTILE))) <= KNOWN
    assert r"\input" not in escaped(HOSTILE)
    assert r"\end" not in escaped(HOSTILE)
    assert groups_balance(escaped(HOSTILE))


@every("char", [chr(code) for code in range(32, 127)] + list("∂σ→é中ß…²"))
def test_no_character_breaks_the_text(char: str) -> None:
    text = escaped(char)
    assert text.isascii()
    assert groups_balance(text)
    assert set(COMMAND.findall(text)) <= KNOWN


def whole_page() -> str:
    deep = Graph()
    node = deep.input()
    for _ in range(300):
        node = deep.add(OPS["exp"], node)
    cell = formula(deep, node.id, {0: HOSTILE})
    row = (
        HOSTILE,
        cell,
        Value(np.array([[1.5, -2e-7]])),
        Phrase((words(HOSTILE), " = ", numbers(float("inf")))),
    )
    return latex(
        [
            Headline(HOSTILE),
            Heading(HOSTILE),
            Table(tuple("abcd"), (row, row), frozenset({1}), frozenset({1})),
            Lines((HOSTILE,)),
            Curve((3.0, 2.0, 1e-9)),
        ]
    )


def test_a_hostile_page_is_sound() -> None:
    assert_is_sound(whole_page())


@with_engine
def test_a_hostile_page_compiles(tmp_path: Path) -> None:
    assert_compile([whole_page()], tmp_path)
