"""How ops of each element are written in Python, in the words of NumPy."""

from __future__ import annotations

from bpx.spec.writing.code.call import Call, Row, function_row, infix
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


def _comparison(sign: str) -> Row:
    def write(call: Call) -> Code:
        text = f"{call.arg(0, COMPARISON + 1)} {sign} {call.arg(1, COMPARISON + 1)}"
        return Code(text, COMPARISON, "truth")

    return write


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
_OF_NUMPY += " logaddexp round sinc"
_ARC = {"asin": "arcsin", "acos": "arccos", "atan": "arctan", "atan2": "arctan2"}
_ARC |= {"asinh": "arcsinh", "acosh": "arccosh", "atanh": "arctanh"}
_OWN = (
    "cot erf erfc sigmoid softplus logsigmoid softsign leaky_relu elu selu relu6 hard_sigmoid hard_swish silu"
)
_OWN += " swish mish gelu gelu_tanh lgamma digamma polygamma sinc_derivative"

ELEMENTWISE: dict[str, Row] = {
    "add": infix("+", SUM),
    "sub": infix("-", SUM),
    "mul": infix("*", PRODUCT),
    "div": infix("/", PRODUCT),
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
    "mod": function_row("np.remainder"),
    "max": function_row("np.maximum"),
    "min": function_row("np.minimum"),
    "clip": _written("np.minimum(np.maximum({}, {}), {})"),
    "hardtanh": _written("np.minimum(np.maximum({}, {}), {})"),
    "relu": _relu,
    "sec": _written("1 / np.cos({})", PRODUCT),
    "csc": _written("1 / np.sin({})", PRODUCT),
    **{name: function_row(f"np.{name}") for name in _OF_NUMPY.split()},
    "cbrt": _cbrt,
    **{name: function_row(f"np.{function}") for name, function in _ARC.items()},
    **{name: function_row(name) for name in _OWN.split()},
}
