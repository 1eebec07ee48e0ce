"""The JSON Schema says what the reader does: it takes what is read, and no structure that is not."""

from __future__ import annotations

import json
import tomllib
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from random_specs import documents, spec_from
from rows_of_a_table import every

from bpx.graph.graph import OPS
from bpx.spec.reading.decoder import FORMS, KEYS, ROLES
from bpx.spec.reading.examples import example_names, example_path
from bpx.spec.reading.read import read_spec
from bpx.spec.reading.target import read_target
from bpx.spec.writing.schema import schema
from bpx.spec.writing.write import write_spec
from bpx.words.diagnostic import BpxError, Source

VALIDATOR = Draft202012Validator(schema())


def reader_codes(document: Any) -> list[str]:
    """What the reader has against a document, by code."""
    try:
        read_spec(Source("a.json", json.dumps(document)), "json")
    except BpxError as error:
        return [problem.code for problem in error.diagnostics]
    return []


def changed(**parts: Any) -> dict[str, Any]:
    """A good document with some of its parts replaced; `...` takes one out."""
    document: dict[str, Any] = {"bpx": 1, "inputs": {"x": 1, "M": [[1, 2]]}, "graph": {"y": "x + sum(M)"}}
    document |= parts
    return {key: value for key, value in document.items() if value is not ...}


def test_the_schema_is_one() -> None:
    Draft202012Validator.check_schema(schema())


def test_it_is_plain_data_and_the_same_every_time() -> None:
    assert json.loads(json.dumps(schema())) == schema()


@every("name", example_names())
def test_every_example_is_valid(name: str) -> None:
    VALIDATOR.validate(tomllib.loads(example_path(name).read_text(encoding="utf-8")))


@every("name", example_names())
def test_every_saved_example_is_valid(name: str) -> None:
    spec = read_target(name)
    VALIDATOR.validate(json.loads(write_spec(spec, "json")))
    VALIDATOR.validate(tomllib.loads(write_spec(spec, "toml")))


@given(documents())
def test_every_random_document_is_valid(document: dict[str, Any]) -> None:
    VALIDATOR.validate(document)
    VALIDATOR.validate(json.loads(write_spec(spec_from(document), "json")))


CUBE = {"args": ["t"], "value": "t^3", "partials": {"t": "3*t^2"}}


def cube(**parts: Any) -> dict[str, Any]:
    """A document with an op of its own, some of whose parts are replaced; `...` takes one out."""
    op = {key: value for key, value in {**CUBE, **parts}.items() if value is not ...}
    return changed(ops={"cube": op})


AFFINE = {"args": ["x", "W"], "graph": {"z": "x @ W", "a": {"op": "tanh", "args": ["z"]}}, "output": "a"}


def affine(**parts: Any) -> dict[str, Any]:
    """A document with a block, some of whose parts are replaced; `...` takes one out."""
    return changed(
        blocks={"affine": {key: value for key, value in {**AFFINE, **parts}.items() if value is not ...}}
    )


DATA = {"columns": ["a", "b"], "rows": [[1, 2], [3, 4.5]]}


def table(**parts: Any) -> dict[str, Any]:
    """A document with a table, some of whose parts are replaced; `...` takes one out."""
    return changed(tables={"t": {key: value for key, value in {**DATA, **parts}.items() if value is not ...}})


def given_as(**entry: Any) -> dict[str, Any]:
    """A document with a table, and an input that is given as a table of keys."""
    return changed(tables={"t": DATA}, inputs={"x": entry, "M": 1}, graph={"y": "sum(x) + M"})


# --- what both take -----------------------------------------------------------------------------

ACCEPTED = {
    "the least": {"bpx": 1, "graph": {"y": "1"}},
    "as it is": changed(),
    "a title and an output": changed(title="A title", output="y"),
    "an empty title": changed(title=""),
    "no inputs": changed(inputs={}, graph={"y": "1 + 2"}),
    "an input as a table": changed(inputs={"x": {"value": 1}, "M": [[1.5, -2]]}),
    **{f"the role {role}": changed(inputs={"x": {"value": 1, "role": role}, "M": [1]}) for role in ROLES},
    "a deep array": changed(inputs={"x": [[[[1]]]], "M": [1]}),
    "names that are not ASCII": changed(inputs={"β": 1}, graph={"ŷ": "β"}),
    "a step written out": changed(graph={"y": {"op": "add", "args": ["x", 2]}}),
    "a step with settings": changed(
        graph={"y": {"op": "sum", "args": ["M"], "axis": [0, 1], "keepdims": True}}
    ),
    "a step by an alias": changed(graph={"y": {"op": "σ", "args": ["x"]}}),
    "an empty expect": changed(expect={}),
    "a value expected": changed(expect={"value": 4}),
    "a version with a point": changed(bpx=1.0),  # to a schema, 1.0 is 1
    "a range": changed(inputs={"x": {"value": 1, "range": [-2, 2.5]}, "M": [1]}),
    "claims": changed(claims={"x": "1 + 0*y", "M": [[1, 1]], "y": 1.0}),
    "no claims": changed(claims={}),
    "an op": changed(ops={"cube": CUBE}, graph={"y": "cube(x) + sum(M)"}),
    "an op in a step written out": changed(ops={"cube": CUBE}, graph={"y": {"op": "cube", "args": ["x"]}}),
    "no ops": changed(ops={}),
    "a block": affine(),
    "a block without an output": affine(output=...),
    "a block of one expression": affine(graph=..., output=..., value="x @ W"),
    "a block that is called": changed(
        blocks={"affine": AFFINE},
        graph={"y": "sum(affine(M, M.T)) + x", "z": {"op": "affine", "args": ["M", 2]}},
    )
    | {"blocks": {"affine": {"args": ["x", "W"], "value": "x * W"}}},
    "no blocks": changed(blocks={}),
    "a dotted name": changed(graph={"h.z": "x", "y": "h.z + 1"}),
    "a table": table(),
    "no tables": changed(tables={}),
    "an input from a table": given_as(table="t"),
    "columns of a table": given_as(table="t", columns=["b", "a"], role="target", range=[0, 9]),
    "a column of a table": given_as(table="t", column="b"),
    "drawn normally": given_as(normal=[2, 3], seed=1),
    "drawn normally, all said": given_as(
        normal=[2], mean=-1, scale=0.5, seed=0, role="parameter", range=[-9, 9]
    ),
    "drawn uniformly": given_as(uniform=[2, 3], seed=4294967295),
    "drawn uniformly, all said": given_as(uniform=[], low=-1, high=0.5, seed=1.0, role="constant"),
    "gradients expected": changed(expect={"value": 4.0, "gradients": {"x": 1, "M": [[1, 1]]}}),
}


@every("document", ACCEPTED.values())
def test_what_the_reader_takes_is_valid(document: dict[str, Any]) -> None:
    assert reader_codes(document) == []
    VALIDATOR.validate(document)


# --- what neither takes -------------------------------------------------------------------------

REFUSED = {
    "no version": (changed(bpx=...), "missing-version"),
    "another version": (changed(bpx=2), "unsupported-version"),
    "a version in quotes": (changed(bpx="1"), "wrong-type"),
    "true for a version": (changed(bpx=True), "unsupported-version"),
    "null for a version": (changed(bpx=None), "wrong-type"),
    "no graph": (changed(graph=...), "no-steps"),
    "an empty graph": (changed(graph={}), "no-steps"),
    "a graph that is a list": (changed(graph=["x"]), "wrong-type"),
    "a graph that is text": (changed(graph="x"), "wrong-type"),
    "an unknown key": (changed(input={}), "unknown-key"),
    "a key in capitals": (changed(Title="a"), "unknown-key"),
    "a title that is a number": (changed(title=1), "wrong-type"),
    "an output that is a list": (changed(output=["y"]), "wrong-type"),
    "null for a title": (changed(title=None), "wrong-type"),
    "null for an output": (changed(output=None), "wrong-type"),
    "null for inputs": (changed(inputs=None, graph={"y": "1"}), "wrong-type"),
    "null for expect": (changed(expect=None), "wrong-type"),
    "inputs that are a list": (changed(inputs=[1]), "wrong-type"),
    "an input that is text": (changed(inputs={"x": "1", "M": 1}), "not-a-number"),
    "an input that is true": (changed(inputs={"x": True, "M": 1}), "not-a-number"),
    "an input that is null": (changed(inputs={"x": None, "M": 1}), "not-a-number"),
    "an empty array": (changed(inputs={"x": [], "M": 1}), "empty-array"),
    "an empty row": (changed(inputs={"x": [[]], "M": 1}), "empty-array"),
    "text in an array": (changed(inputs={"x": [1, "2"], "M": 1}), "not-a-number"),
    "a table in an array": (changed(inputs={"x": [{"value": 1}], "M": 1}), "not-a-number"),
    "an input without a value": (changed(inputs={"x": {"role": "data"}, "M": 1}), "missing-value"),
    "an empty table for an input": (changed(inputs={"x": {}, "M": 1}), "missing-value"),
    "an unknown key of an input": (changed(inputs={"x": {"value": 1, "rol": "data"}, "M": 1}), "unknown-key"),
    "an unknown role": (changed(inputs={"x": {"value": 1, "role": "weight"}, "M": 1}), "unknown-role"),
    "a role that is a number": (changed(inputs={"x": {"value": 1, "role": 1}, "M": 1}), "unknown-role"),
    "a role in capitals": (changed(inputs={"x": {"value": 1, "role": "Data"}, "M": 1}), "unknown-role"),
    "a table in a table": (changed(inputs={"x": {"value": {"value": 1}}, "M": 1}), "not-a-number"),
    "a step that is a number": (changed(graph={"y": 1}), "wrong-type"),
    "a step that is a list": (changed(graph={"y": ["x"]}), "wrong-type"),
    "a step that is null": (changed(graph={"y": None}), "wrong-type"),
    "an empty expression": (changed(graph={"y": ""}), "empty-expression"),
    "a step without op": (changed(graph={"y": {"args": ["x"]}}), "step-without-op"),
    "an op that is a number": (changed(graph={"y": {"op": 1, "args": ["x"]}}), "step-without-op"),
    "an unknown op": (changed(graph={"y": {"op": "ad", "args": ["x"]}}), "unknown-op"),
    "args that are text": (changed(graph={"y": {"op": "exp", "args": "x"}}), "wrong-type"),
    "args that are null": (changed(graph={"y": {"op": "exp", "args": None}}), "wrong-type"),
    "an arg that is a list": (changed(graph={"y": {"op": "exp", "args": [[1]]}}), "bad-arg"),
    "an arg that is true": (changed(graph={"y": {"op": "exp", "args": [True]}}), "bad-arg"),
    "an arg that is empty": (changed(graph={"y": {"op": "exp", "args": [""]}}), "bad-arg"),
    "expect that is a number": (changed(expect=4), "wrong-type"),
    "an unknown key of expect": (changed(expect={"values": 4}), "unknown-key"),
    "text for an expected value": (changed(expect={"value": "4"}), "not-a-number"),
    "null for an expected value": (changed(expect={"value": None}), "not-a-number"),
    "gradients that are a list": (changed(expect={"gradients": [1]}), "wrong-type"),
    "gradients that are null": (changed(expect={"gradients": None}), "wrong-type"),
    "text for a gradient": (changed(expect={"gradients": {"x": "1"}}), "not-a-number"),
    "a range that is a number": (changed(inputs={"x": {"value": 1, "range": 2}, "M": 1}), "bad-range"),
    "a range of one": (changed(inputs={"x": {"value": 1, "range": [1]}, "M": 1}), "bad-range"),
    "a range of three": (changed(inputs={"x": {"value": 1, "range": [0, 1, 2]}, "M": 1}), "bad-range"),
    "a range of texts": (changed(inputs={"x": {"value": 1, "range": ["0", "2"]}, "M": 1}), "bad-range"),
    "claims that are a list": (changed(claims=[1]), "wrong-type"),
    "a claim that is a table": (changed(claims={"x": {}}), "not-a-number"),
    "a claim that is null": (changed(claims={"x": None}), "wrong-type"),
    "an empty claim": (changed(claims={"x": []}), "empty-array"),
    "a claim of empty text": (changed(claims={"x": ""}), "empty-expression"),
    "ops that are a list": (changed(ops=[1]), "wrong-type"),
    "an op that is text": (changed(ops={"cube": "t^3"}), "wrong-type"),
    "an op without args": (cube(args=...), "op-without"),
    "an op without a value": (cube(value=...), "op-without"),
    "an op without partials": (cube(partials=...), "op-without"),
    "an unknown key of an op": (cube(arg=["t"]), "unknown-key"),
    "an op of no args": (cube(args=[]), "no-args"),
    "args of an op that are text": (cube(args="t"), "wrong-type"),
    "an arg of an op that is a number": (cube(args=["t", 2]), "bad-name"),
    "an arg of an op without a name": (cube(args=["t", ""]), "bad-name"),
    "an arg called out": (cube(args=["t", "out"]), "arg-is-out"),
    "an arg twice": (cube(args=["t", "t"]), "repeated-arg"),
    "a value of an op that is a number": (cube(value=1), "wrong-type"),
    "a value of an op that is empty": (cube(value=""), "empty-expression"),
    "partials that are a list": (cube(partials=["3*t^2"]), "wrong-type"),
    "a partial that is a number": (cube(partials={"t": 1}), "wrong-type"),
    "blocks that are a list": (changed(blocks=[1]), "wrong-type"),
    "a block that is text": (changed(blocks={"affine": "x"}), "wrong-type"),
    "a block without args": (affine(args=...), "bad-block"),
    "a block of neither form": (affine(graph=...), "bad-block"),
    "a block of both forms": (affine(value="x"), "bad-block"),
    "a block of no args": (affine(args=[]), "no-args"),
    "an arg of a block twice": (affine(args=["x", "x"]), "repeated-arg"),
    "an arg of a block with a dot": (affine(args=["x", "W", "a.b"]), "bad-inner-name"),
    "an arg of a block called T": (affine(args=["x", "W", "T"]), "bad-inner-name"),
    "an arg of a block that is a number": (affine(args=["x", "W", 1]), "bad-name"),
    "a block without steps": (affine(graph={}), "no-steps-in-block"),
    "a graph of a block that is a list": (affine(graph=["x"]), "wrong-type"),
    "a step of a block that is a number": (affine(graph={"a": 1}), "wrong-type"),
    "a step of a block without op": (affine(graph={"a": {"args": ["x"]}}), "step-without-op"),
    "a value of a block that is empty": (affine(graph=..., value=""), "empty-expression"),
    "an output of a block that is a number": (affine(output=1), "wrong-type"),
    "an unknown key of a block": (affine(partials={}), "unknown-key"),
    "tables that are a list": (changed(tables=[1]), "wrong-type"),
    "a table that is a list": (changed(tables={"t": [[1]]}), "wrong-type"),
    "a table without columns": (table(columns=...), "table-without"),
    "a table without rows": (table(rows=...), "table-without"),
    "a table of no columns": (table(columns=[]), "no-columns"),
    "a column twice": (table(columns=["a", "a"]), "repeated-column"),
    "a column that is a number": (table(columns=["a", 1]), "not-a-column"),
    "a table of no rows": (table(rows=[]), "empty-array"),
    "a row that is a number": (table(rows=[1, 2]), "not-a-row"),
    "a row that is empty": (table(rows=[[]]), "table-row"),
    "a cell that is text": (table(rows=[[1, "2"]]), "not-a-number"),
    "a cell that is null": (table(rows=[[1, None]]), "not-a-number"),
    "a cell that is a list": (table(rows=[[1, [2]]]), "not-a-number"),
    "an unknown key of a table": (table(row=[1]), "unknown-key"),
    "a table that is named by a number": (given_as(table=1), "wrong-type"),
    "columns and a column": (given_as(table="t", columns=["a"], column="b"), "two-forms"),
    "no chosen columns": (given_as(table="t", columns=[]), "no-columns"),
    "a chosen column twice": (given_as(table="t", columns=["a", "a"]), "repeated-column"),
    "a chosen column that is a list": (given_as(table="t", column=["a"]), "wrong-type"),
    "two forms": (given_as(value=1, normal=[2], seed=1), "two-forms"),
    "a key of another form": (given_as(normal=[2], low=1, seed=1), "unknown-key"),
    "a seed of nothing drawn": (given_as(value=1, seed=1), "unknown-key"),
    "drawn without a seed": (given_as(normal=[2]), "missing-seed"),
    "a seed below zero": (given_as(uniform=[2], seed=-1), "seed-out-of-range"),
    "a seed beyond 32 bits": (given_as(uniform=[2], seed=2**32), "seed-out-of-range"),
    "half a seed": (given_as(uniform=[2], seed=0.5), "seed-out-of-range"),
    "a length of zero": (given_as(normal=[0], seed=1), "bad-lengths"),
    "half a length": (given_as(normal=[1.5], seed=1), "bad-lengths"),
    "a number for a shape": (given_as(normal=2, seed=1), "bad-lengths"),
    "a scale that is text": (given_as(normal=[2], scale="1", seed=1), "no-finite-number"),
    "a bound that is null": (given_as(uniform=[2], low=None, seed=1), "no-finite-number"),
    "an empty gradient": (changed(expect={"gradients": {"x": []}}), "empty-array"),
}


@every("document, code", REFUSED.values())
def test_what_the_reader_refuses_is_not_valid(document: dict[str, Any], code: str) -> None:
    assert code in reader_codes(document)
    assert not VALIDATOR.is_valid(document)


@pytest.mark.parametrize("document", [[], 1, "x", None, True])
def test_a_document_is_a_table(document: Any) -> None:
    assert reader_codes(document) == ["wrong-type"]
    assert not VALIDATOR.is_valid(document)


# --- what no schema can say: the reader alone refuses it ----------------------------------------

BEYOND = {
    "rows of different lengths": (changed(inputs={"x": [[1, 2], [3]], "M": 1}), "ragged"),
    "a name that is not defined": (changed(graph={"y": "z"}), "unknown-name"),
    "a syntax error": (changed(graph={"y": "x +"}), "ends-too-early"),
    "a circle": (changed(graph={"a": "b", "b": "a"}), "cycle"),
    "a range back to front": (changed(inputs={"x": {"value": 1, "range": [2, 0]}, "M": 1}), "bad-range"),
    "a value outside its range": (
        changed(inputs={"x": {"value": 3, "range": [0, 2]}, "M": 1}),
        "outside-range",
    ),
    "a claim on nothing": (changed(claims={"q": 1}), "claim-unknown"),
    "a partial that is missing": (cube(partials={}), "missing-partial"),
    "a partial by nothing": (cube(partials={"t": "1", "u": "1"}), "unknown-partial"),
    "an op that is not there beside one that is": (
        changed(ops={"cube": CUBE}, graph={"y": {"op": "cub", "args": ["x"]}}),
        "unknown-op",
    ),
    "an output of a block that is not there": (affine(output="q"), "missing-block-output"),
    "a name unknown in a block": (affine(graph={"a": "M"}), "unknown-in-block"),
    "a block that calls itself": (affine(graph={"a": "affine(x, W)"}), "block-cycle"),
    "a row that is too short": (table(rows=[[1]]), "table-row"),
    "a table that is not there": (given_as(table="q"), "unknown-table"),
    "a column that is not there": (given_as(table="t", column="q"), "unknown-column"),
    "more elements than there is room for": (given_as(normal=[10**9], seed=1), "input-too-large"),
    "bounds back to front": (given_as(uniform=[2], low=2, seed=1), "low-not-below-high"),
    "an output that is not there": (changed(output="q"), "missing-output"),
}


@every("document, code", BEYOND.values())
def test_what_is_beyond_a_schema(document: dict[str, Any], code: str) -> None:
    assert code in reader_codes(document)
    VALIDATOR.validate(document)


# --- random changes -----------------------------------------------------------------------------

FULL = changed(
    title="t",
    output="z",
    inputs={
        "x": {"value": 1, "role": "parameter", "range": [0, 3]},
        "M": [[1, 2]],
        "W": {"normal": [2, 2], "mean": 0, "scale": 0.5, "seed": 1},
        "u": {"uniform": [2], "low": -1, "high": 1, "seed": 1},
        "d": {"table": "t", "columns": ["b"]},
        "c": {"table": "t", "column": "a"},
    },
    tables={"t": DATA},
    blocks={"affine": AFFINE, "twice": {"args": ["u"], "value": "2*u"}},
    graph={
        "y": "x + sum(M) + sum(affine(twice(u), W) + c) + sum(d)",
        "z": {"op": "sum", "args": ["M"], "axis": 0},
    },
    expect={"value": [1, 2], "gradients": {"M": [[1, 1]]}},
    claims={"x": "2*x", "M": [[0.5, 1]]},
    ops={"cube": CUBE},
)
ODDITIES = st.sampled_from(
    [
        None,
        True,
        1,
        1.5,
        -2,
        "",
        "x",
        "parameter",
        "exp",
        [],
        [1],
        [[1, 2]],
        ["x"],
        {},
        {"value": 1},
        {"op": "exp"},
    ]
)
STRUCTURAL = {
    "unknown-key",
    "wrong-type",
    "missing-version",
    "unsupported-version",
    "no-steps",
    "not-a-number",
}
STRUCTURAL |= {"op-without", "no-args", "repeated-arg", "arg-is-out", "empty-expression"}
STRUCTURAL |= {"bad-block", "no-steps-in-block", "bad-inner-name", "two-forms", "missing-seed", "bad-lengths"}
STRUCTURAL |= {
    "seed-out-of-range",
    "no-finite-number",
    "table-without",
    "no-columns",
    "not-a-column",
    "not-a-row",
}
STRUCTURAL |= {"repeated-column"}
STRUCTURAL |= {"empty-array", "missing-value", "unknown-role", "step-without-op", "bad-arg"}


def places(document: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(document, dict):
        return [path, *(place for key, one in document.items() for place in places(one, (*path, key)))]
    if isinstance(document, list):
        return [path, *(place for i, one in enumerate(document) for place in places(one, (*path, i)))]
    return [path]


@given(st.sampled_from(places(FULL)[1:]), ODDITIES, st.sampled_from(["replace", "remove", "add"]))
def test_reader_and_schema_agree_on_changed_documents(path: Any, oddity: Any, change: str) -> None:
    document = deepcopy(FULL)
    *way, last = path
    parent = document
    for key in way:
        parent = parent[key]
    if change == "remove":
        del parent[last]
    elif change == "add" and isinstance(parent, dict):
        parent["extra"] = oddity
    else:
        parent[last] = oddity
    codes = reader_codes(document)
    if not codes:
        assert VALIDATOR.is_valid(document)
    if STRUCTURAL & set(codes):
        assert not VALIDATOR.is_valid(document), codes


# --- computed from the tables -------------------------------------------------------------------


def test_every_key_roles_and_ops_come_from_the_reader() -> None:
    found = schema()
    assert list(found["properties"]) == list(KEYS["top"])
    forms = found["$defs"]["input"]["anyOf"][1:]
    assert [list(form["properties"]) for form in forms] == [
        [form, *more, "role", "range"] for form, more in FORMS.items()
    ]
    assert all(form["properties"]["role"]["enum"] == list(ROLES) for form in forms)
    assert list(found["$defs"]["table"]["properties"]) == list(KEYS["table"])
    assert list(found["$defs"]["block"]["properties"]) == list(KEYS["block"])
    assert list(found["properties"]["expect"]["properties"]) == list(KEYS["expect"])
    assert list(found["$defs"]["op"]["properties"]) == list(KEYS["op"])
    assert found["$defs"]["step_of_table"]["properties"]["op"]["enum"] == sorted(OPS)
