"""Floors: a file imports from its own folder and from folders below it, and nothing goes round in a circle.

Imports inside of functions count, and so do those that only type checkers see.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

from rows_of_a_table import every

import bpx

PACKAGE = Path(bpx.__file__).parent
# The folders of bpx, lowest first. `spec` itself, for instance, stands above the folders inside it.
FLOORS = [
    "words",
    "words.guards",
    "graph",
    "graph.named",
    "ops.values",
    "ops.building",
    "ops.elementwise",
    "ops",
    "passes.compiling",
    "passes",
    "render.layout",
    "render.chart",
    "render",
    "render.picture.placing",
    "render.picture",
    "render.page",
    "check.numeric",
    "check.tasks",
    "check.ladders",
    "check.balls",
    "check.formulas",
    "check.report",
    "check.local",
    "check.patterns",
    "check.whole",
    "check.blame",
    "check.short",
    "check.function",
    "check.tables",
    "check",
    "explain.ops",
    "explain.query",
    "explain.measures",
    "explain.short",
    "explain.sections",
    "explain.picture",
    "explain.page",
    "explain",
    "train",
    "train.sweep",
    "spec.text",
    "spec.notations.translation",
    "spec.notations.textbook",
    "spec.notations.latex",
    "spec.notations.python",
    "spec.notations",
    "spec.reading.documents",
    "spec.reading",
    "spec.tables",
    "spec.writing.code",
    "spec.writing",
    "spec.trace.rules",
    "spec.trace",
    "spec.code.lines",
    "spec.code.steps",
    "spec.code",
    "spec.callables",
    "spec.derivations.text",
    "spec.derivations.graph",
    "spec.derivations",
    "spec.models.rows",
    "spec.models",
    "spec.practice.cells",
    "spec.practice.slips",
    "spec.practice.code",
    "spec.practice",
    "spec.lessons",
    "spec",
    "cli.output",
    "cli.input",
    "cli",
    "cli.reference",
    "cli.notebook",
]
HEIGHT = {folder: height for height, folder in enumerate(FLOORS)}
# The package itself only says where its public names live, and `__main__` only starts the command line.
DOORS = {"", "__main__"}

MOST_FILES = 14  # in a folder
MOST_ROOMS = 10  # folders at the top of the package
MOST_LINES = 400  # in a file that is not data


def module_name(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


MODULES = {module_name(path): path for path in PACKAGE.rglob("*.py")}
HOUSE = sorted(set(MODULES) - DOORS)
DATA = {"words.en", "words.zh", "check.numeric.tolerances"}  # sentences, tuned numbers


def folder_of(module: str) -> str:
    return module if MODULES[module].name == "__init__.py" else module.rpartition(".")[0]


def imports(tree: ast.AST) -> Iterator[str]:
    """The modules of bpx that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] == "bpx")
        elif isinstance(node, ast.ImportFrom):
            yield from imported_from(node)


def imported_from(node: ast.ImportFrom) -> Iterator[str]:
    assert not node.level, "imports name the whole path"
    module = node.module or ""
    if module.partition(".")[0] != "bpx":
        return
    for alias in node.names:
        name = f"{module}.{alias.name}".removeprefix("bpx.")
        yield f"bpx.{name}" if name in MODULES else module


def used_by(module: str, source: str) -> set[str]:
    names = {name.removeprefix("bpx").removeprefix(".") for name in imports(ast.parse(source))}
    return names - DOORS - {module}


def upward(module: str, source: str) -> list[str]:
    """What a module imports from a higher floor than its own."""
    own = HEIGHT[folder_of(module)]
    return sorted(name for name in used_by(module, source) if HEIGHT[folder_of(name)] > own)


def source_of(module: str) -> str:
    return MODULES[module].read_text(encoding="utf-8")


def circle(arrows: dict[str, set[str]]) -> list[str]:
    """Modules that import each other in a circle, if any do."""
    try:
        list(TopologicalSorter(arrows).static_order())
    except CycleError as error:
        return list(error.args[1])
    return []


def test_every_folder_has_its_floor() -> None:
    assert sorted(HEIGHT) == sorted({folder_of(module) for module in HOUSE})


def test_folders_are_few_and_small() -> None:
    rooms = {module.partition(".")[0] for module in HOUSE}
    assert len(rooms) <= MOST_ROOMS
    for folder in FLOORS:
        files = [module for module in HOUSE if folder_of(module) == folder]
        assert len(files) <= MOST_FILES, folder


@every("module", sorted(set(HOUSE) - DATA))
def test_files_are_short(module: str) -> None:
    assert len(source_of(module).splitlines()) <= MOST_LINES


@every("module", HOUSE)
def test_imports_point_downwards(module: str) -> None:
    assert upward(module, source_of(module)) == []


def test_nothing_goes_round_in_a_circle() -> None:
    assert circle({module: used_by(module, source_of(module)) for module in HOUSE}) == []


@every(
    "source, found",
    [
        ("import bpx.explain.explain", ["explain.explain"]),
        ("from bpx.explain.explain import explain", ["explain.explain"]),
        ("from bpx.explain import explain", ["explain.explain"]),
        ("from bpx.cli import app", ["cli.app"]),
        ("def f():\n    from bpx.cli import app", ["cli.app"]),
        ("class A:\n    def f(self):\n        import bpx.spec.spec", ["spec.spec"]),
        ("try:\n    import bpx.spec.spec\nexcept ImportError:\n    pass", ["spec.spec"]),
        ("if TYPE_CHECKING:\n    from bpx.cli import app", ["cli.app"]),
        ("from bpx.passes.paths import path_ledger", []),  # its own folder
        ("from bpx.words.say import say", []),
        ("from bpx import __version__, graph", []),
        ("import bpxother, os", []),
    ],
)
def test_an_upward_import_would_be_seen(source: str, found: list[str]) -> None:
    assert upward("passes.reverse", source) == found


def test_a_circle_would_be_seen() -> None:
    assert set(circle({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})) == {"a", "b", "c"}
