"""Which files an output may replace, and when that is known."""

from __future__ import annotations

import importlib
import json
import shutil
from pathlib import Path

import pytest
from invoking import invoke
from rows_of_a_table import every

from bpx.cli.output.outputs import holds_spec
from bpx.spec.reading.examples import example_path

NOTES = "y = x^2\ndy/dx = 2x\n"
CODE = "def f(x):\n    return x * x\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A spec under many names, notes, code and a table."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(example_path("sigmoid"), "me.toml")
    invoke("convert", "me.toml", "-o", "me.json")
    shutil.copy("me.toml", "bare")
    shutil.copy("me.toml", "spec.txt")
    Path("link.json").symlink_to("me.json")
    Path("notes.md").write_text(NOTES)
    Path("code.py").write_text(CODE)
    Path("x.json").write_text('{"x": 0.5}')
    return tmp_path


REFUSED = """
    explain me.json -o me.json                          replaces-spec
    explain sigmoid -o me.json                          replaces-spec
    explain sigmoid -f json -o link.json                replaces-spec
    explain sigmoid -o bare                             replaces-spec
    explain sigmoid -o spec.txt                         replaces-spec
    explain sigmoid -o me.toml                          report-as-spec
    gradcheck me.toml -f junit -o me.toml               report-as-spec
    gradcheck me.toml -f junit -o bare                  replaces-spec
    schema -o me.json                                   replaces-spec
    examples -o me.json                                 replaces-spec
    ops -o me.json                                      replaces-spec
    learn 1 -o me.json                                  replaces-spec
    sweep me.toml --over x=-1..1 -o me.json             replaces-spec
    practice me.toml -o me.toml                         replaces-spec
    practice me.toml -o me.json                         replaces-spec
    train logistic_regression --steps 1 --report me.json      replaces-spec
    train logistic_regression --steps 1 -o a.toml --report ./a.toml   report-as-spec
    train logistic_regression --steps 1 -o a.json --report ./a.json   output-twice
    gradcheck me.toml -o a.svg --draw a.svg             output-twice
    check notes.md -o notes.md                          replaces-input
    explain x^2 --set x=@x.json -o x.json               replaces-input
    convert code.py:f x=1 -o code.py                    replaces-input
    convert me.toml --to json -o x.toml                 other-format
    convert me.toml --to toml -o me.json                other-format
    convert me.toml --to numpy -o other.toml            other-format
    convert me.toml --to json -o code.py                other-format
    convert me.toml -o report.md                        unknown-format
    train logistic_regression --steps 1 -o report.md    unknown-format
    train logistic_regression --steps 1 -o no/a.toml    unwritable
    train logistic_regression --steps 1 -o folder.toml  unwritable
    explain sigmoid -o no/a.txt                         unwritable
    gradcheck sigmoid --draw no/a.svg                   unwritable
    practice sigmoid -o no/a.toml                       unwritable
"""


def test_no_output_replaces_what_was_read(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is computed either: what cannot be written is refused before the work."""

    def work(*_: object, **__: object) -> None:
        raise AssertionError("the work began")

    for module in ("lessons.parts", "tables.audit", "derivations.blame", "code.check", "callables.check"):
        importlib.import_module(f"bpx.spec.{module}")  # or they would keep what stands here for a while
    for place in ("bpx.train.train.train", "bpx.check.gradcheck.gradcheck", "bpx.train.sweep.sweep.sweep"):
        monkeypatch.setattr(place, work)
    (folder / "folder.toml").mkdir()
    before = {path: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    for line in REFUSED.strip().splitlines():
        *args, code = line.split()
        found = invoke(*args, exit=2)
        assert code in found.stderr + found.stdout, line
        assert {path: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before, line
    assert (folder / "link.json").is_symlink()


def test_standard_input_may_be_the_file(folder: Path) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "bpx", "check", "-", "-o", "notes.md"]
    with (folder / "notes.md").open() as notes:
        found = subprocess.run(command, stdin=notes, capture_output=True, text=True, check=False)
    assert (found.returncode, (folder / "notes.md").read_text()) == (2, NOTES)
    assert "replaces-input" in found.stderr


WRITTEN = """
    convert me.toml -o me.toml
    convert me.json -o link.json
    train me.toml --wrt x --steps 1 -o me.toml
    explain me.toml -o a.json
    explain me.toml -o a.json
    schema -o b.json
    schema -o b.json
    practice me.toml -o c.toml
    practice me.toml -o c.toml
    gradcheck me.toml -o a.json
    convert me.toml --to toml -o spec.yaml
    explain me.toml -o notes.md
    convert code.py:f x=1 --to torch -o other.py
"""


def test_specs_are_replaced_by_specs_and_reports_by_reports(folder: Path) -> None:
    for line in WRITTEN.strip().splitlines():
        invoke(*line.split())
    assert (folder / "link.json").is_symlink()
    assert json.loads((folder / "me.json").read_text())["graph"]
    assert json.loads((folder / "a.json").read_text())["kind"] == "gradcheck"


@every(
    "text, name, is_spec",
    [
        ('{"bpx": 1, "graph": {"y": "x"}}', "a.json", True),
        ('{"graph": {"y": "x"', "a.json", True),  # half written, and all the more to be kept
        ('{"bpx": 1, "inputs": {"kind": 1}, "graph": {"kind": "x"}}', "a.json", True),
        ('{"bpx": 1, "kind": "explanation", "graph": []}', "a.json", False),
        ("bpx = 1\n[graph]\ny = 'x'\n", "a", True),
        ("bpx = 1\ngraph = {y = 'x'}\n", "a.toml", True),
        ("bpx = 1\ngraph.y = 'x'\n", "a.TXT", True),
        ("# [graph]\n", "a.md", False),
        ("the graph = x\n", "a.txt", False),
        ("", "a.json", False),
    ],
)
def test_what_counts_as_a_spec(tmp_path: Path, text: str, name: str, is_spec: bool) -> None:
    path = tmp_path / name
    path.write_text(text)
    assert holds_spec(str(path)) == is_spec
