"""`bpx convert`."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest
from invoking import invoke, plain_json

from bpx.spec.reading.examples import example_names


@pytest.mark.parametrize("name", example_names())
@pytest.mark.parametrize("format", ["toml", "json"])
def test_convert_and_explain_again(tmp_path: Path, name: str, format: str) -> None:
    path = tmp_path / f"{name}.{format}"
    invoke("convert", name, "-o", str(path))
    before, after = plain_json("explain", name), plain_json("explain", str(path))
    assert after["gradients"] == before["gradients"]
    assert after["output"] == before["output"]


def test_convert_to_standard_output() -> None:
    found = invoke("convert", "x^2", "--set", "x=3")
    assert tomllib.loads(found.stdout)["inputs"] == {"x": 3.0}
    assert invoke("convert", "x^2", "--set", "x=3", "--to", "toml").stdout == found.stdout
    assert json.loads(invoke("convert", "x^2", "--set", "x=3", "--to", "json").stdout)["inputs"] == {"x": 3.0}


def test_convert_keeps_the_values_given() -> None:
    found = invoke("convert", "sigmoid", "--set", "x=2")
    assert tomllib.loads(found.stdout)["inputs"] == {"x": 2.0}


@pytest.mark.parametrize("to", ["yaml", "", ".toml", "TOML "])
def test_convert_to_something_else(to: str) -> None:
    found = (
        invoke("convert", "sigmoid", "--to", to, exit=2) if to else invoke("convert", "sigmoid", "--to", to)
    )
    assert ("unknown-choice" in found.stderr) == bool(to)


def test_convert_of_what_is_wrong() -> None:
    assert "error[ends-too-early]" in invoke("convert", "x +", exit=2).stderr


def test_errors_of_convert_are_text_whatever_the_file(tmp_path: Path) -> None:
    """The file's suffix is the format of the spec; nobody asked for diagnostics in JSON."""
    found = invoke("convert", "x +", "-o", str(tmp_path / "a.json"), exit=2)
    assert "error[ends-too-early]" in found.stderr


@pytest.mark.parametrize("name", ["a.yaml", "a.txt"])
def test_an_ending_that_is_no_format_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    assert "error[unknown-format]" in invoke("convert", "sigmoid", "-o", str(path), exit=2).stderr
    assert not path.exists()
    invoke("convert", "sigmoid", "-o", str(path), "--to", "toml")
    assert "sigmoid" in path.read_text(encoding="utf-8")
