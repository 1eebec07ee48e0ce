"""How functions are called in the notations, and what bpx calls them."""

from __future__ import annotations

from collections.abc import Sequence

from bpx.graph.graph import OPS
from bpx.spec.notations.translation.known import Known
from bpx.spec.notations.translation.mark import Mark
from bpx.spec.notations.translation.parts import Part, atom, call, infix
from bpx.spec.notations.translation.stopping import Refusing

# Names that everybody reads alike, by the op they mean; those of the op table come first.
ALIASES = {
    "sigma": "sigmoid",
    "logistic": "sigmoid",
    "expit": "sigmoid",
    "sgn": "sign",
    "signum": "sign",
    "maximum": "max",
    "minimum": "min",
    "absolute": "abs",
    "fabs": "abs",
    "arsinh": "asinh",
    "arcosh": "acosh",
    "artanh": "atanh",
    "argsinh": "asinh",
    "argcosh": "acosh",
    "argtanh": "atanh",
    "tg": "tan",
    "arctg": "atan",
    "sh": "sinh",
    "ch": "cosh",
    "th": "tanh",
    "tr": "trace",
    "ceiling": "ceil",
    "logsumexp": "logsumexp",
    "swish": "swish",
    "arctan2": "atan2",
    "heaviside": "step",
}
RECIPROCALS = {"sec": "cos", "csc": "sin", "cot": "tan", "sech": "cosh", "csch": "sinh", "coth": "tanh"}
INVERSES = {
    "sin": "asin",
    "cos": "acos",
    "tan": "atan",
    "sinh": "asinh",
    "cosh": "acosh",
    "tanh": "atanh",
    "exp": "log",
    "log": "exp",
    "ln": "exp",
    "det": "",
}
# The derivative of a function of one argument, `f'(z)`: of its value f, its argument z.
_REDUCING = {"max": "amax", "min": "amin"}


def op_meant(name: str, known: Known) -> str | None:
    """The op that a function of this name is, if any: `ReLU`, `sgn`, `exp`."""
    for spelling in (name, name.lower(), name.replace("_", "").lower()):
        if known.is_op(spelling) or spelling in RECIPROCALS:
            return spelling
        if spelling in ALIASES:
            return ALIASES[spelling]
    return None


def applied(op: str, args: Sequence[Part], start: int, end: int, settings: Sequence[str] = ()) -> Part:
    """An op applied to as many args as were written: `max(x, y, z)`, `max(x)` of an array, `log(x, 2)`."""
    if op in RECIPROCALS and op not in OPS and len(args) == 1:
        return infix(atom("1", start, start), "/", call(RECIPROCALS[op], args, start, end))
    if op in _REDUCING and len(args) == 1:
        return call(_REDUCING[op], args, start, end, settings)
    if op in _REDUCING and len(args) > 2 and not settings:
        first = args[0]
        for arg in args[1:]:
            first = call(op, (first, arg), start, end)
        return first
    if op in ("log", "ln") and len(args) == 2 and not settings:
        value, base = args
        if base.text in ("2", "10"):
            return call(f"log{base.text}", (value,), start, end)
        if base.text == "e":
            return call("log", (value,), start, end)
        return infix(call("log", (value,), start, end), "/", call("log", (base,), start, end))
    return call(op, args, start, end, settings)


def check_sign(name: Mark, op: str, sign: Mark, following: Mark) -> None:
    """Refuse `2 exp + x` and `exp - x`, where one of two operands was forgotten; `exp -x` has an argument.

    Raises `Refusing`.
    """
    before, behind = sign.start > name.end, following.start > sign.end
    if sign.text == "+" or before == behind:
        facts = {"name": op, "call": f"{op}({sign.text}…)", "other": f"{op}(…) {sign.text} …"}
        raise Refusing("op-without-brackets", name.start, name.end, "argument-or-sign", **facts)


def derivative(op: str, arg: Part, start: int, end: int) -> Part | None:
    """`f'(z)` by f and z, of those functions that people write with a prime."""
    value = call(op, (arg,), start, end)

    def constant(text: str) -> Part:
        return atom(text, start, start)

    row = OPS[op].name if op in OPS else op
    if row == "sigmoid":
        return infix(value, "*", infix(constant("1"), "-", value))
    if row == "tanh":
        return infix(constant("1"), "-", infix(value, "^", constant("2")))
    if row == "relu":
        return infix(arg, ">", constant("0"))
    if row in ("exp",):
        return value
    if row in ("sin",):
        return call("cos", (arg,), start, end)
    if row in ("log",):
        return infix(constant("1"), "/", arg)
    return None
