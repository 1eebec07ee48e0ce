"""NamedGraph → text that reads back as the same graph, values and gradients."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from bpx.graph.formula import formula
from bpx.graph.graph import CONSTANT, Graph
from bpx.graph.named.named_graph import Input, NamedGraph
from bpx.graph.named.names import groups_of
from bpx.graph.named.written import Written
from bpx.spec.reading.decoder import FORMAT_VERSION
from bpx.spec.reading.documents.document import Format

if TYPE_CHECKING:
    from bpx.graph.named.named_graph import CustomOp
    from bpx.graph.named.recipe import NumberTable


def write_spec(spec: NamedGraph, format: Format) -> str:
    """The spec as text that reads back as the same graph, values and gradients."""
    document = to_document(spec)
    if format == "json":
        return _json(document) + "\n"
    return toml_text(document)


def to_document(spec: NamedGraph) -> dict[str, Any]:
    """The spec as plain data of the format."""
    names = {**spec.own_names, **_shared(spec), **_grouped(spec)}
    steps = {name: str(formula(spec.graph, node, names)) for node, name in _steps_to_write(spec, names)}
    document: dict[str, Any] = {"bpx": FORMAT_VERSION}
    if spec.title:
        document["title"] = spec.title
    document["output"] = names.get(spec.output, "")
    if spec.tables:
        document["tables"] = {name: _table_entry(table) for name, table in spec.tables.items()}
    document["inputs"] = {input.name: _input_entry(input) for input in spec.inputs}
    document["graph"] = steps
    if spec.expect:
        entries = {"value": spec.expect.value, "gradients": dict(spec.expect.gradients)}
        document["expect"] = {key: value for key, value in entries.items() if value not in (None, {})}
    if spec.claims:
        document["claims"] = {
            name: claim.formula.text if claim.formula else claim.written
            for name, claim in spec.claims.items()
        }
    if spec.custom:
        document["ops"] = {name: _op_entry(op) for name, op in spec.custom.items()}
    return document


def _op_entry(op: CustomOp) -> dict[str, Any]:
    return {"args": list(op.args), "value": op.value, "partials": dict(op.partials)}


def _table_entry(table: NumberTable) -> dict[str, Any]:
    entry = table.entry()
    return {**entry, "rows": _Rows(entry["rows"])}


def _input_entry(input: Input) -> Any:
    more: dict[str, Any] = {} if input.role == "data" else {"role": input.role}
    if input.range:
        more["range"] = list(input.range)
    # The recipe stands for the value only as long as nobody has given the input another one.
    if input.recipe and np.array_equal(input.recipe.array(), input.value):
        return {**input.recipe.entry(), **more}
    value = input.value.tolist()
    return {"value": value, **more} if more else value


class _Rows(list[Any]):
    """A list that is written with one entry in a line."""


def _shared(spec: NamedGraph) -> dict[int, str]:
    """Inner nodes that are used more than once: written in place they would be written twice."""
    uses: dict[int, int] = {}
    for node in _written(spec.graph, [spec.output, *spec.steps.values()]):
        for arg in _args_written(spec.graph, node):
            uses[arg] = uses.get(arg, 0) + 1
    return {
        node: spec.names[node]
        for node, count in uses.items()
        if count > 1 and node in spec.names and spec.graph.ops[node] is not CONSTANT
    }


def _written(graph: Graph, of: Iterable[int]) -> list[int]:
    """The nodes `of` and all that their formulas are written with, in order."""
    needed, waiting = set[int](), list(of)
    while waiting:
        node = waiting.pop()
        if node not in needed:
            needed.add(node)
            waiting += _args_written(graph, node)
    return sorted(needed)


def _args_written(graph: Graph, node: int) -> tuple[int, ...]:
    """The args in the formula of a node: what a gradient is made of is written as the gradient alone."""
    return tuple(graph.args[node])[: graph.ops[node].quoted or None]


def _grouped(spec: NamedGraph) -> dict[int, str]:
    """Inner nodes of groups in which nothing else has a name: reading back would not know of the group."""
    known = groups_of(spec.own_names.values())
    return {
        node: name
        for node, name in spec.names.items()
        if node not in spec.own_names and groups_of([name]) - known
    }


def _steps_to_write(spec: NamedGraph, names: Mapping[int, str]) -> list[tuple[int, str]]:
    written = [(node, name) for name, node in spec.steps.items()]
    known = {*(node for node, _ in written), *(input.node for input in spec.inputs)}
    return [(node, name) for node, name in sorted(names.items()) if node not in known] + written


def _json(value: Any, indent: str = "") -> str:
    """JSON with every number as it was written, and arrays of numbers in a line."""
    if isinstance(value, dict):
        deeper = f"{indent}  "
        entries = [f"{deeper}{_text(key)}: {_json(entry, deeper)}" for key, entry in value.items()]
        return "{\n" + ",\n".join(entries) + f"\n{indent}}}"
    return _inline(value, indent)


def _inline(value: Any, indent: str = "") -> str:
    """Text, a number or an array of numbers, which JSON and TOML write alike."""
    if isinstance(value, _Rows):
        rows = ",\n".join(f"{indent}  {_inline(row)}" for row in value)
        return f"[\n{rows}\n{indent}]"
    if isinstance(value, list):
        return f"[{', '.join(map(_inline, value))}]"
    if isinstance(value, Written):
        return value.text.lstrip("+").replace("_", "")  # TOML's ways of writing that JSON has not
    return _text(value) if isinstance(value, str) else repr(value)


def toml_text(document: Mapping[str, Any]) -> str:
    """Plain data as TOML; a table for each mapping."""
    lines = [
        f"{key} = {_toml_value(value)}" for key, value in document.items() if not isinstance(value, dict)
    ]
    for header, entries in _toml_tables(document):
        lines += ["", f"[{header}]"]
        lines += [f"{_toml_key(key)} = {_toml_value(value)}" for key, value in entries.items()]
    return "\n".join(lines) + "\n"


def _toml_tables(document: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The tables with their headers; each op and each table of numbers has one of its own."""
    for name, entries in document.items():
        if name in ("ops", "tables"):
            yield from ((f"{name}.{_toml_key(key)}", entry) for key, entry in entries.items())
        elif isinstance(entries, dict):
            yield name, entries


def _toml_value(value: Any) -> str:
    if isinstance(value, dict):
        entries = [f"{_toml_key(key)} = {_toml_value(entry)}" for key, entry in value.items()]
        return f"{{ {', '.join(entries)} }}"
    return _inline(value)


def _toml_key(key: str) -> str:
    plain = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if plain else _text(key)


def _text(text: str) -> str:
    """A quoted string; TOML wants the one control character escaped that JSON leaves alone."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
