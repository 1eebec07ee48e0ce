"""Expressions: the grammar against Python's own parser, textbook spellings, places of errors, depth."""

import ast
import re

from expressions import BAD_EXPRESSIONS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rows_of_a_table import every

from bpx.graph.formula import formula
from bpx.graph.graph import OPS, Graph
from bpx.graph.run import run
from bpx.spec.text.build import build
from bpx.spec.text.parser import parse
from bpx.spec.text.source_text import SourceText
from bpx.spec.text.syntax_tree import Call, Group, Name, fold, postorder
from bpx.words.diagnostic import Source

fixed = settings(
    derandomize=True, deadline=None, max_examples=200, suppress_health_check=[HealthCheck.too_slow]
)
ANYTHING = settings(fixed, max_examples=500)
INPUTS = {"x": (3,), "y": (), "M": (2, 3), "hidden": (), "学": ()}


def expression_of(text):
    expression, problems = parse(SourceText(Source("s", text), text))
    assert expression and not problems, [problem.to_text() for problem in problems]
    return expression


def without_place(node):
    """What a node is, its op by the table's own name; of a call with the number of args."""
    if isinstance(node, Call):
        return (OPS[node.op].name if node.op in OPS else node.op, len(node.args))
    return node.name if isinstance(node, Name) else node.value


def nodes_of(text):
    """The nodes of a text in postorder, without their places and without brackets."""
    nodes = postorder(expression_of(text).root)
    return [without_place(node) for node in nodes if not isinstance(node, Group)]


def tree(text):
    """The tree of `text` as nested tuples, the minus of a number taken as part of it."""

    def nested(node, args):
        if isinstance(node, Group):
            return args[0]
        if not isinstance(node, Call):
            return without_place(node)
        name, _ = without_place(node)
        return negated(args[0]) if name == "neg" else (name, *args)

    return fold(expression_of(text).root, nested)


def negated(operand):
    return -operand if isinstance(operand, float) else ("neg", operand)


# --- Python's own parser ------------------------------------------------------------------------

PYTHON = {ast.Add: "add", ast.Sub: "sub", ast.Mult: "mul", ast.Div: "div", ast.Pow: "pow"}


def python_tree(node):
    match node:
        case ast.Expression(body):
            return python_tree(body)
        case ast.Constant(value):
            return float(value)
        case ast.Name(name):
            return name
        case ast.UnaryOp(ast.USub(), operand):
            return negated(python_tree(operand))
        case ast.UnaryOp(ast.UAdd(), operand):
            return python_tree(operand)
        case ast.BinOp(left, op, right):
            return (PYTHON[type(op)], python_tree(left), python_tree(right))
        case ast.Call(ast.Name(name), args):
            return (name, *map(python_tree, args))
    raise AssertionError(ast.dump(node))


CALLS = {"f": (1, 3), "exp": (1, 1), "abs": (1, 1), "max": (2, 2), "min": (2, 2)}  # least and most args


def joined(*parts):
    return st.tuples(*parts).map("".join)


def written(operators, calls):
    """Expressions as text, with brackets and signs wherever the grammar lets them stand."""
    number = st.sampled_from(["0", "2", "1.5", ".5", "3.", "1e3", "2E-3", "12.5e+2"])
    blank = st.sampled_from(["", "", " ", "  "])
    sign = st.sampled_from(["", "", "", "-", "- ", "--", "+", "-+"])

    def chain(operand):
        tail = joined(blank, st.sampled_from(operators), blank, operand)
        return joined(operand, st.lists(tail, max_size=3).map("".join))

    def call(name, inner):
        least, most = CALLS[name]
        args = st.lists(inner, min_size=least, max_size=most)
        return args.map(lambda texts: f"{name}({', '.join(texts)})")

    def deeper(inner):
        bracketed = joined(st.just("("), blank, inner, blank, st.just(")"))
        atom = (
            number
            | st.sampled_from("xy")
            | bracketed
            | st.sampled_from(calls).flatmap(lambda name: call(name, inner))
        )
        return chain(joined(sign, atom))

    return st.recursive(chain(number | st.sampled_from("xy")), deeper, max_leaves=8)


@fixed
@given(written(["+", "-", "*", "/", "**"], ["f", "exp"]))
def test_grammar_is_that_of_python(text):
    expected = python_tree(ast.parse(text, mode="eval"))
    assert tree(text) == expected
    assert tree(text.replace("**", "^")) == expected
    assert tree(re.sub("(?<![eE])-", "−", text).replace("/", "÷")) == expected


@fixed
@given(written(["+", "-", "*", "/"], ["abs", "max", "min"]))
def test_values_are_those_of_python(text):
    values = {"x": 3.0, "y": -0.75}
    try:
        expected = eval(text, {}, values)
    except ZeroDivisionError:  # NumPy, and so bpx, has infinities there
        return
    graph = Graph()
    names = {name: graph.input() for name in values}
    expr = build(expression_of(text), graph, names, [].append)
    given_values = {names[name].id: value for name, value in values.items()}
    assert run(graph, given_values, [expr.id])[expr.id] == expected


@every(
    "text",
    ["-x**2", "2**-x", "2**-x**2", "2**-1", "-2**2", "x**y**2", "-x*y", "x--1", "x - -y", "-(1)", "--x", "+x",
     "x/y*2", "x*y/2", "x-y-2", "2**-x*3", "-x**-y", "f(-x**2, -(2))", "(-2)**2", "1-(2-x)"],
)  # fmt: skip
def test_precedence(text):
    assert tree(text) == python_tree(ast.parse(text, mode="eval"))


@every(
    "name",
    ["h.z", "h.T2", "h.Tx", "T.z", "h.T_", "a.b.c", "学.β", "h.T₁", "_._", "y" + ".a" * 32],
)
def test_a_name_may_have_dots_inside(name):
    assert expression_of(name).names() == [name]
    assert nodes_of(f"2*{name}.T - {name}(1)") == nodes_of(f"2*transpose({name}) - {name}(1)")


# --- textbook spellings -------------------------------------------------------------------------


@every(
    "textbook, plain",
    [
        ("x ** 2", "x^2"),
        ("w · x", "w * x"),
        ("w ⋅ x", "w * x"),
        ("w × x", "w * x"),
        ("x ÷ w", "x / w"),
        ("y − 1", "y - 1"),
        ("−x", "-x"),
        ("−1", "-1"),
        ("−x²", "-x^2"),
        ("x²", "x^2"),
        ("x⁻¹", "x^-1"),
        ("x¹²", "x^12"),
        ("2·x²·y³", "2*x^2*y^3"),
        ("(x + y)²", "(x + y)^2"),
        ("exp(x)²", "exp(x)^2"),
        ("2^x²", "2^x^2"),
        ("x² / y²", "x^2 / y^2"),
        ("√x", "sqrt(x)"),
        ("√(x + y)", "sqrt(x + y)"),
        ("√x + y", "sqrt(x) + y"),
        ("2*√x", "2*sqrt(x)"),
        ("√√x", "sqrt(sqrt(x))"),
        ("√x²", "√x^2"),  # the raised 2 is another spelling of ^2, here too
        ("|x|", "abs(x)"),
        ("|x|²", "abs(x)^2"),
        ("|x| - |y|", "abs(x) - abs(y)"),
        ("||x| - |y||", "abs(abs(x) - abs(y))"),
        ("||x|-|y||", "abs(abs(x)-abs(y))"),
        ("|-x|", "abs(-x)"),
        ("||x||", "norm(x)"),
        ("||x||_2", "norm(x, ord=2)"),
        ("||x - y||^2", "norm(x - y)^2"),
        ("||x||_1 + ||y||", "norm(x, ord=1) + norm(y)"),
        ("2*||x||*|y|", "2*norm(x)*abs(y)"),
        ("|||x|||", "norm(abs(x))"),
        ("||x/||y||||", "norm(x/norm(y))"),
        ("|x + |y||", "abs(x + abs(y))"),
        ("max(|x|, |y|)", "max(abs(x), abs(y))"),
        ("(|x|)", "abs(x)"),
        ("σ(z)", "sigmoid(z)"),
        ("ln(x)", "log(x)"),
        ("arctan(x)", "atan(x)"),
        ("W.T @ x", "transpose(W) @ x"),
        ("Wᵀ @ x", "transpose(W) @ x"),
        ("(A @ B).T", "transpose(A @ B)"),
        ("x.T.T", "transpose(transpose(x))"),
        ("x.T²", "transpose(x)^2"),
        ("xᵀ²", "transpose(x)^2"),
        ("-x.T", "-transpose(x)"),
        ("h.z.T @ x", "transpose(h.z) @ x"),
        ("f.g(h.z).T", "transpose(f.g(h.z))"),
        ("x ≤ y", "x <= y"),
        ("x ≥ y", "x >= y"),
        ("x ≠ y", "x != y"),
        ("（x＋y）＊w", "(x + y)*w"),
        ("max（x，y）", "max(x, y)"),
        ("［1，2］", "[1, 2]"),
        ("｜x｜", "|x|"),
        ("x－y／w＾2", "x - y/w^2"),
        ("\tx\n +\r\n y ", "x + y"),
        ("max(x, y,)", "max(x, y)"),
    ],
)
def test_textbook_spelling(textbook, plain):
    assert nodes_of(textbook) == nodes_of(plain)


@every(
    "name",
    ["x", "w_1", "w₁", "w₁₀", "α", "Δx", "学习率", "ŷ", "W", "_x", "β2", "λ", "Tx", "é", "𝒙", "x1y"],
)
def test_name(name):
    assert nodes_of(f"{name}*{name}") == [name, name, ("mul", 2)]


def test_names_in_order_of_appearance():
    assert expression_of("β*x + exp(α - x) + β").names() == ["β", "x", "α"]


@every(
    "text, value",
    [("2", 2.0), (".5", 0.5), ("1.", 1.0), ("1e-3", 1e-3), ("1E+3", 1e3), ("-7", -7.0), ("1e-400", 0.0),
     ("[1, -2, .5]", [1, -2, 0.5]), ("[[1, 2], [3, 4]]", [[1, 2], [3, 4]]), ("[−1]", [-1])],
)  # fmt: skip
def test_literal(text, value):
    assert nodes_of(text) == [value]


# --- settings -----------------------------------------------------------------------------------


def built_from(text):
    """The output of a text, and what was reported."""
    graph = Graph()
    names = {name: graph.input(shape) for name, shape in INPUTS.items()}
    expression, problems = parse(text)
    expr = build(expression, graph, names, problems.append) if expression else None
    return expr, problems


def built(text):
    return built_from(SourceText(Source("s", text), text))


@every(
    "text, in_full",
    [
        ("sum(M)", {"axis": (0, 1), "keepdims": False}),
        ("sum(M, axis=0)", {"axis": (0,), "keepdims": False}),
        ("sum(M, axis=-1)", {"axis": (1,), "keepdims": False}),
        ("sum(M, axis=−1)", {"axis": (1,), "keepdims": False}),
        ("sum(M, axis=[0,1])", {"axis": (0, 1), "keepdims": False}),
        ("sum(M, axis=[-1, 0])", {"axis": (0, 1), "keepdims": False}),
        ("sum(M, axis=[])", {"axis": (), "keepdims": False}),
        ("sum(M, axis=none)", {"axis": (0, 1), "keepdims": False}),
        ("sum(M, axis=None, keepdims=True)", {"axis": (0, 1), "keepdims": True}),
        ("sum(M, axis = 1 , keepdims = true)", {"axis": (1,), "keepdims": True}),
        ("sum(M, keepdims=false, axis=1,)", {"axis": (1,), "keepdims": False}),
        ("sum(M, 0)", {"axis": (0,), "keepdims": False}),
        ("sum(M, (0))", {"axis": (0,), "keepdims": False}),
        ("sum(M, [0, 1], keepdims=true)", {"axis": (0, 1), "keepdims": True}),
        ("transpose(M, axes=[1, 0])", {"axes": (1, 0)}),
        ("reshape(M, [3, 2])", {"shape": (3, 2)}),
        ("reshape(M, [-1])", {"shape": (6,)}),
        ("reshape(M, shape=6)", {"shape": (6,)}),
        ("reshape(y, [])", {"shape": ()}),
        ("M[0]", {"at": (0, (0, 3, 1))}),
        ("M[-1]", {"at": (1, (0, 3, 1))}),
        ("M[−1, 1:]", {"at": (1, (1, 3, 1))}),
        ("M[:, 0]", {"at": ((0, 2, 1), 0)}),
        ("M[..., 0]", {"at": ((0, 2, 1), 0)}),
        ("M[…, -1]", {"at": ((0, 2, 1), 2)}),
        ("M［：，0］", {"at": ((0, 2, 1), 0)}),
        ("M [0]", {"at": (0, (0, 3, 1))}),
        ("M[ : , : : -1 ]", {"at": ((0, 2, 1), (2, -1, -1))}),
        ("M[:, ::2]", {"at": ((0, 2, 1), (0, 3, 2))}),
        ("M[:, -2:100]", {"at": ((0, 2, 1), (1, 3, 1))}),
        ("M[1.0, 2]", {"at": (1, 2)}),
        ("y[...]", {"at": ()}),
        ("[1, 2, 3][1:]", {"at": ((1, 3, 1),)}),
        ("index(M, 0)", {"at": (0, (0, 3, 1))}),
        ("index(M, [0, 2])", {"at": (0, 2)}),
        ("index(M, at=[0, 1:])", {"at": (0, (1, 3, 1))}),
        ("place(y, at=[0, 2], shape=[2, 3])", {"at": (0, 2), "shape": (2, 3)}),
        ("concat(M, M, M)", {"axis": 0}),
        ("concat(M, M, axis=-1)", {"axis": 1}),
        ("split(M, 3, 1, 2)", {"sections": 3, "axis": 1, "part": 2}),
        ("pad(M, 1)", {"width": ((1, 1), (1, 1)), "value": 0, "mode": "constant"}),
        ("pad(M, [[1, 0], [0, 2]], -1)", {"width": ((1, 0), (0, 2)), "value": -1, "mode": "constant"}),
        ("pad(x, 1, value=-inf)", {"width": ((1, 1),), "value": float("-inf"), "mode": "constant"}),
        ("one_hot(x, 4)", {"n": 4}),
        ("einsum('ij,kj->ik', M, M)", {"subscripts": "ij,kj->ik"}),
        ("einsum(M, M, 'ij,kj->ik')", {"subscripts": "ij,kj->ik"}),
        ('einsum(M, M, subscripts="ij,kj")', {"subscripts": "ij,kj->ik"}),
    ],
)
def test_settings(text, in_full):
    expr, problems = built(text)
    assert not problems
    assert expr.graph.settings[expr.id] == in_full


@every(
    "text, in_full",
    [
        ("leaky_relu(x)", "leaky_relu(x, 0.01)"),
        ("leaky_relu(x, 0.1)", "leaky_relu(x, 0.1)"),
        ("leaky_relu(x, slope=0.1)", "leaky_relu(x, 0.1)"),
        ("leaky_relu(x, slope = −2)", "leaky_relu(x, -2)"),
        ("leaky_relu(x, slope=[0.1, 0.2, 0.3])", "leaky_relu(x, [0.1, 0.2, 0.3])"),
        ("leaky_relu(x, y)", "leaky_relu(x, y)"),
        ("hardtanh(x)", "hardtanh(x, -1, 1)"),
        ("hardtanh(x, -2)", "hardtanh(x, -2, 1)"),
        ("hardtanh(x, high=2)", "hardtanh(x, -1, 2)"),
        ("hardtanh(x, high=2, low=-2)", "hardtanh(x, -2, 2)"),
        ("hardtanh(x, y, high=4)", "hardtanh(x, y, 4)"),
        ("elu(2) + elu(x, alpha=2)", "elu(2, 1) + elu(x, 2)"),
    ],
)
def test_args_may_be_left_out_or_named(text, in_full):
    expr, problems = built(text)
    assert not problems
    names = dict(enumerate(INPUTS))
    assert str(formula(expr.graph, expr.id, names)) == in_full
    again, _ = built(in_full)
    assert again.graph.ops == expr.graph.ops
    assert again.graph.args == expr.graph.args


# --- what is wrong, and where -------------------------------------------------------------------


@every("text, code, column, underlined, help", BAD_EXPRESSIONS)
def test_bad_expression(text, code, column, underlined, help):
    _, problems = built(text)
    assert [problem.code for problem in problems] == [code]
    span = problems[0].span
    assert span.source.position(span.start) == (1, column)
    assert underlined is None or span.text == underlined
    assert (help or "") in (problems[0].advice or "")


@every("text, code, column", [row[:3] for row in BAD_EXPRESSIONS])
def test_places_are_those_of_the_file(text, code, column):
    # The expression stands in a file, behind characters of two, three and four bytes.
    before = "# ω\n学 = '𝒙"
    source = Source("s", before + text)
    _, problems = built_from(SourceText(source, text, range(len(before), len(source.text) + 1)))
    assert problems[0].code == code
    assert source.position(problems[0].span.start) == (2, len("学 = '𝒙") + column)


def test_all_mistakes_are_reported_at_once():
    _, problems = built("2y + qqq*sigmod(y) + exp(y, y) + 3(y)")
    assert sorted((problem.span.start, problem.code) for problem in problems) == [
        (0, "implicit-product"),
        (5, "unknown-name"),
        (9, "unknown-op"),
        (21, "wrong-arity"),
        (33, "implicit-product"),
    ]


def test_every_node_knows_its_text():
    text = "2 * (x + y)^2 - exp(|x|)"
    graph = Graph()
    names = {name: graph.input() for name in "xy"}
    origins = {}
    build(expression_of(text), graph, names, [].append, origins)
    assert [span.text for span in origins.values()] == [
        "x + y",
        "(x + y)^2",
        "2 * (x + y)^2",
        "|x|",
        "exp(|x|)",
        text,
    ]


# --- depth and length; what takes quadratic time takes minutes here ---------------------------------


@every(
    "text, count, last",
    [
        ("(" * 100_000 + "x" + ")" * 100_000, 1, "x"),
        ("exp(" * 99_000 + "x" + ")" * 99_000, 99_001, ("exp", 1)),
        ("+".join(["x"] * 10_000), 19_999, ("add", 2)),
        ("x^" * 20_000 + "x", 40_001, ("pow", 2)),
        ("-" * 100_000 + "x", 100_001, ("neg", 1)),
        ("√" * 20_000 + "x", 20_001, ("sqrt", 1)),
        ("x" + ".T" * 20_000, 20_001, ("transpose", 1)),
        ("x²" + "*x²" * 10_000, 40_003, ("mul", 2)),
        ("max(x, " * 20_000 + "x" + ")" * 20_000, 40_001, ("max", 2)),
    ],
)
def test_deep_and_long(text, count, last):
    found = nodes_of(text)
    assert (len(found), found[-1]) == (count, last)


@every(
    "text",
    [
        "(" * 100_000,
        ")" * 100_000,
        "|" * 100_000,
        "exp(" * 50_000,
        "[" * 100_000,
        "[" * 100_000 + "]" * 100_000,
        "sum(x, axis=" + "[" * 100_000 + "]" * 100_000 + ")",
        "+" * 100_000,
        "," * 100_000,
        "x" * 100_000,
        "9" * 100_000,
        "x" + "⁹" * 100_000,
        "max(" + "x," * 20_000 + "x)",
        "2y+" * 2_000 + "y",
        "f(" * 1_000 + "x" + ")" * 1_000,
        "y(" * 10_000 + "y" + ")" * 10_000,
        "+".join(f"name{i}" for i in range(2_000)),
    ],
)
def test_hostile_text_gives_diagnostics(text):
    _, problems = built(text)
    assert problems
    assert len("".join(problem.message for problem in problems)) < 100 * len(text)


def test_a_deep_expression_is_built():
    expr, problems = built("exp(" * 50_000 + "y" + ")" * 50_000)
    assert not problems
    assert len(expr.graph) == 50_000 + len(INPUTS)


# --- any text -----------------------------------------------------------------------------------

SCRAPS = [
    *"xyM0129+-*/^@<>=(),.[]| \n²⁻ᵀ√·−σ!'\"#$\\½",
    "hidden", "exp", "exp(", "sum(", "max(", "axis=", "keepdims=", "start=", "true", "none", "lambda",
    "e", "pi", "**", "==", "<=", ".T", "1e400", "1.5", "reshape(", "transpose(", "spread(", "shape=",
    "axes=", "clip(", "where(", "name=", "[[", "]]", "[1, 2]",
]  # fmt: skip
scraps = st.lists(st.sampled_from(SCRAPS), max_size=20).map("".join)


@ANYTHING
@given(st.text() | scraps)
def test_any_text_is_an_expression_or_has_a_diagnostic(text):
    expression, problems = parse(SourceText(Source("s", text), text))
    assert expression or problems
    for problem in problems:
        assert 0 <= problem.span.start <= problem.span.end <= len(text)
        assert problem.to_text() and problem.to_dict()


CALLS_WITH_SETTINGS = ["sum(M, {})", "mean(x, {})", "reshape(M, {})", "transpose(M, {})", "spread(x, {})"]
SETTINGS = ["axis", "keepdims", "shape", "axes", "start", "op"]
VALUES = [
    "0",
    "-1",
    "7",
    "0.5",
    "1e400",
    "true",
    "none",
    "x",
    "[]",
    "[0]",
    "[2, 3]",
    "[3, -1]",
    "[[0]]",
    "[-3]",
    "[",
]
setting = joined(st.sampled_from([*(f"{name}=" for name in SETTINGS), ""]), st.sampled_from(VALUES))
calls = st.builds(str.format, st.sampled_from(CALLS_WITH_SETTINGS), st.lists(setting).map(", ".join))


@ANYTHING
@given(scraps | calls)
def test_any_expression_is_built_or_has_a_diagnostic(text):
    expr, problems = built(text)
    assert expr is not None or problems
    assert all(problem.to_text() for problem in problems)
    if expr is not None:
        assert all(length >= 0 for shape in expr.graph.shapes for length in shape)
