"""Forms, files and their endings."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from invoking import FORMS, SIMPLE, invoke, process
from rows_of_a_table import every


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("table", "out = 4\n\nForward"),
        ("plain", "out = 4\n\nForward"),
        ("markdown", "## out = 4\n"),
        ("json", "{\n"),
    ],
)
def test_forms(form: str, begins: str) -> None:
    for flag in ("--format", "-f"):
        assert invoke(*SIMPLE, flag, form).stdout.startswith(begins)


def test_a_dash_is_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert invoke(*SIMPLE, "-o", "-").stdout == invoke(*SIMPLE).stdout
    convert = ["convert", *SIMPLE[1:]]
    assert invoke(*convert, "-o", "-").stdout == invoke(*convert).stdout
    assert invoke("draw", *SIMPLE[1:], "-f", "svg", "-o", "-").stdout.startswith("<svg ")
    assert [*tmp_path.iterdir()] == []


def test_a_part_of_latex_is_not_written_under_another_ending(tmp_path: Path) -> None:
    found = invoke(*SIMPLE, "--part", "derivation", "-o", str(tmp_path / "derivation.md"), exit=2)
    assert "error[part-of-latex]" in found.stderr
    file = tmp_path / "derivation.tex"
    invoke(*SIMPLE, "--part", "derivation", "-o", str(file))
    assert invoke(*SIMPLE, "--part", "derivation").stdout == file.read_text(encoding="utf-8")


def test_table_is_the_form_by_default_and_json_has_a_short_form() -> None:
    assert invoke(*SIMPLE).stdout == invoke(*SIMPLE, "-f", "table").stdout
    assert invoke(*SIMPLE, "--json").stdout == invoke(*SIMPLE, "-f", "json").stdout


@every(
    "command",
    [SIMPLE, ["ops"], ["ops", "max"], ["examples"]],
)
@every("form", FORMS)
def test_every_listing_has_every_form(command: list[str], form: str) -> None:
    found = invoke(*command, "-f", form).stdout
    assert found.endswith("\n")
    assert [line for line in found.split("\n") if line != line.rstrip()] == []


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.json", "json"),
        ("a.md", "markdown"),
        ("a.txt", "plain"),
        ("a.MD", "markdown"),
        ("a", "table"),
    ],
)
def test_a_file_sets_the_form(tmp_path: Path, name: str, form: str) -> None:
    path = tmp_path / name
    assert invoke(*SIMPLE, "-o", str(path)).stdout == ""
    assert path.read_text(encoding="utf-8") == invoke(*SIMPLE, "-f", form).stdout


def test_a_form_that_is_asked_for_goes_before_the_files(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    invoke(*SIMPLE, "--output", str(path), "--format", "json")
    assert json.loads(path.read_text(encoding="utf-8"))["kind"] == "explanation"


NAMED = [
    (SIMPLE, ".txt, .md, .tex, .json, .dot, .gv, .mmd, .html, .svg, .png, .pdf, or"),
    (["gradcheck", *SIMPLE[1:]], ".txt, .md, .tex, .json, .xml, .html, .svg, or"),
]
NAMED += [
    (["ops"], ".txt, .md, .tex, .json, or"),
    (["examples"], ".txt, .md, .tex, .json, or"),
    (["schema"], "are .json\n"),
]


@pytest.mark.parametrize(("command", "known"), NAMED, ids=lambda one: one[0])
@pytest.mark.parametrize("name", ["a.bmp", "a.htm", "a.out", "a.json5", "a.md.bak", "a.xml.gz"])
def test_an_ending_nobody_knows_is_refused(tmp_path: Path, command: list[str], known: str, name: str) -> None:
    found = invoke(*command, "-o", str(tmp_path / name), exit=2)
    assert found.stderr.startswith(f"error[unknown-ending]: unknown ending `{Path(name).suffix}` in")
    assert known in found.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_ending_of_another_kind_of_object_is_refused(tmp_path: Path) -> None:
    found = invoke(*SIMPLE, "-o", str(tmp_path / "a.xml"), exit=2)
    assert "error[unknown-ending]" in found.stderr
    assert "error[unknown-choice]" in invoke(*SIMPLE, "-f", "junit", exit=2).stderr


@pytest.mark.parametrize("form", FORMS)
def test_with_a_form_any_ending_but_that_of_a_spec_will_do(tmp_path: Path, form: str) -> None:
    path = tmp_path / "a.out"
    invoke(*SIMPLE, "-o", str(path), "-f", form)
    assert path.read_text(encoding="utf-8") == invoke(*SIMPLE, "-f", form).stdout
    refused = invoke(*SIMPLE, "-o", str(tmp_path / "a.toml"), "-f", form, exit=2)
    assert "report-as-spec" in (refused.stdout if form == "json" else refused.stderr)


def test_an_unknown_form_is_refused_with_those_there_are() -> None:
    assert "table, plain, markdown, latex, json" in invoke(*SIMPLE, "-f", "bmp", exit=2).stderr


def test_a_file_is_overwritten_and_written_in_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x" * 100_000, encoding="utf-8")
    assert process(*SIMPLE, "-o", str(path), PYTHONIOENCODING="ascii").returncode == 0
    assert "∂out/∂x" in path.read_text(encoding="utf-8")


def test_a_file_has_no_colour(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert process(*SIMPLE, "-o", str(path), FORCE_COLOR="1").returncode == 0
    assert "\x1b" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [[*SIMPLE], ["convert", "sigmoid"], ["ops"], ["schema"], ["examples"]])
def test_a_file_that_cannot_be_written(tmp_path: Path, command: list[str]) -> None:
    for name in ("nosuch/a", "."):
        found = invoke(*command, "-o", str(tmp_path / name), exit=2)
        assert "error[unwritable]" in found.stderr
