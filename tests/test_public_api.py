"""What programs may use of bpx: every public name with its signature, so that none changes by accident.

After a change that is meant: `PYTHONPATH=tests python -m tests.test_public_api > tests/public_api.txt`,
and a line in CHANGELOG.md.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bpx

SNAPSHOT = Path(__file__).with_name("public_api.txt")


def public(name: str, thing: Any) -> Iterator[str]:
    """A line for a function or a property, and lines for all that a class or a module has."""
    if inspect.isclass(thing):
        yield f"class {name}{bases(thing)}"
        for part in parts_of(thing):
            yield from public(f"{name}.{part}", inspect.getattr_static(thing, part, None))
    elif inspect.ismodule(thing):
        for part, value in sorted(vars(thing).items()):
            if not part.startswith("_") and str(getattr(value, "__module__", "")).startswith("bpx"):
                yield from public(f"{name}.{part}", value)
    elif isinstance(thing, staticmethod | classmethod):
        yield from public(name, thing.__func__)
    elif callable(thing):
        yield f"{name}{inspect.signature(thing)}"
    else:
        yield name


def bases(thing: type) -> str:
    names = [base.__name__ for base in thing.__bases__ if base is not object]
    return f"({', '.join(names)})" if names else ""


def parts_of(thing: type) -> list[str]:
    """What a class has, but for what it takes from a class of Python's own."""
    homes = [home for home in thing.__mro__ if home.__module__ != "builtins"]
    names = {name for home in homes for name in (*vars(home), *inspect.get_annotations(home))}
    return sorted(name for name in names if not name.startswith("_"))


def api() -> str:
    lines = [line for name in sorted(bpx.__all__) for line in public(name, getattr(bpx, name))]
    return "\n".join([*lines, ""])


def test_the_public_names_and_signatures_are_as_recorded() -> None:
    assert api() == SNAPSHOT.read_text(encoding="utf-8")


if __name__ == "__main__":
    print(api(), end="")
