"""The JSON Schema of the spec format, computed from what the reader accepts."""

from __future__ import annotations

from typing import Any

from bpx.graph.graph import OPS
from bpx.graph.named.recipe import LARGEST_SEED
from bpx.spec.reading.decoder import FORMAT_VERSION, FORMS, KEYS, OF_ANY_INPUT, ROLES
from bpx.spec.reading.syntax import OWN_VALUE

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
_NUMBER = {"type": "number"}
_SHAPE = {
    "type": "array",
    "items": {"type": "integer", "minimum": 1},
}
_SEED = {
    "description": "The same numbers are drawn from it every time.",
    "type": "integer",
    "minimum": 0,
    "maximum": LARGEST_SEED,
}
_COLUMNS = {
    "type": "array",
    "minItems": 1,
    "uniqueItems": True,
    "items": {"type": "string"},
    "description": "Names of columns.",
}
_TABLE = {
    "description": "A table of numbers, whose columns inputs may take.",
    "type": "object",
    "required": list(KEYS["table"]),
    "additionalProperties": False,
    "properties": {
        "columns": _COLUMNS,
        "rows": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "array", "minItems": 1, "items": _NUMBER},
            "description": "Each row has one number for each column.",
        },
    },
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
_STEPS = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"anyOf": [_EXPRESSION, {"$ref": "#/$defs/step"}]},
    "description": "Named steps, in any order; a key such as `a, b` names the parts of a split.",
}
_BLOCK = {
    "description": "Steps with args of their own, written out wherever a step calls the block by its name.",
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
            "description": "The names of its args.",
        },
        "value": {**_EXPRESSION, "description": "An expression of its args: a block of one step."},
        "graph": {"$ref": "#/$defs/steps"},
        "output": {"type": "string", "description": "The step that a call stands for; the last by default."},
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
            "description": "Gradients worked out by hand: a formula in names of nodes, or numbers.",
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
        "properties": {key: described[key] for key in KEYS["top"]},
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
    "normal": {**_SHAPE, "description": "Drawn: mean + scale * standard normal numbers of this shape."},
    "mean": _NUMBER,
    "scale": _NUMBER,
    "uniform": {**_SHAPE, "description": "Drawn: numbers of this shape spread evenly from low to high."},
    "low": _NUMBER,
    "high": _NUMBER,
    "seed": _SEED,
    "table": {"type": "string", "description": "The table that the value comes from."},
    "columns": {**_COLUMNS, "description": "Its columns to take, side by side; all by default."},
    "column": {"type": "string", "description": "The one column to take."},
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
