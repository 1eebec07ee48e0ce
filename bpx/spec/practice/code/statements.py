"""The statements of a backward function, and a text in place of a part of one."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from functools import lru_cache
from types import CodeType
from typing import Any, NamedTuple

BACKWARD = "backward"


class Statement(NamedTuple):
    """A statement of a function: its text, what it sets, its line in the file, and its tree."""

    text: str
    sets: str
    line: int
    tree: ast.stmt

    @property
    def sets_a_name(self) -> bool:
        """Does it give one name a value?"""
        return isinstance(self.tree, ast.Assign) and isinstance(self.tree.targets[0], ast.Name)

    def run(self, scope: Mapping[str, Any], names: dict[str, Any]) -> Any:
        """What it sets, which is put among the names too. Raises whatever it raises."""
        exec(_compiled(self.text), dict(scope), names)
        return names[self.sets] if self.sets in names else tuple(map(names.get, self.sets.split(", ")))


@lru_cache(maxsize=4096)
def _compiled(text: str) -> CodeType:
    """A statement to be run; what a function returns is the value of the name `return`."""
    tree = ast.parse(text).body[0]
    if isinstance(tree, ast.Return):
        value = tree.value or ast.Constant(None)
        tree = ast.Assign([ast.Name("return", ast.Store())], value, lineno=1, col_offset=0)
    return compile(ast.fix_missing_locations(ast.Module([tree], [])), "<statement>", "exec")


def statements_of(text: str) -> tuple[list[str], list[Statement]]:
    """The arguments and the statements of the function `backward`. Raises `SyntaxError` without one."""
    tree = ast.parse(text)
    function = next(
        (node for node in tree.body if isinstance(node, ast.FunctionDef) and node.name == BACKWARD), None
    )
    if function is None:
        raise SyntaxError(BACKWARD)
    body = function.body[1:] if ast.get_docstring(function) is not None else function.body
    arguments = [arg.arg for arg in function.args.args]
    return arguments, [_statement(text, node) for node in body]


def _statement(text: str, tree: ast.stmt) -> Statement:
    return Statement(ast.get_source_segment(text, tree) or "", _sets(tree), tree.lineno, tree)


def _sets(tree: ast.stmt) -> str:
    """What a statement sets: a name, names of a tuple, `return`; nothing for any other."""
    if isinstance(tree, ast.Return):
        return "return"
    if isinstance(tree, ast.AugAssign):
        return ast.unparse(tree.target)
    if isinstance(tree, ast.Assign) and len(tree.targets) == 1:
        target = tree.targets[0]
        parts = target.elts if isinstance(target, ast.Tuple) else [target]
        return ", ".join(map(ast.unparse, parts))
    return ""


def put(text: str, node: ast.expr, other: str) -> str:
    """A statement of one line with another text for a part, in parentheses only where they are needed."""
    raw = text.encode()
    before, after = raw[: node.col_offset].decode(), raw[node.end_col_offset or 0 :].decode()
    texts = [f"{before}{other}{after}", f"{before}({other}){after}"]
    if before.endswith("(") and after.startswith(")"):
        texts.insert(0, f"{before[:-1]}{other}{after[1:]}")
    meant = ast.dump(ast.parse(texts[-1]))
    return next(one for one in texts if _dump(one) == meant)


def _dump(text: str) -> str:
    try:
        return ast.dump(ast.parse(text))
    except SyntaxError:
        return ""
