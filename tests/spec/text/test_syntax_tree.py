"""Trees of expressions: what a text becomes, that nodes never change, and that depth is no danger."""

from __future__ import annotations

import copy
import pickle

import pytest
from rows_of_a_table import every

from bpx.spec.text.parser import parse
from bpx.spec.text.source_text import SourceText
from bpx.spec.text.syntax_tree import (
    Call,
    Expression,
    Group,
    Name,
    Node,
    Number,
    NumberList,
    Quoted,
    Setting,
    SplitPart,
    fold,
    grouped,
    placed,
    postorder,
    ungrouped,
    with_args,
)
from bpx.words.diagnostic import Source

DEPTH = 100_000


def expression_of(text: str) -> Expression:
    expression, problems = parse(SourceText(Source("s", text), text))
    assert expression and not problems
    return expression


def tree(text: str) -> Node:
    return expression_of(text).root


def everything(node: Node) -> list[tuple[object, ...]]:
    """All that there is to a tree, as flat plain data."""
    return [
        (type(part), *(value for key, value in part._asdict().items() if key != "args"))
        for part in postorder(node)
    ]


def deep() -> Node:
    node: Node = Name("x", 0, 1)
    for _ in range(DEPTH):
        node = Call("exp", (node,), (), 0, 1)
    return node


# --- what a text becomes ------------------------------------------------------------------------


@every(
    "text, node",
    [
        ("2", Number(2.0, 0, 1)),
        (" -1.5", Number(-1.5, 1, 5)),
        ("[[1], [2]]", NumberList([[1.0], [2.0]], 0, 10)),
        ("h.z", Name("h.z", 0, 3)),
        ("x + y", Call("add", (Name("x", 0, 1), Name("y", 4, 5)), (), 0, 5)),
        ("-x", Call("neg", (Name("x", 1, 2),), (), 0, 2)),
        ("x.T", Call("transpose", (Name("x", 0, 1),), (), 0, 3)),
        ("x²", Call("pow", (Name("x", 0, 1), Number(2.0, 1, 2)), (), 0, 2)),
        ("|x|", Call("abs", (Name("x", 1, 2),), (), 0, 3)),
        ("x[1:, 0]", Call("index", (Name("x", 0, 1),), (Setting("at", (slice(1, None), 0), 1, 8),), 0, 8)),
        ("exp( x )", Call("exp", (Name("x", 5, 6),), (), 0, 8)),
        ("f()", Call("f", (), (), 0, 3)),
        ("ln(x)", Call("ln", (Name("x", 3, 4),), (), 0, 5)),
        ("sum(x, axis=0)", Call("sum", (Name("x", 4, 5),), (Setting("axis", 0.0, 7, 13),), 0, 14)),
        ("f('ij', x)", Call("f", (Quoted("ij", 2, 6), Name("x", 8, 9)), (), 0, 10)),
        ("(x)", Group((Name("x", 1, 2),), 0, 3)),
        ("((x) )", Group((Name("x", 2, 3),), 0, 6)),
        ("(x)*2", Call("mul", (Group((Name("x", 1, 2),), 0, 3), Number(2.0, 4, 5)), (), 0, 5)),
        ("2 x", None),
    ],
)
def test_a_text_as_a_tree(text: str, node: Node | None) -> None:
    expression, _ = parse(SourceText(Source("s", text), text))
    assert expression
    if node is None:
        node = Call("mul", (Number(2.0, 0, 1), Name("x", 2, 3)), (), 0, 3)  # read so, and reported
    assert everything(expression.root) == everything(node)


def test_every_node_spans_its_args() -> None:
    for node in postorder(tree("-(a + b)^2 * |c @ D.T|[1:] - max(e, (f), sum(g, axis=0))²")):
        for arg in node.args:
            assert node.start <= arg.start < arg.end <= node.end


def test_what_an_expression_uses() -> None:
    expression = expression_of("β*x + exp(ln(α) - x) + β")
    assert expression.names() == ["β", "x", "α"]
    assert [call.op for call in expression.calls()] == ["mul", "ln", "sub", "exp", "add", "add"]
    assert expression.span.text == expression.text.content


# --- nodes --------------------------------------------------------------------------------------


def test_nodes_never_change() -> None:
    for node in postorder(tree("sum((x), axis=0) + 2")):
        with pytest.raises(AttributeError):
            node.start = 3  # type: ignore[misc]


def test_nodes_are_equal_where_they_are_the_same() -> None:
    node, other = Number(2.0, 0, 1), Number(2.0, 0, 1)
    assert node == node
    assert node != other
    assert (node, other) == (node, other)
    assert len({node, other, node}) == 2


def test_brackets_around_brackets_are_one_group() -> None:
    name = Name("x", 2, 3)
    assert ungrouped(name) is name
    assert ungrouped(grouped(grouped(name, 1, 4), 0, 5)) is name
    assert repr(grouped(name, 0, 5)) == "<Group 0:5>"


def test_nodes_with_something_else() -> None:
    x, y = Name("x", 4, 5), Name("y", 7, 8)
    call = Call("exp", (x,), (), 0, 6)
    assert with_args(call, [x]) is call
    assert everything(with_args(call, [y])) == everything(Call("exp", (y,), (), 0, 6))
    assert everything(placed(x, y)) == everything(Name("x", 7, 8))
    assert everything(call) == everything(Call("exp", (Name("x", 4, 5),), (), 0, 6))


def test_fold_goes_from_the_args_to_the_root() -> None:
    def text(node: Node, args: list[str]) -> str:
        if isinstance(node, Call):
            return f"{node.op}({', '.join(args)})"
        return node.name if isinstance(node, Name) else f"<{''.join(args)}>"

    assert fold(tree("a*(b - c) + d"), text) == "add(mul(a, <sub(b, c)>), d)"


# --- depth --------------------------------------------------------------------------------------


def test_a_deep_tree_is_compared_hashed_and_shown() -> None:
    node, other, text = deep(), deep(), SourceText(Source("s", ""), "")
    assert node != other
    assert Expression(text, node) != Expression(text, other)
    assert len({node, other}) == 2
    assert repr(node) == "<Call 0:1>"
    assert repr((node, [other])) == "(<Call 0:1>, [<Call 0:1>])"


def test_a_deep_tree_goes_away() -> None:
    node = deep()
    in_brackets: Node = fold(node, lambda node, args: Group((args[0],), 0, 1) if args else node)
    assert len(postorder(in_brackets)) == DEPTH + 1
    del in_brackets, node


@pytest.mark.parametrize("again", [lambda node: pickle.loads(pickle.dumps(node)), copy.deepcopy])
def test_a_deep_tree_is_copied(again: object) -> None:
    node = deep()
    assert everything(again(node)) == everything(node)  # type: ignore[operator]


@every("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_every_kind_of_node_is_copied(protocol: int) -> None:
    part = SplitPart((Name("a", 0, 1),), 1, 0, 5)
    kinds = [part, Quoted("ij", 0, 4), tree("(sum(x, axis=[0, 1]) + 2)*[1, 2] - f()"), tree("x.T[0]")]
    for node in kinds:
        assert everything(pickle.loads(pickle.dumps(node, protocol))) == everything(node)


def test_a_sum_of_many_terms_stays_in_bounds() -> None:
    root = tree("+".join(["x"] * 100_000))
    assert len(postorder(root)) == 199_999
    assert len(pickle.dumps(root)) < 2e7
