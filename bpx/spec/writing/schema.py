"""The JSON Schema of the spec format, computed from what the reader accepts.

Descriptions stand here as keys of the catalogue; `schema` puts the sentences in.
"""

from __future__ import annotations

from typing import Any

from bpx.graph.graph import OPS
from bpx.graph.named.recipe import LARGEST_SEED
from bpx.spec.reading.decoder import FORMAT_VERSION, FORMS, KEYS, OF_ANY_INPUT, ROLES
from bpx.spec.reading.syntax import OWN_VALUE
from bpx.words.say import say

_ARRAY = {
    "description": "schema.array",
    "anyOf": [{"type": "number"}, {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/array"}}],
}
_EXPRESSION = {"type": "string", "minLength": 1, "description": "schema.expression"}
_RANGE = {
    "description": "schema.range",
    "type": "array",
    "minItems": 2,
    "maxItems": 2,
    "items": {"type": "number"},
}
_NUMBER = {"type": "number"}
_SHAPE = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1},
}
_SEED = {
    "description": "schema.seed",
    "type": "integer",
    "minimum": 0,
    "maximum": LARGEST_SEED,
}
_COLUMNS = {
    "type": "array",
    "minItems": 1,
    "uniqueItems": True,
    "items": {"type": "string"},
    "description": "schema.columns",
}
_TABLE = {
    "description": "schema.table",
    "type": "object",
    "required": list(KEYS["table"]),
    "additionalProperties": False,
    "properties": {
        "columns": _COLUMNS,
        "rows": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "array", "minItems": 1, "items": _NUMBER},
            "description": "schema.rows",
        },
    },
}
_STEP = {
    "description": "schema.step",
    "type": "object",
    "required": ["op"],
    "properties": {
        "op": {"type": "string", "minLength": 1},
        "args": {"type": "array", "items": {"type": ["string", "number"], "minLength": 1}},
    },
}
_STEPS = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"anyOf": [_EXPRESSION, {"$ref": "#/$defs/step"}]},
    "description": "schema.steps",
}
_BLOCK = {
    "description": "schema.block",
    "type": "object",
    "required": ["args"],
    "oneOf": [{"required": ["value"]}, {"required": ["graph"]}],
    "additionalProperties": False,
    "properties": {
        "args": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "string", "pattern": r"^(?!T$)[^.]+$"},
            "description": "schema.args",
        },
        "value": {**_EXPRESSION, "description": "schema.block-value"},
        "graph": {"$ref": "#/$defs/steps"},
        "output": {"type": "string", "description": "schema.block-output"},
    },
}
_OP = {
    "description": "schema.op",
    "type": "object",
    "required": list(KEYS["op"]),
    "additionalProperties": False,
    "properties": {
        "args": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1, "not": {"const": OWN_VALUE}},
            "description": "schema.args",
        },
        "value": {**_EXPRESSION, "description": "schema.op-value"},
        "partials": {
            "type": "object",
            "additionalProperties": _EXPRESSION,
            "description": "schema.partials",
        },
    },
}


def schema() -> dict[str, Any]:
    """The schema (JSON Schema, draft 2020-12) of a spec in TOML or JSON."""
    described: dict[str, Any] = _described(_schema())
    return described


def _described(part: Any) -> Any:
    """A part of the schema with the sentences its descriptions are keys of."""
    if isinstance(part, list):
        return [_described(inner) for inner in part]
    if not isinstance(part, dict):
        return part
    return {
        key: say(inner, out=OWN_VALUE) if key == "description" else _described(inner)
        for key, inner in part.items()
    }


def _schema() -> dict[str, Any]:
    properties = {
        "bpx": {"const": FORMAT_VERSION, "description": "schema.version"},
        "title": {"type": "string"},
        "output": {"type": "string", "description": "schema.output"},
        "inputs": {"type": "object", "additionalProperties": {"$ref": "#/$defs/input"}},
        "tables": {"type": "object", "additionalProperties": {"$ref": "#/$defs/table"}},
        "graph": {"$ref": "#/$defs/steps"},
        "expect": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "value": {"$ref": "#/$defs/array"},
                "gradients": {"type": "object", "additionalProperties": {"$ref": "#/$defs/array"}},
            },
        },
        "claims": {
            "type": "object",
            "additionalProperties": {"anyOf": [_EXPRESSION, {"$ref": "#/$defs/array"}]},
            "description": "schema.claims",
        },
        "blocks": {"type": "object", "additionalProperties": {"$ref": "#/$defs/block"}},
        "ops": {"type": "object", "additionalProperties": {"$ref": "#/$defs/op"}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bpx spec",
        "type": "object",
        "required": ["bpx", "graph"],
        "additionalProperties": False,
        "properties": {key: properties[key] for key in KEYS["top"]},
        "if": {"not": {"anyOf": [{"required": ["ops"]}, {"required": ["blocks"]}]}},
        "then": {"properties": {"graph": {"additionalProperties": {"$ref": "#/$defs/step_of_table"}}}},
        "$defs": {
            "array": _ARRAY,
            "input": {"anyOf": [{"$ref": "#/$defs/array"}, *map(_input, FORMS)]},
            "table": _TABLE,
            "steps": _STEPS,
            "step": _STEP,
            "step_of_table": {"properties": {"op": {"enum": sorted(OPS)}}},
            "block": _BLOCK,
            "op": _OP,
        },
    }


_OF_INPUTS = {
    "value": {"$ref": "#/$defs/array"},
    "normal": {**_SHAPE, "description": "schema.normal"},
    "mean": _NUMBER,
    "scale": _NUMBER,
    "uniform": {**_SHAPE, "description": "schema.uniform"},
    "low": _NUMBER,
    "high": _NUMBER,
    "seed": _SEED,
    "table": {"type": "string", "description": "schema.table-name"},
    "columns": {**_COLUMNS, "description": "schema.some-columns"},
    "column": {"type": "string", "description": "schema.column"},
    "role": {"enum": list(ROLES)},
    "range": _RANGE,
}


def _input(form: str) -> dict[str, Any]:
    """An input whose values are given in one of the ways there are."""
    keys = (form, *FORMS[form], *OF_ANY_INPUT)
    table: dict[str, Any] = {
        "type": "object",
        "required": [key for key in keys if key in (form, "seed")],
        "additionalProperties": False,
        "properties": {key: _OF_INPUTS[key] for key in keys},
    }
    return {**table, "not": {"required": ["columns", "column"]}} if form == "table" else table
