"""The JSON output follows the schemas that are shipped, and these allow nothing else."""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from accounts import full_account
from invoking import RUNNER, invoke
from jsonschema import Draft202012Validator
from reports import MAKERS, report
from rows_of_a_table import every

from bpx.cli.main import app
from bpx.cli.reference.schema import kinds, schema_of

OUTPUTS = [kind for kind in kinds() if kind != "spec"]
SIGMOID = ["gradcheck", "s = sigmoid(x); s*y", "x=1", "y=2"]
COMMANDS = [
    ["explain", "two_moons", "--node", "h1"],
    ["explain", "square_of_sum", "--forward"],
    ["explain", "logistic_regression", "--sensitivity", "0.1", "--cost", "--tree", "--short", "--sources"],
    ["explain", "relu_at_kink", "--sensitivity", "0.2"],
    ["explain", "x^3*y", "x=1", "y=2", "--order", "3"],
    ["explain", "sqrt(x)", "x=-1"],
    ["gradcheck", "logistic_regression", "--why", "w[0]"],
    ["gradcheck", "|x|", "x=0", "--why", "x"],
    ["gradcheck", "log(x)", "x=-1", "--why", "x"],
    ["gradcheck", "x^2*y", "x=1", "y=2", "--order", "2", "--all"],
    *([*SIGMOID, "--claim", "s = -y", "--hint", level] for level in "12345"),
    [*SIGMOID, "--claim", "x = s*y", "--points", "4"],
    ["train", "logistic_regression", "--steps", "3", "--show-steps", "2", "--check", "1"],
    ["train", "iris_softmax", "--steps", "2", "--batch", "4", "--schedule", "step"],
    ["explain", "x +", "x=1"],
    ["explain", "--no-such-option"],
]

ACCOUNTS = ["two_paths", "broadcast_bias", "a weighted output", "large arrays", "not finite", "kinks"]


@cache
def validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(schema_of(kind))


def check(plain: dict[str, Any]) -> None:
    found = [
        f"{error.json_path}: {error.message[-200:]}" for error in validator(plain["kind"]).iter_errors(plain)
    ]
    assert not found, found


def printed(command: list[str]) -> dict[str, Any]:
    return dict(json.loads(RUNNER.invoke(app, [*command, "--json"]).stdout))


@every("kind", OUTPUTS)
def test_the_schemas_are_schemas(kind: str) -> None:
    Draft202012Validator.check_schema(schema_of(kind))
    assert schema_of(kind)["properties"]["kind"]["const"] == kind


@every("command", COMMANDS)
def test_commands(command: list[str]) -> None:
    check(printed(command))


@every("name", MAKERS)
def test_reports(name: str) -> None:
    check(report(name).to_dict())


@every("name", ACCOUNTS)
def test_accounts(name: str) -> None:
    check(full_account(name).to_dict())


def objects(schema: Any) -> list[dict[str, Any]]:
    """All object schemas within a schema that list their keys."""
    parts = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else []
    inner = [found for part in parts for found in objects(part)]
    lists_keys = isinstance(schema, dict) and isinstance(schema.get("properties"), dict)
    return [schema, *inner] if lists_keys else inner


@every("kind", OUTPUTS)
def test_other_keys_are_refused(kind: str) -> None:
    assert all(schema["additionalProperties"] is False for schema in objects(schema_of(kind)))


@every("kind", OUTPUTS)
def test_the_command_prints_them(kind: str) -> None:
    assert json.loads(invoke("schema", kind).stdout) == schema_of(kind)


def test_an_unknown_kind() -> None:
    assert "did you mean `explanation`" in invoke("schema", "explanaton", exit=2).stderr
