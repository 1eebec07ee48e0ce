"""What refuses by a limit names one that `test_limits.py` compares with the table of `bpx help limits`."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import bpx
from bpx.words.en import ENGLISH

ROOM = Path(bpx.__file__).parent
LIMIT = re.compile(r"_?(MOST|LARGEST|LONGEST|HIGHEST|DEEPEST)(_|$)")
REFUSE = {
    "problem",
    "refuse",
    "refused",
    "stop",
    "_fail",
    "Diagnostic",
    "ModelError",
    "_check_count",
    "check_size",
}
# These give up what nobody asked for by name, or pass over what comes behind: nothing is refused by them.
INNER = {
    ("check.numeric.tolerances", "LARGEST_POWER"): "no rational function; formulas are compared otherwise",
    ("check.numeric.tolerances", "MOST_TERMS"): "the same",
    ("spec.text.problems", "MOST_WITH_CARE"): "guesses, which problems behind it lack",
    ("spec.models.pt2", "MOST_REPEATED"): "numbers that a file states and does not hold",
}


def _names(tree: ast.AST) -> set[str]:
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and LIMIT.match(node.id)}


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _refuses(parts: list[ast.stmt]) -> bool:
    nodes = [node for part in parts for node in ast.walk(part)]
    return any(isinstance(node, ast.Raise) for node in nodes) or any(
        _called(node) in REFUSE for node in nodes if isinstance(node, ast.Call)
    )


def _limits_of(tree: ast.Module) -> Iterator[str]:
    """The limits by which the code of a file refuses: in a condition, or as a fact of what it says."""
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and (_refuses(node.body) or _refuses(node.orelse)):
            yield from _names(node.test)
        elif isinstance(node, ast.Call) and _called(node) in REFUSE:
            yield from _names(node)


def _imports(tree: ast.Module) -> dict[str, tuple[str, str]]:
    """Name here → the file that has it, and its name there."""
    return {
        name.asname or name.name: (node.module.removeprefix("bpx."), name.name)
        for node in tree.body
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("bpx.")
        for name in node.names
    }


def _compared() -> set[tuple[str, str]]:
    tree = ast.parse(Path(__file__).with_name("test_limits.py").read_text("utf-8"))
    return set(_imports(tree).values())


def test_every_limit_that_refuses_is_in_the_table() -> None:
    refusing = set()
    for file in ROOM.rglob("*.py"):
        tree = ast.parse(file.read_text("utf-8"))
        here, imports = ".".join(file.relative_to(ROOM).with_suffix("").parts), _imports(tree)
        refusing |= {imports.get(name, (here, name)) for name in _limits_of(tree)}
    assert len(refusing) > 40
    assert refusing - _compared() - set(INNER) == set()
    assert set(INNER) <= refusing


def test_every_sentence_with_a_limit_is_of_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    from test_limits import LIMITS

    codes = {code for _, code, _ in LIMITS.values()}
    stated = {key for key, text in ENGLISH.items() if key.startswith("diagnostic.") and "{most}" in str(text)}
    # Of a file's limit again; of --digits, from Python; of what is shown in part.
    others = {"model-unpacks", "table-unpacks", "bad-digits", "causes-of-nearest"}
    assert {key.removeprefix("diagnostic.") for key in stated} - codes == others
