"""A formula as a value: its parts, what can be asked of it, and how it looks in LaTeX and MathML."""

from __future__ import annotations

import copy
import pickle
from xml.etree import ElementTree as xml

import pytest
from rows_of_a_table import every

from bpx.graph.formula import (
    Formula,
    derivative,
    equation,
    formula,
    noted,
    numbers,
    product_of,
    sum_of,
    symbol,
    words,
)
from bpx.graph.formula_parts import Number, Symbol
from bpx.graph.graph import OPS, Graph
from bpx.ops import rows
from bpx.spec.text.build import build
from bpx.spec.text.parser import parse
from bpx.spec.text.source_text import SourceText
from bpx.words.diagnostic import Source

SHAPES = {"x": (), "y": (), "alpha": (), "w_1": (), "h_z": (), "u": (3,), "v": (3,), "M": (3, 3), "N": (3, 3)}


def of(text: str) -> Formula:
    """The formula of a text, on inputs of the shapes above."""
    graph = Graph()
    leaves = {name: graph.input(shape) for name, shape in SHAPES.items()}
    parsed, problems = parse(SourceText(Source("s", text), text))
    expr = build(parsed, graph, leaves, problems.append) if parsed else None
    assert expr is not None and not problems
    return formula(graph, expr.id, {leaf.id: name for name, leaf in leaves.items()})


# --- LaTeX and MathML ---------------------------------------------------------------------------


@every(
    "text, latex",
    [
        ("x + y * 2", r"x + y \cdot 2"),
        ("(x + y) * 2", r"\left(x + y\right) \cdot 2"),
        ("(x + y) / (x - y)", r"\frac{x + y}{x - y}"),
        ("(x / y)^2", r"\left(\frac{x}{y}\right)^{2}"),
        ("x^(y + 1)", r"x^{y + 1}"),
        ("(x^y)^2", r"\left(x^{y}\right)^{2}"),
        ("-(x + y)", r"-\left(x + y\right)"),
        ("x * (-y)", r"x \cdot \left(-y\right)"),
        ("sqrt(x + 1)", r"\sqrt{x + 1}"),
        ("sigmoid(x)", r"\sigma\left(x\right)"),
        ("exp(-x)", r"e^{-x}"),
        ("log(x) * tanh(y)", r"\log\left(x\right) \cdot \tanh\left(y\right)"),
        ("max(x, y)", r"\max\left(x, y\right)"),
        ("abs(x)", r"\left|x\right|"),
        ("cbrt(x + 1)", r"\sqrt[3]{x + 1}"),
        ("floor(x) + ceil(y)", r"\left\lfloor x\right\rfloor + \left\lceil y\right\rceil"),
        ("exp2(x)^y", r"\left({2}^{x}\right)^{y}"),
        ("asinh(x)", r"\operatorname{arsinh}\left(x\right)"),
        ("inv(M)", r"M^{-1}"),
        ("inv(M.T)", r"\left(M^{\top}\right)^{-1}"),
        ("inv(M).T", r"\left(M^{-1}\right)^{\top}"),
        ("inv(M)^2", r"\left(M^{-1}\right)^{2}"),
        ("inv(M @ N) @ N", r"\left(M \, N\right)^{-1} \, N"),
        ("det(M) + trace(M)", r"\det\left(M\right) + \operatorname{tr}\left(M\right)"),
        ("relu6(x)", r"\operatorname{relu6}\left(x\right)"),
        ("hard_swish(x)", r"\operatorname{hard\_swish}\left(x\right)"),
        ("x <= y", r"x \le y"),
        ("u * v", r"u \odot v"),
        ("x * v", r"x \cdot v"),
        ("M @ N.T", r"M \, N^{\top}"),
        ("M.T.T", r"\left(M^{\top}\right)^{\top}"),
        ("M.T^2", r"\left(M^{\top}\right)^{2}"),
        ("u[0]^2", r"u_{[0]}^{2}"),
        ("M[0, 1:]", r"M_{[0, 1{:}]}"),
        ("M[0][1]", r"\left(M_{[0]}\right)_{[1]}"),
        ("alpha + w_1", r"\alpha + w_{1}"),
        ("1e-7 * x", r"1 \cdot 10^{-7} \cdot x"),
        ("sum(M, axis=0)", r"\operatorname{sum}\left(M, \text{axis=0}\right)"),
        (
            "x * [[1, 2, 3], [4, 5, -6]]",
            r"x \cdot \left[\begin{array}{rrr} 1 & 2 & 3 \\ 4 & 5 & -6 \end{array}\right]",
        ),
    ],
)
def test_latex(text: str, latex: str) -> None:
    assert of(text).latex() == latex


@every(
    "name, latex",
    [
        ("x", "x"),
        ("loss", r"\mathrm{loss}"),
        ("x12", "x_{12}"),
        ("w_in", r"w_{\mathrm{in}}"),
        ("h.z", r"h_{\mathrm{z}}"),
        ("h1.z", r"h_{1, \mathrm{z}}"),
        ("σ", r"\sigma"),
        ("Theta", r"\Theta"),
        ("x₁", "x_{1}"),
        ("_a", r"\text{\_a}"),
        ("é", r"\text{\'{e}}"),
        ("中", r"\text{\texttt{U+4E2D}}"),
        (r"\input{x}", r"\text{\textbackslash{}input\{x\}}"),
    ],
)
def test_names_in_latex(name: str, latex: str) -> None:
    assert symbol(name).latex() == latex


def test_a_name_with_a_subscript_takes_no_second_one() -> None:
    graph = Graph()
    x = graph.input((3,))
    assert formula(graph, x[0].id, {x.id: "x1"}).latex() == r"\left(x_{1}\right)_{[0]}"


def test_a_derivative_is_a_fraction() -> None:
    slope = derivative(symbol("L"), symbol("w1"))
    assert slope.latex() == r"\frac{\partial L}{\partial w_{1}}"
    assert "<mfrac>" in slope.mathml()


@every(
    "text, inside",
    [
        ("x / y", "<mfrac><mrow><mi>x</mi></mrow><mrow><mi>y</mi></mrow></mfrac>"),
        ("x^2", "<msup><mrow><mi>x</mi></mrow><mrow><mn>2</mn></mrow></msup>"),
        ("sqrt(x)", "<msqrt><mi>x</mi></msqrt>"),
        ("cbrt(x)", "<mroot><mrow><mi>x</mi></mrow><mn>3</mn></mroot>"),
        ("inv(M)", "<msup><mrow><mi>M</mi></mrow><mrow><mo>−</mo><mn>1</mn></mrow></msup>"),
        ("alpha < 1", "<mi>α</mi><mo>&lt;</mo><mn>1</mn>"),
        ("u[0]", "<msub><mrow><mi>u</mi></mrow><mtext>0</mtext></msub>"),
    ],
)
def test_mathml(text: str, inside: str) -> None:
    assert (
        of(text).mathml() == f'<math xmlns="http://www.w3.org/1998/Math/MathML"><mrow>{inside}</mrow></math>'
    )


@every("op", rows())
def test_every_op_is_written_in_every_dialect(op) -> None:  # type: ignore[no-untyped-def]
    sample = Graph()
    shapes = op.sample or [(2, 3) if op.settings else (2, 2)] * len(op.args)
    args = [sample.input(shape) for shape in shapes]
    node = sample.add(op, *args, **op.sample_settings).id
    written = formula(sample, node, {arg.id: "<&>" for arg in args})
    xml.fromstring(written.mathml())
    assert "&" not in written.latex().replace(r"\&", "")
    assert written.latex().count("{") - written.latex().count(r"\{") == written.latex().count("}")


# --- what can be asked --------------------------------------------------------------------------


def test_spans_say_where_each_part_stands() -> None:
    written = of("(x + y)^2 * (-x)")
    texts = [str(written)[start:end] for _, start, end in written.spans()]
    assert texts == ["(x + y)^2 * (-x)", "(x + y)^2", "x + y", "x", "y", "2", "-x", "x"]


@pytest.mark.parametrize("text", ["max(x, -1) + u[0] / 2", "-(-(1))", "sum(M, axis=0) @ v"])
def test_spans_are_parts_of_the_whole(text: str) -> None:
    written = of(text)
    spans = written.spans()
    assert [span.part for span in spans] == list(written.parts)
    for span in spans:
        if isinstance(span.part, Symbol):
            assert str(written)[span.start : span.end] == span.part.name
        if isinstance(span.part, Number):
            assert float(str(written)[span.start : span.end]) == span.part.value


def test_a_symbol_links_to_its_node() -> None:
    graph = Graph()
    x, y = graph.input(), graph.input()
    written = formula(graph, (x * y + y).id, {x.id: "x", y.id: "y"})
    assert [(part.name, part.node) for part in written.symbols] == [("x", x.id), ("y", y.id), ("y", y.id)]


def test_the_args_of_a_formula() -> None:
    written = of("max(x + y, 2) / exp(x)")
    assert list(map(str, written.args)) == ["max(x + y, 2)", "exp(x)"]
    assert [list(map(str, arg.args)) for arg in written.args] == [["x + y", "2"], ["x"]]


@pytest.mark.parametrize(
    ("text", "is_number", "depth"),
    [("2", True, 1), ("-2", True, 1), ("x", False, 1), ("-(x + exp(y))", False, 4)],
)
def test_what_a_formula_is(text: str, is_number: bool, depth: int) -> None:
    assert (of(text).is_number, of(text).depth) == (is_number, depth)


def test_matrices_are_seen() -> None:
    assert of("x * [[1, 2], [3, 4]]").has_matrix
    assert not of("x * [1, 2]").has_matrix


def test_formulas_compare_by_value() -> None:
    assert of("x + y") == of("x + y") != of("y + x")
    assert len({of("x * [1, 2]"), of("x * [1, 2]"), of("x * [1, 3]")}) == 2
    assert derivative(symbol("x"), symbol("y")) != equation(symbol("x"), symbol("y"))
    for again in (copy.deepcopy(of("x^2")), pickle.loads(pickle.dumps(of("x^2")))):
        assert again == of("x^2")
        assert str(again) == "x^2"


# --- put together -------------------------------------------------------------------------------


def test_an_equation_brackets_a_comparison_on_its_left() -> None:
    assert str(equation(of("x > 0"), numbers(1.0))) == "(x > 0) = 1"
    assert str(equation(of("x + y"), numbers(-1.0))) == "x + y = -1"
    assert str(equation(of("1 - (x > 0)"), of("-x * y"))) == "1 - (x > 0) = -x * y"


def test_sums_and_products_bracket_what_needs_it() -> None:
    terms = [numbers(-1.0), numbers(-2.0), of("x * y"), words("…")]
    assert str(sum_of(terms)) == "-1 + (-2) + x * y + …"
    assert (
        str(product_of([numbers(-1.0), of("x * y"), of("exp(x)"), of("x^2")]))
        == "(-1) · (x * y) · exp(x) · x^2"
    )
    assert str(sum_of([])) == "0"


def test_a_note_stands_behind_its_formula() -> None:
    note = noted(symbol("x"), "sum over axis 0")
    assert str(note) == "x; sum over axis 0"
    assert str(product_of([symbol("y"), note])) == "y · (x; sum over axis 0)"


# --- depth --------------------------------------------------------------------------------------

DEEP = 100_000


@pytest.mark.parametrize("names", [["exp"], ["sub"], ["add", "mul", "exp", "neg", "max", "pow"]])
def test_a_formula_may_be_deep(names: list[str]) -> None:
    graph = Graph()
    x, y = graph.input(), graph.input()
    node = x
    for place in range(DEEP):
        op = OPS[names[place % len(names)]]
        node = graph.add(op, *[node, y][: len(op.args)])
    written = formula(graph, node.id, {x.id: "x", y.id: "y"})
    texts = [str(written), written.latex(), written.mathml()]
    assert all(len(text) > DEEP for text in texts)
    assert len(written.spans()) == len(written.parts) > DEEP
    assert written.depth == DEEP + 1
    assert hash(written) == hash(pickle.loads(pickle.dumps(written)))
