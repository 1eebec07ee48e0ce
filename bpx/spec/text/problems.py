"""How problems of expressions are put: what is quoted, which names are proposed, how a call is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from bpx.graph.arrays import ShapeError, SizeError
from bpx.graph.graph import OPS, Op
from bpx.graph.numbers import shape_text
from bpx.ops.tensors import SettingError
from bpx.spec.text.source_text import SourceText
from bpx.words.derivative_names import with_derivatives
from bpx.words.diagnostic import Diagnostic, Span
from bpx.words.say import say

Reporter = Callable[[Diagnostic], None]

MOST_WITH_CARE = 50  # problems that get a guess, or a cycle written out; more would take for ever
MOST_READ = 1000  # problems of a spec behind which further steps are not read
_MOST_LISTED = 40  # names in a sentence
_BLANKS = re.compile(r"\s*+")
# A name or a number, with a minus or without, and behind it the end or a sign that binds less than a call.
_OPERAND_ALONE = re.compile(r"([-−]?\s*(?:[^\W\d][\w.]*|\d[\d.]*))\s*(?=$|[-−+),<>=!])")
_PART = "part"  # of what is split: given by the names in front, and missed where they are


def listed(names: Iterable[str]) -> str:
    """Known names in a sentence; of many, the first."""
    return ", ".join(list(names)[:_MOST_LISTED])


def reporter(problems: list[Diagnostic], known: Sequence[str], help: str = "names-are") -> Reporter:
    """Collects in `problems`; where a name is not defined, the most alike of the known ones is proposed.

    Where none is alike, `help` is.
    """

    def report(problem: Diagnostic) -> None:
        if problem.code == "unknown-name" and len(problems) < MOST_WITH_CARE:
            facts = {**problem.facts, "known": listed(known)}
            is_derivative = with_derivatives(facts["name"]) != facts["name"]  # which nobody can define
            problem = problem._replace(facts=facts, help="names-are" if is_derivative else help)
            problem = problem.suggesting(facts["name"], known)
        problems.append(problem)

    return report


def report_with_guess(
    problems: list[Diagnostic], problem: Diagnostic, name: str, known: Iterable[str]
) -> None:
    """Add the problem with the known name most like `name`, unless there are too many problems for that."""
    careful = len(problems) < MOST_WITH_CARE
    problems.append(problem.suggesting(name, known) if careful else problem)


# --- calls --------------------------------------------------------------------------------------


def call_meant(text: SourceText, start: int, end: int) -> str:
    """`exp(-x)` for the `exp` (`start … end`) of `exp -x`; the form of the call where nothing follows.

    What follows is quoted only where its end is beyond doubt: `sin x^2` may be meant in two ways.
    """
    content = text.content
    name, behind = content[start:end], _BLANKS.match(content, end).end()  # type: ignore[union-attr]
    operand = _OPERAND_ALONE.match(content, behind)
    if operand:
        return f"{name}({operand[1]})"
    return f"{name}({'…' if content[behind : behind + 1].isalnum() else ', '.join(OPS[name].arg_forms)})"


def call_form(op: Op) -> str:
    """How the op is called: `leaky_relu(x, slope=0.01)`, `sum(x, axis=…, keepdims=…)`."""
    more = ["…"] if op.variadic else []
    return f"{op.name}({', '.join((*op.arg_forms, *more, *(f'{name}=…' for name in op.settings)))})"


def setting_problem(error: Exception, op: Op, settings: Mapping[str, Any], span: Span) -> Diagnostic:
    """The diagnostic for settings that do not fit, or one that is missing and without which nothing goes."""
    call = {"op": op.name, "call": call_form(op)}
    for name in op.sample_settings:
        if op.settings[name] is None and settings.get(name) is None and name != _PART:
            return Diagnostic("missing-setting", span, {**call, "setting": name}, "call-form")
    if not isinstance(error, SettingError):
        return Diagnostic("bad-settings", span, call, "call-form")
    facts = {
        key: shape_text(value) if isinstance(value, tuple) else value for key, value in error.facts.items()
    }
    return Diagnostic(error.code, span, {"op": op.name, **facts}, error.help or "op-page")


def shape_problem(error: ShapeError, span: Span, texts: Sequence[str]) -> Diagnostic:
    """The diagnostic for args whose shapes do not fit; `texts` are the args as written."""
    if isinstance(error.inmost, SizeError):
        return Diagnostic("too-large", span, {"op": error.op, "reason": error.inmost.extent})
    args = [
        say("word.shape-of", arg=arg, shape=shape_text(shape)) if shape else say("word.scalar-arg", arg=arg)
        for arg, shape in zip(texts, error.shapes, strict=False)
    ]
    facts: dict[str, Any] = {"op": error.op, "args": say("word.and").join(args)}
    if error.help:
        return Diagnostic("shape-mismatch", span, facts, error.help)
    if error.op != "matmul":
        return Diagnostic("shape-mismatch", span, facts, "shape-elementwise")
    (*_, columns), (*_, rows) = error.shapes[0], error.shapes[1][-2:-1] or error.shapes[1]
    facts |= {"left": texts[0], "right": texts[1], "columns": columns, "rows": rows}
    plain = all(len(shape) == 2 for shape in error.shapes)
    return Diagnostic("shape-mismatch", span, facts, "shape-matmul" if plain else "shape-vectors")
