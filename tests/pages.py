"""Pages of Markdown whose code runs: the README and `bpx/docs`.

What the code in a fence is, by its language:

- `sh`: commands that exit with 0 and print nothing on standard error;
- `console`: `$ command` and what it prints, for a command that exits with 1 or 2;
- `python`: a program;
- `text`: what the `sh` or `python` above it prints;
- `toml`: a spec that `bpx explain` accepts.

Run: python tests/pages.py

writes the real outputs into the pages, where they differ by more than noise, and draws their picture. The
screenshot of the page, `bpx/docs/pictures/page.png`, is taken by hand.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from command_lines import are_plain, run_lines, run_program

import bpx

ROOT = Path(__file__).parent.parent
README = ROOT / "README.md"
DOCS = ROOT / "bpx" / "docs"
PAGES = [README, *sorted(DOCS.glob("*.md"))]
PICTURE = DOCS / "pictures" / "logistic_regression.svg"
LANGUAGES = {"sh", "console", "python", "text", "toml"}
_FENCE = re.compile(r"^```(.*?)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


class Fence(NamedTuple):
    """A block of code in a page; `start` and `end` are where its text stands there."""

    language: str
    text: str
    start: int
    end: int


class Example(NamedTuple):
    """Code of a page, and the output that the page shows for it, if it shows one."""

    page: Path
    language: str
    code: str
    output: str | None
    start: int
    end: int

    @property
    def exits(self) -> set[int]:
        """The exit codes it may end with."""
        return {1, 2} if self.language == "console" else {0}

    def run(self, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run the code; `folder` holds the files it may name.

        The first example of each language in a README runs in a process of its own, and so does what needs
        a shell. The others are called: to start Python takes longer than most of them.
        """
        first = next(first.code for first in examples(self.page) if first.language == self.language)
        if self.page.stem.startswith("README") and self.code == first:
            return self.run_in_a_process(folder)
        if self.language == "python":
            return run_program(self.code, folder)
        if not are_plain(self.code):
            return self.run_in_a_process(folder)
        return run_lines(self.code, folder, merged=self.language == "console")

    def run_in_a_process(self, folder: Path) -> subprocess.CompletedProcess[str]:
        """Run the code by this interpreter, from a file, whose lines bpx can name; commands by a shell."""
        if self.language == "python":
            Path(folder, "check.py").write_text(self.code, encoding="utf-8")
        program = [sys.executable, "check.py"] if self.language == "python" else ["sh", "-c", self._shell]
        env = {
            **os.environ,
            "BPX_LANG": "en",
            "COLUMNS": "80",
            "PYTHONIOENCODING": "utf-8",
            "PYTHONPATH": str(ROOT),
        }
        env.pop("FORCE_COLOR", None)
        return subprocess.run(
            program,
            cwd=folder,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if self.language == "console" else subprocess.PIPE,
            text=True,
            encoding="utf-8",
            check=False,
        )

    @property
    def _shell(self) -> str:
        python = f"{shlex.quote(sys.executable)} -m bpx "
        return "set -e\n" + re.sub(r"(^|\| )bpx ", rf"\1{python}", self.code, flags=re.MULTILINE)


def text_of(page: Path) -> str:
    """The text of a page."""
    return page.read_text(encoding="utf-8")


def fences(text: str) -> list[Fence]:
    """The blocks of code in a page, in order."""
    return [Fence(found[1], found[2], found.start(2), found.end(2)) for found in _FENCE.finditer(text)]


def examples(page: Path) -> list[Example]:
    """What runs in a page; the commands that set bpx up are tested apart, as they make an environment."""
    text = text_of(page)
    blocks = fences(text)
    made = []
    for block, after in zip_longest(blocks, blocks[1:]):
        if block.language == "console":
            command, _, output = block.text.removeprefix("$ ").partition("\n")
            start = block.end - len(output)
            made.append(Example(page, "console", command, output, start, block.end))
        elif block.language in ("sh", "python") and "python3 -m venv" not in block.text:
            shown = after if after and after.language == "text" else None
            place = (shown.text, shown.start, shown.end) if shown else (None, 0, 0)
            made.append(Example(page, block.language, block.text, *place))
    return made


def section(page: Path, title: str) -> str:
    """The text below a heading, up to the next heading of any level."""
    return re.split(r"^#+ ", text_of(page).partition(f"# {title}\n")[2], maxsplit=1, flags=re.MULTILINE)[0]


def without_noise(text: str) -> str:
    """The text without error bars and the digits they leave, which depend on how a processor rounds.

    Blank lines at the end do not count either.
    """
    text = re.sub(r"([±<]) *[0-9.e+-]+( +\d+)?", r"\1 bar", text)
    return re.sub(r"(at least|至少)\s+\d+\s+(digits|位)", r"\1 so many \2", text).rstrip()


def new_folder(path: Path) -> Path:
    """A folder with the files that the pages speak of."""
    shutil.copytree(ROOT / "examples", path / "examples")
    return path


def renewed(page: Path) -> str:
    """The text of a page with the real outputs in it."""
    text = text_of(page)
    for example in reversed(examples(page)):
        if example.output is None:
            continue
        with tempfile.TemporaryDirectory() as folder:
            output = example.run(new_folder(Path(folder))).stdout
        if without_noise(output) != without_noise(example.output):
            text = text[: example.start] + output.rstrip() + "\n" + text[example.end :]
    return text


def drawn() -> str:
    """The picture of the README, as it is drawn now."""
    return str(bpx.load(PICTURE.stem).explain(check=False).to("svg"))


if __name__ == "__main__":
    PICTURE.write_text(drawn(), encoding="utf-8")
    for path in PAGES:
        path.write_text(renewed(path), encoding="utf-8")
