"""Where a mistake was made, in the user's own words: the text of a node, and which arg of it is meant."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bpx.check.numeric.tolerances import LONGEST_PLACE
from bpx.graph.formula import Formula, formula
from bpx.graph.formula_parts import Number, Operation, Part, Symbol, count_of_args
from bpx.graph.graph import CONSTANT
from bpx.words.say import say

if TYPE_CHECKING:
    from bpx.check.report.blame import Mistake
    from bpx.check.whole.checked_graph import CheckedGraph
    from bpx.passes.reverse import Edge


def named_formula(checked: CheckedGraph, node: int) -> Formula:
    """A node by the name its spec gives it, or by its formula where it has none."""
    spec = checked.query.spec
    return formula(checked.graph, node, spec.own_names, open_root=False)


def text_of(checked: CheckedGraph, node: int) -> str:
    """The same as text, with the middle left out where it is long."""
    spec = checked.query.spec
    is_output = node == checked.query.output  # bpx may have named it; everybody knows its formula
    text = str(formula(checked.graph, node, spec.own_names, open_root=is_output))
    half = (LONGEST_PLACE - 3) // 2
    return text if len(text) <= LONGEST_PLACE else f"{text[:half]} … {text[-half:]}"


def path_text(checked: CheckedGraph, edge: Edge) -> str:
    """The path through a consumer: its text, the arg where it has others, and which one it is of several."""
    graph, node = checked.graph, edge.consumer
    text = say("mistake.path", node=text_of(checked, node))
    args = [arg for arg in graph.args[node] if graph.ops[arg] is not CONSTANT]
    if len(set(args)) > 1:
        text = say("mistake.path-by", path=text, arg=text_of(checked, edge.arg))
    own = named_formula(checked, node)
    same = [other for other in checked.forward if named_formula(checked, other) == own]
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


def _folded(parts: list[Part]) -> list[Part]:
    """The parts with sums and differences of two numbers computed."""
    folded: list[Part] = []
    for part in reversed(parts):
        if isinstance(part, Operation) and part.place == "infix" and part.symbol in _FOLDED:
            first, second = folded[-1], folded[-2] if count_of_args(folded[-1]) == 0 else None
            if isinstance(first, Number) and isinstance(second, Number):
                del folded[-2:]
                part = Number(_FOLDED[part.symbol](first.value, second.value))
        folded.append(part)
    return folded[::-1]
