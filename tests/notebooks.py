"""Notebooks that run in this process: by IPython where it is, and else by a shell that knows `%bpx` alone."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any


class Shell:
    """The part of IPython's shell that an extension uses, and cells as notebooks run them."""

    def __init__(self) -> None:
        self.user_ns: dict[str, Any] = {}
        self.magics: dict[tuple[str, str], Callable[..., Any]] = {}

    def register_magic_function(
        self, func: Callable[..., Any], magic_kind: str = "line", magic_name: str | None = None
    ) -> None:
        """As `IPython.core.interactiveshell.InteractiveShell` has it."""
        kinds = ("line", "cell") if magic_kind == "line_cell" else (magic_kind,)
        self.magics |= {(kind, magic_name or func.__name__): func for kind in kinds}

    def run(self, cell: str) -> Any:
        """Run a cell, and return what its last expression gives."""
        result = self._run(cell)
        if result is not None:
            self.user_ns["_"] = result
        return result

    def _run(self, cell: str) -> Any:
        if cell.startswith("%%"):
            line, _, body = cell[2:].partition("\n")
            name, _, rest = line.partition(" ")
            return self.magics["cell", name](rest, body)
        if cell.startswith("%load_ext "):
            return import_module(cell.split()[1]).load_ipython_extension(self)
        if cell.startswith("%"):
            name, _, rest = cell[1:].partition(" ")
            return self.magics["line", name](rest)
        return self._run_python(ast.parse(cell))

    def _run_python(self, tree: ast.Module) -> Any:
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, "<cell>", "exec"), self.user_ns)
        if not isinstance(last, ast.Expr):
            return None
        return eval(compile(ast.Expression(last.value), "<cell>", "eval"), self.user_ns)


def code_cells(notebook: Path) -> Iterator[str]:
    """The code of a notebook, cell by cell."""
    for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]:
        if cell["cell_type"] == "code":
            yield "".join(cell["source"])
