"""Floors: a module imports only from lower ones, inside of functions too.

Within a floor there are steps, lowest first; modules of one step do not know of each other.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import bpx

PACKAGE = Path(bpx.__file__).parent
FLOORS = [
    [["words"], ["diagnostic", "graph"], ["locate", "subgraph"]],
    [
        ["ops.row"],
        ["ops.selection", "ops.tensors"],
        ["ops.functions", "ops.indices"],
        ["ops.activations", "ops.arithmetic", "ops.products", "ops.shapes"],
        ["ops.vectors"],
        ["ops.convolution", "ops.layers", "ops.losses"],
        ["ops"],
    ],
    [
        ["compiled", "document", "formula", "parser", "recipe", "reverse"],
        ["build", "draft"],
        ["blocks", "claims", "custom", "walker"],
    ],
    [["draft_inputs", "reference"], ["drafter"], ["schema", "spec"], ["request", "save", "target"]],
    [["account", "batches", "domain", "expand", "optimizers", "paths"], ["expect", "training"]],
    [
        ["check.richardson"],
        ["check.ladder"],
        ["check", "check.bounded", "check.differences", "check.exact"],
        ["check.blur", "check.caller", "check.drawn", "check.options", "check.program", "check.report"],
        ["check.decide", "check.group", "check.kinks", "check.rule", "check.slips", "check.sweep"],
        ["check.element", "check.slopes"],
        ["check.elementwise", "check.findings", "check.mistakes", "check.rows", "check.structural"],
        ["check.culprits", "check.digits", "check.point"],
        ["check.correction", "check.judged", "check.samples", "check.wiring"],
        ["check.fused"],
        ["check.bent", "check.blame_claims", "check.blame_rules", "check.closer"],
        ["check.entries", "check.rules"],
        ["check.checkup", "check.in_use", "check.second"],
        ["check.blackbox", "check.gradcheck"],
    ],
    [["explainer", "train"]],
    [
        ["render", "render.curve", "render.json", "render.layout", "render.progress"],
        ["render.layers"],
        ["render.account", "render.markdown", "render.plain", "render.reference", "render.table"],
        ["render.check", "render.train"],
        ["render.junit"],
    ],
    [["api", "cli"]],
]
STEPS = [step for floor in FLOORS for step in floor]
HEIGHT = {module: height for height, step in enumerate(STEPS) for module in step}
# The package itself only says where its public names live, and `__main__` only starts the command line.
DOORS = {"", "__main__"}


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module_name(path): path for path in PACKAGE.rglob("*.py")}
HOUSE = sorted(set(MODULES) - DOORS)


def imports(tree: ast.AST) -> Iterator[str]:
    """The modules of bpx that a module imports, but for those that only type checkers see."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            waiting += node.orelse
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == "bpx")
        elif isinstance(node, ast.ImportFrom):
            yield from imported_from(node)
        else:
            waiting += ast.iter_child_nodes(node)


def imported_from(node: ast.ImportFrom) -> Iterator[str]:
    assert not node.level, "imports name the whole path"
    module = node.module or ""
    if module.partition(".")[0] != "bpx":
        return
    for alias in node.names:
        name = f"{module}.{alias.name}".removeprefix("bpx.")
        yield f"bpx.{name}" if name in MODULES else module


def upward(module: str, source: str) -> list[str]:
    """What a module imports from its own step or from a higher one."""
    used = {name.removeprefix("bpx").removeprefix(".") for name in imports(ast.parse(source))}
    return sorted(name for name in used - DOORS if HEIGHT[name] >= HEIGHT[module])


def test_every_module_has_its_floor() -> None:
    assert sorted(HEIGHT) == HOUSE


def test_no_module_stands_on_two_floors() -> None:
    assert len(HEIGHT) == sum(map(len, STEPS))


@pytest.mark.parametrize("module", HOUSE)
def test_imports_point_downwards(module: str) -> None:
    assert upward(module, MODULES[module].read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("import bpx.explainer", ["explainer"]),
        ("from bpx.explainer import explain", ["explainer"]),
        ("from bpx import explainer", ["explainer"]),
        ("from bpx.render import layout", ["render.layout"]),
        ("from bpx.render.layout import Table", ["render.layout"]),
        ("def f():\n    from bpx.cli import app", ["cli"]),
        ("class A:\n    def f(self):\n        import bpx.api", ["api"]),
        ("try:\n    import bpx.draft\nexcept ImportError:\n    pass", ["draft"]),
        ("if TYPE_CHECKING:\n    from bpx.cli import app\nelse:\n    from bpx.api import load", ["api"]),
        ("from bpx.build import build", ["build"]),  # its own step
        ("if TYPE_CHECKING:\n    from bpx.cli import app", []),
        ("from bpx.parser import parse", []),
        ("from bpx import __version__, graph", []),
        ("import bpxother, os", []),
    ],
)
def test_an_upward_import_would_be_found(source: str, found: list[str]) -> None:
    assert upward("draft", source) == found
