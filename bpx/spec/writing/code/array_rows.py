"""How ops of whole arrays are written in Python, in the words of NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bpx.graph.formula_parts import index_places
from bpx.ops.tensors import expanded_shape
from bpx.spec.writing.code.call import Call, Row, function_row, infix
from bpx.spec.writing.code.expression import ATOM, POWER, PRODUCT, Code, as_float


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


def _eigvalsh(call: Call) -> Code:
    """Half of the matrix is read, as by NumPy; JAX would take the mean of both halves."""
    more = ", symmetrize_input=False" if call.library == "jax" else ""
    return Code(f"np.linalg.eigvalsh({call.arg()}{more})")


def _dropout(call: Call) -> Code:
    scale = 1 - call.settings["p"]
    product = f"{call.arg(0, PRODUCT)} * {call.arg(1, PRODUCT + 1)}"
    return Code(f"{product} / {scale!r}", PRODUCT)


ARRAYS: dict[str, Row] = {
    "matmul": infix("@", PRODUCT),
    "outer": function_row("np.outer"),
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
    "inv": function_row("np.linalg.inv"),
    "det": function_row("np.linalg.det"),
    "cofactor": function_row("cofactor"),
    "logdet": lambda call: Code(f"np.linalg.slogdet({call.arg()})[1]"),
    "solve": _solve,
    "cholesky": _cholesky,
    "eigvalsh": _eigvalsh,
    "eigenprojections": function_row("eigenprojections"),
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
