"""`bpx ops`: entries computed from the rows, checked against what runs."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import oracle
import pytest
from rows_of_a_table import every

from bpx.explain.explain import explain
from bpx.explain.ops.op_reference import op_entries, op_entry, pattern_text
from bpx.explain.ops.op_table import OpTable
from bpx.graph.graph import OPS, Graph
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.run import run
from bpx.graph.subgraph import guards
from bpx.ops import rows
from bpx.render.blocks import Lines, Table
from bpx.spec.reading.read import read_expression
from bpx.words.catalogue import Catalogue, Counted
from bpx.words.diagnostic import BpxError, Source
from bpx.words.en import ENGLISH
from bpx.words.say import say, speaking

NAMES = [op.name for op in rows()]
every_op = pytest.mark.parametrize("name", NAMES)
ELEMENTWISE = [op.name for op in rows() if op.elementwise]


def evaluated(text: str, **values: Any) -> Any:
    """The value of a printed formula, read back."""
    spec = read_expression(Source("<rule>", text), {name: values[name] for name in used(text, values)})
    return run(spec.graph, spec.input_values, [spec.output])[spec.output]


def used(text: str, values: dict[str, Any]) -> list[str]:
    words = set(re.findall(r"[^\W\d]\w*", text))
    return [name for name in values if name in words]


def call(name: str) -> NamedGraph:
    op = OPS[name]
    (point,) = oracle.points(op, 1)
    return read_expression(
        Source("<call>", f"{name}({', '.join(op.args)})"), dict(zip(op.args, point, strict=True))
    )


def test_every_row_has_an_entry() -> None:
    assert [entry.name for entry in op_entries()] == NAMES


@every("name", NAMES)
def test_an_entry_is_complete(name: str) -> None:
    entry = op_entry(name)
    assert list(entry.rule) == list(OPS[name].args)
    assert all(entry.rule.values())
    assert entry.domain
    assert entry.pattern.endswith(".")
    assert entry.settings == tuple(OPS[name].settings)
    assert json.loads(json.dumps(entry.to_dict()))["name"] == name


@every("name", ELEMENTWISE)
def test_what_is_written_reads_back_as_the_op(name: str) -> None:
    (point,) = oracle.points(OPS[name], 1)
    optional = OPS[name].optional
    values = dict(zip(OPS[name].args, point, strict=True)) | optional
    wanted = OPS[name].value(*map(np.float64, values.values()))
    given = {arg: value for arg, value in values.items() if arg not in optional}
    assert evaluated(op_entry(name).written, **given) == wanted


@every("name", ELEMENTWISE)
def test_the_rule_gives_the_local_derivatives(name: str) -> None:
    spec = call(name)
    values = {one.name: float(one.value) for one in spec.inputs}
    account = explain(spec)
    for edge, text in zip(account.edges, op_entry(name).rule.values(), strict=True):
        assert edge.local is not None
        assert evaluated(text, **values) == pytest.approx(float(edge.local), rel=1e-14, abs=1e-300)


@every("name", [name for name in ELEMENTWISE if OPS[name].expands])
def test_the_expansion_has_the_value_of_the_op(name: str) -> None:
    spec = call(name)
    text = op_entry(name).expands
    assert text is not None
    values = {one.name: float(one.value) for one in spec.inputs}
    assert evaluated(text, **values) == pytest.approx(float(explain(spec).value), rel=1e-12)


def test_ops_that_are_not_composite_have_no_expansion() -> None:
    assert op_entry("exp").expands is None
    assert op_entry("sigmoid").expands == "1 / (1 + exp(-x))"


# --- conventions at kinks -----------------------------------------------------------------------


@every("name", [op.name for op in rows() if op.witness])
def test_the_convention_is_what_a_run_takes(name: str) -> None:
    op = OPS[name]
    assert op.witness is not None
    spec = read_expression(
        Source("<call>", f"{name}({', '.join(op.args)})"), dict(zip(op.args, op.witness, strict=True))
    )
    taken = [float(edge.local) for edge in explain(spec).edges if edge.local is not None]
    convention = op_entry(name).convention
    assert convention is not None
    stated = re.fullmatch(pattern_of("ops.convention", len(op.args)), convention)
    assert stated
    assert [float(one) for one in stated["locals"].split(", ")] == pytest.approx(taken, rel=1e-5)
    point = [f"{arg} = {value}" for arg, value in zip(op.args, op.witness, strict=True)]
    assert stated["point"] == ", ".join(point)


def pattern_of(key: str, count: int) -> str:
    """A sentence of the catalogue about so many as a regular expression with its facts as groups."""
    sentence = ENGLISH[key]
    assert isinstance(sentence, Counted)
    form = sentence.forms["one" if count == 1 else "other"]
    return re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+)", re.escape(form))


def test_ops_without_a_kink_state_no_convention() -> None:
    assert [entry.name for entry in op_entries() if entry.convention] == [
        op.name for op in rows() if op.witness
    ]


@every(
    "name, locals_",
    [
        ("relu", "0"),
        ("leaky_relu", "0.01, 0"),
        ("hardtanh", "0, 0, 1"),
        ("abs", "0"),
        ("max", "0.5, 0.5"),
        ("min", "0.5, 0.5"),
        ("clip", "1, 0, 0"),
        ("step", "0"),
    ],
)
def test_conventions_by_hand(name: str, locals_: str) -> None:
    assert f" uses {locals_} as " in str(op_entry(name).convention)


# --- in words -----------------------------------------------------------------------------------


def test_a_power_is_explained_by_the_arg_that_varies() -> None:
    base, exponent = say("pattern.pow.x"), say("pattern.pow.y")
    assert pattern_text(OPS["pow"], {0}) == base
    assert pattern_text(OPS["pow"], {1}) == exponent
    assert pattern_text(OPS["pow"]) == f"{base} {exponent}"


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("tanh", "tanh multiplies the upstream gradient by 1 - tanh(x)^2."),
        (
            "mul",
            "mul multiplies the upstream gradient by y for x. "
            "mul multiplies the upstream gradient by x for y.",
        ),
        ("matmul", "matmul passes upstream @ b.T to a. matmul passes a.T @ upstream to b."),
    ],
)
def test_an_op_without_a_sentence_prints_its_rule(name: str, pattern: str) -> None:
    sentences = {key: sentence for key, sentence in ENGLISH.items() if not key.startswith("pattern.")}
    with speaking(Catalogue("en", sentences, lambda count: "one" if count == 1 else "other")):
        assert pattern_text(OPS[name]) == pattern


# --- domains ------------------------------------------------------------------------------------


@every(
    "name, words",
    [
        ("log", ["defined for x > 0"]),
        ("sqrt", ["defined for x ≥ 0, smooth for x > 0"]),
        ("div", ["defined for y ≠ 0"]),
        ("asin", ["defined for (1 - x) * (1 + x) ≥ 0, smooth for (1 - x) * (1 + x) > 0"]),
        ("tan", ["defined for cos(x) ≠ 0"]),
        ("relu", ["kink where x = 0"]),
        ("exp", ["smooth everywhere"]),
        ("matmul", ["smooth everywhere"]),
        ("clip", ["kink where x - low = 0", "kink where x - high = 0", "kink where low - high = 0"]),
    ],
)
def test_domains_by_hand(name: str, words: list[str]) -> None:
    assert list(op_entry(name).domain) == words


@every("name", NAMES)
def test_a_domain_is_stated_where_there_is_a_guard(name: str) -> None:
    op, graph = OPS[name], Graph()
    shapes = op.sample or [() if op.elementwise else (2, 3) for _ in op.args]
    args = [graph.input(shape) for shape in shapes]
    found = [expr for _, expr, _ in guards(graph.add(op, *args, **op.sample_settings))]
    varying = [expr for expr in found if {arg.id for arg in args} & set(graph.needs(of=[expr.id]))]
    # Of matrices, which cannot be drawn into a guard, a sentence of its own says where the op is defined.
    stated = bool(varying) or f"domain.{name}" in ENGLISH
    assert (op_entry(name).domain != (say("ops.everywhere"),)) == stated


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mae", ("kink where prediction - target = 0",)),
        ("hinge", ("kink where 1 - target * score = 0",)),
        ("max_pool", (say("ops.inside"),)),
        ("mse", (say("ops.everywhere"),)),
        ("attention", (say("ops.everywhere"),)),
    ],
)
def test_a_composite_op_has_the_domain_of_its_parts(name: str, words: tuple[str, ...]) -> None:
    assert op_entry(name).domain == words


def test_a_rule_too_long_to_read_is_not_written_down() -> None:
    assert set(op_entry("attention").rule.values()) >= {say("ops.by-parts")}


# --- names --------------------------------------------------------------------------------------


@every("alias", [name for name in OPS if name != OPS[name].name])
def test_an_alias_leads_to_its_op(alias: str) -> None:
    entry = op_entry(alias)
    assert entry.name == OPS[alias].name
    assert alias in entry.also


def test_other_spellings_are_listed() -> None:
    assert {"·", "×"} <= set(op_entry("mul").also)
    assert "ln" in op_entry("log").also


@pytest.mark.parametrize(
    ("name", "help"), [("sigmod", "did-you-mean"), ("zzzzzz", "list-ops"), ("", "list-ops")]
)
def test_an_unknown_op(name: str, help: str) -> None:
    with pytest.raises(BpxError) as caught:
        op_entry(name)
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.help) == ("unknown-op", help)


# --- as blocks ----------------------------------------------------------------------------------


def test_the_list_has_a_row_an_op() -> None:
    (table,) = OpTable.of().blocks()
    assert isinstance(table, Table)
    assert [row[0] for row in table.rows] == NAMES
    assert {len(row) for row in table.rows} == {len(table.headers)}


@every("name", NAMES)
def test_the_page_of_an_op_says_all_of_its_entry(name: str) -> None:
    entry = op_entry(name)
    said = "\n".join(
        text
        for block in OpTable((entry,), alone=True).blocks()
        for text in (
            block.texts
            if isinstance(block, Lines)
            else [cell for row in block.rows for cell in row]
            if isinstance(block, Table)
            else [block.text]
        )
    )
    facts = [entry.name, entry.written, *entry.also, *entry.settings, *entry.rule.values(), *entry.domain]
    facts += [fact for fact in (entry.convention, entry.expands, entry.pattern) if fact]
    assert [fact for fact in facts if fact not in said] == []
