"""A model and values of its arguments → the graph of what it computes, with the names of the model.

Every operation is a row, a function from nodes to nodes, chosen by its name. What depends on no input of the
graph, such as a mask or a position, is computed at once and is a constant.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from bpx.graph.arrays import Array, ShapeError
from bpx.graph.graph import CONSTANT, INPUT, OPS, Expr, Graph
from bpx.graph.named.named_graph import Input, NamedGraph
from bpx.graph.named.names import as_node_name
from bpx.graph.named.values import as_array, not_an_input
from bpx.graph.numbers import shape_text
from bpx.graph.run import run
from bpx.ops.tensors import SettingError
from bpx.spec.models.model import Leaf, Model, Operation, Ref
from bpx.spec.models.stack_traces import assigned, spans_of
from bpx.spec.trace.rules.building import OtherSetting
from bpx.words.diagnostic import BpxError, Diagnostic, Source, Span
from bpx.words.say import say

Rows = Mapping[str, Callable[..., Any]]
# Settings that say how to compute, not what.
_IGNORED = {
    *("cudnn_enabled", "cudnn_enable", "memory_format", "pin_memory", "layout", "device", "implicit", "copy"),
    *("non_blocking", "sparse", "scale_grad_by_freq", "path", "enable_gqa", "momentum", "half_to_float"),
    *("stash_type", "storage_order"),
}


def graph_of_model(model: Model, rows: Rows, values: Mapping[str, Any]) -> NamedGraph:
    """The graph of the first output of a model. Raises `BpxError` with all that keeps it from being one."""
    builder = _Builder(model, rows)
    builder.refuse_missing()
    builder.refuse_output()
    builder.place_leaves(values)
    builder.raise_problems()
    for operation in model.operations:
        builder.apply(operation)
        if builder.problems:  # what follows would only fail for lack of this one
            break
    builder.raise_problems()
    return builder.named_graph()


def row_of(rows: Rows, op: str) -> Callable[..., Any] | None:
    """The row of an operation: that of its variant, as `aten.max.dim`, or of its name."""
    whole = op.removesuffix(".default")
    return rows.get(whole) or rows.get(whole.rpartition(".")[0]) or rows.get(in_place_of(whole) or "")


def in_place_of(op: str) -> str | None:
    """The name of the operation that one which writes into its first arg is like: `relu` of `relu_`."""
    packet = op if op.count(".") < 2 else op.rpartition(".")[0]
    named = packet.endswith("_") and not packet.endswith("__")
    return packet[:-1] if named else None


@dataclass
class _Builder:
    """The graph of a model in the making."""

    model: Model
    rows: Rows
    graph: Graph = field(default_factory=Graph)
    known: dict[str, Any] = field(default_factory=dict)  # Expr, array or number by the model's name
    inputs: list[Input] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)  # name in the graph by the model's
    origins: dict[int, Span] = field(default_factory=dict)
    shared: set[str] = field(default_factory=set)  # values that are views, or that views are of
    problems: list[Diagnostic] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.spans = spans_of(place for operation in self.model.operations if (place := operation.place))

    def raise_problems(self) -> None:
        if self.problems:
            raise BpxError(self.problems)

    def span(self, operation: Operation) -> Span | None:
        return self.spans[operation.place] if operation.place else None

    def refuse_missing(self) -> None:
        """Report every operation that has no row, once, at its first line."""
        first: dict[str, Operation] = {}
        for operation in self.model.operations:
            first.setdefault(operation.op, operation)
        for op, operation in first.items():
            if row_of(self.rows, op) is None:
                facts = {"op": op, "name": ", ".join(operation.outputs)}
                self.problems.append(Diagnostic("model-op", self.span(operation), facts))

    def refuse_output(self) -> None:
        """A model whose outputs nothing computes is known for it before all else is."""
        names = {leaf.ref for leaf in self.model.leaves} | {*self.model.tied}
        names.update(name for operation in self.model.operations for name in operation.outputs)
        if self.model.outputs and names.isdisjoint(self.model.outputs):
            self.problems.append(Diagnostic("trace-constant", None, {}))

    # --- leaves ---

    def place_leaves(self, values: Mapping[str, Any]) -> None:
        """Inputs for leaves of floats, constants for all others; `values` replace what the model has."""
        self.names = _node_names([leaf.name for leaf in self.model.leaves], [])
        stated = {as_node_name(name): value for name, value in values.items()}
        by_name = {self.names[leaf.name]: leaf for leaf in self.model.leaves}
        self.problems += [not_an_input(name, by_name) for name in stated if name not in by_name]
        tied = self.model.tied
        refs = (ref.name for operation in self.model.operations for ref in _refs(operation))
        used = {tied.get(name, name) for name in refs}
        for name, leaf in by_name.items():
            if leaf.ref in used or leaf.ref in self.model.outputs:
                self.place_leaf(name, leaf, stated.get(name, leaf.value))
        self.known.update({name: self.known[first] for name, first in tied.items() if first in self.known})

    def place_leaf(self, name: str, leaf: Leaf, value: Any) -> None:
        if value is None:
            shape = "(…)" if leaf.shape is None else _shape_text(leaf.shape)
            facts = {"name": name, "shape": shape, "drawn": shape.replace("?", "1")}
            help = "model-value" if leaf.is_float else "model-whole-value"
            self.problems.append(Diagnostic("model-without-value", None, facts, help))
            return
        if not leaf.is_float:
            self.known[leaf.ref] = _floats(name, value)
            return
        array = as_array(name, value, self.problems)
        if array is None:
            return
        if leaf.shape is not None and not _fits(array.shape, leaf.shape):
            facts = {"name": name, "found": shape_text(array.shape), "wanted": _shape_text(leaf.shape)}
            self.problems.append(Diagnostic("value-shape", None, facts))
            return
        node = self.graph.input(array.shape)
        self.inputs.append(Input(name, node.id, array, leaf.role))
        self.known[leaf.ref] = node

    # --- operations ---

    def apply(self, operation: Operation) -> None:
        """Append the nodes of an operation, or compute its value where it depends on no input."""
        row = row_of(self.rows, operation.op)
        assert row
        first = len(self.graph)
        try:
            result = self.result(row, operation)
        except OtherSetting as error:
            self.refuse("model-setting", operation, setting=str(error))
        except KeyError as error:
            self.refuse("model-use", operation, reason=say("model.no-value", name=error.args[0]))
        except SettingError as error:
            reason = Diagnostic(error.code, None, {"op": operation.op, **error.facts}).message
            self.refuse("model-use", operation, reason=reason)
        except (ShapeError, TypeError, ValueError, IndexError, AttributeError) as error:
            self.refuse("model-use", operation, reason=str(error))
        else:
            self.keep(operation, result)
            span = self.span(operation)
            if span:
                self.origins.update(dict.fromkeys(range(first, len(self.graph)), span))

    def refuse(self, code: str, operation: Operation, **facts: Any) -> None:
        self.problems.append(Diagnostic(code, self.span(operation), {"op": operation.op, **facts}))

    def result(self, row: Callable[..., Any], operation: Operation) -> Any:
        operands = [self.known[ref.name] for ref in _refs(operation)]
        symbolic = any(isinstance(operand, Expr) for operand in operands)
        graph = self.graph if symbolic else Graph()

        def lifted(value: Any) -> Any:
            if isinstance(value, Ref):
                value = self.known[value.name]
                return graph.constant(value) if isinstance(value, np.ndarray) else value
            return [lifted(item) for item in value] if isinstance(value, list) else value

        settings = _taken(row, {key: lifted(value) for key, value in operation.settings.items()})
        result = row(*[lifted(arg) for arg in operation.args], **settings)
        return result if symbolic else _computed(graph, result)

    def keep(self, operation: Operation, result: Any) -> None:
        results = list(result) if isinstance(result, tuple | list) else [result]
        self.known.update(zip(operation.outputs, results, strict=False))
        written = next(_refs(operation), None)
        if in_place_of(operation.op.removesuffix(".default")) and written:
            if written.name in self.shared:
                self.refuse("model-writes-view", operation)
            self.known[written.name] = results[0]
        elif written and results[0] is not None and _is_view(operation.op):
            self.shared |= {written.name, *operation.outputs}

    # --- the graph ---

    def named_graph(self) -> NamedGraph:
        """The graph of the first output; the others are steps of it."""
        outputs = [name for name in self.model.outputs if isinstance(self.known.get(name), Expr)]
        if not outputs:
            raise BpxError([Diagnostic("trace-constant", None, {})])
        output = self.known[outputs[0]]
        if output.op in (INPUT, CONSTANT):
            output = self.graph.add(OPS["identity"], output)
        needed = set(self.graph.needs(of=[self.known[name].id for name in outputs]))
        steps = {name: node for node, name in self.step_names(needed).items()}
        if output.id not in steps.values():
            steps[_free("out", {*steps, *(leaf.name for leaf in self.inputs)})] = output.id
        inputs = tuple(leaf for leaf in self.inputs if leaf.node in needed)
        origins = {node: span for node, span in self.origins.items() if node in needed}
        return NamedGraph(
            None,
            self.graph,
            inputs,
            steps,
            output.id,
            len(self.graph),
            Source(self.model.file, ""),
            origins=origins,
            is_code=True,
        )

    def step_names(self, needed: set[int]) -> dict[int, str]:
        """Node → name: the variable that the line assigns to, or the layer, or what the model calls it."""
        leaves = {leaf.node for leaf in self.inputs}
        wanted: dict[int, str] = {}
        for operation, following in _with_next(self.model.operations):
            for name in operation.outputs:
                node = self.known.get(name)
                if isinstance(node, Expr) and node.id in needed - leaves and node.op is not CONSTANT:
                    wanted.setdefault(node.id, _called(operation, following) or name)
        names = _node_names(list(wanted.values()), [leaf.name for leaf in self.inputs], each=True)
        return {node: names[str(place)] for place, node in enumerate(wanted)}


def _with_next(operations: Sequence[Operation]) -> zip[tuple[Operation, Operation | None]]:
    return zip(operations, [*operations[1:], None], strict=True)


def _called(operation: Operation, following: Operation | None) -> str | None:
    """What the user calls the result, where it is the last of its line or of its layer."""
    if len(operation.outputs) != 1:
        return None
    variable = assigned(operation.place)
    if variable and (following is None or following.place != operation.place):
        return variable
    layer = operation.module
    inside = following is not None and f"{following.module}.".startswith(f"{layer}.")
    return layer if layer and not inside else None


def _node_names(names: list[str], used: list[str], each: bool = False) -> dict[str, str]:
    """A name in the graph for every name, or for `each` place in the list, all different."""
    taken = set(used)
    result: dict[str, str] = {}
    for place, name in enumerate(names):
        free = _free(as_node_name(name), taken)
        taken.add(free)
        result[str(place) if each else name] = free
    return result


def _free(name: str, taken: set[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free


def _refs(operation: Operation) -> Any:
    """The values that an operation takes, in order."""
    todo: list[Any] = [*operation.args, *operation.settings.values()]
    while todo:
        value = todo.pop(0)
        if isinstance(value, Ref):
            yield value
        elif isinstance(value, list):
            todo = [*value, *todo]


def _taken(row: Callable[..., Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a row takes. Raises `OtherSetting` for one that it does not know and that matters."""
    parameters = inspect.signature(row).parameters
    for name in settings:
        if name not in parameters and name not in _IGNORED and settings[name] is not None:
            raise OtherSetting(name)
    return {name: value for name, value in settings.items() if name in parameters}


def _computed(graph: Graph, result: Any) -> Any:
    """The value of nodes that depend on constants alone; arrays and numbers as they are."""
    if isinstance(result, tuple | list):
        return [_computed(graph, item) for item in result]
    if not isinstance(result, Expr):
        return result
    with np.errstate(all="ignore"):
        return run(result.graph, {}, [result.id])[result.id]


_VIEWS = {
    *("view", "reshape", "flatten", "unflatten", "transpose", "permute", "slice", "select", "unsqueeze"),
    *("squeeze", "expand", "t", "detach", "split", "chunk", "narrow", "unbind", "alias", "to", "contiguous"),
    *("split_with_sizes", "expand_as", "view_as", "dropout", "numpy_T", "movedim", "swapaxes", "type_as"),
    *("broadcast_to", "broadcast_tensors", "feature_dropout"),
}


def _is_view(op: str) -> bool:
    """May the result share its memory with the arg?"""
    return op.split(".")[1:2] != [] and op.split(".")[1] in _VIEWS


def _floats(name: str, value: Any) -> Array:
    array = np.asarray(value)
    if array.dtype.kind not in "biuf":
        raise BpxError([Diagnostic("not-a-number", None, {"name": name, "found": str(value)[:60]})])
    return array.astype(np.float64)


def _fits(found: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(found) == len(wanted) and all(n is None or n == m for m, n in zip(found, wanted, strict=True))


def _shape_text(shape: tuple[int | None, ...]) -> str:
    lengths = ["?" if length is None else str(length) for length in shape]
    return f"({', '.join(lengths)}{',' if len(lengths) == 1 else ''})"
