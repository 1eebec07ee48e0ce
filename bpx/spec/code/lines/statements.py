"""The statements of the user's functions: which one a line belongs to, what it sets and what it reads."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from types import CodeType, FrameType
from typing import Any, NamedTuple

import numpy as np

from bpx.spec.trace.user_source import source_of
from bpx.words.diagnostic import Source, Span

_HANDING_ON = ("copy", "reshape", "astype", "ravel", "array", "asarray")
_MAKE_ROOM = ("empty", "empty_like", "ndarray")
_SIMPLE = ast.Assign | ast.AugAssign | ast.AnnAssign | ast.Return | ast.Expr


class Statement(NamedTuple):
    """A statement of one function: its place, the texts of what it sets, the names that it reads."""

    span: Span
    line: int
    targets: tuple[str, ...]
    reads: tuple[str, ...]
    value: str  # the text behind the equals sign
    augmented: bool  # by += and its like, which change an array in place
    adds: bool  # something to what the target was before
    is_call: (
        bool  # of a function that is not NumPy's, and nothing else: `dx, dw = affine_backward(da, cache)`
    )
    makes_room: tuple[tuple[str, str], ...] = ()  # targets that are `np.empty(…)`, with the function's name

    @property
    def text(self) -> str:
        """The statement as it is written, in one line."""
        return " ".join(self.span.text.split())


@cache
def _statements(source: Source) -> dict[int, Statement]:
    """By each line that a statement takes, the statement."""
    try:
        tree = ast.parse(source.text)
    except SyntaxError:
        return {}
    by_line: dict[int, Statement] = {}
    for node in ast.walk(tree):
        if isinstance(node, _SIMPLE):
            first, last = node.lineno, node.end_lineno or node.lineno
            start = source.offset(first, node.col_offset + 1)
            end = source.offset(last, (node.end_col_offset or 0) + 1)
            value = ast.unparse(node.value) if node.value is not None else ""
            statement = Statement(
                Span(source, start, end),
                first,
                _targets(node),
                _reads(node),
                value,
                isinstance(node, ast.AugAssign),
                _adds(node),
                isinstance(node, ast.Assign) and _is_call(node.value),
                tuple(_room(node)),
            )
            by_line.update(dict.fromkeys(range(first, last + 1), statement))
    return by_line


def statement_at(code: CodeType, line: int) -> Statement | None:
    """The statement that a line of a function belongs to; None for heads of loops and the like."""
    source = source_of(code.co_filename)
    return _statements(source).get(line) if source else None


def _targets(node: ast.AST) -> tuple[str, ...]:
    if isinstance(node, ast.Assign):
        return tuple(text for target in node.targets for text in _texts(target))
    if isinstance(node, ast.AugAssign | ast.AnnAssign):
        return tuple(_texts(node.target))
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        # `np.add.at(dW, i, d)` and `dxs.append(dx)` change what they are given.
        call = node.value
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if name in ("at", "copyto", "put", "fill_diagonal", "add_at") and call.args:
            return tuple(_texts(call.args[0]))
    return ()


def _is_call(node: ast.expr) -> bool:
    """Whether it hands on what another line has made: `np.sum(d)` makes something of its own."""
    if not isinstance(node, ast.Call):
        return False
    function = node.func
    if not isinstance(function, ast.Attribute) or function.attr in _HANDING_ON:
        return True
    return ast.unparse(function.value) not in ("np", "numpy") and not hasattr(np.ndarray, function.attr)


def _room(node: ast.AST) -> Iterator[tuple[str, str]]:
    """The targets that are set to what one function returns, or to lists of it, and the function's name.

    Only for functions that are called as those of NumPy whose arrays hold any numbers at all.
    """
    if not isinstance(node, ast.Assign):
        return
    for target in node.targets:
        pairs = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = list(zip(target.elts, node.value.elts, strict=False))
        for one, item in pairs:
            names = {_called(each) for each in _elements(item)}
            if len(names) == 1 and (name := names.pop()).rpartition(".")[2] in _MAKE_ROOM:
                yield from ((text, name) for text in _texts(one))


def _elements(node: ast.expr) -> Iterator[ast.expr]:
    """What stands in a list, and in the lists in it; the expression itself where it is none."""
    if isinstance(node, ast.Dict | ast.List | ast.Tuple):
        for item in node.values if isinstance(node, ast.Dict) else node.elts:
            yield from _elements(item)
    elif isinstance(node, ast.ListComp | ast.DictComp):
        yield from _elements(node.value if isinstance(node, ast.DictComp) else node.elt)
    else:
        yield node


def _called(node: ast.expr) -> str:
    return ast.unparse(node.func) if isinstance(node, ast.Call) else ""


def _adds(node: ast.AST) -> bool:
    """`x += y`, `x = x + y`, `np.add.at(x, i, y)`."""
    if isinstance(node, ast.AugAssign):
        return isinstance(node.op, ast.Add | ast.Sub)
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.BinOp) and len(node.targets) == 1:
        sides = (ast.unparse(node.value.left), ast.unparse(node.value.right))
        return isinstance(node.value.op, ast.Add | ast.Sub) and ast.unparse(node.targets[0]) in sides
    return isinstance(node, ast.Expr) and bool(_targets(node))


def _texts(target: ast.expr) -> list[str]:
    if isinstance(target, ast.Tuple | ast.List):
        return [text for item in target.elts for text in _texts(item)]
    if isinstance(target, ast.Starred):
        return _texts(target.value)
    return [ast.unparse(target)]


def _reads(node: ast.AST) -> tuple[str, ...]:
    """Names and attributes that are read, each once, in their order."""
    reads: dict[str, None] = {}
    value = getattr(node, "value", None)
    for inner in ast.walk(value) if value is not None else ():
        if isinstance(inner, ast.Name | ast.Attribute | ast.Subscript) and isinstance(inner.ctx, ast.Load):
            reads[ast.unparse(inner)] = None
    if isinstance(node, ast.AugAssign):
        reads[ast.unparse(node.target)] = None
    return tuple(reads)


class Scope(NamedTuple):
    """What names stand for in a running function. Values written into `local` reach the function."""

    globals: dict[str, Any]
    local: dict[str, Any]
    local_names: frozenset[str]

    @classmethod
    def of(cls, frame: FrameType) -> Scope:
        """The scope of a frame as it is now."""
        code = frame.f_code
        names = frozenset((*code.co_varnames, *code.co_cellvars, *code.co_freevars))
        return cls(frame.f_globals, frame.f_locals, names)


def evaluate(text: str, scope: Scope) -> Any:
    """What a target or a name stands for in a running function; None where that cannot be said.

    Only what the function itself has just evaluated is evaluated again, and no call but `str` and `len`.
    """
    tree = _tree(text)
    if tree is None:
        return None
    try:
        return eval(tree, scope.globals, scope.local)  # the user's own expression, where the user wrote it
    except Exception:
        return None


def entries_of(target: str, array: Any, scope: Scope) -> Any:
    """Which entries of an array a target like `dx[:, t]` is; None where that cannot be said."""
    node = ast.parse(target, mode="eval").body
    if not isinstance(node, ast.Subscript) or _tree(target) is None:
        return None
    entries = np.zeros(np.shape(array), dtype=bool)
    try:
        # The user's own index, where the user wrote it.
        exec(f"_[{ast.unparse(node.slice)}] = True", scope.globals, {**scope.local, "_": entries})
    except Exception:
        return None
    return entries


@cache
def _tree(text: str) -> CodeType | None:
    tree = ast.parse(text, mode="eval")
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and not (
            isinstance(node.func, ast.Name) and node.func.id in ("str", "len")
        ):
            return None
    return compile(tree, "<name>", "eval")


@cache
def base_of(text: str) -> str:
    """`dx` of `dx[i]`: the array that a part of is set; the text itself where nothing is indexed."""
    tree = ast.parse(text, mode="eval").body
    return ast.unparse(tree.value) if isinstance(tree, ast.Subscript) else text
