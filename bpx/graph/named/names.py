"""Names of nodes: groups such as the `h` of `h.z`, and a free name for the output."""

from __future__ import annotations

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
