"""Calls of Python as bpx's ops: what libraries call them, in which order they take their args."""

from __future__ import annotations

from collections.abc import Mapping

from bpx.graph.graph import OPS
from bpx.spec.notations.python.called import Called
from bpx.spec.notations.python.names import (
    INFIX,
    KEPT,
    NAMES,
    PLACES,
    SETTINGS,
    WITHOUT_EFFECT,
)
from bpx.spec.notations.python.otherwise import is_otherwise
from bpx.spec.notations.translation.functions import applied, op_meant
from bpx.spec.notations.translation.parts import Part, atom, call, infix, negated, transposed
from bpx.spec.notations.translation.stopping import Asking, Unreadable

_WITH_AXIS = frozenset(
    ("sum", "mean", "var", "std", "prod", "amax", "amin", "softmax", "log_softmax", "logsumexp")
)
# Of how many axes the windows are, whatever is in front of them.
_POOLS_ALONG = {
    f"{kind}_pool{axes}d": axes for kind in ("max", "avg", "adaptive_max", "adaptive_avg") for axes in (1, 2)
}
_WITH_AXIS |= {"cumsum", "cumprod", "squeeze", "unsqueeze", "argmax", "flip"}

_WHOLE = {(name, order) for name in ("ord", "p") for order in ("none", "'fro'")}  # norms of all elements


def part_of(called: Called) -> Part:
    """The part that a call means. Raises `Unreadable`, `Asking`, `Refusing`."""
    known = called.known
    if is_otherwise(called):
        raise called.refused("other-in-library", "list-ops", name=_full_name(called))
    special = _SPECIAL.get(called.name)
    if special is not None:
        part = special(called)
        if part is not None:
            return part
    if called.name in INFIX and len(called.args) == 2 and not called.settings:
        return infix(called.args[0], INFIX[called.name], called.args[1])._replace(
            start=called.start, end=called.end
        )
    if called.name in KEPT and called.args and called.name not in known.ops:
        return called.args[0]._replace(start=called.start, end=called.end)
    is_own = known.is_op(called.name) and not called.module and not called.is_method
    op = (None if is_own else NAMES.get(called.name)) or op_meant(called.name, known)
    if op is None or not known.is_op(op):
        raise called.refused("unknown-function", "list-ops", name=_full_name(called))
    return _of_op(called, op)


def _full_name(called: Called) -> str:
    return f"{called.module}.{called.name}" if called.module else called.name


def _of_op(called: Called, op: str) -> Part:
    if any(arg.text in ("none", "true", "false") for arg in called.args):
        raise called.refused("other-in-library", "list-ops", name=_full_name(called))
    op = {"max": "amax", "min": "amin"}.get(op, op) if _reduces(called, op) else op
    args, settings = list(called.args), _settings(called, op)
    row = OPS.get(op)
    if op in ("var", "std") and "ddof" not in settings:
        _ask_of_variance(called, op, args, settings)
    if row is not None and op in _WITH_AXIS and len(args) == 2:
        settings["axis"] = args.pop().text
    if op in PLACES and (called.module or called.is_method):
        count, names = PLACES[op]
        settings |= {name: part.text for name, part in zip(names, args[count:], strict=False)}
        args = args[:count] + args[count + len(names) :]
    if called.name in _POOLS_ALONG and settings.get("size", "").isdecimal():
        settings["size"] = f"[{', '.join([settings['size']] * _POOLS_ALONG[called.name])}]"
    if row is OPS["resize"] and called.is_torch:
        _resize_as_torch(called, settings)
    if op == "transpose" and len(args) == 1 and not settings:
        return transposed(args[0], called.end)
    return applied(op, args, called.start, called.end, _written(settings))


def _resize_as_torch(called: Called, settings: dict[str, str]) -> None:
    """To the nearest element unless another mode is named; a factor is for the axes behind the first two."""
    settings.setdefault("mode", "'nearest'")
    factor, shape = settings.pop("scale_factor", ""), called.known.shape(called.args[0]) or ()
    if factor.isdecimal() and len(shape) > 2:
        settings["size"] = f"[{', '.join(str(length * int(factor)) for length in shape[2:])}]"
    elif factor:
        raise called.refused("other-in-library", "list-ops", name=_full_name(called))


def _written(settings: Mapping[str, str]) -> list[str]:
    return [f"{name}={value}" for name, value in settings.items()]


def _reduces(called: Called, op: str) -> bool:
    """`x.max()`, `np.max(x, axis=0)`: over an axis, while `max(x, y)` is of two."""
    if op not in ("max", "min") or called.name in ("maximum", "minimum", "fmax", "fmin"):
        return False
    over_axis = {"axis", "dim", "keepdims", "keepdim"} & called.settings.keys()
    by_place = len(called.args) == 2 and called.module.split(".")[0] in ("np", "numpy", "jnp", "cp")
    by_number = len(called.args) == 2 and called.is_torch and called.args[1].text.lstrip("-").isdecimal()
    return bool(over_axis) or called.is_method or by_place or by_number or len(called.args) == 1


def _settings(called: Called, op: str) -> dict[str, str]:
    row = OPS.get(op)
    settings: dict[str, str] = {}
    for name, part in called.settings.items():
        bpx_name = SETTINGS.get(name, name)
        known = row is None or bpx_name in row.settings or bpx_name in row.optional
        if name == "unbiased":
            settings["ddof"] = "1" if part.text == "true" else "0"
        elif name == "reduction" and not known:
            if part.text != "'mean'":
                raise called.refused("other-in-library", "list-ops", name=_full_name(called))
        elif name in WITHOUT_EFFECT and not known:
            continue
        else:
            settings[bpx_name] = part.text
    return settings


def _ask_of_variance(called: Called, op: str, args: list[Part], settings: dict[str, str]) -> None:
    """NumPy divides by n, PyTorch by n − 1; of a method nobody knows whose it is."""
    if called.is_torch:
        settings["ddof"] = "1"
    elif called.is_method and called.known.shape(called.args[0]) != ():
        written = _written(settings)
        first = call(op, args, called.start, called.end, written)
        second = call(op, args, called.start, called.end, [*written, "ddof=1"])
        raise Asking(called.start, called.end, first.text, second.text)


# --- functions that are no op, or take their args in another way --------------------------------


def _reshaped(called: Called) -> Part | None:
    if len(called.args) < 2:
        return None
    x, *lengths = called.args
    shape = lengths[0].text if len(lengths) == 1 else f"[{', '.join(part.text for part in lengths)}]"
    shape = shape if shape.startswith("[") else f"[{shape}]"
    return call("reshape", (x, atom(shape, lengths[0].start, lengths[-1].end)), called.start, called.end)


def _flat(called: Called) -> Part | None:
    return call("reshape", called.args, called.start, called.end, ["[-1]"]) if len(called.args) == 1 else None


def _turned(called: Called) -> Part | None:
    x, *axes = called.args
    if not axes and not called.settings:
        return transposed(x, called.end)
    if called.name == "permute" or len(axes) > 2:
        order = ", ".join(axis.text for axis in axes)
        return call("transpose", (x,), called.start, called.end, [f"axes=[{order}]"])
    if len(axes) == 2:
        return _turned_by_two(called, x, [axis.text for axis in axes])
    if len(axes) == 1:
        return call("transpose", (x,), called.start, called.end, [f"axes={axes[0].text}"])
    raise Unreadable


def _turned_by_two(called: Called, x: Part, axes: list[str]) -> Part:
    """PyTorch exchanges two axes, NumPy's method puts them in this order."""
    shape = called.known.shape(x)
    if sorted(axes) not in (["-1", "-2"], ["0", "1"]) or (shape is not None and len(shape) != 2):
        raise called.refused("unknown-function", "list-ops", name=called.name)
    if called.name == "transpose" and axes == ["0", "1"] and not called.is_torch:
        raise Asking(called.start, called.end, transposed(x, called.end).text, x.text)
    return transposed(x, called.end)


def _clamped(called: Called) -> Part | None:
    """Only below, only above, or both."""
    x, *places = called.args
    low, high = (_limit(called, *names) for names in (("min", "a_min"), ("max", "a_max")))
    low, high = low or (places[0] if places else None), high or (places[1] if len(places) > 1 else None)
    low, high = (None if limit is None or limit.text == "none" else limit for limit in (low, high))
    if low and high:
        return call("clip", (x, low, high), called.start, called.end)
    if not low and not high:
        raise Unreadable
    return call("max" if low else "min", (x, low or high or x), called.start, called.end)


def _limit(called: Called, *names: str) -> Part | None:
    return next((called.settings[name] for name in names if name in called.settings), None)


def _square_root_below(called: Called) -> Part:
    one = atom("1", called.start, called.start)
    return infix(one, "/", call("sqrt", called.args, called.start, called.end))


def _opposite(called: Called) -> Part:
    return negated(called.args[0], called.start)._replace(end=called.end)


def _detached(called: Called) -> Part:
    raise called.refused("detached", "detached", name=_full_name(called))


def _gelu(called: Called) -> Part | None:
    """JAX takes the approximation by default."""
    how = called.settings.get("approximate")
    text = how.text if how else "true" if called.module.startswith("jax") else "false"
    op = "gelu_tanh" if text in ("'tanh'", "true") else "gelu"
    return call(op, called.args[:1], called.start, called.end)


def _leaky(called: Called) -> Part | None:
    """Each library has a slope of its own."""
    if called.module.startswith(("tf", "keras")) and len(called.args) == 1 and not called.settings:
        return call("leaky_relu", called.args, called.start, called.end, ["slope=0.2"])
    return None


def _total(called: Called) -> Part | None:
    """Python's own `sum` adds the rows of a matrix."""
    shape = called.known.shape(called.args[0])
    is_own = not called.module and not called.is_method and len(called.args) == 1 and not called.settings
    if not is_own or not shape or len(shape) < 2:
        return None
    whole = call("sum", called.args, called.start, called.end)
    raise Asking(called.start, called.end, whole.text, whole.text[:-1] + ", axis=0)")


def _soft(called: Called) -> Part | None:
    """SciPy's is over all elements where no axis is given."""
    shape = called.known.shape(called.args[0])
    one_axis = shape is not None and len(shape) == 1
    if "special" in called.module and not called.is_torch and not called.settings and not one_axis:
        raise called.refused("unknown-function", "list-ops", name=_full_name(called))
    return None


def _divergence(called: Called) -> Part | None:
    """PyTorch's mean is over all elements, unless it is asked for `batchmean`."""
    how = called.settings.get("reduction")
    if not called.is_torch:
        return None
    if how is None or how.text != "'batchmean'":
        raise called.refused("other-in-library", "batchmean", name=_full_name(called))
    return call("kl_div", called.args, called.start, called.end)


def _gathered(called: Called) -> Part | None:
    """PyTorch names the axis before the numbers."""
    if not (called.is_torch or called.is_method) or len(called.args) != 3:
        return _other(called)
    x, axis, ids = called.args
    return call("take_along", (x, ids), called.start, called.end, [f"axis={axis.text}"])


_PAD_MODES = {"'replicate'": "'edge'", "'circular'": "'wrap'"}


def _padded(called: Called) -> Part | None:
    """PyTorch has the widths in one list, the last axis first; NumPy has pairs, as bpx has them."""
    if not called.is_torch:
        return None if called.module else _other(called)
    shape = called.known.shape(called.args[0])
    widths = called.args[1].text.strip("[]()").replace(" ", "").split(",") if len(called.args) > 1 else []
    if shape is None or len(widths) % 2 or not all(width.isdecimal() for width in widths) or not widths:
        return _other(called)
    pairs = [f"[{before}, {after}]" for before, after in zip(widths[::2], widths[1::2], strict=True)]
    every = ["[0, 0]"] * (len(shape) - len(pairs)) + pairs[::-1]
    named = dict(zip(("mode", "value"), called.args[2:], strict=False)) | dict(called.settings)
    settings = {"width": f"[{', '.join(every)}]", **{name: part.text for name, part in named.items()}}
    settings["mode"] = _PAD_MODES.get(settings.get("mode", ""), settings.get("mode", "'constant'"))
    return call("pad", called.args[:1], called.start, called.end, _written(settings))


def _repeated(called: Called) -> Part | None:
    """A tensor's method tiles, an array's repeats each element."""
    if not called.is_method or len(called.args) != 2:
        return None
    x, count = called.args
    texts = [f"{op}({x.text}, {name}={count.text})" for op, name in (("repeat", "repeats"), ("tile", "reps"))]
    raise Asking(called.start, called.end, *texts)


def _looked_up(called: Called) -> Part | None:
    """PyTorch names the rows before the table."""
    if not called.is_torch or len(called.args) != 2:
        return None
    ids, table = called.args
    return call("embedding", (table, ids), called.start, called.end)


def _other(called: Called) -> Part | None:
    """A function that takes other args in libraries than the op of its name."""
    if called.module or called.is_method:
        raise called.refused("other-in-library", "list-ops", name=_full_name(called))
    return None


def _length(called: Called) -> Part | None:
    """`len(x)`, where that is known."""
    shape = called.known.shape(called.args[0])
    return atom(str(shape[0]), called.start, called.end) if shape else None


def _linear(called: Called) -> Part | None:
    """PyTorch has the weights of each output in a row."""
    if not called.is_torch or len(called.args) < 2:
        return None
    x, weights, *bias = called.args
    product = infix(x, "@", transposed(weights, weights.end))
    return infix(product, "+", bias[0]) if bias else product


def _dotted(called: Called) -> Part | None:
    if len(called.args) != 2:
        return None
    return infix(called.args[0], "@", called.args[1])._replace(start=called.start, end=called.end)


def _joined(called: Called) -> Part | None:
    """`np.concatenate([x, y], axis=1)`: the list was taken apart."""
    settings = _settings(called, called.name)
    axis = [f"axis={settings['axis']}"] if "axis" in settings else []
    args = called.args
    if args and not axis and len(args) > 2 and args[-1].text.lstrip("-").isdecimal():
        args, axis = args[:-1], [f"axis={args[-1].text}"]
    return call("stack" if called.name == "stack" else "concat", args, called.start, called.end, axis)


def _normed(called: Called) -> Part | None:
    """The order behind the args: `np.linalg.norm(x, 1)`."""
    x, *order = called.args
    settings = _settings(called, "norm")
    order = [part for part in order if ("ord", part.text) not in _WHOLE]
    settings = {name: text for name, text in settings.items() if (name, text) not in _WHOLE}
    shape = called.known.shape(x)
    if (order or "ord" in settings) and "axis" not in settings and (shape is None or len(shape) > 1):
        raise called.refused("other-in-library", "list-ops", name=_full_name(called))
    if order:
        settings["ord"] = order[0].text
    if settings.get("p"):
        settings["ord"] = settings.pop("p")
    return call("norm", (x,), called.start, called.end, _written(settings))


def _layer_norm(called: Called) -> Part | None:
    """PyTorch's second arg is the shape of what is normalized: the last axis here."""
    if not called.is_torch or len(called.args) < 2:
        return None
    x, _, *others = called.args
    settings = _settings(called, "layer_norm")
    others += [called.settings[name] for name in ("weight", "bias") if name in called.settings]
    eps = [f"eps={settings['eps']}"] if "eps" in settings else []
    return call("layer_norm", (x, *others), called.start, called.end, eps)


_SPECIAL = {
    "reshape": _reshaped,
    "view": _reshaped,
    "flatten": _flat,
    "ravel": _flat,
    "transpose": _turned,
    "permute": _turned,
    "t": _turned,
    "swapaxes": _turned,
    "clamp": _clamped,
    "clip": _clamped,
    "rsqrt": _square_root_below,
    "neg": _opposite,
    "negative": _opposite,
    "detach": _detached,
    "stop_gradient": _detached,
    "gelu": _gelu,
    "len": _length,
    "linear": _linear,
    "dot": _dotted,
    "cat": _joined,
    "concat": _joined,
    "concatenate": _joined,
    "stack": _joined,
    "norm": _normed,
    "layer_norm": _layer_norm,
    "leaky_relu": _leaky,
    "sum": _total,
    "softmax": _soft,
    "log_softmax": _soft,
    "kl_div": _divergence,
    "embedding": _looked_up,
    "gather": _gathered,
    "pad": _padded,
    "repeat": _repeated,
    **dict.fromkeys(("batch_norm", "dropout", "take", "scatter", "one_hot"), _other),
}
