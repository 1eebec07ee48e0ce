"""A wrong formula with one slip undone: every such edit of its tree, each with its kind and its place."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import NamedTuple

from bpx.check.report.blame import Mistake
from bpx.spec.text.syntax_tree import (
    Call,
    Expression,
    Group,
    Name,
    Node,
    Number,
    fold,
    postorder,
    ungrouped,
    with_args,
)

_TWINS = (
    ("sin", "cos"),
    ("sinh", "cosh"),
    ("exp", "log"),
    ("sigmoid", "tanh"),
    ("sum", "mean"),
    ("max", "min"),
    ("sqrt", "square"),
    ("gt", "lt"),
    ("ge", "le"),
)
_OTHER_OPS = {one: two for pair in _TWINS for one, two in (pair, pair[::-1])}
_PRODUCTS = ("mul", "div", "matmul", "outer", "dot")
_SUMS = ("add", "sub")


class Edit(NamedTuple):
    """The tree with one slip undone; `at` is where it was made, None where something is missing."""

    root: Node
    at: Node | None
    mistake: Mistake


class Factor(NamedTuple):
    """What may be missing in a product: a tree, and how it reads."""

    tree: Node
    text: str


def edits(
    expression: Expression, names: Mapping[str, str], factors: Sequence[Factor], lengths: Collection[str] = ()
) -> Iterator[Edit]:
    """The edits, the likely ones first; `names`, each with how it reads, may stand for one another.

    `lengths` are names that count elements.
    """
    trees = _Trees(expression)
    yield from trees.signs()
    yield from trees.superfluous()
    yield from trees.transposes()
    yield from trees.numbers()
    yield from trees.other_ops()
    yield from trees.inverted()
    yield from trees.missing(factors, lengths, trees.root)
    yield from trees.other_names(names)
    yield from trees.missing(factors, lengths, *trees.terms())
    yield from trees.other_parts(factors)
    yield from trees.missing_terms(factors)


class _Trees:
    def __init__(self, expression: Expression) -> None:
        self.expression, self.root = expression, expression.root
        self.nodes = [node for node in postorder(self.root) if not isinstance(node, Group)][::-1]
        self.parents: dict[int, Node] = {}
        for node in postorder(self.root):
            for arg in node.args:
                self.parents[id(arg)] = node

    def text(self, node: Node) -> str:
        """What the user wrote there."""
        return self.expression.text.span(node.start, node.end).text.strip()

    def put(self, node: Node, other: Node) -> Node:
        """The tree with another node in the place of one."""
        while node is not self.root:
            parent = self.parents[id(node)]
            other = parent._replace(args=tuple(other if arg is node else arg for arg in parent.args))  # type: ignore[arg-type]
            node = parent
        return other

    def call(self, op: str, *args: Node) -> Node:
        """A call at the place of its first argument."""
        return Call(op, args, (), args[0].start, args[-1].end)

    def renamed(self, name: str, other: str) -> Node:
        """The tree with one name for another wherever it stands."""

        def changed(node: Node, args: list[Node]) -> Node:
            if isinstance(node, Name):
                return node._replace(name=other) if node.name == name else node
            return with_args(node, args) if args else node

        return fold(self.root, changed)

    # --- kinds of edits ---

    def signs(self) -> Iterator[Edit]:
        """A sign turned: of all, of a term, of a part."""
        yield Edit(self.call("neg", self.root), None, Mistake("sign"))
        for node in self.nodes:
            if isinstance(node, Call) and node.op in _SUMS:
                other = "sub" if node.op == "add" else "add"
                term = node.args[1]
                mistake = Mistake.of("term-sign", term=self.text(ungrouped(term)))
                yield Edit(self.put(node, node._replace(op=other)), term, mistake)
        for node in self.nodes:
            parent = self.parents.get(id(node))
            if isinstance(node, Call) and node.op == "neg" and node is not self.root:
                yield Edit(self.put(node, node.args[0]), node, Mistake.of("term-sign", term=self.text(node)))
            elif isinstance(parent, Call) and parent.op in _SUMS and parent.args[0] is node:
                negative = self.call("neg", node)
                yield Edit(self.put(node, negative), node, Mistake.of("term-sign", term=self.text(node)))
            elif (isinstance(parent, Call) and parent.op == "pow" and parent.args[1] is node) or (
                isinstance(node, Name | Call) and isinstance(parent, Call) and not self._in_product(node)
            ):
                yield Edit(
                    self.put(node, self.call("neg", node)),
                    node,
                    Mistake.of("name-sign", name=self.text(node)),
                )

    def _in_product(self, node: Node) -> bool:
        parent = self.parents.get(id(node))
        return isinstance(parent, Call) and parent.op in (*_PRODUCTS, "neg", *_SUMS)

    def superfluous(self) -> Iterator[Edit]:
        """A factor or a term too many, or a function, a power."""
        for node in self.nodes:
            if not isinstance(node, Call):
                continue
            if node.op in ("mul", "div", "matmul"):
                for kept, left_out in (node.args, node.args[::-1]):
                    if node.op == "div" and kept is node.args[1]:
                        continue
                    code, key = (
                        ("divided-too-often", "divisor") if node.op == "div" else ("factor-doubled", "factor")
                    )
                    mistake = Mistake.of(code, **{key: self.text(ungrouped(left_out))})
                    yield Edit(self.put(node, kept), left_out, mistake)
                inner = ungrouped(node.args[0])
                if node.op == "mul" and isinstance(inner, Call) and inner.op == "mul":
                    both = f"{self.text(ungrouped(inner.args[1]))} ({self.text(ungrouped(node.args[1]))})"
                    extra = Mistake.of("factor-doubled", factor=both)
                    yield Edit(self.put(node, inner.args[0]), node.args[1], extra)
            elif node.op in _SUMS:
                first, second = node.args
                extra = Mistake.of("term-extra", term=self.text(ungrouped(second)))
                yield Edit(self.put(node, first), second, extra)
                kept = second if node.op == "add" else self.call("neg", second)
                extra = Mistake.of("term-extra", term=self.text(ungrouped(first)))
                yield Edit(self.put(node, kept), first, extra)
            elif node.op == "pow":
                mistake = Mistake.of(
                    "other-exponent", base=self.text(node.args[0]), wrong=self.text(node.args[1]), right="1"
                )
                yield Edit(self.put(node, node.args[0]), node, mistake)
            elif len(node.args) == 1 and node.op not in ("neg", "transpose"):
                extra = Mistake.of("call-extra", function=node.op)
                yield Edit(self.put(node, node.args[0]), node, extra)

    def transposes(self) -> Iterator[Edit]:
        """A transpose missing or too many; factors in the wrong order."""
        for node in self.nodes:
            if isinstance(node, Call) and node.op == "transpose":
                yield Edit(
                    self.put(node, node.args[0]),
                    node,
                    Mistake.of("transpose-extra", name=self.text(node.args[0])),
                )
            elif isinstance(node, Name):
                turned = self.call("transpose", node)
                yield Edit(
                    self.put(node, turned), node, Mistake.of("transpose-missing", name=self.text(node))
                )
        for node in self.nodes:
            if isinstance(node, Call) and node.op in ("matmul", "outer", "mul", "sub", "div", "pow"):
                first, second = node.args
                code = "order-swapped" if node.op in ("matmul", "outer") else "exchanged"
                mistake = Mistake(code) if code == "order-swapped" else Mistake.of("exchanged", op=node.op)
                yield Edit(self.put(node, node._replace(args=(second, first))), node, mistake)
                if node.op in ("matmul", "outer", "mul"):
                    other = {"matmul": "outer", "outer": "matmul", "mul": "matmul"}[node.op]
                    for args in ((first, second), (second, first)):
                        yield Edit(self.put(node, self.call(other, *args)), node, Mistake("order-swapped"))

    def numbers(self) -> Iterator[Edit]:
        """Another constant, another exponent."""
        for node in self.nodes:
            if isinstance(node, Number):
                parent = self.parents.get(id(node))
                is_exponent = isinstance(parent, Call) and parent.op == "pow" and parent.args[1] is node
                for value in (
                    *(node.value + by for by in (-1, 1, 2, -2)),
                    node.value * 2,
                    node.value / 2,
                    -node.value,
                ):
                    facts = {"wrong": self.text(node), "right": f"{value:g}"}
                    mistake = (
                        Mistake.of("other-exponent", base=self.text(parent.args[0]), **facts)
                        if is_exponent and parent
                        else Mistake.of("other-constant", **facts)
                    )
                    yield Edit(self.put(node, node._replace(value=value)), node, mistake)
            elif isinstance(node, Name | Call) and not (
                isinstance(node, Call) and node.op in ("neg", *_SUMS, "pow")
            ):
                power = self.call("pow", node, Number(2.0, node.start, node.end))
                mistake = Mistake.of("other-exponent", base=self.text(node), wrong="1", right="2")
                yield Edit(self.put(node, power), node, mistake)

    def other_ops(self) -> Iterator[Edit]:
        """Another function; + and *, * and / taken for one another."""
        for node in self.nodes:
            if not isinstance(node, Call):
                continue
            if node.op in _OTHER_OPS:
                other = _OTHER_OPS[node.op]
                mistake = Mistake.of("other-function", wrong=node.op, right=other)
                yield Edit(self.put(node, node._replace(op=other)), node, mistake)
                if node.op in ("sin", "cos"):
                    negative = self.call("neg", node._replace(op=other))
                    yield Edit(self.put(node, negative), node, mistake)
            if node.op == "mul":
                mistake = Mistake.of("multiplied-not-divided", factor=self.text(ungrouped(node.args[1])))
                yield Edit(self.put(node, node._replace(op="div")), node.args[1], mistake)
            elif node.op == "div":
                mistake = Mistake.of("divided-not-multiplied", factor=self.text(ungrouped(node.args[1])))
                yield Edit(self.put(node, node._replace(op="mul")), node.args[1], mistake)

    def other_names(self, names: Mapping[str, str]) -> Iterator[Edit]:
        """One name for another."""
        for node in self.nodes:
            if isinstance(node, Name):
                for name, text in names.items():
                    if name != node.name:
                        mistake = Mistake.of("name-for-name", wrong=self.text(node), right=text)
                        yield Edit(self.put(node, node._replace(name=name)), node, mistake)
        by_name: dict[str, list[Node]] = {}
        for node in self.nodes:
            if isinstance(node, Name):
                by_name.setdefault(node.name, []).insert(0, node)
        for used, nodes in by_name.items():
            for name, text in names.items() if len(nodes) > 1 else ():
                if name != used:
                    mistake = Mistake.of("name-for-name", wrong=self.text(nodes[0]), right=text)
                    yield Edit(self.renamed(used, name), nodes[0], mistake)

    def missing(self, factors: Sequence[Factor], lengths: Collection[str], *places: Node) -> Iterator[Edit]:
        """A factor missing, of all or of a term."""
        for node in places:
            for tree, text in factors:
                for op in ("mul", "div"):
                    new = self.put(node, self.call(op, node, _at(tree, node)))
                    yield Edit(new, None if node is self.root else node, _missing(op, text, lengths))

    def terms(self) -> list[Node]:
        """The terms of sums in it."""
        return [
            arg for node in self.nodes if isinstance(node, Call) and node.op in _SUMS for arg in node.args
        ]

    def inverted(self) -> Iterator[Edit]:
        """1/x for x, and 1 - x for x."""
        for node in self.nodes:
            one = Number(1.0, node.start, node.end)
            if isinstance(node, Name | Call):
                mistake = Mistake.of("slip", wrong=self.text(node), right=f"1/({self.text(node)})")
                yield Edit(self.put(node, self.call("div", one, node)), node, mistake)
                mistake = Mistake.of("slip", wrong=self.text(node), right=f"1 - {self.text(node)}")
                yield Edit(self.put(node, self.call("sub", one, node)), node, mistake)

    def other_parts(self, factors: Sequence[Factor]) -> Iterator[Edit]:
        """A part that should be another one."""
        for node in self.nodes:
            if isinstance(node, Name | Call | Number) and node is not self.root:
                for tree, text in factors:
                    mistake = Mistake.of("slip", wrong=self.text(node), right=text)
                    yield Edit(self.put(node, _at(tree, node)), node, mistake)

    def missing_terms(self, factors: Sequence[Factor]) -> Iterator[Edit]:
        """A term missing in a sum."""
        for tree, text in factors:
            for op in _SUMS:
                new = self.call(op, self.root, _at(tree, self.root))
                yield Edit(new, None, Mistake.of("term-missing", term=text))


def _missing(op: str, text: str, lengths: Collection[str]) -> Mistake:
    """A factor or a divisor that is missing."""
    if op == "mul":
        return Mistake.of("factor-missing", factor=text)
    return (
        Mistake.of("mean-missing", divisor=text)
        if text in lengths
        else Mistake.of("times-value-of", name=text)
    )


def _at(tree: Node, place: Node) -> Node:
    """A tree made elsewhere, at a place of this one."""
    args = tuple(_at(arg, place) for arg in tree.args)
    placed = tree._replace(start=place.start, end=place.end)
    return placed._replace(args=args) if args else placed  # type: ignore[arg-type]
