"""Names of derivatives as people write them: `∂L/∂w`, `dp[0]/dw[1]`, `dw`, `w.grad`, `da/dz`, `d2L/dx2`.

A name of a node always means the node. What else a text may mean is collected; it is for the caller to
refuse what means nothing, or several things.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from bpx.graph.named.claim import Derivative, Index
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.names import as_node_name
from bpx.words.derivative_names import BLANK, SIGNS, STROKE
from bpx.words.spelling import nearest

# What an output is called by people who gave it another name, or none.
_USUAL_OUTPUTS = ("L", "l", "loss", "Loss", "J", "E", "C", "cost", "f", "out", "output")
_BEFORE = ("d_", "d", "∂_", "∂", "grad_", "grad ", "grad.", "grads.", "grads_", "gradients.", "∇", "nabla_")
_BEHIND = (".grad", "_grad", "_gradient")
_HESSIAN = re.compile(r"(?:hess|hessian)(?:_(?P<bare>.+)|\((?P<name>.+)\))?")
_FRACTION = re.compile(r"(?:∂|d)(?P<of>[^/]+?)\s*/\s*\(?\s*(?:∂|d)(?P<node>.+?)\)?")
_PRIMED = re.compile(r"(?P<of>[^\W\d]\w*)\s*['′’]\s*(?:\(\s*(?P<node>[^\W\d]\w*)\s*\))?")
_OPERATOR = re.compile(r"(?:∂|d)\s*/\s*\(?\s*(?:∂|d)\s*(?P<node>[^\s∂].*?)\)?")
_IN_LATEX = re.compile(
    r"(?P<fraction>\\[dt]?frac\s*\{(?P<top>(?:[^{}]|\{[^{}]*\})*)\}\s*\{(?P<below>(?:[^{}]|\{[^{}]*\})*)\})?"
    r"(?P<rest>.*)",
    re.DOTALL,
)
_FONT = re.compile(r"\\(?:math\w+|text|operatorname|boldsymbol|bm)\s*\{([^{}]*)\}\s*")
_LATEX_SPACE = re.compile(r"\\[,;:! ]|~|\\(?:left|right|big|Big)(?![a-z])")
_ENTRY = r"[^\W\d]\w*(?:\.[^\W\d]\w*)*(?:\s*\[[^\[\]]*\])?"
_IN_BRACKETS = re.compile(rf"(?<!\w)(?P<sign>∂|d)\s*\(\s*(?P<node>{_ENTRY})\s*\)")
# `d/dw L`, `(∂²/∂x∂y) L`, `∂_w L`: what is derived stands behind.
_BEHIND_IT = r"(?:\s+|\s*(?=\())\(?\s*(?P<of>[^\W\d][\w.]*)\s*\)?"
_RAISED = r"[²³⁴-⁹]|(?:\^|\*\*)[2-9]"
_POWER = rf"{_RAISED}|[2-9]"
_APPLIED = re.compile(
    rf"\(?\s*(?P<sign>∂|d)(?P<power>{_POWER}|)\s*/\s*"
    rf"(?P<by>(?:(?:∂|d)\s*{_ENTRY}(?:{_RAISED})?\s*?){{1,9}})\s*\)?{_BEHIND_IT}"
)
_WITH_INDEX = re.compile(rf"∂_(?P<node>{_ENTRY}){_BEHIND_IT}")
_HIGHER = re.compile(rf"(?:∂|d)(?P<order>{_POWER})(?P<of>[^/]+?)\s*[/_]\s*\(?\s*(?P<by>(?:∂|d).+?)\)?")
_ORDERS = {sign: order for order, sign in enumerate("²³⁴⁵⁶⁷⁸⁹", 2)}
_INDEX = re.compile(r"(?P<name>.*\S)\s*\[(?P<at>[-\d\s:,]*\d[-\d\s:,]*)\]", re.DOTALL)

_IN_FORMULA = re.compile(
    r"(?<![\w.])(?P<d>∂|d)(?P<of>[^\W\d]\w*(?:\.(?!T\b)[^\W\d]\w*)*)(?P<stroke>\s*/\s*)(?:∂|d)"
    r"(?P<node>[^\W\d]\w*(?:\.(?!T\b|grad\b)[^\W\d]\w*)*)"
)
_OPERATOR_IN_FORMULA = re.compile(  # `d/dw L`
    r"(?<![\w.])(?P<d>∂|d)(?P<stroke>\s*/\s*)(?:∂|d)(?P<node>[^\W\d]\w*)(?P<blank>\s+)(?P<of>[^\W\d]\w*)(?!\w|\()"
)


def readings(text: str, spec: NamedGraph) -> list[Derivative]:
    """All that a text may mean; a single reading where it is the name of a node."""
    if text in spec.nodes:
        return [Derivative(None, text)]
    if "\\" in text:
        return readings(_plain(text), spec)
    text = _as_fraction(text)
    name, index = _split_index(text)
    if index is not None and name in spec.nodes:
        return [Derivative(None, name, index)]
    every = [*_by_prefix(name, index, spec), *_fractions(text, spec), *_higher(text, spec)]
    if not every and as_node_name(name) != name:
        # Names as other programs write them: `layers.0.weight.grad`.
        every = list(_by_prefix(as_node_name(name), index, spec))
        every += [Derivative(None, node, index) for node in [as_node_name(name)] if node in spec.nodes]
    return [reading for i, reading in enumerate(every) if reading not in every[:i]]


def _plain(text: str) -> str:
    r"""A derivative as LaTeX has it in signs, `∂L/∂w_1` for `\frac{\partial L}{\partial w_{1}}`."""
    content = _LATEX_SPACE.sub(" ", _FONT.sub(r"\1", text.strip().strip("$").strip()))
    match = _IN_LATEX.fullmatch(content)
    if not match or not match["fraction"]:
        return _in_signs(content)
    top, below = _without_spaces(match["top"]), _without_spaces(match["below"])
    return f"{top}/{below} {_in_signs(match['rest'])}".strip()


def _in_signs(flat: str) -> str:
    """What LaTeX writes without a fraction; a space is left only where something is derived by `∂_w`."""
    if match := re.fullmatch(r"\\partial\s*_\s*(\w|\{[^{}]*\}|\\\w+)(.*)", flat, re.DOTALL):
        return f"∂_{_without_spaces(match[1])} {_without_spaces(match[2])}".strip()
    return _without_spaces(flat)


def _without_spaces(latex: str) -> str:
    flat = re.sub(r"\\partial\s*", "∂", latex)
    flat = re.sub(r"\\nabla\s*_?\s*(\w+|\{[^{}]*\}).*", r"∇\1", flat)
    return re.sub(r"[\\{}\s]", "", flat)


def _as_fraction(text: str) -> str:
    """`dL/dw` for `d/dw L` and `d(L)/d(w)`; any other text as it is."""
    bare = _IN_BRACKETS.sub(r"\g<sign>\g<node>", text)
    if match := _APPLIED.fullmatch(bare):
        return f"{match['sign']}{match['power']}{match['of']}/{match['by'].strip()}"
    if match := _WITH_INDEX.fullmatch(bare):
        return f"∂{match['of']}/∂{match['node']}"
    return bare


def entry_of(text: str) -> tuple[str, tuple[int, ...] | None]:
    """The name and the index of `dw[0, 1]`, a single entry; of any other text itself and None."""
    name, index = _split_index(text)
    if index is None:
        return text, None
    places = tuple(at for at in index if isinstance(at, int))
    return (name, places) if len(places) == len(index) else (text, None)


def likely_name(text: str, nodes: Collection[str]) -> str | None:
    """What was probably meant by a name that means nothing: `dW1` for `dw1`, in the same style."""
    for before in sorted(_BEFORE, key=len, reverse=True):
        guess = nearest(text.removeprefix(before), nodes) if text.startswith(before) else None
        if guess:
            return before + guess
    for behind in _BEHIND:
        guess = nearest(text.removesuffix(behind), nodes) if text.endswith(behind) else None
        if guess:
            return guess + behind
    return nearest(text, nodes)


def _split_index(text: str) -> tuple[str, Index | None]:
    match = _INDEX.fullmatch(text)
    if not match:
        return text, None
    try:
        return match["name"], tuple(_place(part.strip()) for part in match["at"].split(","))
    except (ValueError, TypeError):  # no number, or more than three
        return text, None


def _place(text: str) -> int | slice:
    if ":" not in text:
        return int(text)
    return slice(*(int(part) if part.strip() else None for part in text.split(":")))


def _by_prefix(name: str, index: Index | None, spec: NamedGraph) -> Iterator[Derivative]:
    """`dw`, `grad_w`, `w.grad`: of the output."""
    names = [name.removeprefix(before) for before in _BEFORE if name.startswith(before)]
    names += [name.removesuffix(behind) for behind in _BEHIND if name.endswith(behind)]
    if name.startswith("grad(") and name.endswith(")"):
        names.append(name[5:-1].strip())
    yield from (Derivative(None, node, index) for node in names if node in spec.nodes)


def _fractions(text: str, spec: NamedGraph) -> Iterator[Derivative]:
    """`∂L/∂w`, `dL/dw`, `dL_dw`, `dLdw`."""
    if match := _PRIMED.fullmatch(text):
        leaves = [leaf.name for leaf in spec.inputs]
        if match["node"] or (len(leaves) == 1 and match["of"] not in leaves):
            yield from _derivatives(match["of"], match["node"] or leaves[0], spec)
        return
    if match := _OPERATOR.fullmatch(text):
        name, index = _split_index(match["node"])
        if name in spec.nodes:
            yield Derivative(None, name, index)
        return
    match = _FRACTION.fullmatch(text)
    if match:
        yield from _derivatives(match["of"].strip(), match["node"].strip(), spec)
        return
    name, index = _split_index(text)
    for node in _endings(name, spec.nodes):
        of = name[: -len(node)].removesuffix("d").removesuffix("_").removesuffix("_d")
        if name.startswith("d") and name.endswith("d" + node) and len(of) > 1:
            yield from (d._replace(at=index) for d in _derivatives(of[1:], node, spec))


def _endings(name: str, nodes: Collection[str]) -> list[str]:
    return [node for node in nodes if name.endswith(node) and len(node) + 2 < len(name)]


def _derivatives(of: str, node: str, spec: NamedGraph) -> Iterator[Derivative]:
    (name, index), (of, of_index) = _split_index(node), _split_index(of)
    if name in spec.nodes and (of in spec.nodes or of in _USUAL_OUTPUTS):
        yield Derivative(of if of in spec.nodes else None, name, index, of_at=of_index)


def _higher(text: str, spec: NamedGraph) -> Iterator[Derivative]:
    """`∂²L/∂x∂y`, `d2L/dx2`, `d3L/dx2dy`, `hess`, `hess_x`."""
    hessian = _HESSIAN.fullmatch(text)
    if hessian:
        name = hessian["bare"] or hessian["name"]
        names = [name] if name else [leaf.name for leaf in spec.inputs]
        yield from (Derivative(None, node, None, node) for node in names if node in spec.nodes)
    match = _HIGHER.fullmatch(text)
    if not match or not (match["of"] in spec.nodes or match["of"] in _USUAL_OUTPUTS):
        return
    of = match["of"] if match["of"] in spec.nodes else None
    for by in _denominators(match["by"][1:], _order(match["order"])):
        entries = [_split_index(name) for name in by]
        (first, first_index), (node, index) = entries[-2:]
        if all(name in spec.nodes for name, _ in entries):
            yield Derivative(of, node, index, first, first_index, tuple(entries[:-2]))


def _order(power: str) -> int:
    return _ORDERS.get(power) or int(power.lstrip("^*"))


def _denominators(body: str, order: int) -> Iterator[tuple[str, ...]]:
    """What `x∂y` or `x2`, behind the first ∂, may be derived by, one after the other: `order` names."""
    for at in (*(at for at in range(1, len(body)) if body[at] in "∂d"), len(body)):
        for name, times in _powers(body[:at].strip(" ·*")):
            if at == len(body) and times == order:
                yield (name,) * times
            elif at < len(body) and times < order:
                yield from (
                    (*(name,) * times, *rest) for rest in _denominators(body[at + 1 :], order - times)
                )


def _powers(factor: str) -> Iterator[tuple[str, int]]:
    """`x2` may be x squared, or a name."""
    yield factor.strip(" ()"), 1
    if match := re.fullmatch(rf"(?P<name>.+?)(?P<power>{_POWER})", factor):
        yield match["name"].strip(" ()"), _order(match["power"])


# --- inside formulas ----------------------------------------------------------------------------


def with_derivatives_as_names(content: str, plain: Collection[int] = ()) -> str:
    """A formula in which each `∂L/∂w` is one name; those that begin at `plain` are left as they are."""

    def as_name(match: re.Match[str]) -> str:
        if match.start() in plain:
            return match.group()
        sign = SIGNS[match["d"]]
        return sign + match["of"] + STROKE * len(match["stroke"]) + sign + match["node"]

    def operator_as_name(match: re.Match[str]) -> str:
        if match.start() in plain:
            return match.group()
        sign = SIGNS[match["d"]]
        stroke, blank = STROKE * len(match["stroke"]), BLANK * len(match["blank"])
        return sign + stroke + sign + match["node"] + blank + match["of"]

    return _OPERATOR_IN_FORMULA.sub(operator_as_name, _IN_FORMULA.sub(as_name, content))


def written_derivative(name: str) -> str:
    """The text behind a name in a formula: `∂L/∂w` for what stands for it, any other as it is."""
    for sign, letter in SIGNS.items():
        if name.startswith(letter):
            of, _, node = name[1:].partition(STROKE)
            node, _, behind = node.lstrip(STROKE)[1:].partition(BLANK)
            return f"{sign}{of or behind.lstrip(BLANK)}/{sign}{node}"
    return name


def is_quotient_of_names(name: str, spec: NamedGraph) -> bool:
    """Does `dy/dt` divide two nodes that are called so, or `d/dt` of `d/dt y`?"""
    if not name.startswith(SIGNS["d"]):
        return False
    above, below = written_derivative(name).split("/")
    return below in spec.nodes and ("d" if name[1] == STROKE else above) in spec.nodes
