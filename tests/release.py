"""Try a release as users get it: build it, install it away from the repo, and run it there.

Run by hand before a release, from the root of the repo, with a package index in reach:

    python -m tests.release

builds wheel and sdist; compares what is in them; installs the wheel alone (with the lowest dependencies
allowed, and with the newest) and runs the README and every bundled example; installs from a folder of
wheels without an index, and in one command as `uvx` does; prints completion scripts; and lets mypy and
pyright look at a program from outside. The first step that fails ends it with exit code 1.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
BUILD = ["build", "hatchling"]
TYPED = """import bpx

spec: bpx.Spec = bpx.parse("x^2", x=3.0)
report: bpx.Report = spec.gradcheck()
text: str = report.verdict
wrong: int = spec.explain()
"""


def run(*command: str | Path, folder: Path, fails: bool = False) -> str:
    """What a command prints; away from the repo, with nothing of this process's environment for Python."""
    env = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "VIRTUAL_ENV"))}
    env |= {"PYTHONUTF8": "1", "BPX_LANG": "en", "COLUMNS": "80"}
    done = subprocess.run(
        [str(part) for part in command], cwd=folder, env=env, capture_output=True, text=True, check=False
    )
    if (done.returncode != 0) != fails:
        raise SystemExit(f"{command} exits with {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def environment(folder: Path, *wanted: str | Path) -> Path:
    """The folder of programs of a new environment with these packages."""
    venv.create(folder, with_pip=True)
    programs = folder / ("Scripts" if os.name == "nt" else "bin")
    run(programs / "python", "-m", "pip", "install", "-q", *wanted, folder=folder)
    return programs


def copy_of_the_repo(folder: Path) -> Path:
    names = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    return folder


def build(work: Path) -> tuple[Path, Path]:
    """The wheel, which is built from the sdist as an index does, and the sdist."""
    repo = copy_of_the_repo(work / "repo")
    programs = environment(work / "build", *BUILD)
    run(programs / "python", "-m", "build", "--outdir", work / "dist", repo, folder=work)
    (wheel,) = (work / "dist").glob("*.whl")
    (sdist,) = (work / "dist").glob("*.tar.gz")
    return wheel, sdist


def check_contents(work: Path, wheel: Path, sdist: Path) -> None:
    """Every file of the repo is in the sdist, and every one of `bpx` and `examples` in the wheel."""
    files = {str(path.relative_to(work / "repo")) for path in (work / "repo").rglob("*") if path.is_file()}
    with tarfile.open(sdist) as archive:
        packed = {name.partition("/")[2] for name in archive.getnames()}
    with zipfile.ZipFile(wheel) as archive:
        installed = set(archive.namelist())
    lost = {name for name in files - packed if not name.startswith(".")}
    parts = {
        re.sub("^examples", "bpx/examples", name) for name in files if name.startswith(("bpx/", "examples/"))
    }
    lost |= parts - installed
    if lost:
        raise SystemExit(f"left out: {sorted(lost)}")


def commands_of_the_readme() -> list[str]:
    """Lines of `bpx …` in the README's fences of shell commands that must succeed."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [block for block in blocks if block.startswith("bpx ")]


def try_it(programs: Path, folder: Path) -> None:
    """Run the README and all examples by an installed bpx, in a folder with nothing in it."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    run(programs / "bpx", "--version", folder=folder)
    for block in commands_of_the_readme():
        run("sh", "-ec", f'PATH="{programs}:$PATH"\n{block}', folder=folder)
    for example in json.loads(run(programs / "bpx", "examples", "--json", folder=folder))["examples"]:
        run(programs / "bpx", "explain", example["name"], folder=folder)
    for shell in ("bash", "zsh", "fish"):
        if "bpx" not in run(programs / "bpx", "--show-completion", shell, folder=folder):
            raise SystemExit(f"no completion script for {shell}")


def lowest() -> list[str]:
    """The dependencies of the project, each the oldest that is allowed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [wanted.replace(">=", "==") for wanted in project["dependencies"]]


def check_types(work: Path, wheel: Path) -> None:
    """Both checkers see the types of an installed bpx: they find the one mistake of a program."""
    programs = environment(work / "types", wheel, "mypy", "pyright")
    folder = work / "typed"
    folder.mkdir()
    (folder / "program.py").write_text(TYPED)
    for checker in (["mypy", "--strict"], ["pyright", "--pythonpath", str(programs / "python")]):
        found = run(programs / checker[0], *checker[1:], "program.py", folder=folder, fails=True)
        wrong = re.findall(r"program\.py:(\d+)(?::\d+)?[: -]+error", found)
        if wrong != ["6"]:
            raise SystemExit(f"{checker[0]} does not see the types of bpx:\n{found}")


def main() -> None:
    """All steps, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        wheel, sdist = build(work)
        check_contents(work, wheel, sdist)
        print(f"built: {wheel.name} ({wheel.stat().st_size:,} B), {sdist.name} ({sdist.stat().st_size:,} B)")
        for kind, wanted in {"newest": [wheel], "lowest": [wheel, *lowest()]}.items():
            folder = work / f"away-{kind}"
            folder.mkdir()
            try_it(environment(work / kind, *wanted), folder)
            print(f"the wheel alone, {kind} dependencies: README and examples run")
        house = work / "house"
        run(sys.executable, "-m", "pip", "download", "-q", "-d", house, wheel, "hatchling", folder=work)
        offline = ["--no-index", "--find-links", str(house), str(work / "repo")]
        run(environment(work / "offline", *offline) / "bpx", "explain", "x^2", "x=3", folder=work)
        print("installed without an index")
        programs = environment(work / "uv", "uv")
        run(programs / "uvx", "--from", wheel, "bpx", "explain", "x^2", "x=3", folder=work)
        print("run by uvx")
        check_types(work, wheel)
        print("mypy and pyright see its types")


if __name__ == "__main__":
    main()
