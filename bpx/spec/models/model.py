"""What the readers of all formats give: the leaves of a model and its operations in order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from numpy.typing import NDArray


MOST_NODES = 50_000  # of a model, each a call of NumPy at least twice


class ModelError(Exception):
    """A file that is no model bpx can use; `code`, `help` and `facts` are those of the diagnostic."""

    def __init__(self, code: str, help: str | None = None, **facts: Any) -> None:
        super().__init__(code)
        self.code, self.help, self.facts = code, help, facts


class Ref(NamedTuple):
    """A value that has a name in the model: a leaf, or the output of an operation."""

    name: str


class Place(NamedTuple):
    """A line of the program that the model was saved from, as the model recorded it."""

    file: str
    line: int
    text: str


class Leaf(NamedTuple):
    """What a model starts from.

    `ref` is its name among the operations, `name` what people call it: `fc1.weight`. `value` is None for an
    argument, whose `shape` may have None for a length that is left open; None in its place is unknown.
    `is_float` says whether it can be differentiated by, `role` what it is in a spec.
    """

    ref: str
    name: str
    value: NDArray[Any] | None
    shape: tuple[int | None, ...] | None
    is_float: bool
    role: str


class Operation(NamedTuple):
    """One operation: its name in the format, args by place and by name, and the names of its outputs.

    `module` is the path of the layer that it belongs to, such as `block.0`.
    """

    op: str
    args: Sequence[Any]
    settings: Mapping[str, Any]
    outputs: Sequence[str]
    place: Place | None = None
    module: str = ""


class Model(NamedTuple):
    """A model: `rows` says which table has its operations.

    `tied` are names of leaves that share their numbers with an earlier one, the name of which they lead to.
    """

    file: str
    rows: str
    leaves: Sequence[Leaf]
    operations: Sequence[Operation]
    outputs: Sequence[str]
    tied: Mapping[str, str] = MappingProxyType({})
