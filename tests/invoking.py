"""The command line called as a function, and as a process of its own."""

from __future__ import annotations

import functools
import json
import os
import subprocess
import sys
from typing import Any

import pytest
import typer.testing
from typer.testing import CliRunner

from bpx.cli.main import app

# Typer builds all commands anew at every call: as long as most of them take.
typer.testing._get_command = functools.cache(typer.testing._get_command)  # type: ignore[attr-defined]
RUNNER = CliRunner()
SIMPLE = ["explain", "(x+y)^2", "--set", "x=3", "--set", "y=-1"]
FORMS = ["table", "plain", "markdown", "json"]


def invoke(*args: str, exit: int = 0, input: Any = None) -> Any:
    result = RUNNER.invoke(app, [*args], input=input)
    assert result.exit_code == exit, (result.stdout, result.stderr, result.exception)
    return result


def plain_json(*args: str, exit: int = 0, input: Any = None) -> dict[str, Any]:
    return dict(json.loads(invoke(*args, "--json", exit=exit, input=input).stdout))


def error_codes(*args: str) -> list[str]:
    found = plain_json(*args, exit=2)
    assert found["kind"] == "error"
    return [one["code"] for one in found["diagnostics"]]


def process(*args: str, data: bytes | None = None, **env: str) -> subprocess.CompletedProcess[bytes]:
    """A process of its own, with nothing in its environment that says how to print."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name
        not in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "LINES", "PYTHONIOENCODING", "TTY_COMPATIBLE")
    }
    return subprocess.run(
        [sys.executable, "-m", "bpx", *args],
        input=data or b"",
        capture_output=True,
        env={**kept, "PYTHONUTF8": "1", **env},
        check=False,
        timeout=60,
    )


def check_calm(args: list[str], data: Any = None) -> None:
    """Every call ends in 0, 1 or 2, says why on standard error where it fails, and nothing more."""
    result = RUNNER.invoke(app, args, input=data)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code in (0, 1, 2), args
    assert "Traceback" not in result.output
    if result.exit_code == 2:
        assert result.stderr or {"--json", "json"} & set(args)
    if {"--json", "json"} & set(args) and result.stdout.startswith("{"):
        json.loads(result.stdout, parse_constant=pytest.fail)
