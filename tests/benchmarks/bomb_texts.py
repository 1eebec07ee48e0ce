"""Hostile formulas, each through every door that takes a formula or a value."""

# ruff: noqa: E501 (a bomb is a line)
from __future__ import annotations

import json
from collections.abc import Callable

from benchmarks.bomb_kinds import Bomb, Made, file, quoted, toml

Text = Callable[[int], str]


def _again(piece: str, end: str = "", start: str = "") -> Text:
    """`start`, so many characters of a piece, `end`."""
    return lambda size: start + piece * (size // len(piece)) + end


def _counted(piece: str, joint: str, length: int) -> Text:
    """Pieces with their number put in, about `length` characters each."""
    return lambda size: joint.join(piece.format(i) for i in range(max(size // length, 1)))


def _nested(opening: str, inside: str, closing: str) -> Text:
    def text(size: int) -> str:
        times = size // len(opening + closing)
        return opening * times + inside + closing * times

    return text


FORMULAS: dict[str, Text] = {
    "round brackets that open": _again("("),
    "round brackets that close": _again(")"),
    "square brackets that open": _again("["),
    "square brackets that close": _again("]"),
    "braces": _again("{"),
    "minus signs": _again("-"),
    "minus signs before x": _again("-", "x"),
    "plus signs": _again("+"),
    "bars": _again("|"),
    "bars that open": _again("|x|*", "|x|", "((( "),
    "products of bars": _again("|x|*", "|x|"),
    "double bars": _again("||x|| "),
    "one name": _again("a"),
    "one name of dots": _again("a."),
    "blanks": _again(" "),
    "blanks around": _again(" ", "x", "x +"),
    "line ends": _again("\n"),
    "line ends around": _again("\n", "x", "x +"),
    "names side by side": _again("x "),
    "numbers side by side": _again("2 "),
    "a number of digits": _again("1"),
    "a number of zeros": _again("0", "1", "0."),
    "an exponent": _again("9", "", "1e"),
    "a negative exponent": _again("9", "", "0e-"),
    "superscripts": _again("²", "", "x"),
    "primes": _again("'", "", "x"),
    "quotes": _again('"'),
    "commas": _again(","),
    "dots": _again("."),
    "powers": _again("x^", "x"),
    "powers of two": _again("2^", "2"),
    "a sum": _again("x+", "x"),
    "a product": _again("x*", "x"),
    "comparisons": _again("x<", "x"),
    "equals signs": _again("="),
    "equations": _again("x=1;"),
    "equations of one": _counted("a{0} = x*2", "; ", 12),
    "unknown names": _counted("a{0}", "+", 6),
    "unknown names like known ones": _counted("exp{0}", "+", 8),
    "unknown ops": _counted("nope{0}(x)", "+", 12),
    "misspelt ops": _again("sigmiod(x)+", "x"),
    "ops without brackets": _again("sin x + ", "x"),
    "implicit products": _again("2x3y "),
    "nested brackets": _nested("(", "x", ")"),
    "nested calls": _nested("sin(", "x", ")"),
    "nested unknown calls": _nested("nope(", "x", ")"),
    "nested lists": _nested("[", "1", "]"),
    "nested where": _nested("where(x > 0, x, ", "x", ")"),
    "nested sums": _nested("sum(", "x", ")"),
    "a list": _again("1, ", "1]", "["),
    "a list of lists": _again("[1, 2], ", "[1, 2]]", "["),
    "a ragged list": _again("[1, 2], ", "[1]]", "["),
    "a list of names": _again("x, ", "x]", "["),
    "indices": _again("[0]", "", "x"),
    "a long index": _again("0,", "0]", "x["),
    "colons": _again(":", "]", "x["),
    "transposes": _again(".T", "", "x"),
    "args": _again("x, ", "x)", "max("),
    "settings": _again("axis=0, ", "axis=0)", "sum(x, "),
    "many settings": lambda size: "sum(x, " + ", ".join(f"s{i}=0" for i in range(size // 8)) + ")",
    "look-alike letters": _again("а", " + x"),
    "look-alike names": _counted("хa{0}", "+", 7),
    "a right-to-left override": _again("\u202e", "x"),
    "combining marks": _again("\u0301", "", "x"),
    "no-width blanks": _again("\u200b", "", "x"),
    "emoji": _again("🙂"),
    "full-width brackets": _again("（"),
    "control characters": _again("\x1b[31m"),
    "control characters alone": _again("\x07"),
    "fractions that open": _again("\\frac{"),
    "nested fractions": _nested("\\frac{1}{", "x", "}"),
    "nested roots": _nested("\\sqrt{", "x", "}"),
    "left brackets": _again("\\left("),
    "subscripts": _again("_{a", "", "x"),
    "nested powers": _nested("x^{", "x", "}"),
    "unknown commands": _again("\\foo "),
    "backslashes": _again("\\"),
    "text in LaTeX": _again("a ", "}", "\\text{"),
    "sums in LaTeX": _again("\\sum_{i=1}^{n} ", "x_i"),
    "a matrix": _again("1 & 2 \\\\ ", "\\end{matrix}", "\\begin{matrix}"),
    "semicolons": _again(";"),
    "percent signs": _again("%"),
    "number signs": _again("#"),
    "derivatives": _again("d/dx "),
    "grad in grad": _nested("grad(", "x^2", ", x)"),
    "words of a question": _again("gradient of "),
    "values behind": lambda size: "x^2 at " + ", ".join(f"x{i} = 2" for i in range(size // 9)),
}


def _stdin(text: str) -> Made:
    return ["explain", "-", "x=3"], text


def _as_argument(text: str) -> Made:
    return ["explain", "x=3", "--", text.replace("\0", "")], ""


def _notation(name: str) -> Callable[[str], Made]:
    return lambda text: (["explain", "-", "x=3", "--notation", name], text)


def _whole(ending: str) -> Callable[[str], Made]:
    return lambda text: (["explain", file(f"a.{ending}", text)], "")


def _in_toml(text: str) -> Made:
    return ["explain", file("a.toml", toml(f"y = {quoted(text)}"))], ""


def _in_json(text: str) -> Made:
    spec = {"bpx": 1, "inputs": {"x": 3}, "graph": {"y": text}}
    return ["explain", file("a.json", json.dumps(spec))], ""


def _claim(text: str) -> Made:
    return ["gradcheck", "x^2", "x=3", f"--claim=x = {text}"], ""


def _claim_file(text: str) -> Made:
    return ["gradcheck", "x^2", "x=3", "--claim", "@" + file("claims.txt", f"x = {text}")], ""


def _claim_in_spec(text: str) -> Made:
    return ["gradcheck", file("a.toml", toml(rest=f"[claims]\nx = {quoted(text)}"))], ""


def _claimed_name(text: str) -> Made:
    return ["gradcheck", file("a.toml", toml(rest=f"[claims]\n{quoted(text)} = 1"))], ""


def _value(text: str) -> Made:
    return ["explain", "x^2", f"--set=x={text}"], ""


def _name_of_value(text: str) -> Made:
    return ["explain", "x^2", "x=1", f"--set={text}=1"], ""


def _name_of_step(text: str) -> Made:
    return ["explain", file("a.toml", toml(f"{quoted(text)} = 'x'"))], ""


def _expected(text: str) -> Made:
    return ["explain", file("a.toml", toml(rest=f"[expect]\ngradients = {{ {quoted(text)} = 1 }}"))], ""


def _title(text: str) -> Made:
    return ["explain", file("a.toml", toml(top=f"title = {quoted(text)}"))], ""


def _input(text: str) -> Made:
    return ["explain", file("a.toml", toml(inputs=f"x = {quoted(text)}"))], ""


def _rule(text: str) -> Made:
    op = f"[ops.f]\nargs = ['x']\nvalue = 'x'\npartials = {{ x = {quoted(text)} }}"
    return ["gradcheck", file("a.toml", toml('y = "f(x)"', rest=op))], ""


def _block(text: str) -> Made:
    block = f"[blocks.f]\nargs = ['x']\nvalue = {quoted(text)}"
    return ["explain", file("a.toml", toml('y = "f(x)"', rest=block))], ""


def _notes(text: str) -> Made:
    return ["check", file("a.md", f"Let $L = x^2$ with $x = 3$.\n\n$$L = {text}$$\n\n$$dL/dx = 2x$$\n")], ""


def _raw_notes(text: str) -> Made:
    return ["check", file("a.txt", text)], ""


def _option(command: str, option: str) -> Callable[[str], Made]:
    return lambda text: ([command, "x^2", "x=3", f"{option}={text}"], "")


_ARGUMENT, _FILE, _LARGE = 100_000, 480_000, 10_000_000  # an argument has at most 128 KiB on Linux
DOORS: dict[str, tuple[int, Callable[[str], Made]]] = {
    "argument": (_ARGUMENT, _as_argument),
    "standard input": (_FILE, _stdin),
    "LaTeX": (_ARGUMENT, _notation("latex")),
    "Python": (_ARGUMENT, _notation("python")),
    "step in TOML": (_FILE, _in_toml),
    "step in JSON": (_FILE, _in_json),
    "claim": (_ARGUMENT, _claim),
    "claim in a file": (_FILE, _claim_file),
    "claim in a spec": (_ARGUMENT, _claim_in_spec),
    "value": (_ARGUMENT, _value),
    "notes": (_ARGUMENT, _notes),
}
_OF_NAMES: dict[str, tuple[int, Callable[[str], Made]]] = {
    "name of a value": (_ARGUMENT, _name_of_value),
    "name of a step": (_FILE, _name_of_step),
    "claimed name": (_ARGUMENT, _claimed_name),
    "expected name": (_FILE, _expected),
    "title": (_FILE, _title),
    "input in quotes": (_FILE, _input),
    "rule": (_ARGUMENT, _rule),
    "block": (_ARGUMENT, _block),
    "whole TOML": (_LARGE, _whole("toml")),
    "whole JSON": (_LARGE, _whole("json")),
    "notes of nothing else": (_ARGUMENT, _raw_notes),
    "--wrt": (_ARGUMENT, _option("explain", "--wrt")),
    "--of": (_ARGUMENT, _option("explain", "--of")),
    "--upstream": (_ARGUMENT, _option("explain", "--upstream")),
    "--expand": (_ARGUMENT, _option("explain", "--expand")),
    "--node": (_ARGUMENT, _option("explain", "--node")),
    "--random": (_ARGUMENT, _option("explain", "--random")),
    "--why": (_ARGUMENT, _option("gradcheck", "--why")),
    "--over": (_ARGUMENT, _option("sweep", "--over")),
    "--detect": (_ARGUMENT, _option("gradcheck", "--detect")),
    "--optimizer": (_ARGUMENT, _option("train", "--optimizer")),
}
_TRIED_AT_NAMES = (
    "round brackets that open", "one name", "blanks", "one name of dots", "unknown names", "a list",
    "look-alike letters", "control characters", "a number of digits", "commas", "names side by side", "quotes",
)  # fmt: skip


def _bomb(kind: str, door: str, size: int, through: Callable[[str], Made]) -> Bomb:
    return Bomb(f"{door}: {kind}", size, lambda size: through(FORMULAS[kind](size)))


TEXTS = [
    *(_bomb(kind, door, size, through) for kind in FORMULAS for door, (size, through) in DOORS.items()),
    *(
        _bomb(kind, door, size, through)
        for kind in _TRIED_AT_NAMES
        for door, (size, through) in _OF_NAMES.items()
    ),
    *(
        Bomb(f"10 MB on standard input: {kind}", _LARGE, lambda size, kind=kind: _stdin(FORMULAS[kind](size)))
        for kind in [*list(FORMULAS)[:7], "blanks", "a list", "one name", "names side by side", "a sum"]
    ),
]
