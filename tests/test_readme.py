"""The README is short, and its two commands set bpx up and test it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pages import README, ROOT, examples, text_of


def test_it_is_short() -> None:
    assert len(text_of(README).splitlines()) < 250


def test_it_shows_outputs() -> None:
    shown = [example for example in examples(README) if example.output is not None]
    assert {example.language for example in shown} == {"sh", "console", "python"}


@pytest.mark.parametrize("marker", ["run", "test"])
def test_set_up_command(marker: str, tmp_path: Path) -> None:
    """The two commands of the README in a fresh copy; pytest only collects a file, or it would not end."""
    (command,) = re.findall(rf"<!-- {marker} -->\n```sh\n(.*?)```", text_of(README), re.DOTALL)
    ignored = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", ".hypothesis")
    copy = shutil.copytree(ROOT, tmp_path / "bpx", ignore=ignored)
    env = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    options = "--collect-only tests/graph/test_graph.py"
    done = subprocess.run(
        command,
        shell=True,
        cwd=copy,
        env={**env, "PYTEST_ADDOPTS": options, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if "NewConnectionError" in done.stderr or "Temporary failure" in done.stderr:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    assert ("out = 4" if marker == "run" else "tests collected") in done.stdout
