"""Specs: what reads, what is saved, and everything that can be wrong with a document."""

import ast
import itertools
import json
import re
import tomllib
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from expressions import BAD_EXPRESSIONS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rows_of_a_table import every

import bpx
from bpx.graph.graph import Graph
from bpx.graph.run import run
from bpx.spec.python import spec_of
from bpx.spec.reading.claims import read_claim
from bpx.spec.reading.read import read_expression, read_spec, read_value
from bpx.spec.writing.write import write_spec
from bpx.words.diagnostic import BpxError, Source
from bpx.words.en import ENGLISH

fixed = settings(
    derandomize=True, deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow]
)
ANYTHING = settings(fixed, max_examples=400)


def toml(text, **values):
    return read_spec(Source("s.toml", text), "toml", values)


def from_json(document, **values):
    text = document if isinstance(document, str) else json.dumps(document)
    return read_spec(Source("s.json", text), "json", values)


def expression(text, **values):
    return read_expression(Source("<expression>", text), values)


def problems_of(read, *args, **values):
    """The diagnostics that reading raises."""
    with pytest.raises(BpxError) as caught:
        read(*args, **values)
    return caught.value.diagnostics


def content(spec):
    """All of a spec that does not depend on how it was written, nodes by name."""
    graph = spec.graph
    described = {}
    for node, name in spec.names.items():
        args = [spec.names.get(arg) or graph.constants[arg].tolist() for arg in graph.args[node]]
        described[name] = (graph.ops[node].name, args, graph.settings[node], graph.shapes[node])
    return {
        "title": spec.title or None,
        "nodes": described,
        "inputs": [
            (one.name, one.value.tolist(), one.role, one.range, one.recipe and one.recipe.entry())
            for one in spec.inputs
        ],
        "tables": {name: table.entry() for name, table in spec.tables.items()},
        "steps": sorted(spec.steps),
        "output": spec.names[spec.output],
        "expect": spec.expect,
        "claims": {name: written(claim) for name, claim in spec.claims.items()},
        "ops": {name: (one.args, one.value, one.partials) for name, one in spec.custom.items()},
    }


def assert_same(again, spec):
    """Reading back gives the same; a node that needed a name to be written may have become a step."""
    after, before = content(again), content(spec)
    more = set(after["steps"]) - set(before["steps"])
    assert more <= {name for node, name in spec.names.items() if node not in spec.own_names}
    assert {**after, "steps": sorted(set(after["steps"]) - more)} == before


def written(claim):
    """A claim as it stands in the text."""
    return claim.formula.text if claim.formula else repr(claim.written)


def value_of(spec):
    return run(spec.graph, spec.input_values, [spec.output])[spec.output].tolist()


# --- what reads ---------------------------------------------------------------------------------

LOGISTIC = """\
bpx = 1
title = "Logistic regression: loss of one sample"
output = "L"

[inputs]
x = [1.5, -0.5]
w = { value = [0.8, -1.2], role = "parameter" }
b = { value = 0.1, role = "parameter" }
y = { value = 1.0, role = "target" }

[graph]
z = "w @ x + b"
a = "sigmoid(z)"
L = "-(y*log(a) + (1-y)*log(1-a))"

[expect]
value = 0.1394
gradients = { b = -0.1301 }
"""


def test_toml_and_json_read_the_same():
    assert content(toml(LOGISTIC)) == content(from_json(tomllib.loads(LOGISTIC)))


def test_the_parts_of_a_spec():
    spec = toml(LOGISTIC)
    assert spec.title == "Logistic regression: loss of one sample"
    assert [(one.name, one.role) for one in spec.inputs] == [
        ("x", "data"),
        ("w", "parameter"),
        ("b", "parameter"),
        ("y", "target"),
    ]
    assert list(spec.steps) == ["z", "a", "L"]
    assert spec.names[spec.output] == "L"
    assert value_of(spec) == pytest.approx(0.1394, abs=5e-5)
    assert (spec.expect.value, dict(spec.expect.gradients)) == (0.1394, {"b": -0.1301})
    assert not spec.warnings


def test_every_node_knows_its_text():
    spec = toml(LOGISTIC)
    assert spec.origins[spec.steps["z"]].text == "w @ x + b"
    assert spec.origins[spec.output].text == "-(y*log(a) + (1-y)*log(1-a))"
    assert spec.origins[spec.nodes["b"]].text == "b"


@pytest.mark.parametrize("role", ["data", "parameter", "target", "constant"])
def test_roles(role):
    text = f'bpx = 1\n[inputs]\nx = {{ value = 2, role = "{role}" }}\n[graph]\ny = "x"'
    assert toml(text).inputs[0].role == role


HEAD = "bpx = 1\n[inputs]\nx = [[1, 2, 3], [4, 5, 6]]\ny = 2\n[graph]\n"


@every(
    "written_out, short",
    [
        ('{ op = "add", args = ["x", "y"] }', "x + y"),
        ('{ op = "pow", args = ["y", 2] }', "y^2"),
        ('{ op = "mul", args = [-1.5, "y"] }', "-1.5*y"),
        ('{ op = "sum", args = ["x"], axis = 0 }', "sum(x, axis=0)"),
        ('{ op = "leaky_relu", args = ["x"] }', "leaky_relu(x, 0.01)"),
        ('{ op = "leaky_relu", args = ["x"], slope = 0.1 }', "leaky_relu(x, 0.1)"),
        ('{ op = "leaky_relu", args = ["x", "y"] }', "leaky_relu(x, y)"),
        ('{ op = "hardtanh", args = ["x"], high = 2 }', "hardtanh(x, -1, 2)"),
        ('{ op = "sum", args = ["x"], axis = [0, 1], keepdims = true }', "sum(x, keepdims=true)"),
        ('{ op = "reshape", args = ["x"], shape = [3, 2] }', "reshape(x, [3, 2])"),
        ('{ op = "σ", args = ["y"] }', "sigmoid(y)"),
        ('{ op = "exp", args = ["pi"] }', "exp(pi)"),
        ("{ op = 'add', args = ['x', 'y'] }", "x + y"),
    ],
)
def test_a_step_written_out(written_out, short):
    assert content(toml(f"{HEAD}out = {written_out}")) == content(toml(f'{HEAD}out = "{short}"'))


STEPS = ["a = 'x + y'", "b = 'a * y'", "c = 'b - a'", "d = 'exp(c)'"]


@every("order", list(itertools.permutations(STEPS)))
def test_the_order_of_steps_does_not_matter(order):
    spec = toml('output = "d"\n' + HEAD + "\n".join(order))
    expected = np.exp((np.array([[1, 2, 3], [4, 5, 6]]) + 2) * 2 - (np.array([[1, 2, 3], [4, 5, 6]]) + 2))
    assert np.allclose(value_of(spec), expected, rtol=1e-15)
    assert [spec.graph.ops[spec.steps[name]].name for name in "abcd"] == ["add", "mul", "sub", "exp"]


@every(
    "steps, value",
    [
        ('b = "y"', 2),  # only another name for an input
        ('a = "3"', 3),  # a constant
        ('a = "[1, 2]"', [1, 2]),
        ('a = "pi"', np.pi),
        ('a = "y"\nb = "a"\nc = "b * a"', 4),
        ('a = "3"\nb = "3"\nc = "a + b"', 6),
        ('a = "-(3)"', -3),
        ('a = """\n  y\n  + 1\n"""', 3),
        (r'a = "y \u00b7 3"', 6),
    ],
)
def test_steps_that_are_hardly_any(steps, value):
    spec = toml(HEAD + steps)
    assert value_of(spec) == value
    assert len({*spec.steps.values(), *(one.node for one in spec.inputs)}) == len(spec.steps) + 2


def test_the_output_is_the_last_step_unless_named():
    assert value_of(toml(f'{HEAD}a = "y"\nb = "a + 1"')) == 3
    assert value_of(toml(f'output = "a"\n{HEAD}a = "y"\nb = "a + 1"')) == 2
    assert value_of(toml(f'output = "y"\n{HEAD}a = "y"')) == 2


def test_values_replace_those_of_inputs():
    assert value_of(toml(f'{HEAD}a = "y * 10"', y=3)) == 30
    assert value_of(toml(f'{HEAD}a = "y * 10"', y=[1, 2])) == [10, 20]
    assert toml(LOGISTIC, b=0.5).inputs[2].role == "parameter"


def test_a_value_may_be_given_only_when_it_is_read():
    text = 'bpx = 1\n[inputs]\nx = { role = "parameter" }\n[graph]\ny = "x + 1"'
    assert value_of(toml(text, x=2.0)) == 3


def test_an_unused_input_is_a_warning():
    spec = toml(f'{HEAD}a = "y"')
    assert [warning.code for warning in spec.warnings] == ["unused-input"]
    assert spec.warnings[0].severity == "warning"
    assert spec.warnings[0].message == "input `x` is not used by the output `a`"
    assert spec.warnings[0].to_dict()["line"] == 3


# --- expressions --------------------------------------------------------------------------------


@every(
    "text, values, value",
    [
        ("x^2 + 3*x", {"x": 2.0}, 10),
        ("2*pi", {}, 2 * np.pi),
        ("e^0 + e", {}, 1 + np.e),
        ("e*x", {"e": 10, "x": 3}, 30),  # a value makes an input of a constant's name
        ("w @ x", {"w": [1, 2], "x": [3, 4]}, 11),
        ("学习率 * β", {"学习率": 0.5, "β": 4}, 2),
        ("out + 1", {"out": 1}, 2),
        ("7", {}, 7),
        ("x", {"x": 5}, 5),
    ],
)
def test_expression(text, values, value):
    spec = expression(text, **values)
    assert value_of(spec) == value
    assert {one.name for one in spec.inputs} == set(values)


def test_the_output_of_an_expression_has_a_free_name():
    assert expression("x", x=1).names[1] == "out"
    assert expression("out + out_", out=1, out_=2).names[2] == "out__"


@every(
    "text, value",
    [("0.5", 0.5), ("-1/3", -1 / 3), ("pi/2", np.pi / 2), ("2^10", 1024), ("[1, 2]*2", [2, 4]),
     ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]), ("−√4", -2)],
)  # fmt: skip
def test_value(text, value):
    assert read_value("x", Source("--set", text)).tolist() == value


@every(
    "text, code",
    [
        ("", "empty-value"),
        ("y + 1", "unknown-name"),
        ("1/0", "not-finite-input"),
        ("9^9^9", "not-finite-input"),
        ("[1, [2]]", "ragged"),
        ("2x", "implicit-product"),
        ("exp", "op-without-brackets"),
        ("[]", "empty-array"),
    ],
)
def test_bad_value(text, code):
    assert code in [problem.code for problem in problems_of(read_value, "x", Source("--set", text))]


# --- names --------------------------------------------------------------------------------------


def test_inner_nodes_have_names_of_their_own():
    assert list(expression("(x + 1) * (x + 2)", x=1).names.values()) == ["x", "v1", "v2", "out"]


def test_names_of_inner_nodes_are_free_ones():
    text = 'bpx = 1\n[inputs]\nv1 = 1\nv3 = 2\n[graph]\nv2 = "exp(v1)"\nout = "(v1 + 1) * (v3 + v2) / 2"'
    spec = toml(text)
    names = list(spec.names.values())
    assert sorted(names) == ["out", "v1", "v2", "v3", "v4", "v5", "v6"]
    assert value_of(spec) == (1 + 1) * (2 + np.exp(1)) / 2


# --- saving -------------------------------------------------------------------------------------


def graph_with_sharing():
    graph = Graph()
    x, y = graph.input(), graph.input((2,))
    shared = x * 2 + 1
    return spec_of((shared * y + shared / y) * shared, {"x": (x, 3.0), "v2": (y, [1.0, -2.0])})


def steps(text):
    return lambda: toml(HEAD + text)


EXPECT = """
[expect]
value = [[2.0, 4, 6.000], [8.00, 10, 1.2e1]]
gradients = { y = 21.000, x = 2e0 }
"""
SIGNED_EXPECT = "\n[expect]\nvalue = +1_000.50\ngradients = { y = +500.0 }"
TITLE = r'title = "a \"quoted\" \\ title\n\twith σ, 学, 𝒙, \u0001 and \u007f"'
EXTREMES = [5e-324, 1.7976931348623157e308, -0.0, 0.1, 1e22]
OPS_AND_CLAIMS = """
a = "cube(y) * mix(y, x)"
L = "sum(a)"
[claims]
a = "1 + 0*a"
y = -1_000.50
"∂L/∂x" = [[0.10, 2e0, 3], [+4.0, 5, 6.00]]
v1 = "-.50"
[ops.cube]
args = ["t"]
value = "t * β_2(t)"
partials.t = "3·t²"
[ops."β_2"]
args = ["β"]
value = 'β · β'
[ops."β_2".partials]
"β" = "2 \\u00b7 β"
[ops.mix]
args = ["x", "y"]
value = '''
  where(x > y, x,
        y)'''
partials = { x = "x > y", y = "x <= y" }
"""
RANGES = """\
bpx = 1
[inputs]
x = { value = [0.5, 2], range = [-2, 2] }
w = { value = 1, role = "parameter", range = [0.1, 1e3] }
[graph]
L = "w*x"
"""
DRAWN = """\
bpx = 1
[inputs]
W = { normal = [2, 3], scale = 0.50, seed = 1, role = "parameter", range = [-9, 9] }
u = { uniform = [], low = -2, high = 1e0, seed = 4294967295 }
n = { normal = [3], mean = 1, seed = 0.0 }
v = { uniform = [3], seed = 2 }
[graph]
y = "W @ n + u * sum(v)"
"""
TABLES = """\
bpx = 1
[tables."a \\"b\\""]
columns = ["x", "y z", ""]
rows = [[1, 2.50, 1e1],
        [+4, -0.5, 1_000]]
[tables.other]
columns = ["x"]
rows = [[1]]
[inputs]
whole = { table = "a \\"b\\"" }
two = { table = 'a "b"', columns = ["", "x"], role = "constant" }
one = { table = 'a "b"', column = "y z", role = "target", range = [-1, 3] }
[graph]
y = "sum(whole) * two @ one"
"""
BLOCKS = """\
bpx = 1
[inputs]
x = [[1, -2]]
W = [[0.5, 1], [-1, 2]]
"h.scale" = 2
[blocks.affine]
args = ["x", "W", "b"]
output = "a"
[blocks.affine.graph]
a = "tanh(z * pi)"
z = "x @ W + b"
more = "a + z"
[blocks.wave]
args = ["t"]
value = "sin(e*t + 1) / 2"
[blocks.twice]
args = ["x", "W"]
[blocks.twice.graph]
first = "affine(wave(x), W, 1)"
second = { op = "affine", args = ["first", "W", -2.5] }
[blocks.same]
args = ["x"]
value = "wave(x)"
[graph]
h = "affine(x, W, 0)"
k = "wave(twice(2*h, W)) + twice(h.z, W.T) * h.scale"
m = "same(k)"
n = "(wave(h.more))"
y = "sum(m + n) * sum(k.twice2.first.z^2)"
"""
SAVED = {
    "logistic": lambda: toml(LOGISTIC),
    "names": lambda: toml('bpx = 1\n[inputs]\n"学习率" = 0.1\n"β₁" = [1]\n[graph]\n"Δ" = "学习率*β₁"'),
    "constants": steps('a = "pi*e + 3.25e-300*y - 1e300"\nb = "[[1, -2e-9, 0.1]] * x + a - -0"'),
    "input named e": lambda: expression("e + 2.718281828459045 + pi", e=2.0),
    "step named pi": steps('a = "y*3.141592653589793 + pi"\npi = "y + 1"'),
    "aliases": steps('a = "y"\nb = "a"\nc = "3"\nd = "b*c + a"'),
    "output is an input": lambda: toml(f'output = "y"\n{HEAD}a = "exp(y)"'),
    "output in the middle": lambda: toml(f'output = "a"\n{HEAD}a = "exp(y)"\nb = "a + 1"'),
    "steps back to front": lambda: toml(f'output = "c"\n{HEAD}c = "b + a"\nb = "a*2"\na = "y + 1"'),
    "inner names": steps('v2 = "(y + 1)*(y + 2)"\nout = "(v2 + 3)*(v2 - 4)"'),
    "settings": steps('a = "sum(x, axis=0)"\nb = "sum(transpose(x) @ x, 1, keepdims=true) + a"'),
    "written out": steps('a = { op = "sum", args = ["x"], axis = 1 }'),
    "title": lambda: toml(f'{TITLE}\n{HEAD}a = "y"'),
    "no inputs": lambda: toml('bpx = 1\n[graph]\na = "1 + 1"'),
    "extreme numbers": lambda: expression("x*y", x=EXTREMES, y=[1, 2, 3, 4, 5]),
    "expect": steps(f'a = "y*x"{EXPECT}'),
    "expect with signs": steps(f'a = "y*500"{SIGNED_EXPECT}'),
    "sharing": graph_with_sharing,
    "ops and claims": lambda: toml(HEAD + OPS_AND_CLAIMS),
    "ranges": lambda: toml(RANGES),
    "drawn inputs": lambda: toml(DRAWN),
    "drawn inputs that are given values": lambda: toml(DRAWN, n=[1, 2, 3]),
    "tables": lambda: toml(TABLES),
    "tables that are not used": lambda: toml(TABLES, one=[1, 2], two=[[1, 2], [3, 4]]),
    "blocks": lambda: toml(BLOCKS),
    "split": lambda: toml(SPLIT),
    "indices": steps('a = "x[0] + x[..., 1][0]"\nb = "sum(x[::-1, 0:1] * y) + a[-1]"'),
    "dotted names": steps('"h.z" = "y + 1"\n"h.a.T2" = "h.z * 2 + exp(h.z)"\nh = "sum(x.T @ x) + h.a.T2"'),
}


@every("made", SAVED.values())
@every("format", ["toml", "json"])
def test_a_saved_spec_reads_back(made, format):
    spec = made()
    text = write_spec(spec, format)
    again = read_spec(Source("again", text), format)
    assert write_spec(again, format) == text
    assert value_of(again) == value_of(spec)
    assert_same(again, spec)


@every("made", SAVED.values())
def test_a_saved_spec_is_plain_toml_and_json(made):
    spec = made()
    from_toml = tomllib.loads(write_spec(spec, "toml"))
    assert json.loads(write_spec(spec, "json"), parse_constant=pytest.fail) == from_toml


@pytest.mark.parametrize("format", ["toml", "json"])
def test_expected_figures_keep_their_digits(format):
    # 0.40 is meant to two decimals and 0.4 to one.
    spec = toml(f'{HEAD}a = "y*0.2"\n[expect]\nvalue = 0.40\ngradients = {{ y = 2.00e-1 }}')
    again = read_spec(Source("again", write_spec(spec, format)), format)
    assert again.expect.value.text == "0.40"
    assert again.expect.gradients["y"].text == "2.00e-1"


# --- what is wrong ------------------------------------------------------------------------------

TOP = "bpx = 1\n[inputs]\nx = 1\nhidden = [1, 2]\n[graph]\n"  # the first step stands in line 6


class Bad(NamedTuple):
    """A text that cannot be read, and what is said about it; None where the test does not care."""

    text: str
    code: str | None = None
    line: int | None = None
    column: int | None = None
    underlined: str | None = None
    help: str = ""


def given_input(line):
    return f'bpx = 1\n[inputs]\n{line}\n[graph]\ny = "1"'


def step(line):
    return TOP + line


BAD_TOML = {
    # case: text, code, line, column, what is underlined, part of the help
    "empty file": Bad("", "empty-input", 1, 1),
    "blank file": Bad(" \n\n", "empty-input", 1, 1),
    "not TOML": Bad("bpx = 1\n[inputs\nx = 1", "toml-syntax", 2, 8),
    "not TOML at the end": Bad("bpx = 1\ntitle =", "toml-syntax", 2, 8),
    "a text never closed": Bad('bpx = 1\ntitle = "', "unclosed-text", 2, 9),
    "no quotes": Bad("bpx = 1\n[graph]\ny = x + 1", "toml-syntax", 3, 5),
    "bare point": Bad("bpx = 1\n[inputs]\nx = .5", "toml-syntax", 3, 5, None, "0.5"),
    "trailing point": Bad("bpx = 1\n[inputs]\nx = 5.", "toml-syntax", 3, 6, None, "0.5"),
    "typographic minus": Bad("bpx = 1\n[inputs]\nx = −5", "toml-syntax", 3, 5, None, "as -"),
    "bare Greek key": Bad("bpx = 1\n[inputs]\nω = 5", "toml-syntax", 3, 1, None, '"ω" = 5'),
    "duplicate key": Bad(given_input("x = 1\nx = 2"), "duplicate-key", 4, 1, "x"),
    "duplicate table": Bad(step('y = "x"\n[inputs]'), "duplicate-key", 7, 2, "inputs"),
    "duplicate key in a table": Bad(
        "bpx = 1\n[inputs]\nx = { value = 1, value = 2 }", "duplicate-key", 3, 18, "value"
    ),
    "no version": Bad('[graph]\ny = "1"', "missing-version", 1, 1, None, "`bpx = 1`"),
    "later version": Bad('bpx = 2\n[graph]\ny = "1"', "unsupported-version", 1, 7, "2", "`bpx = 1`"),
    "version in quotes": Bad('bpx = "1"\n[graph]\ny = "1"', "wrong-type", 1, 7, '"1"'),
    "no steps": Bad("bpx = 1\n[inputs]\nx = 1", "no-steps", 1, 1),
    "empty graph": Bad("bpx = 1\n[graph]", "no-steps", 2, 2, "graph"),
    "unknown key": Bad(f'titel = "T"\n{TOP}y = "x"', "unknown-key", 1, 1, "titel", "`title`"),
    "unknown table": Bad(step('y = "x"\n[zzz]\na = 1'), "unknown-key", 7, 2, "zzz", "bpx, title"),
    "unknown dotted key": Bad(f'qqq.a = 1\n{TOP}y = "x"', "unknown-key", 1, 1, "qqq.a"),
    "unknown key of an input": Bad(
        given_input("x = { vlaue = 1, value = 2 }"), "unknown-key", 3, 7, "vlaue", "`value`"
    ),
    "unknown key of expect": Bad(
        step('y = "x"\n[expect]\ngradeints = {}'), "unknown-key", 8, 1, "gradeints", "`gradients`"
    ),
    "two names for one value": Bad(step('"a, b" = "exp(x)"'), "several-names", 6, 1, '"a, b"', "split(x, 2)"),
    "two names for a broken step": Bad(step('"a, b" = "exp(x"'), "unclosed-bracket", 6, 14, "("),
    "two names for a number": Bad(step('"a, b" = 3'), "wrong-type", 6, 10, "3"),
    "three names for two parts": Bad(
        step('"a, b, c" = "split(hidden, 2)"'), "names-of-split", 6, 14, "split(hidden, 2)"
    ),
    "one name for two parts": Bad(step('a = "split(hidden, 2)"'), "split-without-names", 6, 6),
    "a part named twice": Bad(step('"a, a" = "split(hidden, 2)"'), "duplicate-key", 6, 1, '"a, a"'),
    "a part named as a step": Bad(
        step('b = "x"\n"a, b" = "split(hidden, 2)"'), "duplicate-key", 7, 1, '"a, b"'
    ),
    "a part without a name": Bad(step('"a," = "split(hidden, 2)"'), "bad-name", 6, 1, '"a,"'),
    "a part named as an input": Bad(step('"a, x" = "split(hidden, 2)"'), "duplicate-name", 6, 1, '"a, x"'),
    "unknown name in a split": Bad(step('"a, b" = "split(hiden, 2)"'), "unknown-name", 6, 17, "hiden"),
    "title is a number": Bad(f'title = 3\n{TOP}y = "x"', "wrong-type", 1, 9, "3"),
    "output is a list": Bad(f'output = ["y"]\n{TOP}y = "x"', "wrong-type", 1, 10, '["y"]'),
    "inputs are a list": Bad("inputs = [1]\nbpx = 1\n[graph]\ny = '1'", "wrong-type", 1, 10, "[1]"),
    "a step is a number": Bad(step("y = 3"), "wrong-type", 6, 5, "3"),
    "args are text": Bad(step('y = { op = "exp", args = "x" }'), "wrong-type", 6, 26, '"x"'),
    "gradients are a number": Bad(step('y = "x"\n[expect]\ngradients = 3'), "wrong-type", 8, 13, "3"),
    "text for a number": Bad(given_input('x = "1.5"'), "not-a-number", 3, 5, '"1.5"'),
    "text in an array": Bad(given_input('x = [1, "2"]'), "not-a-number", 3, 9, '"2"'),
    "truth for a number": Bad(given_input("x = [1,\n true]"), "not-a-number", 4, 2, "true"),
    "a date": Bad(given_input("x = 1979-05-27"), "not-a-number", 3, 5, "1979-05-27"),
    "a time": Bad(given_input("x = 07:32:00"), "not-a-number", 3, 5, "07:32:00"),
    "a date and time": Bad(
        given_input("x = 1979-05-27T07:32:00Z"), "not-a-number", 3, 5, "1979-05-27T07:32:00Z"
    ),
    "ragged": Bad(given_input("x = [[1], [2, 3]]"), "ragged", 3, 5, "[[1], [2, 3]]"),
    "number among rows": Bad(given_input("x = [1, [2]]"), "ragged", 3, 5, "[1, [2]]"),
    "empty array": Bad(given_input("x = []"), "empty-array", 3, 5, "[]"),
    "empty rows": Bad(given_input("x = [[], []]"), "empty-array", 3, 5, "[[], []]"),
    "1e400": Bad(given_input("x = 1e400"), "not-finite-input", 3, 5, "1e400"),
    "inf": Bad(given_input("x = [1, -inf]"), "not-finite-input", 3, 9, "-inf"),
    "nan": Bad(given_input("x = { value = nan }"), "not-finite-input", 3, 15, "nan"),
    "integer beyond float64": Bad(given_input(f"x = 1{'0' * 400}"), "not-finite-input", 3, 5),
    "integer of very many digits": Bad(given_input(f"x = 1{'0' * 9000}"), "number-too-long"),
    "hexadecimal of very many digits": Bad(given_input(f"x = 0x{'f' * 9000}"), "not-finite-input", 3, 5),
    "version of very many digits": Bad(
        f'bpx = 0x{"f" * 9000}\n[graph]\ny = "1"', "unsupported-version", 1, 7
    ),
    "arg of very many digits": Bad(step(f'y = {{ op = "exp", args = [0x{"f" * 9000}] }}'), "bad-arg", 6, 27),
    "setting of very many digits": Bad(
        step(f'y = {{ op = "sum", args = ["x"], axis = 0x{"f" * 9000} }}'), None, 6
    ),
    "deep nesting": Bad(given_input(f"x = {'[' * 3000}1{']' * 3000}"), "too-deep"),
    "more axes than arrays have": Bad(given_input(f"x = {'[' * 70}1{']' * 70}"), "too-deep"),
    "no value": Bad(given_input('x = { role = "data" }'), "missing-value", 3, 1, "x"),
    "unknown role": Bad(
        given_input('x = { value = 1, role = "paramter" }'),
        "unknown-role",
        3,
        25,
        '"paramter"',
        "`parameter`",
    ),
    "no role at all": Bad(
        given_input('x = { value = 1, role = "zzz" }'), "unknown-role", 3, 25, '"zzz"', "data, parameter"
    ),
    "role is a number": Bad(
        given_input("x = { value = 1, role = 3 }"), "unknown-role", 3, 25, "3", "data, parameter"
    ),
    "bad name": Bad(given_input('"a b" = 1'), "bad-name", 3, 1, '"a b"', "as in `a_b`"),
    "empty name": Bad(given_input('"" = 1'), "bad-name", 3, 1, '""'),
    "number as a name": Bad(step('y = "x"\n2 = "x"'), "bad-name", 7, 1, "2"),
    "duplicate name": Bad(step('hidden = "x"'), "duplicate-name", 6, 1, "hidden", "another name"),
    "cycle": Bad(step('a = "b + 1"\nb = "c*x"\nc = "exp(a)"'), "cycle", 6, 1, "a"),
    "cycle of one": Bad(step('a = "x"\nb = "b + a"'), "cycle", 7, 1, "b"),
    "missing output": Bad(
        f'output = "yy"\n{TOP}y1 = "x"\nyyy = "y1"', "missing-output", 1, 10, '"yy"', "`yyy`"
    ),
    "output unlike any": Bad(f'output = "loss"\n{TOP}y = "x"', "missing-output", 1, 10, '"loss"', "y"),
    "no op": Bad(step('y = { args = ["x"] }'), "step-without-op", 6, 1, "y", '{ op = "add"'),
    "empty op": Bad(step('y = { op = "", args = ["x"] }'), "step-without-op", 6),
    "op is a number": Bad(step('y = { op = 3, args = ["x"] }'), "step-without-op", 6),
    "bad arg": Bad(step('y = { op = "exp", args = [true] }'), "bad-arg", 6, 27, "true"),
    "nested arg": Bad(step('y = { op = "exp", args = [{ op = "exp" }] }'), "bad-arg", 6, 27),
    "infinite arg": Bad(step('y = { op = "exp", args = [inf] }'), "bad-arg", 6, 27, "inf"),
    "unknown arg": Bad(
        step('y = { op = "exp", args = ["hiden"] }'), "unknown-name", 6, 28, "hiden", "`hidden` (line 4)"
    ),
    "unknown op written out": Bad(
        step('y = { op = "expp", args = ["x"] }'), "unknown-op", 6, 13, "expp", "`exp`"
    ),
    "an input as op": Bad(step('y = { op = "x", args = ["x"] }'), "unknown-op", 6, 13, "x"),
    "wrong number of args written out": Bad(
        step('y = { op = "exp", args = [] }'), "wrong-arity", 6, 13, None, "exp(x)"
    ),
    "an arg given twice written out": Bad(
        step('y = { op = "elu", args = ["x", 2], alpha = 1 }'), "repeated-arg-of-op", 6, 44, "1"
    ),
    "a named arg that is text": Bad(
        step('y = { op = "elu", args = ["x"], alpha = "x" }'), "bad-arg", 6, 42, "x"
    ),
    "a named arg that is a table": Bad(
        step('y = { op = "elu", args = ["x"], alpha = { x = 1 } }'), "bad-arg", 6, 41
    ),
    "a named arg that is infinite": Bad(
        step('y = { op = "elu", args = ["x"], alpha = [1, inf] }'), "bad-arg", 6, 41, "[1, inf]"
    ),
    "a named arg of very many digits": Bad(
        step(f'y = {{ op = "elu", args = ["x"], alpha = 0x{"f" * 9000} }}'), "bad-arg", 6, 41
    ),
    "unknown setting written out": Bad(
        step('y = { op = "exp", args = ["x"], axis = 0 }'), "unknown-setting", 6
    ),
    "missing setting": Bad(step('y = "reshape(x)"'), "missing-setting", 6, 6, "reshape(x)"),
    "misspelt setting written out": Bad(
        step('y = { op = "sum", args = ["x"], axs = 0 }'), "unknown-setting", 6, None, None, "`axis`"
    ),
    "axis is text": Bad(step('y = { op = "sum", args = ["hidden"], axis = "0" }'), None, 6),
    "shape is text": Bad(step('y = { op = "reshape", args = ["hidden"], shape = "2" }'), None, 6),
    "axes are text": Bad(step('y = { op = "transpose", args = ["hidden"], axes = "0" }'), None, 6),
    "axes are a table": Bad(step('y = { op = "transpose", args = ["hidden"], axes = { 0 = 1 } }'), None, 6),
    "shape is true": Bad(step('y = { op = "reshape", args = ["x"], shape = true }'), None, 6),
    "axis is infinite": Bad(step('y = { op = "sum", args = ["hidden"], axis = inf }'), None, 6),
    "axis is nan": Bad(step('y = { op = "sum", args = ["hidden"], axis = nan }'), None, 6),
    "axis is a date": Bad(step('y = { op = "sum", args = ["hidden"], axis = 1979-05-27 }'), None, 6),
    "shape mismatch": Bad(step('y = "[1, 2, 3] + hidden"'), "shape-mismatch", 6, 6, "[1, 2, 3] + hidden"),
    "product mismatch": Bad(
        step('y = "x + [[1, 2, 3]] @ hidden"'),
        "shape-mismatch",
        6,
        10,
        "[[1, 2, 3]] @ hidden",
        "has length 2",
    ),
    "matmul of a scalar": Bad(step('y = "x @ hidden"'), "shape-mismatch", 6, 6, "x @ hidden"),
    "expect speaks of an unknown name": Bad(
        step('y = "x*hidden"\n[expect]\ngradients = { hiden = [1, 1] }'),
        "expect-unknown",
        8,
        15,
        "hiden",
        "`hidden`",
    ),
    "expected text": Bad(step('y = "x"\n[expect]\nvalue = "1"'), "not-a-number", 8, 9, '"1"'),
    "expected ragged": Bad(
        step('y = "x"\n[expect]\ngradients = { x = [1, [2]] }'), "ragged", 8, 19, "[1, [2]]"
    ),
    # places inside expressions
    "unknown name": Bad(step('y = "tanh(hiden * x)"'), "unknown-name", 6, 11, "hiden", "`hidden` (line 4)"),
    "behind Unicode": Bad(
        'bpx = 1\n[inputs]\n"学" = 1\n[graph]\n"𝒚" = "学·2 − hiden"', "unknown-name", 5, 14, "hiden"
    ),
    "behind escapes": Bad(step('y = "x \\u00b7 hiden"'), "unknown-name", 6, 15, "hiden"),
    "behind a tab": Bad(step('\ty =\t"hiden"'), "unknown-name", 6, 7, "hiden"),
    "in a literal string": Bad(step("y = 'x * hiden'"), "unknown-name", 6, 10, "hiden"),
    "on a later line": Bad(step('y = """\nx\n  * hiden"""'), "unknown-name", 8, 5, "hiden"),
    "behind a line joint": Bad(step('y = """x \\\n   * hiden"""'), "unknown-name", 7, 6, "hiden"),
    "in an inline table": Bad("bpx = 1\ngraph = { a = '1', b = 'a*q' }", "unknown-name", 2, 27, "q"),
    "in a dotted key": Bad("bpx = 1\ngraph.a = '1'\ngraph.\"b\" = 'a*q'", "unknown-name", 3, 16, "q"),
    "ends too early": Bad(step('y = "x +"'), "ends-too-early", 6, 9),
    "empty expression": Bad(step('y = ""'), "empty-expression", 6, 6),
    "step that uses a broken one": Bad(step('a = "x +* x"\nb = "a + 1"'), "expected-operand", 6, 9, "*"),
}

# Line 8 begins `args`, line 9 `value`, line 10 `partials`.
GATED = """\
args = ["x"]
value = "x * sigmoid(x)"
partials = { x = "out + sigmoid(x)*(1 - out)" }
"""


def custom(*changes, name="gated", step="x"):
    """A spec with an op of its own, with some of its text replaced."""
    text = f'{TOP}y = "{step}"\n[ops.{name}]\n{GATED}'
    for old, new in changes:
        assert text.count(old) == 1
        text = text.replace(old, new)
    return text


VALUE, PARTIAL = "x * sigmoid(x)", "out + sigmoid(x)*(1 - out)"
BAD_TOML |= {
    "ops that are a list": Bad(f'ops = [1]\n{TOP}y = "x"', "wrong-type", 1, 7, "[1]"),
    "an op that is text": Bad(step('y = "x"\n[ops]\nf = "x^2"'), "wrong-type", 8, 5, '"x^2"'),
    "an op called like one of the table": Bad(
        custom(name="exp"), "shadows-op", 7, 2, "ops.exp", "another name"
    ),
    "an op called like an alias": Bad(custom(name='"σ"'), "shadows-op", 7, 2, 'ops."σ"'),
    "an op whose name is none": Bad(custom(name="2f"), "bad-name", 7, 2, "ops.2f", "another name"),
    "unknown key of an op": Bad(
        custom(("partials =", "a = 1\npartials =")), "unknown-key", 10, 1, "a", "args"
    ),
    "misspelt key of an op": Bad(
        custom(("value =", "arg = 1\nvalue =")), "unknown-key", 9, 1, "arg", "`args`"
    ),
    "an op without args": Bad(custom(('args = ["x"]\n', "")), "op-without", 7, 2, "ops.gated", "args ="),
    "an op without a value": Bad(custom((f'value = "{VALUE}"\n', "")), "op-without", 7, 2, "ops.gated"),
    "an op without partials": Bad(
        custom((f'partials = {{ x = "{PARTIAL}" }}', "")), "op-without", 7, 2, "ops.gated"
    ),
    "args of an op are text": Bad(custom(('["x"]', '"x"')), "wrong-type", 8, 8, '"x"'),
    "no args at all": Bad(custom(('["x"]', "[]")), "no-args", 8, 8, "[]", "args ="),
    "an arg that is a number": Bad(custom(('["x"]', '["x", 2]')), "bad-name", 8, 14, "2", "another name"),
    "an arg that is no name": Bad(custom(('["x"]', '["x", "x y"]')), "bad-name", 8, 14, '"x y"'),
    "an arg called out": Bad(custom(('["x"]', '["x", "out"]')), "arg-is-out", 8, 14, '"out"', "another name"),
    "a repeated arg": Bad(custom(('["x"]', '["x", "x"]')), "repeated-arg", 8, 14, '"x"', "another name"),
    "an arg the value does not use": Bad(
        custom(('["x"]', '["x", "t"]'), ("{ x", '{ t = "0", x')), "unused-arg", 9, 10, VALUE
    ),
    "a partial that is missing": Bad(
        custom(('["x"]', '["x", "t"]'), (VALUE, "x*t")), "missing-partial", 10, 1, "partials"
    ),
    "a partial by nothing": Bad(custom(("{ x", '{ t = "0", x')), "unknown-partial", 10, 14, "t"),
    "a partial by a misspelt arg": Bad(
        custom(("{ x", '{ xx = "0", x')), "unknown-partial", 10, 14, "xx", "did you mean `x`"
    ),
    "partials in a row": Bad(custom(('{ x = "', '["'), ('" }', '"]')), "wrong-type", 10, 12),
    "a partial that is a number": Bad(custom((f'"{PARTIAL}"', "1")), "wrong-type", 10, 18, "1"),
    "a value that is a number": Bad(custom((f'"{VALUE}"', "1")), "wrong-type", 9, 9, "1"),
    "a value that ends too early": Bad(custom((VALUE, "x *")), "ends-too-early", 9, 13),
    "a partial that ends too early": Bad(custom((PARTIAL, "out +")), "ends-too-early", 10, 24),
    "an unknown name in a value": Bad(
        custom((VALUE, "x * xx")), "unknown-name", 9, 14, "xx", "did you mean `x`"
    ),
    "a name of the graph in a value": Bad(
        custom((VALUE, "x * hidden")), "unknown-name", 9, 14, "hidden", "names defined here are x, pi, e"
    ),
    "out in a value": Bad(custom((VALUE, "x * out")), "unknown-name", 9, 14, "out"),
    "an unknown name in a partial": Bad(
        custom((PARTIAL, "outt * x")), "unknown-name", 10, 19, "outt", "did you mean `out`"
    ),
    "an unknown op in a partial": Bad(
        custom((PARTIAL, "gatd(x)")), "unknown-op", 10, 19, "gatd", "did you mean `gated`"
    ),
    "a tensor op in a value": Bad(custom((VALUE, "x * sum(x)")), "not-elementwise", 9, 14, "sum(x)"),
    "a product of matrices in a partial": Bad(
        custom((PARTIAL, "x @ out")), "not-elementwise", 10, 19, "x @ out"
    ),
    "a list in a value": Bad(custom((VALUE, "x * [1, 2]")), "list-in-op", 9, 14, "[1, 2]"),
    "an op that goes round": Bad(custom((VALUE, "gated(x)")), "op-cycle", 7, 2, "ops.gated"),
    "an op without its brackets": Bad(
        custom(step="gated * x"), "op-without-brackets", 6, 6, "gated", "write `gated(x)`"
    ),
    "an op of the spec with too many args": Bad(
        custom(step="gated(x, x)"), "wrong-arity", 6, 6, "gated(x, x)", "write `gated(x)`"
    ),
    "an op of the spec without args": Bad(
        step(f'y = {{ op = "gated" }}\n[ops.gated]\n{GATED}'), "wrong-arity", 6, 13, "gated", "gated(x)"
    ),
    "an op of the spec with a setting": Bad(
        custom(step="gated(x, axis=0)"), "unknown-setting", 6, 15, "axis=0"
    ),
    "a misspelt op of the spec": Bad(custom(step="gatd(x)"), "unknown-op", 6, 6, "gatd", "`gated`"),
    "a broken op that is used": Bad(custom((VALUE, "x *"), step="gated(x) + 1"), "ends-too-early", 9, 13),
    "an op that grows without end": Bad(
        step('y = "f13(x)"\n[ops]\n')
        + "f0 = { args = ['x'], value = 'x*x', partials.x = '2*x' }\n"
        + "".join(
            f"f{i} = {{ args = ['x'], value = 'f{i - 1}(x) + f{i - 1}(x + 1)', partials.x = '1' }}\n"
            for i in range(1, 14)
        ),
        "op-too-large",
    ),
    "claims that are a list": Bad(f'claims = [1]\n{TOP}y = "x"', "wrong-type", 1, 10, "[1]"),
    "a claim on nothing": Bad(
        step('y = "x"\n[claims]\nhiden = 1'), "claim-unknown", 8, 1, "hiden = 1", "`hidden`"
    ),
    "a claim on a derivative by nothing": Bad(step('y = "x"\n[claims]\n"∂y/∂q" = 1'), "claim-unknown", 8),
    "two claims on one node": Bad(
        step('y = "x"\n[claims]\nx = 1\n"∂y/∂x" = 1'), "claimed-twice", 9, 1, '"∂y/∂x" = 1'
    ),
    "claims that overlap": Bad(
        step('y = "sum(hidden)"\n[claims]\nhidden = 1\n"dhidden[0]" = 1'), "claimed-twice", 9
    ),
    "a claim on no entry": Bad(step('y = "x"\n[claims]\n"hidden[2]" = 1'), "claim-index", 8),
    "a claim that may mean two things": Bad(
        step('y = "x"\ndx = "x"\n[claims]\nhess = 1'), "claim-ambiguous", 9
    ),
    "a claim that cannot be read": Bad(step('y = "x"\n[claims]\nx = "2*(x"'), "unclosed-bracket", 8, 8, "("),
    "a claim with a name unknown": Bad(
        step('y = "x"\n[claims]\nx = "2*hiden"'), "unknown-name", 8, 8, "hiden", "`hidden`"
    ),
    "a claim whose parts do not fit": Bad(
        step('y = "x"\n[claims]\nx = "hidden + [1, 2, 3]"'), "shape-mismatch", 8, 6, "hidden + [1, 2, 3]"
    ),
    "a claim that is a table": Bad(step('y = "x"\n[claims]\nx = { value = 1 }'), "not-a-number", 8, 5),
    "a claim that is ragged": Bad(step('y = "x"\n[claims]\nx = [1, [2]]'), "ragged", 8, 5, "[1, [2]]"),
    "a claim without numbers": Bad(step('y = "x"\n[claims]\nx = "[]"'), "empty-array", 8, 5, '"[]"'),
    "a claim that is not finite": Bad(step('y = "x"\n[claims]\nx = "-1e400"'), "not-finite-input", 8, 5),
    "a range that is a number": Bad(given_input("x = { value = 1, range = 2 }"), "bad-range", 3, 26, "2"),
    "a range of three": Bad(
        given_input("x = { value = 1, range = [1, 2, 3] }"), "bad-range", 3, 26, "[1, 2, 3]"
    ),
    "a range back to front": Bad(
        given_input("x = { value = 1, range = [2, -2] }"), "bad-range", 3, 26, "[2, -2]", "range = [-2, 2]"
    ),
    "a range of one point": Bad(given_input("x = { value = 1, range = [1, 1] }"), "bad-range", 3),
    "a range without end": Bad(given_input("x = { value = 1, range = [0, inf] }"), "bad-range", 3),
    "a range of texts": Bad(given_input('x = { value = 1, range = ["0", "1"] }'), "bad-range", 3),
    "a value outside its range": Bad(
        given_input("x = { value = [1, 2.5], range = [-2, 2] }"), "outside-range", 3, 33, "[-2, 2]"
    ),
}

# Line 7 begins the block, line 8 `args`, line 9 its graph, 10 and 11 its steps.
AFFINE = """
[blocks.affine]
args = ["x", "W"]
[blocks.affine.graph]
z = "x @ W"
a = "tanh(z)"
"""


def block(*changes, steps='y = "affine(hidden, hidden)"'):
    """A spec with a block, with some of its text replaced."""
    text = TOP + steps + AFFINE
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


BAD_TOML |= {
    "blocks that are a list": Bad(f'blocks = [1]\n{TOP}y = "x"', "wrong-type", 1, 10, "[1]"),
    "a block that is text": Bad(step('y = "x"\n[blocks]\nb = "x"'), "wrong-type", 8, 5, '"x"'),
    "a block called like an op": Bad(
        block(
            ("[blocks.affine]", "[blocks.exp]"),
            ("[blocks.affine.graph]", "[blocks.exp.graph]"),
            steps='y = "x"',
        ),
        "shadows-op",
        7,
        2,
        "blocks.exp",
        "another name",
    ),
    "a block called like an op of the spec": Bad(
        block(
            steps='y = "x"\nops.affine = { args = ["x"], value = "x", partials.x = "1" }'.replace(
                "ops", "ops", 1
            )
        )
        .replace("[graph]\n", "[graph]\n")
        .replace("\nops.affine", "\n[ops]\naffine"),
        "shadows-op",
        9,
    ),
    "a block called T": Bad(
        block(
            ("[blocks.affine]", "[blocks.T]"), ("[blocks.affine.graph]", "[blocks.T.graph]"), steps='y = "x"'
        ),
        "bad-inner-name",
        7,
        2,
        "blocks.T",
        "another name",
    ),
    "an input called like a block": Bad(
        block(("hidden = [1, 2]", "affine = [1, 2]"), steps='y = "x"'), "shadows-block", 4, 1, "affine"
    ),
    "a step called like a block": Bad(block(steps='affine = "x"'), "shadows-block", 6, 1, "affine"),
    "unknown key of a block": Bad(block(("args =", "arg = 1\nargs =")), "unknown-key", 8, 1, "arg", "`args`"),
    "a block without args": Bad(
        block(('args = ["x", "W"]\n', "")), "bad-block", 7, 2, "blocks.affine", "args ="
    ),
    "a block of neither form": Bad(step('y = "x"\n[blocks.b]\nargs = ["x"]'), "bad-block", 7, 2, "blocks.b"),
    "a block of both forms": Bad(block(('["x", "W"]\n', '["x", "W"]\nvalue = "x"\n')), "bad-block", 7, 2),
    "a block of no args": Bad(block(('["x", "W"]', "[]")), "no-args", 8, 8, "[]", "value ="),
    "an arg of a block twice": Bad(block(('["x", "W"]', '["x", "x"]')), "repeated-arg", 8, 14, '"x"'),
    "an arg of a block called T": Bad(block(('["x", "W"]', '["x", "T"]')), "bad-inner-name", 8, 14, '"T"'),
    "an arg of a block with a dot": Bad(
        block(('["x", "W"]', '["x.y", "W"]')), "bad-inner-name", 8, 9, '"x.y"'
    ),
    "an arg of a block called like it": Bad(
        block(('["x", "W"]', '["x", "affine"]')), "shadows-block", 8, 14, '"affine"'
    ),
    "a block whose graph is text": Bad(
        step('y = "x"\n[blocks.b]\nargs = ["x"]\ngraph = "x"'), "wrong-type", 9, 9, '"x"'
    ),
    "a block without steps": Bad(
        step('y = "x"\n[blocks.b]\nargs = ["x"]\n[blocks.b.graph]'),
        "no-steps-in-block",
        9,
        2,
        "blocks.b.graph",
    ),
    "a step of a block with a bad name": Bad(
        block(('z = "x', '"z z" = "x'), ("(z)", "(x)")), "bad-name", 10, 1
    ),
    "a step of a block called like its arg": Bad(
        block(('z = "x', 'W = "x'), ("(z)", "(W)")), "step-and-arg", 10, 1, "W", "another name"
    ),
    "a step of a block called T": Bad(
        block(('z = "x', 'T = "x'), ("(z)", "(T)")), "bad-inner-name", 10, 1, "T"
    ),
    "an output of a block that is not there": Bad(
        block(('["x", "W"]\n', '["x", "W"]\noutput = "zz"\n')), "missing-block-output", 9, 10, '"zz"', "`z`"
    ),
    "an output of a block that is a number": Bad(
        block(('["x", "W"]\n', '["x", "W"]\noutput = 1\n')), "wrong-type", 9, 10, "1"
    ),
    "an input in a block": Bad(
        block(("tanh(z)", "z*hidden")), "unknown-in-block", 11, 8, "hidden", "x, W, z, a, pi, e"
    ),
    "a misspelt name in a block": Bad(
        step('y = "b(x)"\n[blocks.b]\nargs = ["width"]\nvalue = "2*widht"'),
        "unknown-in-block",
        9,
        12,
        "widht",
        "`width`",
    ),
    "an unknown op in a block, called twice": Bad(
        block(("tanh(z)", "tanhh(z)"), steps='y = "affine(x, x) + affine(1, 2)"'),
        "unknown-op",
        11,
        6,
        "tanhh",
        "`tanh`",
    ),
    "a step of a block that cannot be read": Bad(
        block(("tanh(z)", "tanh(z")), "unclosed-bracket", 11, 10, "("
    ),
    "a block whose steps go round": Bad(block(("x @ W", "x @ a")), "cycle", 10, 1, "z"),
    "a block that calls itself": Bad(
        block(("tanh(z)", "affine(z, W)")), "block-cycle", 7, 2, "blocks.affine"
    ),
    "too few args for a block": Bad(
        block(steps='y = "1 + affine(x)"'), "wrong-arity", 6, 10, "affine(x)", "affine(x, W)"
    ),
    "a setting for a block": Bad(
        block(steps='y = "affine(x, x, axis=0)"'), "unknown-setting", 6, 19, "axis=0", "affine(x, W)"
    ),
    "too few args for a block in a block": Bad(
        block(
            ("tanh(z)", "b(z, z)"),
            steps='y = "affine(hidden, hidden)"\n[blocks]\nb = { args = ["x"], value = "x" }',
        ).replace("[blocks.affine]\n", "[blocks.affine]\n"),
        "wrong-arity",
        13,
        6,
        "b(z, z)",
    ),
    "an arg of a call that is not there": Bad(
        block(steps='y = "affine(hiden, hidden)"'), "unknown-name", 6, 13, "hiden", "`hidden`"
    ),
    "an arg of a call that lies in no call": Bad(
        block(steps='y = "affine(h.z, 1)"'), "unknown-name", 6, 13, "h.z", "define a step"
    ),
    "an arg of a call without its brackets": Bad(
        block(steps='y = "affine(exp, hidden)"'), "op-without-brackets", 6, 13, "exp"
    ),
    "shapes that do not fit in a block": Bad(
        block(steps='m = "[[1, 2, 3]]"\ny = "affine(m, hidden)"'),
        "shape-mismatch",
        7,
        6,
        "affine(m, hidden)",
        "has length 2",
    ),
    "an axis that is not there in a block": Bad(
        block(
            ("tanh(z)", "sum(x, axis=W)"),
            ("x @ W", "sum(x, W)"),
            ("sum(x, axis=W)", "z"),
            steps='y = "affine(hidden, 3)"',
        ),
        "bad-axis",
        6,
        6,
        "affine(hidden, 3)",
    ),
    "a name that a call takes": Bad(
        block(steps='y = "affine(hidden, hidden)"\n"y.z" = "x"'), "name-taken", 7, 1, '"y.z"', "another name"
    ),
    "a broken block that is called": Bad(
        block(("x @ W", "x @"), steps='h = "affine(x, x)"\ny = "h.z + h"'), "ends-too-early", 11, 9
    ),
    "a broken block that the output lies in": Bad(
        f'output = "y.z"\n{block(("x @ W", "x @"))}', "ends-too-early", 11, 9
    ),
    "blocks that grow without end": Bad(
        step('y = "b39(x)"\n[blocks]\n')
        + "b0 = { args = ['x'], value = 'x*x' }\n"
        + "".join(f"b{i} = {{ args = ['x'], value = 'b{i - 1}(x) + b{i - 1}(x)' }}\n" for i in range(1, 40)),
        "blocks-too-large",
    ),
    "blocks of great depth": Bad(
        step('y = "b999(x)"\n[blocks]\n')
        + "b0 = { args = ['x'], value = 'x*x' }\n"
        + "".join(f"b{i} = {{ args = ['x'], value = 'b{i - 1}(x) + 1' }}\n" for i in range(1, 1000)),
        "blocks-too-deep",
    ),
    "a dotted key in the graph": Bad(step('h.z = "x"'), "step-without-op", 6, 1, "h.z", '"h.z" = …'),
    "a name that ends in a transpose": Bad(step('"h.T" = "x"'), "bad-name", 6, 1, '"h.T"'),
    "a name that holds a transpose": Bad(step('"h.T.z" = "x"'), "bad-name", 6, 1, '"h.T.z"'),
    "a name with a dot too many": Bad(step('"h." = "x"'), "bad-name", 6, 1, '"h."'),
}
BAD_TOML |= {
    # what is drawn
    "drawn without a seed": Bad(given_input("x = { normal = [2] }"), "missing-seed", 3, 1, "x", "seed = 1"),
    "a seed below zero": Bad(
        given_input("x = { normal = [2], seed = -1 }"), "seed-out-of-range", 3, 28, "-1"
    ),
    "a seed beyond 32 bits": Bad(
        given_input("x = { normal = [2], seed = 4294967296 }"), "seed-out-of-range", 3, 28, "4294967296"
    ),
    "half a seed": Bad(given_input("x = { uniform = [2], seed = 1.5 }"), "seed-out-of-range", 3, 29, "1.5"),
    "a seed that is text": Bad(
        given_input("x = { uniform = [2], seed = 'a' }"), "seed-out-of-range", 3, 29, "'a'"
    ),
    "a seed that is true": Bad(
        given_input("x = { uniform = [2], seed = true }"), "seed-out-of-range", 3, 29, "true"
    ),
    "an infinite seed": Bad(
        given_input("x = { uniform = [2], seed = inf }"), "seed-out-of-range", 3, 29, "inf"
    ),
    "a length of zero": Bad(given_input("x = { normal = [2, 0], seed = 1 }"), "bad-lengths", 3, 16, "[2, 0]"),
    "half a length": Bad(given_input("x = { normal = [2.5], seed = 1 }"), "bad-lengths", 3, 16, "[2.5]"),
    "a length that is text": Bad(given_input("x = { normal = ['2'], seed = 1 }"), "bad-lengths", 3, 16),
    "a length that is true": Bad(given_input("x = { normal = [true], seed = 1 }"), "bad-lengths", 3, 16),
    "a number for a shape": Bad(given_input("x = { normal = 3, seed = 1 }"), "bad-lengths", 3, 16, "3"),
    "a shape of shapes": Bad(given_input("x = { normal = [[2]], seed = 1 }"), "bad-lengths", 3, 16, "[[2]]"),
    "too many elements to be drawn": Bad(
        given_input("x = { normal = [100000, 100000], seed = 1 }"),
        "input-too-large",
        3,
        16,
        "[100000, 100000]",
    ),
    "too many elements by far": Bad(
        given_input(f"x = {{ normal = [{'9' * 4000}], seed = 1 }}"), "bad-lengths", 3
    ),
    "too many axes to be drawn": Bad(
        given_input(f"x = {{ uniform = [{', '.join(['1'] * 33)}], seed = 1 }}"), "input-too-large", 3, 17
    ),
    "an infinite scale": Bad(
        given_input("x = { normal = [2], scale = inf, seed = 1 }"), "no-finite-number", 3, 29, "inf"
    ),
    "a scale that is text": Bad(
        given_input("x = { normal = [2], scale = '2', seed = 1 }"), "no-finite-number", 3, 29, "'2'"
    ),
    "a mean that is a list": Bad(
        given_input("x = { normal = [2], mean = [1], seed = 1 }"), "no-finite-number", 3, 28, "[1]"
    ),
    "bounds back to front": Bad(
        given_input("x = { uniform = [2], low = 1, high = 0, seed = 1 }"), "low-not-below-high", 3, 31, "high"
    ),
    "one bound beyond the other's default": Bad(
        given_input("x = { uniform = [2], low = 1, seed = 1 }"), "low-not-below-high", 3, 22, "low"
    ),
    "numbers beyond float64": Bad(
        given_input("x = { uniform = [2], low = -1.7e308, high = 1.7e308, seed = 1 }"),
        "not-finite-input",
        3,
        5,
    ),
    "drawn outside the range": Bad(
        given_input("x = { uniform = [2], seed = 1, range = [2, 3] }"), "outside-range", 3, 40
    ),
    "both drawn and given": Bad(
        given_input("x = { value = 1, normal = [2], seed = 1 }"), "two-forms", 3, 18, "normal"
    ),
    "a key of another form": Bad(
        given_input("x = { normal = [2], low = 1, seed = 1 }"), "unknown-key", 3, 21, "low", "mean, scale"
    ),
    "a misspelt form": Bad(given_input("x = { nromal = [2], value = 1 }"), "unknown-key", 3, 7, "nromal"),
}


def table(line, columns='["a", "b"]', rows="[[1, 2], [3, 4]]"):
    """A spec with an input from a table, whose columns stand in line 3 and rows in line 4."""
    return f'bpx = 1\n[tables.t]\ncolumns = {columns}\nrows = {rows}\n[inputs]\n{line}\n[graph]\ny = "x"'


WHOLE_TABLE = 'x = { table = "t" }'
BAD_TOML |= {
    "tables that are a list": Bad(f'tables = [1]\n{TOP}y = "x"', "wrong-type", 1, 10, "[1]"),
    "a table that is a list": Bad(f'tables.t = [[1]]\n{TOP}y = "x"', "wrong-type", 1, 12, "[[1]]"),
    "a table without rows": Bad(
        table(WHOLE_TABLE).replace("rows = [[1, 2], [3, 4]]\n", ""),
        "table-without",
        2,
        2,
        "tables.t",
        "rows =",
    ),
    "a table without columns": Bad(
        table(WHOLE_TABLE).replace('columns = ["a", "b"]\n', ""),
        "table-without",
        2,
        2,
        "tables.t",
        "columns =",
    ),
    "an unknown key of a table": Bad(
        table(WHOLE_TABLE, rows="[[1, 2]]\nrow = 1"), "unknown-key", 5, 1, "row"
    ),
    "columns that are text": Bad(table(WHOLE_TABLE, columns='"ab"'), "wrong-type", 3, 11, '"ab"'),
    "no columns": Bad(table(WHOLE_TABLE, columns="[]"), "no-columns", 3, 11, "[]"),
    "a column that is a number": Bad(table(WHOLE_TABLE, columns='["a", 2]'), "not-a-column", 3, 17, "2"),
    "a column twice": Bad(table(WHOLE_TABLE, columns='["a", "a"]'), "repeated-column", 3, 17, '"a"'),
    "rows that are a number": Bad(table(WHOLE_TABLE, rows="1"), "wrong-type", 4, 8, "1"),
    "no rows": Bad(table(WHOLE_TABLE, rows="[]"), "empty-array", 4, 8, "[]"),
    "a row that is a number": Bad(table(WHOLE_TABLE, rows="[[1, 2], 3]"), "not-a-row", 4, 17, "3"),
    "a short row": Bad(table(WHOLE_TABLE, rows="[[1, 2], [3]]"), "table-row", 4, 17, "[3]"),
    "a long row": Bad(table(WHOLE_TABLE, rows="[[1, 2, 3], [3, 4]]"), "table-row", 4, 9, "[1, 2, 3]"),
    "a cell that is text": Bad(table(WHOLE_TABLE, rows="[[1, 'a'], [3, 4]]"), "not-a-number", 4, 13, "'a'"),
    "a cell that is true": Bad(table(WHOLE_TABLE, rows="[[1, true]]"), "not-a-number", 4, 13, "true"),
    "a cell that is a list": Bad(table(WHOLE_TABLE, rows="[[1, [2]]]"), "not-a-number", 4, 13, "[2]"),
    "a cell that is not finite": Bad(table(WHOLE_TABLE, rows="[[1, nan]]"), "not-finite-input", 4, 13, "nan"),
    "an unknown table": Bad(
        table(f'{WHOLE_TABLE}\nz = {{ table = "tt" }}'), "unknown-table", 7, 15, '"tt"', "`t`"
    ),
    "a table that is named by a number": Bad(
        table(f"{WHOLE_TABLE}\nz = {{ table = 1 }}"), "wrong-type", 7, 15, "1"
    ),
    "an unknown column": Bad(
        table('x = { table = "t", column = "length" }', columns='["lenght", "b"]'),
        "unknown-column",
        6,
        29,
        '"length"',
        "`lenght`",
    ),
    "a column unlike any": Bad(
        table('x = { table = "t", columns = ["a", "zzz"] }'),
        "unknown-column",
        6,
        36,
        '"zzz"',
        "columns are a, b",
    ),
    "a chosen column twice": Bad(
        table('x = { table = "t", columns = ["a", "a"] }'), "repeated-column", 6, 36, '"a"'
    ),
    "no chosen columns": Bad(table('x = { table = "t", columns = [] }'), "no-columns", 6, 30, "[]"),
    "chosen columns that are text": Bad(
        table('x = { table = "t", columns = "a" }'), "wrong-type", 6, 30, '"a"'
    ),
    "a chosen column that is a list": Bad(table('x = { table = "t", column = ["a"] }'), "wrong-type", 6, 29),
    "both columns and a column": Bad(
        table('x = { table = "t", columns = ["a"], column = "b" }'), "two-forms", 6, 37, "column"
    ),
    "a table and a value": Bad(table('x = { table = "t", value = 1 }'), "two-forms", 6, 7, "table"),
}

BAD_JSON = {
    "not JSON": Bad('{"bpx": 1,\n "graph": {"y": "1"}', "json-syntax", 2, 21),
    "trailing comma": Bad('{"bpx": 1,}', "json-syntax", 1, 10, ","),
    "trailing comma in a list": Bad('{"bpx": [1, "x" , \n]}', "json-syntax", 1, 17, ","),
    "a comma far from the error": Bad('}, {"bpx": 1,', "json-syntax", 1, 1, "}"),
    "nothing but a comma": Bad('{"bpx": [,]}', "json-syntax", 1, 10, ","),
    "single quotes": Bad("{'bpx': 1}", "json-syntax", 1, 2),
    "a list": Bad("[1]", "wrong-type", 1, 1),
    "null": Bad("null", "wrong-type", 1, 1),
    "duplicate key": Bad(
        '{"bpx": 1, "inputs": {"x": 1, "x": 2}, "graph": {"y": "x"}}', "duplicate-key", 1, 31, '"x"'
    ),
    "NaN": Bad('{"bpx": 1, "inputs": {"x": NaN}, "graph": {"y": "x"}}', "not-finite-input", 1, 28, "NaN"),
    "Infinity": Bad(
        '{"bpx": 1, "inputs": {"x": [-Infinity]}, "graph": {"y": "x"}}',
        "not-finite-input",
        1,
        29,
        "-Infinity",
    ),
    "1e400": Bad(
        '{"bpx": 1, "inputs": {"x": 1e400}, "graph": {"y": "x"}}', "not-finite-input", 1, 28, "1e400"
    ),
    "null for a number": Bad(
        '{"bpx": 1, "inputs": {"x": null}, "graph": {"y": "x"}}', "not-a-number", 1, 28, "null"
    ),
    "very many digits": Bad(
        f'{{"bpx": 1, "inputs": {{"x": 1{"0" * 9000}}}, "graph": {{"y": "x"}}}}', "number-too-long"
    ),
    "deep nesting": Bad(
        f'{{"bpx": 1, "inputs": {{"x": {"[" * 3000}{"]" * 3000}}}, "graph": {{"y": "x"}}}}', "too-deep"
    ),
    "behind escapes": Bad(
        r'{"bpx": 1, "graph": {"\u0079": "2 \u2212 \ud835\udc99"}}', "unknown-name", 1, 42, r"\ud835\udc99"
    ),
    "what bpx said": Bad('{"bpx": 1, "kind": "explanation"}', "not-a-spec", 1, 12, '"kind"', "bpx convert"),
    "half a character": Bad(
        r'{"bpx": 1, "graph": {"y": "2 + \ud835"}}', "half-a-character", 1, 32, r"\ud835"
    ),
    "the other half": Bad(
        r'{"bpx": 1, "title": "\udc99", "graph": {"y": "1"}}', "half-a-character", 1, 22, r"\udc99"
    ),
    "half a character behind a whole one": Bad(
        r'{"bpx": 1, "title": "\ud835\udc99 \ud835", "graph": {"y": "1"}}',
        "half-a-character",
        1,
        35,
        r"\ud835",
    ),
    "half a character behind a backslash": Bad(
        r'{"bpx": 1, "title": "\\ud835 \ud835", "graph": {"y": "1"}}', "half-a-character", 1, 30, r"\ud835"
    ),
    "unknown role": Bad(
        '{"bpx": 1, "inputs": {"x": {"value": 1, "role": null}}, "graph": {"y": "x"}}',
        "unknown-role",
        1,
        49,
        "null",
    ),
}


def built(name="x", value=(1.0, 2.0)):
    """A spec of a graph made in Python, with one input of two elements."""
    graph = Graph()
    x = graph.input((2,))
    return spec_of(x * 2, {name: (x, value)})


BAD_REQUESTS = {
    "not an input": (lambda: toml(f'{TOP}y = "x*hidden"', hiden=1), "not-an-input", "`hidden`"),
    "a step": (lambda: toml(f'{TOP}y = "x"', y=1), "not-an-input", "x, hidden"),
    "not a number": (lambda: toml(f'{TOP}y = "x"', x="abc"), "not-a-number", None),
    "ragged value": (lambda: toml(f'{TOP}y = "x"', x=[[1], [2, 3]]), None, None),
    "infinite value": (lambda: toml(f'{TOP}y = "x"', x=[1, np.inf]), "not-finite-input", None),
    "empty value": (lambda: toml(f'{TOP}y = "x"', x=[]), "empty-array", None),
    "value that does not fit": (lambda: toml(f'{TOP}y = "x + hidden"', x=[1, 2, 3]), "shape-mismatch", None),
    "expression without value": (lambda: expression("x*y", x=1), "missing-value", "add y=0.5"),
    "name unlike any": (lambda: expression("x*y", x=1, y=2, q=3), "not-an-input", "x, y"),
    "value of another shape": (lambda: built(value=[1, 2, 3]), "value-shape", None),
    "no number in Python": (lambda: built(value="abc"), "not-a-number", None),
    "a bad name in Python": (lambda: built("a b"), "bad-name", None),
    "expression that cannot be read": (lambda: expression("2 +* x", x=1), "expected-operand", None),
    "value outside the range": (
        lambda: toml(given_input("x = { value = 1, range = [-2, 2] }"), x=-2.5),
        "outside-range",
        None,
    ),
    "claim of no form": (lambda: read_claim("2*(x+y)"), "bad-claim", None),
}


def assert_says(problems, bad):
    assert len(problems) == 1, [problem.to_text() for problem in problems]
    problem = problems[0]
    place = problem.to_dict()
    assert bad.code in (None, problem.code)
    assert bad.line in (None, place.get("line"))
    assert bad.column in (None, place.get("column"))
    assert bad.underlined is None or bad.underlined == problem.span.text
    assert bad.help in (problem.advice or "")
    assert len(problem.to_text()) < 2000


@every("bad", BAD_TOML.values())
def test_bad_toml(bad):
    assert_says(problems_of(toml, bad.text), bad)


@every("bad", BAD_JSON.values())
def test_bad_json(bad):
    assert_says(problems_of(from_json, bad.text), bad)


@every("ask, code, help", BAD_REQUESTS.values())
def test_bad_request(ask, code, help):
    assert_says(problems_of(ask), Bad("", code, help=help or ""))


@every(
    "text, message",
    [
        (f'{TOP}a = "b + 1"\nb = "c*x"\nc = "exp(a)"', "the steps form a cycle: a → b → c → a"),
        (f'{TOP}a = "a"', "the steps form a cycle: a → a"),
        (
            f'{TOP}y = "[[1, 2, 3], [4, 5, 6]] + hidden"',
            "`add` cannot be applied to `[[1, 2, 3], [4, 5, 6]]` of shape 2×3 and `hidden` of shape 2",
        ),
        (f'{TOP}y = "x @ hidden"', "`matmul` cannot be applied to the scalar `x` and `hidden` of shape 2"),
        (f'{TOP}y = "atan2(x)"', "`atan2` takes 2 args, not 1"),
        ('bpx = 2\n[graph]\ny = "1"', "this bpx does not read format version 2"),
        (f'{TOP}y = {{ op = "exp", args = "x" }}', "`args` must be a list, not text"),
        (f'{TOP}y = "sum(hidden, axis=3)"', "`sum` cannot use axis 3 (number of axes: 1)"),
        (
            given_input("x = { value = [1, 2.5], range = [-2, 2] }"),
            "`x` contains 2.5, which is outside its range from -2 to 2",
        ),
        (
            f"{TOP}y = 'f(x)'\n[ops]\n"
            + "".join(
                f"{a} = {{ args = ['x'], value = '{b}(x)', partials.x = '1' }}\n"
                for a, b in ("fg", "gh", "hf")
            ),
            "the ops form a cycle: f → g → h → f",
        ),
    ],
)
def test_message(text, message):
    assert [problem.message for problem in problems_of(toml, text)] == [message]


MANY = """\
bpx = 2
titel = "T"
output = "losss"
[inputs]
x = [1, "two"]
y = { value = 1e400, role = "paramter" }
w = [[1], [2, 3]]
[graph]
a = "2 3 + qqq"
b = "c + 1"
c = "b + 1"
d = "sigmod(a) + atan2(1)"
x = "1 +"
loss = { op = "add", args = ["a", true] }
"""


def test_all_that_is_wrong_is_said_at_once_and_in_order():
    problems = problems_of(toml, MANY, nope=1)
    codes = [problem.code for problem in problems]
    assert codes == [
        "not-an-input",
        "unsupported-version",
        "unknown-key",
        "missing-output",
        "not-a-number",
        "not-finite-input",
        "unknown-role",
        "ragged",
        "implicit-product",
        "unknown-name",
        "cycle",
        "unknown-op",
        "wrong-arity",
        "duplicate-name",
        "ends-too-early",
        "bad-arg",
    ]
    places = [problem.span.start for problem in problems if problem.span]
    assert places == sorted(places)


def test_what_is_in_a_misspelt_section_is_known():
    text = 'bpx = 1\n[inputs]\nx = 2\nk = 1\n[graph]\nz = "x + k"\n[expect]\nvalue = 3'
    for right, wrong in (("inputs", "input"), ("graph", "Graph"), ("expect", "expcet")):
        problems = problems_of(toml, text.replace(f"[{right}]", f"[{wrong}]"))
        assert [problem.code for problem in problems] == ["unknown-key"], wrong
        assert problems[0].with_guess().facts["guess"] == right
    problems = problems_of(toml, text.replace("[inputs]\nx = 2", "[input]\nx = { value = 2, colour = 1 }"))
    assert [problem.code for problem in problems] == ["unknown-key", "unknown-key"]


def test_an_input_with_unknown_keys_may_have_a_value():
    assert [problem.code for problem in problems_of(toml, given_input("x = { vale = 1 }"))] == ["unknown-key"]
    assert [problem.code for problem in problems_of(toml, given_input("x = {}"))] == ["missing-value"]


def test_a_broken_part_is_reported_once():
    text = f'{TOP}a = "x + hiden"\nb = "a + 1"\nc = "b*a + exp(b)"'
    assert [problem.code for problem in problems_of(toml, text)] == ["unknown-name"]


# --- the parts of a split -----------------------------------------------------------------------

SPLIT = """bpx = 1
[inputs]
x = [[1, 2], [3, 4], [5, 6]]
[graph]
L = "sum(b) + sum(a) * 10 + sum(c) * 100"
"a, b , c" = "split(x^2, 3)"
"""


def test_each_name_is_a_part():
    spec = toml(SPLIT)
    assert list(spec.steps) == ["L", "a", "b", "c"]
    values = run(spec.graph, spec.input_values, spec.steps.values())
    assert [values[spec.steps[name]].tolist() for name in "abc"] == [[[1, 4]], [[9, 16]], [[25, 36]]]


def test_what_is_split_is_computed_once():
    spec = toml(SPLIT)
    args = [spec.graph.args[spec.steps[name]] for name in "abc"]
    assert args[0] == args[1] == args[2]
    assert [op.name for op in spec.graph.ops].count("pow") == 1


def test_a_split_written_out():
    split = '"a, b" = { op = "split", args = ["x"], sections = 2, axis = 1 }'
    spec = toml(f'bpx = 1\n[inputs]\nx = [[1, 2], [3, 4]]\n[graph]\n{split}\nL = "sum(a - b)"')
    values = run(spec.graph, spec.input_values, spec.steps.values())
    assert values[spec.steps["a"]].tolist() == [[1], [3]]
    assert values[spec.steps["b"]].tolist() == [[2], [4]]


def test_a_split_in_a_block():
    spec = toml(
        """bpx = 1
[inputs]
x = [1, 2, 3, 4]
[blocks.glu]
args = ["x"]
graph = { "a, b" = "split(x, 2)", out = "a * sigmoid(b)" }
output = "out"
[graph]
h = "glu(x + 1)"
"""
    )
    found = run(spec.graph, spec.input_values, [spec.nodes["h"]])[spec.nodes["h"]]
    np.testing.assert_allclose(found, [2 / (1 + np.exp(-4)), 3 / (1 + np.exp(-5))])


# --- every sentence is exercised ----------------------------------------------------------------

PACKAGE = Path(bpx.__file__).parent
READERS = ["ops/tensors.py", "ops/shapes.py", *("spec/python.py", "graph/named/values.py")]
READERS += [
    f"spec/{path.parent.name}/{path.name}"
    for path in PACKAGE.glob("spec/[rt]e*/*.py")
    if path.stem != "target"
]


def codes_in(*files):
    """The codes of diagnostics that stand as text in source files."""
    texts = {
        node.value
        for file in files
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {text for text in texts if f"diagnostic.{text}" in ENGLISH}


# Of claims: see test_claims.py; of values and nodes from Python: see test_refused_values.py.
ELSEWHERE = {
    "grad-of-array",
    "no-inputs",
    "not-one-of",
    *("unused-input", "unused-table", "claim-shape", "claim-list", "no-input-node", "node-named-twice"),
    *(
        "stated-twice",
        "two-expressions",
        "no-expression",
        "elided-array",
    ),  # test_statements.py, test_printed.py
    *("formula-too-long", "too-many-signs"),  # test_bounds.py
    "too-many-gradients",  # tests/docs/test_limits.py
    "two-readings",  # test_typed_inputs.py
    "empty-value",  # test_bad_value
    *("rounded-integer", "no-pair"),  # test_edge_values.py, test_wrong_arguments.py
}


def codes_exercised():
    """The codes that the tables of this file and of test_parse.py ask for."""
    cases = [*BAD_TOML.values(), *BAD_JSON.values(), *BAD_REQUESTS.values(), *BAD_EXPRESSIONS]
    return {case[1] for case in cases} | ELSEWHERE


def test_every_code_that_reading_can_raise_is_exercised():
    raised = codes_in(*(PACKAGE / name for name in READERS))
    assert raised - codes_exercised() == set()


# --- safety -------------------------------------------------------------------------------------


def answer_to(read, *args, **values):
    """The diagnostics of `read`, or its spec. What takes far too long runs into the limit of the suite."""
    try:
        return read(*args, **values)
    except BpxError as error:
        return error.diagnostics


WIDE, TALL = np.ones((1, 100_000)), np.ones((100_000, 1))


@every(
    "text",
    ["x + y", "y @ x", "x*y", "max(x, y)", "sum(x + y)", "outer(reshape(x, [-1]), reshape(y, [-1]))"],
)
def test_a_huge_result_is_refused_before_it_is_computed(text):
    problems = answer_to(expression, text, x=WIDE, y=TALL)
    assert [problem.code for problem in problems] == ["too-large"]
    assert "10,000,000,000 elements" in problems[0].message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("spread(1, shape=[100000, 100000], axis=[0, 1])", "too-large"),
        ("spread(1, shape=[1e300], axis=[0])", "too-large"),
        ("reshape(x, [1e300, -1])", "bad-reshape"),
        ("sum(x, axis=1e300)", "bad-axis"),
    ],
)
def test_a_huge_setting_is_refused(text, code):
    problems = answer_to(expression, text, **({"x": [1, 2]} if "x," in text else {}))
    assert [problem.code for problem in problems] == [code]


LONG = 3000
HOSTILE_DOCUMENTS = {
    "dotted key as an arg": f'{TOP}y = {{ op = "exp", args = [{{ {"a." * LONG}a = 1 }}] }}',
    "dotted key as a setting": f'{TOP}y = {{ op = "sum", args = ["x"], axis.{"a." * LONG}a = 1 }}',
    "dotted key as a role": f"bpx = 1\n[inputs.x]\nvalue = 1\nrole.{'a.' * LONG}a = 1\n[graph]\ny = 'x'",
    "dotted key as a version": f"bpx.{'a.' * LONG}a = 1\n[graph]\ny = '1'",
    "dotted key as a value": f"bpx = 1\n[inputs]\nx.value.{'a.' * LONG}a = 1\n[graph]\ny = 'x'",
    "dotted key as a step": f"bpx = 1\n[graph]\ny.{'a.' * LONG}a = 1",
    "dotted key as a title": f"bpx = 1\ntitle.{'a.' * LONG}a = 1\n[graph]\ny = '1'",
    "dotted key as an expectation": f"bpx = 1\n[expect]\nvalue.{'a.' * LONG}a = 1\n[graph]\ny = '1'",
    "many unknown names": "bpx = 1\n[graph]\n" + "".join(f'step{i} = "input{i}"\n' for i in range(3000)),
    "many unknown keys": "".join(f"key{i} = 1\n" for i in range(5000)) + 'bpx = 1\n[graph]\ny = "1"',
    "many bad names": "bpx = 1\n[graph]\n" + "".join(f'"{i} x" = "1"\n' for i in range(3000)),
    "many bad numbers": f'bpx = 1\n[inputs]\nx = [{", ".join(["true"] * 2000)}]\n[graph]\ny = "x"',
    "a long chain back to front": 'output = "s0"\nbpx = 1\n[graph]\n'
    + "".join(f's{i} = "s{i + 1} + 1"\n' for i in range(5000))
    + 's5000 = "1"',
    "a long cycle": "bpx = 1\n[graph]\n" + "".join(f's{i} = "s{(i + 1) % 5000} + 1"\n' for i in range(5000)),
    "many cycles": "bpx = 1\n[graph]\n" + "".join(f's{i} = "s{i + 1} + s0"\n' for i in range(7000)),
    "many steps used by one above them": 'output = "L"\nbpx = 1\n[graph]\nL = "'
    + "+".join(f"t{i}" for i in range(5000))
    + '"\n'
    + "".join(f't{i} = "1"\n' for i in range(5000)),
    "a deep expression": f'bpx = 1\n[graph]\ny = "{"-" * 20_000}1"',
    "a long number": f"bpx = 1\n[inputs]\nx = 1.{'0' * 200_000}\n[graph]\ny = 'x'",
    "a long name": f"bpx = 1\n[inputs]\n{'x' * 100_000} = 1\n[graph]\ny = '{'x' * 99_999}'",
    "many cycles of blocks": f"{TOP}y = 'x'\n[blocks]\n"
    + "".join(f"b{i} = {{ args = ['x'], value = 'b{i + 1}(x) + b0(x)' }}\n" for i in range(2000))
    + "b2000 = { args = ['x'], value = 'b0(x)' }",
    "many unknown names in blocks": f"{TOP}y = 'x'\n[blocks]\n"
    + "".join(f"b{i} = {{ args = ['x'], value = 'y{i} + q' }}\n" for i in range(1000)),
    "many calls within each other": f"{TOP}y = '{'b(' * 3000}x{')' * 3000}'\n[blocks.b]\n"
    + "args = ['x']\ngraph = { z = 'x*2', a = 'z + 1' }",
    "many calls of long names": f"{TOP}y = '{'+'.join(['b(x)'] * 3000)}'\n[blocks.b]\n"
    + f"args = ['x']\ngraph = {{ {'z' * 100_000} = 'x*2', a = 'x + 1' }}",
    "a long list in a block that is often called": f"{TOP}y = '{'+'.join(['b(x, 1)'] * 3000)}'\n[blocks.b]\n"
    + f"args = ['x', 'W']\nvalue = 'sum(x * W * [{', '.join(['1'] * 20_000)}])'",
    "a name of many dots": f'bpx = 1\n[inputs]\n"{"a." * 50_000}a" = 1\n[graph]\ny = "1"',
    "many misspelt columns": "bpx = 1\n[tables.t]\ncolumns = ["
    + ", ".join(f"'c{i}'" for i in range(1000))
    + f"]\nrows = [[{', '.join(['1'] * 1000)}]]\n[inputs]\n"
    + "".join(f"x{i} = {{ table = 't', column = 'c{i}x' }}\n" for i in range(2000))
    + "[graph]\ny = '1'",
    "a header of many parts": f"bpx = 1\n[inputs{'.a' * 20_000}]",
}


@every("text", HOSTILE_DOCUMENTS.values())
def test_a_hostile_document_is_answered_quickly_and_shortly(text):
    answer = answer_to(toml, text)
    if isinstance(answer, tuple):
        assert all(len(problem.to_text()) < 2000 for problem in answer)


# --- any text -----------------------------------------------------------------------------------


def read_and_render(text, format):
    """Reading gives a spec or says what is wrong; a spec can be saved and read again."""
    try:
        spec = read_spec(Source("any", text), format)
    except BpxError as error:
        assert error.diagnostics
        for problem in error.diagnostics:
            assert problem.to_text()
            assert json.loads(json.dumps(problem.to_dict())) == problem.to_dict()
        return
    assert all(length >= 0 for shape in spec.graph.shapes for length in shape)
    for other in ("toml", "json"):
        written = write_spec(spec, other)
        assert written.encode("utf-8")
        assert_same(read_spec(Source("again", written), other), spec)


@pytest.mark.parametrize(
    "text",
    [
        r'{"bpx": 1, "title": "\\ud835 \\\ud835\udc99", "graph": {"y": "1"}}',
        r'{"bpx": 1, "inputs": {"\ud835": 1}, "graph": {"y": "1"}}',
        '{"bpx": 1, "graph": {"y": "1", "y\x7f": "1"}}',
        '{"bpx": 1, "title": "", "graph": {"y": "1"}}',
        '{"bpx": 1, "title": null, "output": null, "graph": {"y": "1"}}',
    ],
)
def test_odd_text_reads_or_has_diagnostics(text):
    read_and_render(text, "json")


@ANYTHING
@given(st.text() | st.binary().map(lambda data: data.decode("latin-1")), st.sampled_from(["toml", "json"]))
def test_any_text_reads_or_has_diagnostics(text, format):
    read_and_render(text, format)


MORE_STEPS = """[graph]
r = { op = "sum", args = ["x"], axis = [0], keepdims = true }
"学" = "gated(r)·2 − b"
h = "affine(x, D, b)"
"h.q" = "h.z + 2 * pair(U, t) - pair(t, D)"
"""
MORE_TABLES = """
[claims]
z = "a - y"
b = -0.130

[ops.gated]
args = ["x"]
value = "x * sigmoid(x)"
partials = { x = "out + sigmoid(x)*(1 - out)" }
"""
MORE_INPUTS = """[inputs]
D = { normal = [2], scale = 0.5, seed = 1, range = [-9, 9] }
U = { uniform = [2], low = -1, high = 2, seed = 1 }
t = { table = "data", column = "b" }
T2 = { table = "data", columns = ["b", "a"] }
"""
MORE_BLOCKS = """
[tables.data]
columns = ["a", "b"]
rows = [[1, 2.50], [3, 4]]

[blocks.affine]
args = ["x", "W", "b"]
output = "a"
[blocks.affine.graph]
z = "x @ W + b"
a = { op = "tanh", args = ["z"] }

[blocks.pair]
args = ["u", "v"]
value = "affine(u, v, 1) * affine(u + v, v, pi)"
"""
WHOLE = (
    LOGISTIC.replace("[graph]\n", MORE_STEPS).replace("[inputs]\n", MORE_INPUTS) + MORE_TABLES + MORE_BLOCKS
)
SCRAPS = [
    *"x\"'[]{}=,.:#\n\\ 0-",
    "e", "exp", "sum", "r", "学", "1e400", "inf", "nan", "true", "null", "NaN", '"""', "'''", "[[", "]]",
    "[inputs]", "[graph]", "[expect]", "[claims]", "[ops.a]", "gated", "out", "partials",
    "affine", "pair", "h", "h.z", "h.affine", "T", "x.T", "normal", "uniform", "table", "seed", "columns",
    "\\u", "\\ud835", "\\udc99", "0x" + "f" * 5000, "9" * 5000, "[" * 2000,
    "(" * 2000, "a." * 2000, "1979-05-27", "07:32:00", '{ op = "', 'args = ["', "axis=", "shape=", "role",
    "value", "bpx = 1\n", "\x00", "½", "ᵀ", "²", ".T", "\r", "-0", "[]", "{}",
]  # fmt: skip


PIECES = re.compile(r'"[^"\n]*"|[\w.]+|\S')  # what looks like a word, a number, a string or a sign


def spliced(text, span, piece):
    return text[: span[0]] + piece + text[span[1] :]


@st.composite
def mutated(draw):
    """A sound spec with a few of its pieces replaced by scraps or by one another, cut out or doubled."""
    format = draw(st.sampled_from(["toml", "json"]))
    text = WHOLE if format == "toml" else write_spec(toml(WHOLE), "json")
    for _ in range(draw(st.integers(1, 3))):
        pieces = list(PIECES.finditer(text)) or [re.match("", text)]
        one, other = (draw(st.sampled_from(pieces)) for _ in range(2))
        piece = draw(st.sampled_from([*SCRAPS, "", one[0] * 2, other[0], f'"{other[0]}"']))
        text = spliced(text, one.span(), piece)
    return text, format


def test_the_spec_that_is_mutated_is_sound():
    assert value_of(toml(WHOLE)) == pytest.approx(0.1394, abs=5e-5)


@ANYTHING
@given(mutated())
def test_any_mutated_spec_reads_or_has_diagnostics(case):
    read_and_render(*case)


def test_more_axes_than_an_array_may_have():
    nest = "[" * 40 + "1" + "]" * 40
    (problem,) = problems_of(toml, f'bpx = 1\n[inputs]\nx = {nest}\n[graph]\ny = "sum(x)"\n')
    assert problem.code == "too-deep"


# --- the same with other values -----------------------------------------------------------------

STATED = """bpx = 1
[inputs]
x = { value = [1, 2], range = [0, 3] }
w = 2
[graph]
y = "sum(w*x)"
[expect]
value = 6
[claims]
x = "w"
w = 3
"""


def test_with_values_leaves_out_what_was_stated_of_the_old_ones() -> None:
    spec = read_spec(Source("a.toml", STATED), "toml")
    moved = spec.with_values({"x": np.array([2.0, 3.0])})
    assert [one.value.tolist() for one in moved.inputs] == [[2, 3], 2]
    assert (moved.inputs[0].range, moved.expect, list(moved.claims)) == ((0, 3), None, ["x"])
    assert spec.with_values({"x": np.array([2.0, 3.5])}).inputs[0].range is None
    assert spec.inputs[0].value.tolist() == [1, 2]


def test_made_again_with_values_of_other_shapes() -> None:
    spec = read_spec(Source("a.toml", STATED), "toml")
    assert spec.rebuilt
    for _ in range(2):
        longer = spec.rebuilt({"x": [1, 2, 3]})
        assert (longer.inputs[0].value.shape, longer.expect, list(longer.claims)) == ((3,), None, ["x"])
    assert spec.inputs[0].value.shape == (2,)
    with pytest.raises(BpxError) as caught:
        spec.rebuilt({"x": [[4]]})
    assert [one.code for one in caught.value.diagnostics] == ["outside-range"]
