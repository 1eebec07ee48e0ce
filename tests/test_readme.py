"""The README is short, and its two commands set bpx up and test it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest
from pages import DOCS, README, ROOT, examples, text_of


def test_it_is_short() -> None:
    assert len(text_of(README).splitlines()) < 250


def test_it_shows_outputs() -> None:
    shown = [example for example in examples(README) if example.output is not None]
    assert {example.language for example in shown} == {"sh", "console", "python"}


def in_a_shell(command: str, folder: Path, **others: str) -> subprocess.CompletedProcess[str]:
    """Run a command as after a fresh login; pytest only collects a file, or it would not end."""
    env = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    env |= {"PYTEST_ADDOPTS": "--collect-only tests/graph/test_graph.py", "PYTHONIOENCODING": "utf-8"}
    # Half of the time would go into compiling modules that nobody imports.
    env |= {"PIP_NO_COMPILE": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.run(
        command, shell=True, cwd=folder, env=env | others, capture_output=True, encoding="utf-8", check=False
    )


def command_of(marker: str) -> str:
    (command,) = re.findall(rf"<!-- {marker} -->\n```sh\n(.*?)```", text_of(README), re.DOTALL)
    return str(command)


@pytest.mark.timeout(1800)  # packages are downloaded
@pytest.mark.parametrize(
    "marker, output", [("run", "out = 4"), ("test", "tests collected")], ids=["run", "test"]
)
def test_set_up_command(marker: str, output: str, tmp_path: Path) -> None:
    """Each command of the README in a fresh copy.

    The first one finds nothing. The second one, which needs 50 packages more, takes what is installed here.
    """
    ignored = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", ".hypothesis")
    copy = shutil.copytree(ROOT, tmp_path / "bpx", ignore=ignored)
    others = {"PYTHONPATH": sysconfig.get_path("purelib")} if marker == "test" else {}
    done = in_a_shell(command_of(marker), copy, **others)
    if "NewConnectionError" in done.stderr or "Temporary failure" in done.stderr:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    assert output in done.stdout
    assert in_a_shell(".venv/bin/bpx help spec", copy, **others).stdout == text_of(DOCS / "spec.md")


@pytest.mark.skipif(not (ROOT / ".ci").exists(), reason="not in the sdist")
def test_what_the_checks_of_a_change_leave_out_is_one_of_these() -> None:
    """What they do themselves; under another name it would be done twice."""
    left_out = re.findall(r"--deselect=(\S+?)\"", text_of(ROOT / ".ci" / "run"))
    assert left_out == [f"tests/test_readme.py::{test_set_up_command.__name__}[test]"]


# Modules whose packages have other names; and modules of programs that tests use where they are installed.
PACKAGES = {"flint": "python_flint", "IPython": "ipython"}
IF_INSTALLED = {"torch", "dask"}


def test_the_second_command_installs_all_that_tests_import() -> None:
    project = tomllib.loads(text_of(ROOT / "pyproject.toml"))["project"]
    required = [*project["dependencies"], *project["optional-dependencies"]["dev"]]
    installed = {re.split(r"[^\w-]", line)[0].replace("-", "_") for line in required}
    files = [path for path in (ROOT / "tests").rglob("*.py") if "benchmarks" not in path.parts]
    ours = {
        "bpx",
        "tests",
        "benchmarks",
        *(path.stem for path in files),
        *(path.parent.name for path in files),
    }
    imported = re.compile(r"^ *(?:import|from) (\w+)(?:\.[\w.]+)?(?: import .+| as \w+)?$", re.MULTILINE)
    modules = {name for path in files for name in imported.findall(text_of(path))}
    others = modules - ours - sys.stdlib_module_names - IF_INSTALLED
    assert {"numpy", "pytest", "hypothesis"} <= others
    assert {PACKAGES.get(name, name) for name in others} <= installed
