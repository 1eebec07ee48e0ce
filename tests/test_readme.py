"""The README is short, and its two commands set bpx up and test it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from pages import DOCS, README, ROOT, examples, text_of


def test_it_is_short() -> None:
    assert len(text_of(README).splitlines()) < 250


def test_it_shows_outputs() -> None:
    shown = [example for example in examples(README) if example.output is not None]
    assert {example.language for example in shown} == {"sh", "console", "python"}


def in_a_shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command as after a fresh login; pytest only collects a file, or it would not end."""
    env = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    env |= {"PYTEST_ADDOPTS": "--collect-only tests/graph/test_graph.py", "PYTHONIOENCODING": "utf-8"}
    # Half of the time would go into compiling modules that nobody imports.
    env |= {"PIP_NO_COMPILE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.run(
        command, shell=True, cwd=folder, env=env, capture_output=True, encoding="utf-8", check=False
    )


@pytest.mark.timeout(1800)  # a fresh environment is downloaded, and the whole suite runs in it
@pytest.mark.parametrize("marker", ["run", "test"])
def test_set_up_command(marker: str, tmp_path: Path) -> None:
    """The two commands of the README in a fresh copy."""
    (command,) = re.findall(rf"<!-- {marker} -->\n```sh\n(.*?)```", text_of(README), re.DOTALL)
    ignored = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", ".hypothesis")
    copy = shutil.copytree(ROOT, tmp_path / "bpx", ignore=ignored)
    done = in_a_shell(command, copy)
    if "NewConnectionError" in done.stderr or "Temporary failure" in done.stderr:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    assert ("out = 4" if marker == "run" else "tests collected") in done.stdout
    assert in_a_shell(".venv/bin/bpx help spec", copy).stdout == text_of(DOCS / "spec.md")
