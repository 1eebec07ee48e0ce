"""The JSON Schema of the spec format, computed from what the reader accepts."""

from __future__ import annotations

from typing import Any

from bpx.draft import OWN_VALUE
from bpx.drafter import FORMAT_VERSION, KEYS, ROLES
from bpx.graph import OPS

_ARRAY = {
    "description": "A number, or a nest of lists of numbers with rows of equal length.",
    "anyOf": [{"type": "number"}, {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/array"}}],
}
_EXPRESSION = {"type": "string", "minLength": 1, "description": "An expression such as w @ x + b."}
_RANGE = {
    "description": "Where random points may be drawn: two numbers, the lower one first.",
    "type": "array",
    "minItems": 2,
    "maxItems": 2,
    "items": {"type": "number"},
}
_STEP = {
    "description": "A step written out: an op, its args, its settings.",
    "type": "object",
    "required": ["op"],
    "properties": {
        "op": {"type": "string", "minLength": 1},
        "args": {"type": "array", "items": {"type": ["string", "number"], "minLength": 1}},
    },
}
_OP = {
    "description": "An op that works element by element, with a derivative rule written by hand.",
    "type": "object",
    "required": list(KEYS["op"]),
    "additionalProperties": False,
    "properties": {
        "args": {
            "type": "array",
            "minItems": 1,
            "uniqueItems": True,
            "items": {"type": "string", "minLength": 1, "not": {"const": OWN_VALUE}},
            "description": "The names of its args.",
        },
        "value": {**_EXPRESSION, "description": "An expression of its args, such as x * sigmoid(x)."},
        "partials": {
            "type": "object",
            "additionalProperties": _EXPRESSION,
            "description": f"Its derivative by each arg, of the args and of {OWN_VALUE}, its own value.",
        },
    },
}


def schema() -> dict[str, Any]:
    """The schema (JSON Schema, draft 2020-12) of a spec in TOML or JSON."""
    described = {
        "bpx": {"const": FORMAT_VERSION, "description": "The format version."},
        "title": {"type": "string"},
        "output": {"type": "string", "description": "The node to derive; the last step by default."},
        "inputs": {"type": "object", "additionalProperties": {"$ref": "#/$defs/input"}},
        "graph": {
            "type": "object",
            "minProperties": 1,
            "additionalProperties": {"anyOf": [_EXPRESSION, {"$ref": "#/$defs/step"}]},
            "description": "Named steps, in any order.",
        },
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
            "description": "Gradients worked out by hand: a formula in names of nodes, or numbers.",
        },
        "ops": {"type": "object", "additionalProperties": {"$ref": "#/$defs/op"}},
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "bpx spec",
        "type": "object",
        "required": ["bpx", "graph"],
        "additionalProperties": False,
        "properties": {key: described[key] for key in KEYS["top"]},
        "if": {"not": {"required": ["ops"]}},
        "then": {"properties": {"graph": {"additionalProperties": {"$ref": "#/$defs/step_of_table"}}}},
        "$defs": {
            "array": _ARRAY,
            "input": _input(),
            "step": _STEP,
            "step_of_table": {"properties": {"op": {"enum": sorted(OPS)}}},
            "op": _OP,
        },
    }


def _input() -> dict[str, Any]:
    described = {"value": {"$ref": "#/$defs/array"}, "role": {"enum": list(ROLES)}, "range": _RANGE}
    table = {
        "type": "object",
        "required": ["value"],
        "additionalProperties": False,
        "properties": {key: described[key] for key in KEYS["input"]},
    }
    return {"anyOf": [{"$ref": "#/$defs/array"}, table]}
