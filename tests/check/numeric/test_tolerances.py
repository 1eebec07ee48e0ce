"""Tuned numbers: each in one place, with a reason beside it, and in use."""

from __future__ import annotations

import ast
from pathlib import Path

from rows_of_a_table import every

import bpx
from bpx.check.numeric import tolerances

CHECK = Path(bpx.__file__).parent / "check"
ROOMS = tuple(CHECK / room for room in ("numeric", "local", "whole", "blame", "function"))
MODULES = sorted(path for room in ROOMS for path in room.glob("*.py") if path.name != "tolerances.py")
NOT_TUNED = {"_NICE_FACTORS", "_SHARES", "_TYPES"}  # factors of a sign, a double and a half; names of types
SOURCE = Path(tolerances.__file__).read_text(encoding="utf-8")
NAMES = [name for name in vars(tolerances) if name.isupper()]


def numbers_named(source: str) -> list[str]:
    """The names in capitals that a module gives to numbers written out in it."""
    names: list[str] = []
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and is_written_out(node.value):
            names += [target.id for target in node.targets if isinstance(target, ast.Name)]
    return [name for name in names if name.isupper()]


def is_written_out(value: ast.expr) -> bool:
    """Is it made of numbers alone, of nothing that has a name?"""
    parts = list(ast.walk(value))
    constants = [part.value for part in parts if isinstance(part, ast.Constant)]
    numbers = any(isinstance(constant, int | float) for constant in constants)
    return numbers and not any(isinstance(part, ast.Name) for part in parts)


@every("path", MODULES)
def test_tuned_numbers_have_one_place(path: Path) -> None:
    assert set(numbers_named(path.read_text(encoding="utf-8"))) <= NOT_TUNED


def test_a_number_elsewhere_would_be_seen() -> None:
    source = "_MOST = 3 * 10**6\nPAIRS = ((1, 2),)\nNAMES = ('a',)\nMORE = len(NAMES) + 1"
    assert numbers_named(source) == ["_MOST", "PAIRS"]


def test_every_number_has_its_reason() -> None:
    lines = SOURCE.splitlines()
    for name in NAMES:
        at = next(i for i, line in enumerate(lines) if line.startswith(f"{name} = "))
        while not lines[at].startswith("#"):  # several numbers may share a reason
            at -= 1
            assert lines[at], name


def test_every_number_is_in_use() -> None:
    others = [path for path in CHECK.parent.rglob("*.py") if path.name != "tolerances.py"]
    sources = [path.read_text(encoding="utf-8") for path in others]
    assert [name for name in NAMES if not any(name in source for source in sources)] == []
