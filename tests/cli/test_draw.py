"""`bpx draw` and `bpx gradcheck --draw` on the command line."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest
from invoking import invoke

SQUARE = ["(x+y)^2", "x=3", "y=-1"]


def test_without_a_file_the_graph_is_printed_for_graphviz() -> None:
    assert invoke("draw", *SQUARE).stdout.startswith("digraph {\n")


def test_what_cannot_be_drawn_is_refused(tmp_path: Path) -> None:
    found = invoke("draw", "mazur_network", "--style", "circuit", exit=2)
    assert "error[circuit-too-large]" in found.stderr
    assert "unknown-ending" in invoke("draw", *SQUARE, "-o", str(tmp_path / "a.bmp"), exit=2).stderr


def test_the_mistake_is_drawn(tmp_path: Path) -> None:
    path = tmp_path / "a.dot"
    invoke("gradcheck", "logistic_regression", "--claim", "z = a + y", "--draw", str(path), exit=1)
    assert "the mistake is here" in path.read_text(encoding="utf-8")


@pytest.mark.skipif(not importlib.util.find_spec("graphlay"), reason="needs the extra `draw`")
def test_endings_choose_the_language(tmp_path: Path) -> None:
    for ending, beginning in {".svg": "<svg", ".tex": "\\documentclass", ".mmd": "flowchart"}.items():
        path = tmp_path / f"a{ending}"
        invoke("draw", *SQUARE, "--pass", "backward", "--digits", "3", "-o", str(path))
        assert path.read_text(encoding="utf-8").startswith(beginning)
