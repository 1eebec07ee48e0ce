"""Nodes as text: what is printed reads back as the same nodes, with no bracket too many."""

import itertools
import math
import re

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import basic_indices
from rows_of_a_table import every

from bpx.graph.arrays import ShapeError
from bpx.graph.formula import derivative, formula, numbers, symbol
from bpx.graph.graph import CONSTANT, INPUT, OPS, Graph
from bpx.graph.numbers import array, number
from bpx.ops import rows
from bpx.spec.reading.read import read_value
from bpx.spec.text.build import build
from bpx.spec.text.parser import parse
from bpx.spec.text.source_text import SourceText
from bpx.words.diagnostic import Source

fixed = settings(
    derandomize=True, deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow]
)

# --- numbers and arrays -------------------------------------------------------------------------


@every(
    "value, digits, text",
    [
        (1.0, None, "1"),
        (-3.0, None, "-3"),
        (0.0, None, "0"),
        (0.1, None, "0.1"),
        (1 / 3, None, "0.3333333333333333"),
        (1e14, None, "100000000000000"),
        (1e22, None, "1e+22"),
        (5e-324, None, "5e-324"),
        (1 / 3, 3, "0.333"),
        (-1 / 3, 3, "-0.333"),
        (2.0, 3, "2"),
        (0.99999, 3, "1"),
        (123456.7, 3, "1.23e5"),
        (1.5e20, 3, "1.5e20"),
        (1.25e-5, 3, "1.25e-5"),
        (1e-100, 3, "1e-100"),
        (1e100, 3, "1e100"),
        (math.inf, 3, "inf"),
        (-math.inf, 3, "-inf"),
        (math.nan, 3, "nan"),
        (math.nan, None, "nan"),
    ],
)
def test_number(value, digits, text):
    assert number(value, digits) == text


@fixed
@given(st.floats(allow_nan=False, allow_infinity=False).filter(lambda x: x != 0) | st.just(0.0))
def test_a_number_in_full_reads_back(value):
    assert float(number(value)).hex() == value.hex()
    assert float(read_value("x", Source("s", number(value)))).hex() == value.hex()


def test_negative_zero_reads_back():
    assert float(number(-0.0)).hex() == (-0.0).hex()


@fixed
@given(st.floats(allow_nan=False, allow_infinity=False), st.integers(1, 15))
def test_a_rounded_number_is_as_near_as_its_digits_say(value, digits):
    assert float(number(value, digits)) in (float(f"{value:.{digits}g}"), value)


@every(
    "value, digits, text",
    [
        (2.0, None, "2"),
        (np.array(0.25), None, "0.25"),
        (np.array([1.0, -2.5]), None, "[1, -2.5]"),
        (np.array([[1.0, 2.0], [3.0, 4.0]]), None, "[[1, 2], [3, 4]]"),
        (np.array([[[1.0], [2.0]]]), None, "[[[1], [2]]]"),
        (np.array([1 / 3, 2 / 3]), 2, "[0.33, 0.67]"),
        (np.array([]), None, "[]"),
        (np.zeros((2, 0)), None, "[[], []]"),
    ],
)
def test_array(value, digits, text):
    assert array(value, digits) == text


@fixed
@given(st.lists(st.lists(st.floats(-1e300, 1e300), min_size=2, max_size=2), min_size=1))
def test_an_array_reads_back(rows_of_numbers):
    value = np.array(rows_of_numbers)
    assert (read_value("x", Source("s", array(value))) == value).all()


# --- print, parse, compare ----------------------------------------------------------------------

SHAPES = {"x": (), "y": (), "z": (), "u": (3,), "v": (3,), "M": (3, 3), "N": (3, 3), "T": (2, 3, 3)}
SHAPES |= {"Q": (1, 1, 2, 2)}
EVERYWHERE = ("x", "u", "M", "T", "Q")  # the inputs that every op is tried on
OF_THEIR_OWN = {"conv_transpose1d": ("P", "T", "u")}
SHAPES |= {"P": (1, 2, 3)}
CONSTANTS = [
    0,
    1,
    -1,
    2,
    0.5,
    -0.1,
    1 / 3,
    1e15,
    -1e15,
    1e300,
    -1e-300,
    5e-324,
    math.pi,
    math.e,
    -math.e,
    2**53,
]
ARRAYS = [[1, -2, 3], [-0.5, 1e-7, 2e9], [[1, 0, 0], [0, 1, 0], [0, 0, -1]]]
INDICES = [
    0,
    -1,
    (0, 1),
    (..., -1),
    slice(1, None),
    slice(None, None, -1),
    (slice(None), slice(0, 3, 2)),
    ...,
]
SETTINGS = {  # settings to try, for the ops that have some
    "index": [{"at": at} for at in INDICES],
    "place": [
        {"at": 1, "shape": [2]},
        {"at": 1, "shape": [2, 3]},
        {"at": [[0, 3, 1], 1], "shape": [4, 2]},
        {"at": [[2, -1, -1]], "shape": [3]},
        {"at": [[0, 3, 1], [0, 6, 2]], "shape": [3, 6]},
        {"at": [1, [1, 4, 1], [0, 3, 1]], "shape": [2, 4, 3]},
    ],
    "split": [{"sections": 3, "axis": -1, "part": 1}, {"sections": 1, "part": 0}],
    "pad": [
        {"width": 1},
        {"width": 1, "value": -math.inf},
        {"width": [0, 2], "value": -1.5},
        {"width": [[1, 0], [0, 1]], "value": 2},
    ],
    "roll": [{"shift": 1}, {"shift": -1, "axis": 0}, {"shift": [1, 2], "axis": [0, 1]}],
    "tile": [{"reps": 2}, {"reps": [2, 1]}],
    "repeat": [{"repeats": 2}, {"repeats": 2, "axis": 0}],
    "topk": [{"k": 2}, {"k": 1, "axis": 0}, {"k": 1, "largest": False}],
    "adaptive_max_pool": [{"size": 1}, {"size": 2}],
    "adaptive_avg_pool": [{"size": 1}, {"size": 2}],
    "resize": [{"size": 4}, {"size": 4, "mode": "linear"}],
    "group_norm": [{"groups": 1}, {"groups": 3}],
    "flip": [{}, {"axis": 0}, {"axis": [0, 1]}, {"axis": []}],
    "squeeze": [{}, {"axis": []}],
    "unsqueeze": [{"axis": 0}, {"axis": [0, -1]}],
    "broadcast_to": [{"shape": 3}, {"shape": [2, 3, 3]}, {"shape": [2, 3]}],
    "tril": [{}, {"k": -1}],
    "triu": [{}, {"k": 1}],
    "cumsum": [{}, {"axis": 0}, {"axis": -1}],
    "concat": [{}, {"axis": 1}],
    "stack": [{}, {"axis": -1}],
    "one_hot": [{"n": 3}],
    "scatter": [{"n": 4}],
    "sum": [
        {},
        {"axis": 0},
        {"axis": [0, 1]},
        {"axis": []},
        {"keepdims": True},
        {"axis": -1, "keepdims": True},
    ],
    "mean": [{}, {"axis": 0}, {"axis": 1}, {"keepdims": True}],
    "transpose": [{}, {"axes": [0, 1]}, {"axes": [1, 0, 2]}],
    "reshape": [{"shape": shape} for shape in ([], [1], [3, 1], [9], [-1], [1, 3, 3])],
    "softmax": [{}, {"axis": 0}, {"axis": [0, 1]}],
    "log_softmax": [{}, {"axis": 0}, {"axis": [0, 1]}],
    "logsumexp": [{}, {"axis": 0}, {"axis": -1, "keepdims": True}],
    "spread": [
        {"shape": [3], "axis": [0]},
        {"shape": [2, 3], "axis": [0]},
        {"shape": [2, 3, 3], "axis": [0]},
        {"shape": [3], "axis": []},
    ],
    "einsum": [
        {"subscripts": text}
        for text in (",", "i,j", "->", "ii->", "ij->j", "ij,->ij", "i,ij->j", "ij,kj", "ijk,jl->lik")
    ],
    "windows": [{"size": 2}, {"size": [2, 1], "stride": [1, 2]}, {"size": 2, "dilation": 2}],
    "overlap_add": [{"shape": 5}, {"shape": [7], "stride": 2}],
    "conv1d": [{}, {"padding": 1, "stride": 2}],
    "conv2d": [{}, {"padding": [1, 0], "dilation": [2, 1]}],
    "max_pool": [{"size": 2}, {"size": [2, 1], "stride": 1}],
    "avg_pool": [{"size": 2}, {"size": [1], "padding": 1}],
    "layer_norm": [{}, {"eps": 0.1}],
    "batch_norm": [{}, {"eps": 0.1}],
    "dropout": [{}, {"p": 0.25}],
    "attention": [{}, {"causal": True}],
}


def new_graph():
    """A graph with inputs of several shapes, and their handles by name."""
    graph = Graph()
    return graph, {name: graph.input(shape) for name, shape in SHAPES.items()}


def added(graph, op, args, given_settings):
    """A new node, or None where args or settings do not fit."""
    try:
        return graph.add(op, *args, **given_settings)
    except (ShapeError, TypeError, ValueError):
        return None


def printed(expr, leaves):
    return str(formula(expr.graph, expr.id, {leaf.id: name for name, leaf in leaves.items()}))


def reread(text):
    """The node that a text builds, among inputs as those of `new_graph`."""
    graph, leaves = new_graph()
    problems = []
    code, found = parse(SourceText(Source("s", text), text))
    expr = build(code, graph, leaves, problems.append) if code else None
    assert expr is not None and not found + problems, [text, *(one.to_text() for one in found + problems)]
    return expr


def tree(expr):
    """All that a node is, down to the bits of its constants."""
    graph = expr.graph
    known = []
    for node in range(expr.id + 1):
        op, args = graph.ops[node], graph.args[node]
        if op is CONSTANT:
            known.append((graph.shapes[node], graph.constants[node].tobytes()))
        else:
            own = node if op is INPUT else op.name
            known.append((own, graph.settings[node], *(known[arg] for arg in args)))
    return known[expr.id]


def assert_reads_back(expr, leaves):
    text = printed(expr, leaves)
    assert tree(reread(text)) == tree(expr), text


def every_node(op):
    """Nodes of `op` on inputs of all shapes that fit, with all settings of the table above."""
    for given_settings in SETTINGS.get(op.name, [{}]):
        inputs = OF_THEIR_OWN.get(op.name, EVERYWHERE)
        for names in itertools.product(inputs, repeat=len(op.args)):
            graph, leaves = new_graph()
            expr = added(graph, op, [leaves[name] for name in names], given_settings)
            if expr is not None:
                yield expr, leaves


@every("op", rows())
def test_every_op_reads_back(op):
    nodes = list(every_node(op))
    assert nodes, f"no args fit `{op.name}`: add settings for it to SETTINGS"
    for expr, leaves in nodes:
        assert_reads_back(expr, leaves)


PLAIN = [op for op in rows() if not op.settings]


@every("outer", PLAIN)
def test_every_pair_of_ops_reads_back(outer):
    for inner, place, names in itertools.product(
        PLAIN, range(len(outer.args)), [("x", "y", "z"), ("M", "N", "M")]
    ):
        graph, leaves = new_graph()
        arg = added(graph, inner, [leaves[name] for name in names[: len(inner.args)]], {})
        others = [leaves[name] for name in names[: len(outer.args)]]
        expr = (
            added(graph, outer, [*others[:place], arg, *others[place + 1 :]], {}) if arg is not None else None
        )
        if expr is not None:
            assert_reads_back(expr, leaves)


@every("op", rows())
def test_every_op_reads_back_with_a_constant(op):
    choices = itertools.product([*CONSTANTS, *ARRAYS], range(len(op.args)), SETTINGS.get(op.name, [{}]))
    for value, place, given_settings in choices:
        graph, leaves = new_graph()
        args = [leaves["u"]] * len(op.args)
        args[place] = graph.constant(value)
        expr = added(graph, op, args, given_settings)
        if expr is not None:
            assert_reads_back(expr, leaves)


@fixed
@given(
    st.sampled_from([(), (3,), (2, 3), (1, 4), (3, 1, 5)]).flatmap(
        lambda shape: st.tuples(st.just(shape), basic_indices(shape, allow_ellipsis=True))
    )
)
def test_any_index_reads_back(case):
    shape, at = case
    assume(np.zeros(shape)[at].size)
    graph = Graph()
    x = graph.input(shape)
    out = x[at]
    assert reread_on(str(formula(graph, out.id, {x.id: "x"})), shape) == graph.settings[out.id]
    placed = OPS["place"](out, at=at, shape=shape)
    text = str(formula(graph, placed.id, {out.id: "x"}))
    assert reread_on(text, out.shape) == graph.settings[placed.id]


def reread_on(text, shape):
    """The settings of the node that a text builds on an input x of that shape."""
    graph = Graph()
    expr = build(parse(SourceText(Source("s", text), text))[0], graph, {"x": graph.input(shape)}, [].append)
    return graph.settings[expr.id]


@every(
    "text",
    [
        "x[0]",
        "x[:, 0]",
        "x[1:, ::-1]",
        "x[1, 2]",
        "x[...]",
        "-x[0]",
        "x[0]^2",
        "(x^2)[0]",
        "(-x)[0]",
        "(x + x)[0]",
        "x.T[0]",
        "x[0].T",
        "x[0][1:]",
        "exp(x)[:, 1:]",
        "[1, 2, 3][0]",
        "x[0] * x[1, 1:2]",
        "place(x[0], at=[1], shape=[2, 3])",
        "place(x[0, 0], at=[0, 0], shape=[2, 3])",
        "place(x[0], at=[::2], shape=6)",
    ],
)
def test_an_index_prints_as_written(text):
    graph = Graph()
    x = graph.input((2, 3))
    expr = build(parse(SourceText(Source("s", text), text))[0], graph, {"x": x}, [].append)
    assert str(formula(graph, expr.id, {x.id: "x"})) == text


@st.composite
def grown(draw):
    """A tree of a dozen nodes, literally as drawn."""
    graph, leaves = new_graph()
    nodes = [
        *leaves.values(),
        *(graph.constant(draw(st.sampled_from([*CONSTANTS, *ARRAYS]))) for _ in range(3)),
    ]
    for _ in range(draw(st.integers(1, 12))):
        op = draw(st.sampled_from(rows()))
        args = [draw(st.sampled_from(nodes[-6:] + nodes)) for _ in op.args]
        expr = added(graph, op, args, draw(st.sampled_from(SETTINGS.get(op.name, [{}]))))
        nodes += [] if expr is None else [expr]
    return max(nodes, key=lambda node: node.id), leaves


@settings(fixed, max_examples=300)
@given(grown())
def test_random_trees_read_back(case):
    assert_reads_back(*case)


# --- brackets -----------------------------------------------------------------------------------


def reprinted(text):
    expr = reread(text)
    _, leaves = new_graph()
    return printed(expr, leaves)


@every(
    "text",
    [
        "(x + y)^2",
        "x - (y - z)",
        "x - y - z",
        "x + (y + z)",
        "x + y + z",
        "x * (y * z)",
        "x / (y / z)",
        "x / y / z",
        "x * y + z",
        "x * (y + z)",
        "-x^2",
        "(-x)^2",
        "-(1)",
        "-(x + y)",
        "-(x * y)",
        "-x * y",
        "x * (-y)",
        "x + (-y)",
        "-(-x)",
        "(-1)^2",
        "-1 * x",
        "x * (-1)",
        "x - (-1)",
        "-(-1)",
        "2^(-x)",
        "2^(-1)",
        "-2^x",
        "x^y^z",
        "(x^y)^z",
        "x^(y + 1)",
        "x * (M @ N)",
        "x * M @ N",
        "M @ (N @ u)",
        "M @ N @ u",
        "(M @ N).T",
        "M.T @ N",
        "-M.T",
        "(-M).T",
        "M.T.T",
        "M.T^2",
        "(M^2).T",
        "[1, 2, 3].T",
        "pi.T",
        "x < y",
        "x + 1 < y * 2",
        "(x < y) == (y < z)",
        "(x < y) * z",
        "exp(x + y)",
        "max(-x, -1)",
        "exp(-(-x))",
        "sqrt(x)^2",
        "abs(x) - abs(y)",
        "2 * pi * e",
        "sum(M, axis=0)",
        "sum(M, keepdims=true)",
        "sum(M, axis=[])",
        "reshape(M, shape=9)",
        "reshape(x, shape=[])",
        "transpose(T, axes=[1, 0, 2])",
        "spread(u, shape=[2, 3], axis=0)",
        "spread(x, shape=3, axis=0)",
        "einsum('ij,jk->ik', M, M)",
        "windows(M, size=2)",
        "windows(M, size=[2, 1], stride=[1, 2])",
        "max_pool(M, size=[2, 2], stride=[1, 1])",
    ],
)
def test_prints_as_written(text):
    assert reprinted(text) == text


@every(
    "text, plain",
    [
        ("((x)+(y))", "x + y"),
        ("(x*y)*z", "x * y * z"),
        ("x^(y^z)", "x^y^z"),
        ("(x/y)*z", "x / y * z"),
        ("-(x^2)", "-x^2"),
        ("(-x)*y", "-x * y"),
        ("x*-1", "x * (-1)"),
        ("2^-x", "2^(-x)"),
        ("2^-2", "2^(-2)"),
        ("--x", "-(-x)"),
        ("−x²·y", "-x^2 * y"),
        ("√x", "sqrt(x)"),
        ("||x|-|y||", "abs(abs(x) - abs(y))"),
        ("σ(x)", "sigmoid(x)"),
        ("Mᵀ", "M.T"),
        ("sum(M, axis=[0, 1], keepdims=false)", "sum(M)"),
        ("sum(M, -1)", "sum(M, axis=1)"),
        ("transpose(M, axes=[1, 0])", "M.T"),
        ("3.141592653589793*x", "pi * x"),
        ("0.50 + 1e1", "0.5 + 10"),
    ],
)
def test_prints_plainly(text, plain):
    assert reprinted(text) == plain


def pairs_of_brackets(text):
    """Where the round brackets stand that only group: not those of a call or around a minus."""
    waiting = []
    for at, char in enumerate(text):
        if char == "(":
            waiting.append(at)
        elif char == ")":
            start = waiting.pop()
            if not re.search(r"\w$", text[:start]) and not text.startswith("-", start + 1):
                yield start, at


NUMBERS = re.compile(r"[0-9.e+-]+|pi|\[[^a-z]*\]")


def means(text):
    """What the text says, or None where it says nothing."""
    try:
        return tree(reread(text))
    except AssertionError:
        return None


@settings(fixed, max_examples=150)
@given(grown())
def test_no_bracket_is_too_many(case):
    expr, leaves = case
    text = printed(expr, leaves)
    for start, end in itertools.islice(pairs_of_brackets(text), 8):
        inner = text[start + 1 : end]
        if text[:start].endswith("-") and NUMBERS.fullmatch(inner):  # -(1) is a negation, -1 a number
            continue
        if text[end + 1 :].startswith(".T") and NUMBERS.fullmatch(inner):  # 0.5.T is hard to read
            continue
        without = text[:start] + inner + text[end + 1 :]
        assert means(without) != tree(expr), (text, without)


def test_names_stand_for_their_nodes():
    graph, leaves = new_graph()
    inner = graph.add(OPS["add"], leaves["x"], leaves["y"])
    outer = graph.add(OPS["mul"], inner, graph.add(OPS["neg"], inner))
    names = {leaf.id: name for name, leaf in leaves.items()} | {inner.id: "s", outer.id: "out"}
    assert str(formula(graph, outer.id, names)) == "s * (-s)"
    assert str(formula(graph, outer.id, names, open_root=False)) == "out"
    assert str(formula(graph, inner.id, names)) == "x + y"


def test_formulas_stand_for_their_nodes():
    graph, leaves = new_graph()
    outer = graph.add(OPS["mul"], graph.add(OPS["sub"], leaves["x"], leaves["y"]), leaves["y"])
    values = {leaves["x"].id: numbers(-2.0), leaves["y"].id: numbers(0.5)}
    assert str(formula(graph, outer.id, values)) == "(-2 - 0.5) * 0.5"
    power = graph.add(OPS["pow"], leaves["x"], leaves["x"])
    assert str(formula(graph, power.id, values)) == "(-2)^(-2)"


@pytest.mark.parametrize(("name", "text"), [("e", "2.718281828459045 * e"), ("x", "e * x")])
def test_an_input_may_be_named_as_a_constant(name, text):
    graph = Graph()
    leaf = graph.input()
    expr = graph.add(OPS["mul"], graph.constant(math.e), leaf)
    assert str(formula(graph, expr.id, {leaf.id: name})) == text


# --- depth --------------------------------------------------------------------------------------

DEEP = 10_000


@pytest.mark.parametrize("name", ["exp", "neg", "transpose"])
def test_a_deep_chain_of_one_arg_ops(name):
    graph, leaves = new_graph()
    expr = leaves["x"]
    for _ in range(DEEP):
        expr = graph.add(OPS[name], expr)
    assert_same_chain(expr, leaves)


@every("deep_arg", [0, 1])
@every("name", ["sub", "pow", "max"])
def test_a_deep_chain_of_two_arg_ops(name, deep_arg):
    graph, leaves = new_graph()
    expr = leaves["x"]
    for _ in range(DEEP):
        args = [expr, leaves["y"]]
        expr = graph.add(OPS[name], *(args if deep_arg == 0 else reversed(args)))
    assert_same_chain(expr, leaves)


def assert_same_chain(expr, leaves):
    again = reread(printed(expr, leaves))
    assert again.graph.ops == expr.graph.ops
    assert again.graph.args == expr.graph.args


def test_a_derivative_is_bracketed_where_it_binds_tightly():
    graph = Graph()
    x = graph.input((2, 2))
    names = {x.id: derivative(symbol("L"), symbol("z"))}
    assert str(formula(graph, graph.add(OPS["transpose"], x).id, names)) == "(∂L/∂z).T"
    assert str(formula(graph, graph.add(OPS["matmul"], x, x).id, names)) == "∂L/∂z @ ∂L/∂z"
