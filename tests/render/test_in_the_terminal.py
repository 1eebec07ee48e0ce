"""Trees, rails, named nodes and chosen digits: in every form the numbers are those of the JSON, and whole."""

from __future__ import annotations

import io
import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
from invoking import invoke
from rich.cells import cell_len
from rich.console import Console
from rows_of_a_table import every

import bpx
from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.render.blocks import Phrase, Table, Value
from bpx.render.table import renderables
from bpx.spec.reading.examples import example_names
from bpx.spec.reading.read import read_spec
from bpx.words.diagnostic import Source
from bpx.words.say import in_encoding

WAYS: dict[str, dict[str, Any]] = {
    "tables": {},
    "named": {"named": True},
    "tree": {"tree": True},
    "rail": {"rail": True},
    "named tree": {"named": True, "tree": True, "digits": 3},
    "named rail": {"named": True, "rail": True, "digits": 9},
}
OTHERS = ("tables", "named tree", "named rail")  # the values of the rest are the same
EVERY_WAY = [(name, way) for name in example_names() for way in OTHERS]
TEXTS = ("plain", "markdown", "latex")
SHAPE = re.compile(r"^\([\d×]+\)")  # of an array that is summed up
NUMBER = re.compile(r"(?<![\w.])-?\d[\d.]*(?:e-?\d+)?(?![\w.]*\w)")


@cache
def explained(name: str, way: str) -> Explanation:
    return bpx.load(name).explain(check=False, **WAYS[way])


def printed(shown: Explanation, width: int, **options: Any) -> str:
    console = Console(file=io.StringIO(), width=width, **{"color_system": None, **options})
    for renderable in renderables(shown.blocks()):
        console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]


def numbers_of(plain: Any) -> Iterator[float]:
    """Every number in a JSON document."""
    if isinstance(plain, dict | list):
        for part in plain.values() if isinstance(plain, dict) else plain:
            yield from numbers_of(part)
    elif isinstance(plain, float | int):
        yield float(plain)


def written(value: float, digits: int) -> str:
    """A number as people read it, worked out here: -0 is 0, whole numbers are in full."""
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    mantissa, _, exponent = f"{value:.{digits}g}".partition("e")
    return f"{mantissa}e{int(exponent)}" if exponent else mantissa


def values_of(shown: Explanation) -> Iterator[str]:
    """The text of each value in a cell."""
    for block in shown.blocks():
        for row in block.rows if isinstance(block, Table) else ():
            for cell in row:
                pieces = cell.pieces if isinstance(cell, Phrase) else (cell,)
                yield from (str(piece) for piece in pieces if isinstance(piece, Value))


@every("name, way", EVERY_WAY)
def test_every_value_shown_is_one_of_the_json(name: str, way: str) -> None:
    shown, digits = explained(name, way), WAYS[way].get("digits", 6)
    known = {written(value, digits) for value in numbers_of(json.loads(shown.to_json()))}
    values = list(values_of(shown))
    found = {token for text in values for token in NUMBER.findall(SHAPE.sub("", text))}
    assert values
    assert found <= known
    assert "-0" not in found


@every("name, way", EVERY_WAY)
def test_every_form_has_the_same_values(name: str, way: str) -> None:
    shown = explained(name, way)
    wanted = {token for text in values_of(shown) for token in NUMBER.findall(SHAPE.sub("", text))}
    for form in TEXTS:
        text = (
            re.sub(r" \\cdot 10\^\{(-?\d+)\}", r"e\1", shown.to(form)).replace("{-}", "-").replace("\\", " ")
        )
        assert wanted <= set(NUMBER.findall(text)), form


@every("place, name", enumerate(example_names()))
def test_numbers_are_whole_at_every_width(place: int, name: str) -> None:
    """The widths from 40 to 200 go round the examples, so that each has some."""
    for turn, way in enumerate([*WAYS][place % 2 :: 2]):
        width = 40 + (29 * place + 67 * turn) % 161
        shown = explained(name, way)
        text = printed(shown, width)
        assert Counter(NUMBER.findall(text)) == Counter(NUMBER.findall(shown.to("plain"))), (way, width)
        assert max(map(cell_len, text.splitlines())) <= width, (way, width)


@every("name", ["mazur_network", "recurrent_cell", "attention_three_tokens"])
def test_80_columns_are_enough_for_a_tree_and_a_rail(name: str) -> None:
    for way in ("tree", "rail"):
        assert "─" * 40 in printed(explained(name, way), 80)


@every("name", example_names())
def test_edges_between_named_nodes_add_up(name: str) -> None:
    shown, whole = explained(name, "named"), explained(name, "tables")
    own = set(bpx.load(name).own_names.values()) | {whole.names[whole.output]}
    gradients = {row.id: row.upstream for row in whole.nodes}
    arriving: dict[int, Any] = {}
    assert {row.name for row in shown.nodes} == own
    for edge in shown.edges:
        assert {shown.names[edge.consumer], shown.names[edge.arg]} <= own
        arriving[edge.arg] = arriving.get(edge.arg, 0.0) + edge.contribution
        if edge.local is not None and not edge.summed:
            np.testing.assert_allclose(edge.upstream * edge.local, edge.contribution, 1e-12, 1e-15)
        unnamed = {part.name for part in edge.local_formula.symbols} - own
        assert not {name for name in unnamed if re.fullmatch(r"(\w+\.)?v\d+", name)}
    for node, total in arriving.items():
        np.testing.assert_allclose(total, gradients[node], rtol=1e-12, atol=1e-15)


def test_the_line_of_the_textbook() -> None:
    text = bpx.load("mazur_network").explain(named=True, check=False).to("plain")
    assert re.search(r"net_o1 → w5 +0\.138499  out_h1 = 0\.59327 +0\.082167", text)
    assert not re.search(r"\bv\d", text)


def test_nodes_asked_for_count_as_named() -> None:
    shown = bpx.parse("sin(x * y)", x=2, y=3).explain(wrt=["v1", "x"], named=True, check=False)
    assert [shown.names[edge.arg] for edge in shown.edges] == ["v1", "x"]


def test_an_unnamed_node_cannot_be_opened_among_named_ones() -> None:
    assert "unknown-node" in invoke("explain", "mazur_network", "--named", "--node", "v1", exit=2).stderr
    assert invoke("explain", "mazur_network", "--node", "v1").stdout


@every("name", example_names())
def test_a_tree_has_every_node_in_one_place(name: str) -> None:
    shown = explained(name, "tree")
    rows = json.loads(shown.to_json())["tree"]
    constants = {row.id for row in shown.nodes if row.op == "constant"}
    placed = Counter(row["node"] for row in rows if not row["again"])
    assert placed == Counter({row.id for row in shown.nodes} - constants)
    args = Counter((row.id, arg) for row in shown.nodes for arg in {*row.args} - constants)
    assert Counter((row["below"], row["node"]) for row in rows if row["below"] is not None) == args


UP, DOWN = set("│├┤┼╰╯●"), set("│├┤┼╭╮●")


def test_lanes_are_never_interrupted() -> None:
    for name in example_names():
        for way in ("rail", "named rail"):
            shown = explained(name, way)
            rails = [rail for block in shown.blocks() if isinstance(block, Table) for rail in block.rails]
            for above, below in pairwise(rails):
                for at, sign in enumerate(above.rest):
                    sign_below = below.first[at] if at < len(below.first) else " "
                    assert sign in "│ "
                    assert sign != "│" or sign_below in UP, (name, above, below)
                    assert sign_below not in UP - {"●"} or sign == "│", (name, above, below)


def test_digits_change_what_people_see_alone() -> None:
    spec = bpx.parse("z = w*x + b; L = (sigmoid(z) - y)^2; y = 1", w=1 / 3, x=2, b=-1)
    usual, few = spec.explain(step=1 / 7), spec.explain(step=1 / 7, digits=3)
    assert usual.to_json() == few.to_json()
    shown = NUMBER.findall(few.to("plain"))
    assert max(len(number.partition("e")[0].lstrip("-0.").replace(".", "")) for number in shown) == 3
    assert "0.3333333333" in spec.explain(digits=10).to("plain")
    assert "bad-digits" in str(_refusal(digits=18)) and "bad-digits" in str(_refusal(digits=0))


def _refusal(**options: Any) -> list[str]:
    try:
        bpx.parse("x", x=1).explain(**options)
    except bpx.BpxError as error:
        return [diagnostic.code for diagnostic in error.diagnostics]
    return []


def test_what_does_not_go_together() -> None:
    assert _refusal(named=True, paths=[]) == ["paths-of-named"]
    assert _refusal(forward=True, tree=True) == ["worksheet-alone"]
    assert _refusal(forward=True, rail=True) == ["worksheet-alone"]


def test_the_derivation_has_the_digits_too() -> None:
    text = invoke("explain", "sigmoid", "--part", "derivation", "--digits", "3").stdout
    assert "0.378" in text or "0.235" in text
    assert not re.search(r"\d\.\d{4}", text)


HOSTILE = json.dumps(
    {
        "bpx": 1,
        "title": "[bold]a[/bold] \x1b[31m \u202e <script>\n\\input{x} | $b$",
        "inputs": {"損失": -0.0, "a_b": [[1.5, -22.25], [-0.0, 3.0]]},
        "graph": {"x.y_z": "損失 * sum(a_b)", "L": "x.y_z^2 + 損失"},
    }
)


@every("way, form", [(way, form) for way in WAYS for form in ("table", *TEXTS)])
def test_what_users_write_is_inert(way: str, form: str) -> None:
    out = explain(read_spec(Source("h.json", HOSTILE), "json"), check=False, **WAYS[way]).to(form)
    assert not set("\x1b\u202e") & set(out)
    assert form != "latex" or "\\input" not in out
    assert form != "markdown" or not re.search(r"(?<!\\)[<\[]", out)
    assert form in ("latex", "markdown") or "[bold]a[/bold]" in out
    assert not re.search(r"(?<![\w.e])-0(?![\w.])", re.sub(r"= -0\b", "", out))


@every("way", WAYS)
def test_ascii_terminals_and_pipes(way: str) -> None:
    text = in_encoding(printed(explained("mazur_network", way), 80, safe_box=True), "ascii")
    assert "?" not in text
    assert "\x1b" not in invoke("explain", "mazur_network", "--no-check", "--tree").stdout
