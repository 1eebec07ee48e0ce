"""Every error has a next step to propose: one of its place in the code, or the usual one of its code."""

from __future__ import annotations

import ast
import string
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import bpx
from bpx.words.catalogue import Counted
from bpx.words.diagnostic import Diagnostic
from bpx.words.en import ENGLISH
from bpx.words.usual_help import usual_help

PACKAGE = Path(bpx.__file__).parent
CODES = {key.removeprefix("diagnostic.") for key in ENGLISH if key.startswith("diagnostic.")}
# Who makes notes and warnings, and who adds a help to every code (`bpx ops NAME` where there is none better).
NOTES = {"note", "_note", "_at_kink"}
HELPED = {"SettingError", "_setting_error", "_unclear"}

NOTES_BY_ANOTHER_WAY = {
    *("no-cause", "no-twin", "no-rules-alone"),
    *("at-kink", "negligible", "short-floats"),  # also verdicts and settings of that name
    *("traced", "traced-weighted", "traced-whole", "traced-weighted-whole", "traced-loss", "traced-both"),
    *("changes-input", "changes-cache", "changes-upstream"),
}
HELP_CHOSEN_BY_AN_EXPRESSION = {
    "derivative-as-target": "with the variable or without",
    "extra-argument": "_advice_on_extra has one for every case",
    "implicit-product": "to multiply, or to divide by the product",
    "index-notation": "indices, or a name that has none",
    "inputs-no-list": "of a dict or of anything else",
    "missing-value": "the last of the inputs without a value has it, for all of them",
    "model-without-value": "of floats or of whole numbers",
    "not-an-input": "the inputs, or that there are none",
    "other-file": "by the ending, and an ending without a help is not refused",
    "shape-mismatch": "the op's, or that of elementwise ops",
    "trace-complex": "the same key, told as a list",
    "trace-objects": "the same key, told as a list",
    "trace-function": "by the function",
    "unknown-ending": "the known endings",
    "unknown-name": "the nearest name, or all; of more than 50 problems only the first have it",
    "unknown-optimizer": "the optimizers",
    "unknown-schedule": "the schedules",
    "wrong-arity": "how the op or the block is called",
}
NOTHING_TO_MEND = {
    "expect-mismatch": "a finding: the value, or what is expected, is wrong",
    "expect-shape": "a finding, as above",
    "gradient-disagrees": "a finding of the check in a training",
    "rule-to-blame": "its cause",
}


@cache
def makers() -> dict[str, list[str]]:
    """For each code that stands in the package: is it a `note`, has it a `help`, or neither (`bare`)?"""
    found = defaultdict(list)
    for path in PACKAGE.rglob("*.py"):
        if path.name not in ("en.py", "usual_help.py"):
            for call, code in codes_in(ast.parse(path.read_text(encoding="utf-8"))):
                found[code].append(kind_of(call))
    return found


def codes_in(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """The codes in a module with the call, or else the statement, that each stands in."""
    waiting: list[tuple[ast.AST, ast.AST]] = [(tree, tree)]
    while waiting:
        node, within = waiting.pop()
        inside = node if isinstance(node, ast.Call | ast.stmt) else within
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.Constant):
                waiting.append((child, inside))
            elif child.value in CODES and not isinstance(node, ast.Compare | ast.Set | ast.Tuple):
                yield inside, child.value  # others are asked for


def kind_of(call: ast.AST) -> str:
    if not isinstance(call, ast.Call):
        return "bare"
    severities = [keyword.value for keyword in call.keywords if keyword.arg == "severity"]
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    if name in NOTES or any(ast.unparse(severity) in ("'note'", "'warning'") for severity in severities):
        return "note"
    helps = [*call.args[1:], *(keyword.value for keyword in call.keywords if keyword.arg == "help")]
    return "help" if name in HELPED or any(map(is_help, helps)) else "bare"


def is_help(value: ast.AST) -> bool:
    if isinstance(value, ast.IfExp):
        return is_help(value.body) and is_help(value.orelse)
    return isinstance(value, ast.Constant) and f"help.{value.value}" in ENGLISH


def facts_of(key: str) -> set[str]:
    """The facts that every form of a sentence names."""
    sentence = ENGLISH[key]
    forms = sentence.forms.values() if isinstance(sentence, Counted) else [sentence]
    return set.intersection(
        *({name for _, name, _, _ in string.Formatter().parse(form) if name} for form in forms)
    )


def test_every_error_has_help():
    known = NOTES_BY_ANOTHER_WAY | set(HELP_CHOSEN_BY_AN_EXPRESSION) | set(NOTHING_TO_MEND)
    bare = {code for code in CODES - known if "bare" in makers().get(code, ["bare"])}
    assert {code for code in bare if usual_help(code) is None} == set()


def test_no_exception_is_without_need():
    for code in (*HELP_CHOSEN_BY_AN_EXPRESSION, *NOTHING_TO_MEND):
        assert code in CODES and usual_help(code) is None, code


def test_usual_help_can_always_be_said():
    for code in CODES:
        key = usual_help(code)
        if key is not None:
            assert facts_of(key) <= facts_of(f"diagnostic.{code}"), code


def test_only_errors_have_usual_help():
    assert Diagnostic("too-deep").advice
    assert Diagnostic("too-deep", severity="warning").advice is None
    assert Diagnostic("too-deep", None, {}, "unquote").advice == "remove the quotes"
