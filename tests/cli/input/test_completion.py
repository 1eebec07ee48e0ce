"""What a shell proposes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bpx.cli.input import completion
from bpx.cli.reference import help
from tests.invoking import process


class Context:
    """What the parser knows of a command line when Tab is pressed."""

    def __init__(self, **params: Any) -> None:
        self.params = params


def test_targets_are_examples_and_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("net.toml", "net.py", "notes.txt", ".hidden.toml"):
        (tmp_path / name).write_text("")
    (tmp_path / "netted").mkdir()
    monkeypatch.chdir(tmp_path)
    assert completion.targets("net") == ["net.py", "net.toml", "netted/"]
    assert completion.targets("./ne") == ["./net.py", "./net.toml", "./netted/"]
    assert completion.targets("mazur") == ["mazur_network"]


def test_nodes_are_those_of_the_target() -> None:
    assert completion.nodes(Context(target="mazur_network"), "net_h") == ["net_h1", "net_h2"]
    assert completion.nodes(Context(target="mazur_network"), "w1,net_o") == ["w1,net_o1", "w1,net_o2"]
    assert completion.nodes(Context(target="no such spec"), "") == []
    assert completion.nodes(Context(), "") == []


def test_code_is_not_run_for_a_proposal(tmp_path: Path) -> None:
    file = tmp_path / "net.py"
    file.write_text("raise SystemExit('it ran')")
    assert completion.nodes(Context(target=f"{file}:loss"), "") == []


def test_ops_examples_and_topics() -> None:
    assert "sigmoid" in completion.ops("sig")
    assert completion.examples("sigmoid_") == ["sigmoid_by_parts"]
    assert help._completed("gra") == ["gradcheck"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script(shell: str) -> None:
    shown = process("--show-completion", shell, _TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION="1")
    assert shown.returncode == 0, shown.stderr
    assert b"COMPLETE" in shown.stdout
