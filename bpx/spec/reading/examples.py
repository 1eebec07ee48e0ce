"""The examples that come with bpx."""

from __future__ import annotations

from pathlib import Path

import bpx

_PACKAGE = Path(bpx.__file__).parent


def examples_folder() -> Path:
    """Where the examples lie: inside the package when installed, beside it in a checkout."""
    inside = _PACKAGE / "examples"
    return inside if inside.is_dir() else _PACKAGE.parent / "examples"


def example_names() -> list[str]:
    """The names of the bundled examples, sorted."""
    return sorted(path.stem for path in examples_folder().glob("*.toml"))


def example_path(name: str) -> Path:
    """The file of a bundled example."""
    return examples_folder() / f"{name}.toml"
