"""What a shell proposes when somebody presses Tab: targets, nodes of the target, ops, examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bpx.spec.reading.endings import MODELS

_TARGETS = (".toml", ".json", ".py", *MODELS)


def targets(incomplete: str) -> list[str]:
    """Examples, and files that can be explained."""
    from bpx.spec.reading.examples import example_names

    before, slash, _ = incomplete.rpartition("/")
    folder = f"{before}{slash}"
    files = [
        f"{folder}{path.name}/" if path.is_dir() else f"{folder}{path.name}"
        for path in Path(folder or ".").glob("[!.]*")
        if path.is_dir() or path.suffix in _TARGETS
    ]
    return beginning([*example_names(), *files], incomplete)


def nodes(ctx: Any, incomplete: str) -> list[str]:
    """The nodes of the target before it; behind a comma, one more of them."""
    from bpx.spec.reading.endings import is_code
    from bpx.spec.reading.target import read_target
    from bpx.words.diagnostic import BpxError

    target = ctx.params.get("target")
    if not target or is_code(target):  # a shell must not run the code of a file
        return []
    try:
        names = list(read_target(target).nodes)
    except BpxError:
        return []
    before, comma, last = incomplete.rpartition(",")
    return [f"{before}{comma}{name}" for name in beginning(names, last)]


def practised(incomplete: str) -> list[str]:
    """Topics to practise, what can be done with them, and targets."""
    from bpx.spec.practice.topics import TOPICS

    words = ("list", "reset", "grade", "watch")
    return [*beginning([*TOPICS, *words], incomplete), *targets(incomplete)]


def ops(incomplete: str) -> list[str]:
    """The names of all ops."""
    from bpx.ops import rows

    return beginning([row.name for row in rows()], incomplete)


def examples(incomplete: str) -> list[str]:
    """The names of the bundled examples."""
    from bpx.spec.reading.examples import example_names

    return beginning(example_names(), incomplete)


def lessons(incomplete: str) -> list[str]:
    """The names of the lessons."""
    from bpx.spec.lessons.lessons import LESSONS

    return beginning([lesson.name for lesson in LESSONS], incomplete)


def beginning(names: Any, incomplete: str) -> list[str]:
    """Those of the names that begin as what is typed."""
    return sorted(name for name in names if name.startswith(incomplete))
