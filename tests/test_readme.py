"""What the README says is what happens: its commands run, its outputs are the real ones."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)
COMMANDS = [line for kind, text in BLOCKS if kind == "sh" for line in text.splitlines() if "bpx " in line]
TOUR = [command for command in COMMANDS if command.startswith(("bpx ", "cat "))]
SHOWN = [
    (before.strip(), text)
    for (kind_before, before), (kind, text) in pairwise(BLOCKS)
    if (kind_before, kind) == ("sh", "text")
]


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command, with `bpx` meaning this interpreter's, in a copy of what the README speaks of."""
    python = f"{shlex.quote(sys.executable)} -m bpx "
    return subprocess.run(
        re.sub(r"(^|\| )bpx ", rf"\1{python}", command),
        shell=True,
        cwd=folder,
        env={**os.environ, "COLUMNS": "80", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    return tmp_path


@pytest.mark.parametrize("command", TOUR)
def test_command_runs(command: str, folder: Path) -> None:
    done = run(command, folder)
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""


def without_noise(text: str) -> str:
    """The text without error bars and the digits they leave, which depend on how a processor rounds."""
    text = re.sub(r"([±<]) *[0-9.e+-]+( +\d+)?", r"\1 bar", text)
    return re.sub(r"at least \d+ digits", "at least so many digits", text)


@pytest.mark.parametrize(("command", "output"), SHOWN, ids=[command for command, _ in SHOWN])
def test_output_is_the_real_one(command: str, output: str, folder: Path) -> None:
    assert without_noise(run(command, folder).stdout) == without_noise(output)


def test_the_check_is_the_real_one(folder: Path) -> None:
    ((command, output),) = re.findall(r"```console\n\$ (bpx .*?)\n(.*?)```", README, re.DOTALL)
    done = run(command, folder)
    assert (done.returncode, without_noise(done.stdout)) == (1, without_noise(output))


def test_outputs_are_shown() -> None:
    assert len(SHOWN) == 3


def test_diagnostic_is_the_real_one(tmp_path: Path) -> None:
    shown = next(text for kind, text in BLOCKS if kind == "text" and text.startswith("error["))
    spec = 'bpx = 1\n[inputs]\nx = 1\nw2 = 2\n[graph]\nhidden = "tanh(x)"\ny = "tanh(hiden * w2)"\n'
    (tmp_path / "mlp.toml").write_text(spec)
    done = run("bpx explain mlp.toml", tmp_path)
    assert (done.returncode, done.stderr) == (2, shown)


def test_spec_of_the_readme_holds(tmp_path: Path) -> None:
    specs = [text for kind, text in BLOCKS if kind == "toml"]
    assert len(specs) == 2
    for spec in specs:
        (tmp_path / "spec.toml").write_text(spec, encoding="utf-8")
        done = run("bpx explain spec.toml", tmp_path)
        assert (done.returncode, done.stderr) == (0, "")


def test_python_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for kind, text in BLOCKS:
        if kind == "python":
            exec(compile(text, "README.md", "exec"), {})


def test_json_table_names_every_key() -> None:
    import bpx

    account = bpx.load("logistic_regression").explain(paths=[], second=True, step=0.1, expand=["all"])
    plain = account.to_dict()
    rows = [plain, *plain["nodes"], *plain["edges"], *plain["paths"], *plain["second"], plain["step"]]
    keys = {key for row in rows for key in row if not key.endswith("_summary")}
    table = README.partition("## JSON")[2].partition("## Glossary")[0]
    assert keys - set(re.findall(r"`(\w+)`", table)) == set()


def test_json_table_names_every_key_of_a_training() -> None:
    import bpx

    values = {"x": [1, 2, 3], "w": 0.5}
    plain = bpx.parse("mean((w*x - x)^2)", **values).train(wrt="w", batch=2, show_steps=1, check=50).to_dict()
    shown = plain["shown"][0]
    rows = [plain, shown, *(plain[key] for key in ("steps", "batch", "loss"))]
    rows += [*plain["parameters"], *plain["checks"], *shown["parameters"].values()]
    keys = {key for row in rows for key in row}
    table = README.partition("A training, version 1")[2].partition("## ")[0]
    assert keys - set(re.findall(r"`(\w+)`", table)) == set()


def test_every_op_is_listed() -> None:
    from bpx.ops import rows

    listed = README.partition("## Ops\n")[2].partition("## Specs")[0]
    assert {op.name for op in rows()} - set(re.findall(r"`(\w+)`", listed)) == set()


@pytest.mark.parametrize("marker", ["run", "test"])
def test_set_up_command(marker: str, tmp_path: Path) -> None:
    """The two commands of the README in a fresh copy; pytest only collects a file, or it would not end."""
    found = re.search(rf"<!-- {marker} -->\n```sh\n(.*?)```", README, re.DOTALL)
    assert found
    ignored = shutil.ignore_patterns(".venv", ".git", "__pycache__", ".*_cache", ".hypothesis")
    copy = shutil.copytree(ROOT, tmp_path / "bpx", ignore=ignored)
    env = {key: value for key, value in os.environ.items() if key not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(
        found[1],
        shell=True,
        cwd=copy,
        env={**env, "PYTEST_ADDOPTS": "--collect-only tests/test_graph.py", "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )
    if "NewConnectionError" in done.stderr or "Temporary failure" in done.stderr:
        pytest.skip("no package index can be reached")
    assert done.returncode == 0, done.stderr
    assert ("out = 4" if marker == "run" else "tests collected") in done.stdout
