"""Pictures: what is on them, where it is, and that nothing in them is obeyed."""

from __future__ import annotations

import importlib.util
import json
import re
from itertools import pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from random_pictures import faults, random_picture
from rows_of_a_table import every

from bpx.check.gradcheck import gradcheck
from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.explain.picture.marks import marks_of
from bpx.explain.picture.picture import PictureOptions
from bpx.graph.numbers import number
from bpx.render.picture.choices import Pass, Style
from bpx.render.picture.layout import layout
from bpx.render.picture.picture import Card, Edge, Kind, Mark, Picture
from bpx.render.picture.placing.geometry import (
    Box,
    Geometry,
    Route,
    crossings,
)
from bpx.render.picture.raster import pdf, png
from bpx.render.picture.tikz import tikz
from bpx.spec.reading.claims import read_claim, with_claims
from bpx.spec.reading.examples import example_names
from bpx.spec.reading.target import read_target, read_text
from bpx.words.diagnostic import BpxError, Source

needs_engine = pytest.mark.skipif(
    not importlib.util.find_spec("graphlay"), reason="needs the extra `draw`, which has graphlay"
)
PLAIN = (
    "square_of_sum",
    "logistic_regression_scalars",
    "mazur_network",
    "attention_three_tokens",
    "lstm_cell",
)


def explained(name: str) -> Explanation:
    return explain(read_target(name), check=False)


def of_text(text: str, **values: object) -> Explanation:
    return explain(read_text(Source("<text>", text), values), check=False)


def heads(picture: Picture) -> list[str]:
    return [card.head for card in picture.cards]


# --- what is on a picture ---


def test_constants_are_part_of_the_op() -> None:
    assert heads(of_text("1/(1 + exp(-1*x))", x=0.5).picture()) == ["x", "−1 ×", "exp", "1 +", "out = 1 /"]
    assert heads(of_text("leaky_relu(x - 2, 0.2)", x=1).picture()) == ["x", "− 2", "out = leaky_relu(·, 0.2)"]


def test_sums_without_a_name_are_part_of_the_sum_that_takes_them() -> None:
    picture = of_text("s = a + b + 3 + c; s*s", a=1, b=2, c=3).picture()
    assert heads(picture) == ["a", "b", "c", "s = + 3", "out = ×"]
    assert [edge.contribution for edge in picture.edges] == ["", "", "", "9 + 9"]
    named = of_text("t = a + b; s = t + c; s^2", a=1, b=2, c=3).picture()
    assert heads(named) == ["a", "b", "c", "t = +", "s = +", "out = ^ 2"]


def test_cards_of_many_ops_are_not_called_sums() -> None:
    terms = " + ".join(f"sin({count} * x)" for count in range(1, 90))
    assert heads(of_text(terms, x=0.3).picture()) == ["x", "out = 266 nodes"]
    wide = of_text(" + ".join(["x * y", *("123456.789" for _ in range(9))]), x=0.3, y=2).picture()
    assert len(heads(wide)[-1]) < 60


def test_the_order_of_args_is_told_where_it_matters() -> None:
    assert "d = b − a" in heads(of_text("d = b - a; d*d", a=1, b=2).picture())
    assert "q = / a" in heads(of_text("q = (a + b) / a", a=1, b=2).picture())


def test_a_number_is_on_an_edge_only_where_a_node_fans_out() -> None:
    picture = of_text("a = 2*x; b = a^2 + 3*a", x=1).picture()
    by_source = {}
    for edge in picture.edges:
        by_source.setdefault(picture.by_id[edge.source].name, []).append(edge.contribution)
    assert by_source["a"] == ["4", "3"]
    assert by_source["x"] == [""]


@every("name", [*example_names()])
def test_numbers_are_those_of_the_explanation(name: str) -> None:
    """Each card's numbers against the rows of JSON; minus zero is written as zero."""
    explanation = explained(name)
    rows = {row["id"]: row for row in explanation.to_dict()["nodes"]}
    for card in explanation.picture().cards:
        for key, lines in (("value", card.value), ("upstream", card.gradient)):
            exact = rows[card.id][key]
            if exact is None:
                assert not lines
            elif not np.ndim(exact):
                assert lines == (number(exact, 6),)
            else:
                shown = [float(text) for text in re.findall(r"[-+.\de]+(?=[,\]])", " ".join(lines))]
                want = np.ravel(exact)[: len(shown)] if shown else []
                assert [number(value, 6) for value in shown] == [number(float(value), 6) for value in want]
        assert "-0" not in (*card.value, *card.gradient)


def test_each_pass_shows_its_numbers_alone() -> None:
    explanation = explained("logistic_regression_scalars")
    forward = explanation.picture(PictureOptions(shown_pass=Pass.FORWARD))
    backward = explanation.picture(PictureOptions(shown_pass=Pass.BACKWARD))
    assert not any(card.gradient for card in forward.cards)
    assert not any(edge.label for edge in forward.edges)
    assert not any(card.value for card in backward.cards)
    assert heads(forward) == heads(backward)


def test_circuit_has_its_numbers_on_the_edges() -> None:
    picture = of_text("(x+y)*z", x=-2, y=5, z=-4).picture(PictureOptions(style=Style.CIRCUIT))
    labels = {picture.by_id[edge.source].head: edge.label for edge in picture.edges}
    assert labels == {"x": ("-2", "-4"), "y": ("5", "-4"), "+": ("3", "-4"), "z": ("-4", "3")}
    assert [card.value for card in picture.cards if card.value] == [("-12",)]
    with pytest.raises(BpxError, match="37"):
        explained("mazur_network").picture(PictureOptions(style=Style.CIRCUIT))


def test_large_networks_are_drawn_by_layers_that_open() -> None:
    layers = {f"l{i}.z": f"{f'l{i - 1}.a' if i else 'x'} * w{i} + {i}" for i in range(60)}
    activations = {f"l{i}.a": f"tanh(l{i}.z) + sin(l{i}.z) * cos(l{i}.z)" for i in range(60)}
    graph = {
        key: text
        for i in range(60)
        for key, text in ((f"l{i}.z", layers[f"l{i}.z"]), (f"l{i}.a", activations[f"l{i}.a"]))
    }
    inputs = {"x": 0.5, **{f"w{i}": 1.0 for i in range(60)}}
    spec = read_text(Source("<text>", json.dumps({"bpx": 1, "inputs": inputs, "graph": graph})), {})
    picture = explain(spec, check=False).picture()
    assert len(explain(spec, check=False).nodes) > 300
    closed = [card for card in picture.cards if card.kind is Kind.LAYER]
    assert [card.name for card in closed][:2] == ["l0", "l1"]
    assert closed[0].op == "7 nodes"
    opened = explain(spec, node="l3", check=False).picture()
    assert {card.frame for card in opened.cards if card.kind is Kind.OP} >= {"l3"}
    assert not any(card.kind is Kind.LAYER for card in opened.cards)


def unrolled_lstm(steps: int) -> Explanation:
    shapes = {"W": (8, 2), "U": (8, 2), "b": (8,), "d": (8,), "c0": (2,)} | {
        f"x{t}": (2,) for t in range(steps)
    }
    inputs = {name: np.linspace(-1, 1, int(np.prod(shape))).reshape(shape) for name, shape in shapes.items()}
    states = [("c0", "c0"), *((f"h{t}", f"h{t}.c_next") for t in range(steps))]
    graph = {f"h{t}": f"lstm_cell(x{t}, {h}, {c}, W, U, b, d)" for t, (h, c) in enumerate(states[:-1])}
    graph["L"] = f"sum({states[-1][0]}^2)"
    values = {name: {"value": value.tolist(), "role": "parameter"} for name, value in inputs.items()}
    return explain(
        read_text(Source("<text>", json.dumps({"bpx": 1, "inputs": values, "graph": graph})), {}), check=False
    )


@needs_engine
def test_three_hundred_nodes_are_few_cards() -> None:
    explanation = unrolled_lstm(15)
    assert len(explanation.nodes) > 300
    picture = explanation.picture()
    assert [card.name for card in picture.cards if card.kind is Kind.LAYER] == [f"h{t}" for t in range(15)]
    assert "W, U, b, d" in heads(picture)  # shared by all steps: one card, with one line to each of them
    geometry = layout(picture)
    assert faults(picture, geometry) == {}
    assert geometry.width < 5000
    assert geometry.height < 1000


@needs_engine
def test_every_layer_has_a_frame() -> None:
    for picture in (explained("lstm_cell").picture(), explained("two_moons").picture()):
        geometry = layout(picture)
        assert [*geometry.frames] == [frame.name for frame in picture.frames]
        assert len(geometry.frames) == 2
        assert faults(picture, geometry) == {}
        for frame in picture.frames:
            box = geometry.frames[frame.name]
            inside = {card for card, other in geometry.boxes.items() if box.meets(other)}
            assert inside == {*frame.cards}


def test_blocks_are_closed_where_their_layers_make_a_long_row() -> None:
    cells = [(block, layer) for block in range(6) for layer in range(5)]
    before = ["x", *(f"block{b}.layer{n}.a" for b, n in cells)]
    graph = {
        f"block{b}.layer{n}.{part}": text
        for (b, n), arg in zip(cells, before, strict=False)
        for part, text in {
            "z": f"2*{arg} + 1",
            "s": f"sin(block{b}.layer{n}.z)",
            "a": f"tanh({arg})*block{b}.layer{n}.s",
        }.items()
    }
    text = json.dumps({"bpx": 1, "inputs": {"x": 0.5}, "graph": graph | {"L": f"{before[-1]}^2"}})
    picture = explain(read_text(Source("<text>", text), {}), check=False).picture()
    assert [card.name for card in picture.cards] == ["x", *(f"block{b}" for b in range(6)), "L"]


def test_check_marks_the_culprit_and_what_inherits() -> None:
    spec = read_target("logistic_regression_scalars")
    claims = [read_claim(text, "--claim") for text in ("z = a + y", "w1 = (a + y)*x1")]
    marks = marks_of(gradcheck(with_claims(spec, claims)))
    assert marks == {"z": Mark.CULPRIT, "w1": Mark.INHERITS}
    picture = explain(spec, check=False).picture(PictureOptions(marks=marks))
    assert {card.name: card.mark for card in picture.cards if card.mark} == marks
    kinks = marks_of(gradcheck(read_target("relu_at_kink")))
    assert kinks["u"] is kinks["r"] is Mark.KINK


def test_named_nodes_have_the_local_derivatives_between_them() -> None:
    """The textbook's line: ∂E/∂w5 = ∂E/∂out · ∂out/∂net · ∂net/∂w5."""
    spec = read_target("mazur_network")
    picture = explain(spec, named=True, check=False).picture()
    assert all(card.name for card in picture.cards)
    local = {(picture.by_id[e.source].name, picture.by_id[e.target].name): e.local for e in picture.edges}
    way = ("w5", "net_o1", "out_o1", "E_o1", "E_total")
    factors = [float(local[edge].removeprefix("× ")) for edge in pairwise(way)]
    assert float(np.prod(factors)) == pytest.approx(0.0821670, rel=1e-5)
    assert "out_o1 = sigmoid(net_o1)" in heads(picture)
    values = explain(spec, named=True, check=False).picture(PictureOptions(shown_pass=Pass.FORWARD))
    assert not any(edge.local for edge in values.edges)
    assert not any(edge.local for edge in explained("mazur_network").picture().edges)
    for form in ("dot", "mermaid"):
        assert "× 0.186816" in picture.to(form)


# --- where it is ---


@needs_engine
@every("name", PLAIN)
def test_examples_are_drawn_without_faults(name: str) -> None:
    picture = explained(name).picture()
    assert faults(picture, layout(picture)) == {}


@needs_engine
@every("seed", (0, 20, 45))
def test_random_graphs_are_drawn_without_faults(seed: int) -> None:
    picture = random_picture(seed, 5 + seed)
    assert faults(picture, layout(picture)) == {}


def test_faults_are_seen() -> None:
    cards = tuple(Card(at, f"x{at}", "", Kind.INPUT) for at in range(4))
    picture = Picture("", "", cards, (Edge(0, 1, "1"), Edge(2, 3, "2")))
    boxes = {0: Box(0, 0, 10, 10), 1: Box(100, 0, 10, 10), 2: Box(50, 0, 10, 10), 3: Box(55, 5, 10, 10)}
    straight = Route(((10.0, 5.0), (100.0, 5.0)), Box(20, 50, 10, 10))
    geometry = Geometry(200, 100, boxes, (straight, Route(((50.0, 80.0), (20.0, 40.0)), None)), {})
    wrong = {"overlaps": 2, "foreign": 1, "far": 1, "missing": 1, "through cards": 1}
    assert faults(picture, geometry) == wrong
    cross = (
        Route(((0.0, 0.0), (9.0, 9.0))),
        Route(((0.0, 9.0), (9.0, 0.0))),
        Route(((0.0, 0.0), (9.0, 1.0))),
    )
    assert crossings(cross) == 2


# --- forms ---

HOSTILE = '</script><script>alert(1)</script> "\\input{x}" [bold] \u202e\x1b[31m ]]> `q` #quot; --> %end'


@needs_engine
@every("form", ["svg", "dot", "mermaid", "tikz"])
def test_text_of_users_is_inert_in_every_form(form: str) -> None:
    card = Card(1, HOSTILE, HOSTILE, Kind.OUTPUT, formula=HOSTILE)
    picture = Picture(HOSTILE, HOSTILE, (Card(0, "x", "", Kind.INPUT), card), (Edge(0, 1, HOSTILE),))
    text = picture.to(form)
    assert "<script" not in text or form == "dot"  # DOT has quoted strings, and no markup in them
    assert "\x1b" not in text
    if form == "svg":
        ElementTree.fromstring(text)
        assert "\u202e" not in text
    if form == "tikz":
        assert "\\input" not in text
    if form == "dot":
        outside = re.sub(r'"(?:[^"\\]|\\.)*"', "", text)
        assert "script" not in outside
        assert outside.count("{") == 1


@needs_engine
def test_svg_is_for_light_dark_and_print_and_names_its_parts() -> None:
    explanation = explained("logistic_regression_scalars")
    text = explanation.to("svg")
    assert text == explained("logistic_regression_scalars").to("svg")
    root = ElementTree.fromstring(text)
    space = "{http://www.w3.org/2000/svg}"
    assert root.attrib["width"].endswith("px")
    assert root.find(f"{space}title").text == explanation.title  # type: ignore[union-attr]
    assert "prefers-color-scheme:dark" in text
    assert "screen and" in text  # print stays light
    labels = [group.attrib["aria-label"] for group in root.iter(f"{space}g")]
    assert "a = sigmoid, value 0.869892, gradient -1.14957" in labels
    halos = [part for part in root.iter(f"{space}text") if "halo" in part.attrib["class"]]
    assert [part.text for part in halos] == ["−1.14957", "0"]


@needs_engine
def test_pixels_and_pages() -> None:
    pytest.importorskip("cairosvg", exc_type=Exception)
    explanation = explained("sigmoid")
    assert explanation.to_png().startswith(b"\x89PNG")  # type: ignore[attr-defined]
    assert explanation.to_pdf().startswith(b"%PDF")  # type: ignore[attr-defined]
    assert b"(D:20000101000000" in explanation.to_pdf()  # type: ignore[attr-defined]
    with pytest.raises(TypeError, match="bytes"):
        explanation.to("png")


def chain(count: int) -> Picture:
    cards = [Card(node, "a name of some length", "tanh", Kind.OP) for node in range(count)]
    return Picture("chain", "", tuple(cards), tuple(Edge(node - 1, node) for node in range(1, count)))


@needs_engine
def test_what_is_too_long_for_a_form_is_refused() -> None:
    most = {"png": 32767, "tikz": 16383}
    for form, pixels in most.items():
        with pytest.raises(BpxError, match=f"at most {pixels:,}"):
            (png if form == "png" else tikz)(chain(200))
    assert chain(200).to("svg").count("<rect") == 201


@needs_engine
def test_long_pictures_are_as_sharp_as_the_library_can() -> None:
    pytest.importorskip("cairosvg", exc_type=Exception)
    longest = layout(chain(100)).width
    assert 32767 / 2 < longest < 32767
    width = int.from_bytes(png(chain(100))[16:20])
    assert width == 32767
    assert pdf(chain(100)).startswith(b"%PDF")


def test_dot_and_mermaid_need_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bpx.render.picture.layout.engine", lambda: None)
    explanation = explained("sigmoid")
    assert "sigmoid" in explanation.to("dot")
    assert explanation.to("mermaid").startswith("flowchart LR\n")
    with pytest.raises(BpxError, match="library"):
        explanation.to("svg")


DOT = r"""digraph {
  graph [rankdir=LR, label="out", labelloc=t, fontname=Helvetica]
  node [shape=box, style="rounded,filled", fillcolor=white, fontname=Helvetica]
  edge [fontname=Helvetica, fontsize=11]
  n0 [label="x\n3\n∇ 6", tooltip="x", fillcolor="#eef3fb", style="filled"]
  n2 [label="out = ^ 2\n9\n∇ 1", tooltip="out = x^2"]
  n0 -> n2
}
"""
MERMAID = """flowchart LR
  accTitle: out
  accDescr: Computational graph of out = 9, drawn as 2 cards.
  n0["x<br/>3<br/>∇ 6"]
  n2(["out = #94; 2<br/>9<br/>∇ 1"])
  n0 --> n2
  classDef input fill:#eef3fb,stroke:#5a6b8c,color:#1b2330
  class n0 input
"""
TIKZ = r"""\draw[edge] (76, 43) -- (110, 43);
\draw[leaf] (16, 16) rectangle (76, 70);
\node[] at (46, 28) {\textbf{x}};
\node[] at (46, 43) {\textcolor{bpxvalue}{3}};
\node[] at (46, 58) {\textcolor{bpxgradient}{\itshape 6}};
"""


@needs_engine
def test_whole_pictures_in_each_language() -> None:
    """The whole SVG of an example stands in the README."""
    picture = of_text("x^2", x=3).picture()
    assert picture.to("dot") == DOT
    assert picture.to("mermaid") == MERMAID
    assert TIKZ in picture.to("tikz")
