"""Where a mistake was made, in the user's own words: the text of a node, and which arg of it is meant."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

from bpx.check.numeric.tolerances import LONGEST_PLACE
from bpx.graph.formula import MOST_IN_A_RULE, Formula, derivative, formula, ops_written, symbol, words
from bpx.graph.formula_parts import Number, Operation, Part, Symbol, count_of_args
from bpx.graph.graph import CONSTANT
from bpx.graph.numbers import LARGEST_SHOWN, shape_text
from bpx.words.say import say

if TYPE_CHECKING:
    from bpx.check.report.blame import Mistake
    from bpx.check.whole.checked_graph import CheckedGraph
    from bpx.graph.graph import Graph
    from bpx.passes.reverse import Edge


def named_formula(checked: CheckedGraph, node: int) -> Formula:
    """A node by the name its spec gives it, or by its formula where it has none."""
    return written(checked, node, open_root=False)


def by_any_name(checked: CheckedGraph, node: int) -> Formula:
    """The same, by a name that bpx gave it too: claims may use these."""
    return formula(checked.graph, node, checked.query.spec.names, open_root=False)


def written(checked: CheckedGraph, node: int, *, open_root: bool) -> Formula:
    """The formula of a node; of a long one its op and the args that are short, and `…` for the others."""
    graph, own = checked.graph, checked.query.spec.own_names
    names: dict[int, str | Formula] = {**array_names(checked, graph, graph.needs(of=[node])), **own}
    # What is used twice is written twice: a formula may be far longer than its graph.
    if (not open_root and node in names) or ops_written(graph, node, names) <= MOST_IN_A_RULE:
        return formula(graph, node, names, open_root=open_root)
    long = [arg for arg in graph.args[node] if ops_written(graph, arg, names) > MOST_IN_A_RULE]
    return formula(graph, node, {**names, **dict.fromkeys(long, words("…"))}, open_root=True)


def array_names(checked: CheckedGraph, graph: Graph, nodes: Iterable[int]) -> dict[int, Formula]:
    """What stands for large constants among `nodes`: nobody reads an array of many numbers in a formula."""
    known = checked.query.spec.constant_names
    names: dict[int, Formula] = {}
    for node in nodes:
        value = graph.constants.get(node)
        if value is not None and value.size > LARGEST_SHOWN:
            name = known.get((value.shape, value.tobytes()))
            turned = known.get((value.T.shape, value.T.tobytes()))
            text = name or (f"{turned}.T" if turned else f"const({shape_text(value.shape)})")
            names[node] = symbol(text) if name else words(text)
    return names


def occurrences(checked: CheckedGraph) -> dict[int, int]:
    """For each node of the forward pass the first one that is written in the same way."""
    graph = checked.graph
    first: dict[Any, int] = {}
    known: dict[int, int] = {}
    for node in checked.forward:
        constant = graph.constants.get(node)
        args = tuple(known[arg] for arg in graph.args[node])
        key: Any = (graph.ops[node], args, repr(graph.settings[node]))
        if constant is not None:
            key = (constant.shape, constant.tobytes())
        elif not args:
            key = node
        known[node] = first.setdefault(key, node)
    return known


def text_of(checked: CheckedGraph, node: int) -> str:
    """The same as text, with the middle left out where it is long."""
    # The output may have a name that bpx gave it; everybody knows its formula.
    text = str(written(checked, node, open_root=node == checked.query.output))
    half = (LONGEST_PLACE - 3) // 2
    return text if len(text) <= LONGEST_PLACE else f"{text[:half]} … {text[-half:]}"


def path_text(checked: CheckedGraph, edge: Edge) -> str:
    """The path through a consumer: its text, the arg where it has others, and which one it is of several."""
    graph, node = checked.graph, edge.consumer
    text = say("mistake.path", node=text_of(checked, node))
    args = [arg for arg in graph.args[node] if graph.ops[arg] is not CONSTANT]
    if len(set(args)) > 1:
        text = say("mistake.path-by", path=text, arg=text_of(checked, edge.arg))
    first = occurrences(checked)
    same = [other for other, one in first.items() if one == first[node]]
    if len(same) > 1:
        text = say("mistake.path-of-several", path=text, number=same.index(node) + 1, count=len(same))
    return text


def in_own_names(checked: CheckedGraph, edge: Edge, mistake: Mistake) -> Mistake:
    """The mistake with the nodes of an edge in place of the names that the op has for its args."""
    op, node = checked.graph.ops[edge.consumer], edge.consumer
    if op.name in checked.query.spec.custom:
        return mistake  # the names are those of the spec
    own = {
        name: named_formula(checked, arg)
        for name, arg in zip(op.args, checked.graph.args[node], strict=False)
    }
    own["out"] = named_formula(checked, node)
    own["upstream"] = derivative(named_formula(checked, checked.query.output), own["out"])
    facts = [(key, renamed(fact, own) if isinstance(fact, Formula) else fact) for key, fact in mistake.facts]
    return mistake._replace(facts=tuple(facts))


def renamed(formula: Formula, own: dict[str, Formula]) -> Formula:
    """A formula with others in place of names; `3 - 1` becomes 2."""
    parts: list[Part] = []
    for part in formula.parts:
        replacement = own.get(part.name) if isinstance(part, Symbol) else None
        parts += replacement.parts if replacement else (part,)
    return Formula(tuple(_folded(parts)))


_FOLDED = {"+": lambda a, b: a + b, "-": lambda a, b: a - b}


def _folded(parts: Sequence[Part]) -> list[Part]:
    """The parts with sums and differences of two numbers computed, and without powers of 1."""
    folded: list[list[Part]] = []
    for part in reversed(parts):
        args = [folded.pop() for _ in range(count_of_args(part))]
        folded.append(_operation_of(part, args))
    (whole,) = folded
    return whole


def _operation_of(part: Part, args: Sequence[list[Part]]) -> list[Part]:
    if isinstance(part, Operation) and part.place == "infix":
        match [arg[0] for arg in args]:
            case [Number(first), Number(second)] if part.symbol in _FOLDED:
                return [Number(_FOLDED[part.symbol](first, second))]
            case [_, Number(1)] if part.symbol == "^":
                return args[0]
    return [part, *chain.from_iterable(args)]
