"""Names of nodes: groups such as the `h` of `h.z`, and a free name for the output."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable

_OUTPUT = "out"


def dotted(group: str, name: str) -> str:
    """The name of a member of a group, `h.z`."""
    return f"{group}.{name}" if group and name else group or name


def groups_of(names: Iterable[str]) -> set[str]:
    """The groups that names stand in: `h` and `h.y` for `h.y.z`."""
    groups: set[str] = set()
    for name in names:
        group = name.rpartition(".")[0]
        while group and group not in groups:
            groups.add(group)
            group = group.rpartition(".")[0]
    return groups


def group_of(name: str, groups: Container[str]) -> str:
    """The group that a name stands in, or is itself the name of: `h` for `h.z` and for `h`."""
    return name if name in groups else name.rpartition(".")[0]


def free_output_name(used: Container[str]) -> str:
    """What the output is called where nobody named it."""
    name = _OUTPUT
    while name in used:
        name += "_"
    return name


def as_node_name(name: str) -> str:
    """A name of another program as one that may stand in formulas: `layers._0.weight` for `layers.0.weight`.

    A part that begins with a digit gets an underscore, and so does a part `T`, which would transpose. Signs
    that names cannot have become underscores; strokes in front are those of a path.
    """
    inside = name.strip(".").lstrip("/.")
    return ".".join(map(_as_part, inside.split("."))) if inside else "_"


def proposed_name(name: str) -> str:
    """The nearest name that a node may have: `x_prime` for `x'`, `w_0` for `w[0]`."""
    spelled = re.sub("['′’]", "_prime", name)
    return re.sub("_+$", "", as_node_name(re.sub(r"[^\w.]+", "_", spelled))) or "x"


def _as_part(part: str) -> str:
    part = re.sub(r"\W", "_", part)
    return f"_{part}" if not part or part[0].isdigit() or part == "T" else part
