"""How each op is written in Python: one row for each, in the words of NumPy.

An op without a row is a function of the module, made of what the op expands to.
`bpx.spec.writing.code.libraries` puts the words of other libraries in place of NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from bpx.graph.arrays import Settings, Shape
from bpx.graph.formula_parts import index_places
from bpx.ops.tensors import expanded_shape
from bpx.spec.writing.code.expression import (
    ATOM,
    COMPARISON,
    LOOSEST,
    MINUS,
    POWER,
    PRODUCT,
    SUM,
    Code,
    as_float,
)


class Call(NamedTuple):
    """A node that is to be written: its args, as code and with their shapes, its settings and its shape.

    `library` is the name of the library: some ops need other arguments there.
    """

    args: tuple[Code, ...]
    shapes: tuple[Shape, ...]
    settings: Settings
    shape: Shape
    library: str

    def arg(self, position: int = 0, slot: int = LOOSEST) -> str:
        """An arg as it stands in a slot."""
        return self.args[position].within(slot)

    def ids(self, position: int) -> str:
        """An arg of whole numbers that choose."""
        code = self.args[position]
        return code.text if code.text in self.settings["whole"] else f"{code.within(ATOM)}.astype(int)"


Row = Callable[[Call], Code]


# --- ops of each element ------------------------------------------------------------------------


def _infix(sign: str, precedence: int, left: int | None = None, right: int | None = None) -> Row:
    first = precedence if left is None else left
    second = precedence + 1 if right is None else right

    def write(call: Call) -> Code:
        return Code(f"{call.arg(0, first)} {sign} {call.arg(1, second)}", precedence)

    return write


def _comparison(sign: str) -> Row:
    def write(call: Call) -> Code:
        text = f"{call.arg(0, COMPARISON + 1)} {sign} {call.arg(1, COMPARISON + 1)}"
        return Code(text, COMPARISON, "truth")

    return write


def _function(name: str) -> Row:
    """A call with the args of the op; with a name of this module where that is plain."""
    return lambda call: Code(f"{name}({', '.join(as_float(arg).text for arg in call.args)})")


def _written(template: str, precedence: int = ATOM, slot: int = LOOSEST) -> Row:
    """A template with all args in slots of the same kind."""
    return lambda call: Code(template.format(*(as_float(arg).within(slot) for arg in call.args)), precedence)


def _where(call: Call) -> Code:
    condition, first, second = call.args
    test = condition.text if condition.kind == "truth" else f"{condition.within(SUM)} != 0"
    return Code(f"np.where({test}, {as_float(first).text}, {as_float(second).text})")


def _power(call: Call) -> Code:
    if call.arg(0) == "np.e":
        return Code(f"np.exp({as_float(call.args[1]).text})")
    return Code(f"{call.arg(0, POWER + 1)} ** {call.arg(1, MINUS)}", POWER)


def _relu(call: Call) -> Code:
    name = {"torch": "torch.relu", "jax": "jax.nn.relu"}.get(call.library)
    return Code(f"{name}({call.arg()})" if name else f"np.maximum({call.arg()}, 0)")


def _cbrt(call: Call) -> Code:
    return Code(f"{'cbrt' if call.library == 'torch' else 'np.cbrt'}({as_float(call.args[0]).text})")


_OF_NUMPY = "sign abs floor ceil sqrt exp exp2 expm1 log log1p log2 log10 sin cos tan hypot sinh cosh tanh"
_OF_NUMPY += " logaddexp round"
_ARC = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2"}
_ARC |= {"asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh"}
_OWN = (
    "cot erf erfc sigmoid softplus logsigmoid softsign leaky_relu elu selu relu6 hard_sigmoid hard_swish silu"
)
_OWN += " swish mish gelu gelu_tanh"

ELEMENTWISE: dict[str, Row] = {
    "add": _infix("+", SUM),
    "sub": _infix("-", SUM),
    "mul": _infix("*", PRODUCT),
    "div": _infix("/", PRODUCT),
    "pow": _power,
    "neg": _written("-{}", MINUS, MINUS),
    "reciprocal": _written("1 / {}", PRODUCT, PRODUCT + 1),
    "square": _written("{} ** 2", POWER, POWER + 1),
    "identity": lambda call: call.args[0],
    "lt": _comparison("<"),
    "le": _comparison("<="),
    "gt": _comparison(">"),
    "ge": _comparison(">="),
    "eq": _comparison("=="),
    "ne": _comparison("!="),
    "where": _where,
    "step": _written("(np.sign({}) + 1) / 2", PRODUCT),
    "mod": _function("np.remainder"),
    "max": _function("np.maximum"),
    "min": _function("np.minimum"),
    "clip": _written("np.minimum(np.maximum({}, {}), {})"),
    "hardtanh": _written("np.minimum(np.maximum({}, {}), {})"),
    "relu": _relu,
    "sec": _written("1 / np.cos({})", PRODUCT),
    "csc": _written("1 / np.sin({})", PRODUCT),
    **{name: _function(f"np.{name}") for name in _OF_NUMPY.split()},
    "cbrt": _cbrt,
    **{name: _function(f"np.{function}") for name, function in _ARC.items()},
    **{name: _function(name) for name in _OWN.split()},
}


# --- ops of whole arrays ------------------------------------------------------------------------


def _axis(axis: Sequence[int], ndim: int, *, all_named: bool = False) -> str:
    """`, axis=0`; nothing where all axes are meant."""
    if tuple(axis) == tuple(range(ndim)) and not all_named:
        return ""
    return f", axis={axis[0] if len(axis) == 1 else tuple(axis)}"


def _reduced(name: str, call: Call, arg: str | None = None, more: str = "") -> Code:
    settings, x = call.settings, call.shapes[0]
    keepdims = settings["keepdims"]
    if not settings["axis"]:  # no axis: each element is taken alone
        return Code(arg, POWER) if arg else call.args[0]
    axis = _axis(settings["axis"], len(x), all_named=keepdims and call.library == "torch")
    if keepdims:
        axis += ", keepdims=True"
    return Code(f"{name}({arg or call.arg()}{axis}{more})")


def _reduction(name: str) -> Row:
    return lambda call: _reduced(name, call)


def _prod(call: Call) -> Code:
    axes, keepdims = call.settings["axis"], call.settings["keepdims"]
    if call.library != "torch" or len(axes) == 1:
        return _reduced("np.prod", call)
    text = call.arg()
    for axis in reversed(axes):  # torch.prod takes one axis
        text = f"np.prod({text}, axis={axis}{', keepdims=True' if keepdims else ''})"
    return Code(text)


def _argmax(call: Call) -> Code:
    axes, ndim = call.settings["axis"], len(call.shapes[0])
    rest = [axis for axis in range(ndim) if axis not in axes]
    text, axis = call.arg(), f", axis={axes[0]}" if len(axes) == 1 else ""
    if len(axes) > 1 and rest:
        lengths = tuple(call.shapes[0][axis] for axis in rest)
        text, axis = f"np.reshape(np.transpose({text}, {(*axes, *rest)}), {(-1, *lengths)})", ", axis=0"
    if not axes:  # each element is the largest of itself
        return Code(f"np.zeros({call.shape})")
    text = f"np.argmax({text}{axis})"
    if call.settings["keepdims"]:
        text = f"np.reshape({text}, {call.shape})"
    return Code(f"1.0 * {text}", PRODUCT)


def _norm(call: Call) -> Code:
    match call.settings["ord"]:
        case 1:
            return _reduced("np.sum", call, f"np.abs({call.arg()})")
        case 2:
            total = _reduced("np.sum", call, f"{call.arg(0, POWER + 1)} ** 2")
            return Code(f"np.sqrt({total.text})")
    return _reduced("np.max", call, f"np.abs({call.arg()})")


def _moment(name: str) -> Row:
    def write(call: Call) -> Code:
        ddof = call.settings["ddof"]
        if not call.settings["axis"]:
            return Code(f"np.zeros({call.shape})")
        more = f", ddof={ddof}" if ddof or call.library == "torch" else ""
        return _reduced(name, call, more=more)

    return write


def _transpose(call: Call) -> Code:
    axes = tuple(call.settings["axes"])
    if axes == (1, 0):
        return Code(f"{call.arg(0, ATOM)}.T")
    return Code(f"np.transpose({call.arg()}, {axes})")


def _reshape(call: Call) -> Code:
    return Code(f"np.reshape({call.arg()}, {call.shape})")


def _spread(call: Call) -> Code:
    axis, x = call.settings["axis"], call.shapes[0]
    text = call.arg()
    if x and axis != tuple(range(len(axis))):
        text = f"np.reshape({text}, {tuple(expanded_shape(x, axis))})"
    return Code(f"np.broadcast_to({text}, {call.shape})")


def _broadcast(call: Call) -> Code:
    return Code(f"np.broadcast_to({call.arg()}, {call.shape})")


def _upwards(at: Sequence[Any]) -> tuple[list[Any], tuple[int, ...]]:
    """The same elements in the order in which they stand, and the axes of what is taken that this turns
    round: for a library without negative steps.
    """
    kept = [axis for axis, part in enumerate(at) if isinstance(part, tuple)]
    turned = [axis for axis in kept if at[axis][2] < 0]
    parts = list(at)
    for axis in turned:
        start, _, step = at[axis]
        parts[axis] = (range(*at[axis])[-1], start + 1, -step)
    return parts, tuple(kept.index(axis) for axis in turned)


def _index(call: Call) -> Code:
    at = call.settings["at"]
    turned: tuple[int, ...] = ()
    if call.library == "torch":
        at, turned = _upwards(at)
    places = index_places(at, call.shapes[0])
    text = f"{call.arg(0, ATOM)}[{', '.join(places) or '...'}]"
    return Code(f"np.flip({text}, {turned})" if turned else text)


def _place(call: Call) -> Code:
    at, text = call.settings["at"], call.arg()
    if call.library == "torch":
        at, turned = _upwards(at)
        text = f"np.flip({text}, {turned})" if turned else text
    parts = [str(part) if isinstance(part, int) else _slice(*part) for part in at]
    return Code(f"place({text}, ({', '.join(parts)},), {call.shape})" if parts else text)


def _slice(start: int, stop: int, step: int) -> str:
    end = None if stop < 0 else stop
    return f"slice({start}, {end})" if step == 1 else f"slice({start}, {end}, {step})"


def _pick(call: Call) -> Code:
    ids = call.ids(1)
    return Code(f"np.take_along_axis({call.arg()}, {ids}[..., None], axis=-1)[..., 0]")


def _split(call: Call) -> Code:
    axis, part, x = call.settings["axis"], call.settings["part"], call.shapes[0]
    length = x[axis] // call.settings["sections"]
    places = ", ".join([":"] * axis + [f"{part * length}:{(part + 1) * length}"])
    return Code(f"{call.arg(0, ATOM)}[{places}]")


def _joined(name: str) -> Row:
    def write(call: Call) -> Code:
        parts = ", ".join(arg.text for arg in call.args)
        return Code(f"{name}([{parts}], axis={call.settings['axis']})")

    return write


def _running(name: str) -> Row:
    def write(call: Call) -> Code:
        axis, text = call.settings["axis"], call.arg()
        if axis is None and len(call.shapes[0]) != 1:
            text = f"np.reshape({text}, (-1,))"
        return Code(f"{name}({text}, axis={axis or 0})")

    return write


def _sort(call: Call) -> Code:
    axis = call.settings["axis"]
    text = f"np.sort({call.arg()}, axis={axis})"
    text = f"{text}[0]" if call.library == "torch" else text  # the other is where they stood
    return Code(f"np.flip({text}, ({axis},))" if call.settings["descending"] else text)


def _along(name: str) -> Row:
    """One of the softmax family, along its axes."""

    def write(call: Call) -> Code:
        axis = tuple(call.settings["axis"])
        if not axis:  # each element is taken alone
            alone = {"softmax": "np.ones", "log_softmax": "np.zeros"}.get(name)
            return Code(f"{alone}({call.shape})") if alone else call.args[0]
        axis_text = str(axis[0] if len(axis) == 1 else axis)
        keepdims = ", True" if call.settings.get("keepdims") else ""
        return Code(f"{name}({call.arg()}, {axis_text}{keepdims})")

    return write


def _einsum(call: Call) -> Code:
    subscripts = call.settings["subscripts"]
    return Code(f'np.einsum("{subscripts}", {", ".join(as_float(arg).text for arg in call.args)})')


def _solve(call: Call) -> Code:
    if len(call.shapes[1]) == 1 and len(call.shapes[0]) > 2:  # NumPy takes a vector for one matrix alone
        return Code(f"np.linalg.solve({call.arg()}, {call.arg(1, ATOM)}[:, None])[..., 0]")
    return Code(f"np.linalg.solve({call.arg()}, {call.arg(1)})")


def _cholesky(call: Call) -> Code:
    """Half of the matrix is read, as by NumPy; JAX would take the mean of both halves."""
    more = ", symmetrize_input=False" if call.library == "jax" else ""
    return Code(f"np.linalg.cholesky({call.arg()}{more})")


def _dropout(call: Call) -> Code:
    scale = 1 - call.settings["p"]
    product = f"{call.arg(0, PRODUCT)} * {call.arg(1, PRODUCT + 1)}"
    return Code(f"{product} / {scale!r}", PRODUCT)


ARRAYS: dict[str, Row] = {
    "matmul": _infix("@", PRODUCT),
    "outer": _function("np.outer"),
    "transpose": _transpose,
    "reshape": _reshape,
    "squeeze": _reshape,
    "unsqueeze": _reshape,
    "sum": _reduction("np.sum"),
    "mean": _reduction("np.mean"),
    "amax": _reduction("np.max"),
    "amin": _reduction("np.min"),
    "prod": _prod,
    "argmax": _argmax,
    "norm": _norm,
    "var": _moment("np.var"),
    "std": _moment("np.std"),
    "spread": _spread,
    "broadcast_to": _broadcast,
    "index": _index,
    "place": _place,
    "one_hot": lambda call: Code(f"np.eye({call.settings['n']})[{call.ids(0)}]"),
    "pick": _pick,
    "embedding": lambda call: Code(f"{call.arg(0, ATOM)}[{call.ids(1)}]"),
    "scatter": lambda call: Code(f"scatter({call.arg()}, {call.ids(1)}, {call.settings['n']})"),
    "diag": lambda call: Code(f"np.diag({call.arg()}, {call.settings['k']})"),
    "tril": lambda call: Code(f"np.tril({call.arg()}, {call.settings['k']})"),
    "triu": lambda call: Code(f"np.triu({call.arg()}, {call.settings['k']})"),
    "flip": lambda call: Code(f"np.flip({call.arg()}, {tuple(call.settings['axis'])})"),
    "split": _split,
    "concat": _joined("np.concatenate"),
    "stack": _joined("np.stack"),
    "cumsum": _running("np.cumsum"),
    "cumprod": _running("np.cumprod"),
    "sort": _sort,
    "softmax": _along("softmax"),
    "log_softmax": _along("log_softmax"),
    "logsumexp": _along("logsumexp"),
    "einsum": _einsum,
    "inv": _function("np.linalg.inv"),
    "det": _function("np.linalg.det"),
    "cofactor": _function("cofactor"),
    "logdet": lambda call: Code(f"np.linalg.slogdet({call.arg()})[1]"),
    "solve": _solve,
    "cholesky": _cholesky,
    "windows": lambda call: Code(
        f"windows({call.arg()}, {_steps(call, 'size')}, {_steps(call, 'stride')}, {_steps(call, 'dilation')})"
    ),
    "overlap_add": lambda call: Code(
        f"overlap_add({call.arg()}, {_steps(call, 'shape')}, {_steps(call, 'stride')},"
        f" {_steps(call, 'dilation')})"
    ),
    "dropout": _dropout,
}


def _steps(call: Call, setting: str) -> str:
    return str(tuple(call.settings[setting]))


ROWS: dict[str, Row] = {**ELEMENTWISE, **ARRAYS}
