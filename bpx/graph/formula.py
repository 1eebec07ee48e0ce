"""Nodes as text: formulas by precedence, numbers, arrays.

What is printed reads back as the same nodes. Nothing here recurses: the printer keeps its own stack.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

from bpx.graph.facts import Notation
from bpx.graph.graph import CONSTANT, INPUT, Graph
from bpx.graph.numbers import CONSTANTS, array

PRECEDENCE_OF_MINUS = 25  # a negative number is written, and bracketed, like a prefix minus
MOST_IN_A_RULE = 24  # ops in the formula of a rule; a longer one is not for reading

_LOOSEST, _TIGHTEST = 0, 100
# A finished text, or a node still to be written: (node, precedence around it, does it stand leftmost?).
_Task = str | tuple[int, int, bool]

_NAME_OF_CONSTANT = {value: name for name, value in CONSTANTS.items()}


def partial(output: str, node: str) -> str:
    """The name of a derivative, `∂L/∂w`."""
    return f"∂{output}/∂{node}"


def settings_text(graph: Graph, node: int) -> list[str]:
    """The settings of a node that differ from the op's defaults, as `axis=0`."""
    op, settings = graph.ops[node], graph.settings[node]
    usual = _usual_settings(graph, node)
    texts = {name: _setting(settings[name]) for name in op.settings if settings[name] != usual.get(name)}
    if "at" in texts:  # an index, of an array of that shape
        texts["at"] = _subscript(settings["at"], settings["shape"])
    return [f"{name}={text}" for name, text in texts.items()]


def _usual_settings(graph: Graph, node: int) -> Mapping[str, Any]:
    """What the settings are when nothing is said, or (for reshape, windows) but the first, which must be."""
    op = graph.ops[node]
    if op.arrange is None:
        return op.settings
    shapes = [graph.shapes[arg] for arg in graph.args[node]]
    try:
        return op.arrange(*shapes, **op.settings)
    except (TypeError, ValueError):
        first = next(iter(op.settings))
    try:
        usual = op.arrange(*shapes, **{**op.settings, first: graph.settings[node][first]})
    except (TypeError, ValueError):
        return {}
    return {name: value for name, value in usual.items() if name != first}


def _setting(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, tuple):
        alone = len(value) == 1 and not isinstance(value[0], tuple)
        return str(value[0]) if alone else f"[{', '.join(map(_setting, value))}]"
    return str(value)


def formula(
    graph: Graph,
    node: int,
    names: Mapping[int, str] | None = None,
    *,
    open_root: bool = True,
    atom: Callable[[int], str | None] | None = None,
) -> str:
    """The text of a node; args that have a name (or an `atom` text) stand by it.

    With `open_root` the node itself is written out even if it has a name.
    """
    names = names or {}
    text_of = atom or names.get
    pieces: list[str] = []
    tasks: list[_Task] = [(node, _LOOSEST, True)]
    while tasks:
        task = tasks.pop()
        if isinstance(task, str):
            pieces.append(task)
            continue
        current, around, leading = task
        known = None if current == node and open_root else text_of(current)
        if known is None and graph.ops[current] in (INPUT, CONSTANT):
            known = names.get(current) or _constant(graph, current, names)
        if known is not None:
            pieces.append(_bracketed_if_loose(known, around, leading))
        else:
            tasks.extend(reversed(_written(graph, current, around, leading)))
    return "".join(pieces)


def ops_written(graph: Graph, node: int, names: Container[int]) -> int:
    """How many ops the formula of a node has; what it uses twice is written, and counts, twice."""
    count: dict[int, int] = {}
    for one in graph.needs(of=[node]):
        count[one] = 0 if one in names else sum(count[arg] for arg in graph.args[one]) + 1
    return count[node]


def _constant(graph: Graph, node: int, names: Mapping[int, str]) -> str:
    value = graph.constants.get(node)
    if value is None:
        return f"#{node}"
    if value.ndim == 0:
        name = _NAME_OF_CONSTANT.get(float(value))
        if name and name not in names.values():
            return name
    return array(value)


def _bracketed_if_loose(text: str, around: int, leading: bool) -> str:
    """A negative number binds like a minus, a name such as ∂L/∂z like the fraction it looks like."""
    negative = text.startswith("-") and (around > PRECEDENCE_OF_MINUS or not leading)
    fraction = "/" in text and around > PRECEDENCE_OF_MINUS
    return f"({text})" if negative or fraction else text


def _written(graph: Graph, node: int, around: int, leading: bool) -> list[_Task]:
    """One node as texts and the nodes still to be written between them."""
    op, args = graph.ops[node], graph.args[node]
    notation = op.notation
    indexes = notation is not None and notation.place == "index"
    settings = [] if indexes else settings_text(graph, node)
    if notation is None or settings:
        return _call(op.name, _args_to_write(graph, node), settings)
    own = notation.precedence
    pieces: list[_Task]
    arg: list[_Task]
    if notation.place == "infix":
        left, right = _tightness(notation)
        gap = "" if notation.symbol == "^" else " "
        pieces = [(args[0], left, leading), f"{gap}{notation.symbol}{gap}", (args[1], right, False)]
    elif notation.place in ("postfix", "index"):
        arg = [(args[0], own, leading)]
        behind = _subscript(graph.settings[node]["at"], graph.shapes[args[0]]) if indexes else notation.symbol
        pieces = [*(["(", *arg, ")"] if _bare(graph, args[0]) else arg), behind]
    elif notation.symbol.isascii():
        bare = _bare(graph, args[0])
        arg = [(args[0], own, bare)]
        pieces = [notation.symbol, *(["(", *arg, ")"] if bare else arg)]
        if not leading:
            return ["(", *pieces, ")"]
    else:  # a sign like √ is for reading; the name is plainer
        return _call(op.name, args, settings)
    return ["(", *_leftmost(pieces), ")"] if own < around else pieces


def _subscript(at: Sequence[Any], shape: Sequence[int]) -> str:
    """An index as it is written, `[1:3, 0]`: without the axes at the end that are taken whole."""
    texts = [_place(one, length) for one, length in zip(at, shape, strict=True)]
    while texts and texts[-1] == ":":
        texts.pop()
    return f"[{', '.join(texts) or '...'}]"


def _place(one: int | tuple[int, int, int], length: int) -> str:
    """What an index takes of one axis: a number, or the ends of a slice where they are not the array's."""
    if isinstance(one, int):
        return str(one)
    start, stop, step = one
    first, last = (0, length) if step > 0 else (length - 1, -1)
    ends = f"{'' if start == first else start}:{'' if stop == last else stop}"
    return ends if step == 1 else f"{ends}:{step}"


def _bare(graph: Graph, node: int) -> bool:
    """Is the node written as a number? -1 is one and -(1) a negation; 2.T is none and (2).T a transpose."""
    return graph.ops[node] is CONSTANT and _constant(graph, node, {})[0] in "-0123456789"


def _leftmost(pieces: list[_Task]) -> list[_Task]:
    """Behind an opening bracket the first arg stands leftmost whatever came before."""
    first = pieces[0]
    return pieces if isinstance(first, str) else [(first[0], first[1], True), *pieces[1:]]


def _tightness(notation: Notation) -> tuple[int, int]:
    """The precedence that the left and the right arg must have to stand without brackets."""
    own = notation.precedence
    return own + (notation.groups != "left"), own + (notation.groups != "right")


def _args_to_write(graph: Graph, node: int) -> tuple[int, ...]:
    """The args without those at the end that a layer has when nothing is said, as a bias of 0."""
    op, args = graph.ops[node], graph.args[node]
    defaults = () if op.elementwise else op.defaults
    for default in reversed(defaults):
        if graph[args[-1]].number != default:
            break
        args = args[:-1]
    return args


def _call(name: str, args: tuple[int, ...], settings: list[str]) -> list[_Task]:
    """A call; a text stands in front without a name, as in NumPy's `einsum('ij,jk->ik', a, b)`."""
    texts = [setting.partition("=")[2] for setting in settings if setting.endswith("'")]
    pieces: list[_Task] = [f"{name}(", *(f"{text}, " for text in texts)]
    for position, arg in enumerate(args):
        if position:
            pieces.append(", ")
        pieces.append((arg, _LOOSEST, True))
    pieces += [f", {setting}" for setting in settings if not setting.endswith("'")]
    return [*pieces, ")"]
