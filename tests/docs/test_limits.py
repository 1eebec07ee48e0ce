"""The table of `bpx help limits` has the numbers of the code, and each limit is enforced."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from invoking import RUNNER
from pages import DOCS

from bpx.check.numeric.tolerances import MOST_JOBS, MOST_POINTS
from bpx.cli.main import app
from bpx.explain.sections.higher import HIGHEST
from bpx.graph.arrays import LARGEST_GRAPH, LARGEST_NODE, MOST_AXES
from bpx.spec.reading.blocks import LARGEST
from bpx.spec.reading.documents.locate import _MOST_DEPTH
from bpx.spec.reading.target import LARGEST_SPEC
from bpx.spec.tables.table import LARGEST_TABLE
from bpx.spec.text.parser import LONGEST_FORMULA
from bpx.train.settings import MOST_STEPS
from bpx.train.sweep.axes import MOST_POINTS as MOST_SWEPT
from bpx.words.diagnostic import MOST_PROBLEMS

SQUARE = ["x^2", "x=3"]


def _spec(text: str, command: str = "explain") -> Callable[[], list[str]]:
    def made() -> list[str]:
        Path("a.toml").write_text(f"bpx = 1\n{text}")
        return [command, "a.toml"]

    return made


def _drawn(shape: str, y: str = "1") -> Callable[[], list[str]]:
    return _spec(f'[graph]\ny = "{y}"\n[inputs]\nx = {{ normal = [{shape}], seed = 1 }}')


def _sparse(name: str, size: int, *args: str) -> Callable[[], list[str]]:
    """A file of so many bytes that takes no room on the disk."""

    def made() -> list[str]:
        with Path(name).open("wb") as file:
            file.truncate(size)
        return [*args, name]

    return made


_DOUBLINGS = "\n".join(f"[blocks.b{i}]\nargs = ['x']\nvalue = 'b{i + 1}(x) + b{i + 1}(x)'" for i in range(20))
_BLOCKS = f"[graph]\ny = 'b0(1)'\n{_DOUBLINGS}\n[blocks.b20]\nargs = ['x']\nvalue = 'x'\n"

# What the row is about → the constant, the code of the refusal, and a command line that is beyond it.
LIMITS: dict[str, tuple[int, str, Callable[[], list[str]]]] = {
    "a spec or a file of notes": (LARGEST_SPEC, "too-big", _sparse("a.toml", LARGEST_SPEC + 1, "explain")),
    "a table of gradients": (
        LARGEST_TABLE,
        "too-big",
        _sparse("a.csv", LARGEST_TABLE + 1, "audit", "logistic_regression"),
    ),
    "one formula": (
        LONGEST_FORMULA,
        "formula-too-long",
        _spec(f"[graph]\ny = '{'1' * (LONGEST_FORMULA + 1)}'"),
    ),
    "blocks of a spec": (LARGEST, "blocks-too-large", _spec(_BLOCKS)),
    "keys inside one another": (_MOST_DEPTH, "too-deep", _spec("a." * _MOST_DEPTH + "a = 1")),
    "axes of an array": (MOST_AXES, "input-too-large", _drawn("1, " * (MOST_AXES + 1))),
    "elements of a node": (LARGEST_NODE, "input-too-large", _drawn(str(LARGEST_NODE + 1))),
    "elements of all nodes": (LARGEST_GRAPH, "too-large", _drawn(str(LARGEST_NODE), "sum(x + 1)")),
    "problems shown": (
        MOST_PROBLEMS,
        "more-problems",
        _spec("\n".join(f"k{i} = 1" for i in range(MOST_PROBLEMS + 2)) + "\n[graph]\ny = '1'"),
    ),
    "`--points`": (MOST_POINTS, "bad-points", lambda: ["gradcheck", *SQUARE, f"--points={MOST_POINTS + 1}"]),
    "`--jobs`": (MOST_JOBS, "bad-jobs", lambda: ["gradcheck", *SQUARE, f"--jobs={MOST_JOBS + 1}"]),
    "`--order`": (HIGHEST, "bad-highest-order", lambda: ["explain", *SQUARE, f"--order={HIGHEST + 1}"]),
    "`--steps`": (
        MOST_STEPS,
        "bad-steps",
        lambda: ["train", *SQUARE, "--wrt=x", f"--steps={MOST_STEPS + 1}"],
    ),
    "points of a sweep": (
        MOST_SWEPT,
        "too-many-points",
        lambda: ["sweep", *SQUARE, f"--over=x=0..1:{MOST_SWEPT + 1}"],
    ),
}
ROWS = re.findall(r"^\| (.+?) \| ([\d,]+) \| .+ \|$", (DOCS / "limits.md").read_text("utf-8"), re.MULTILINE)


def test_each_row_has_a_limit() -> None:
    assert [next((key for key in LIMITS if row.startswith(key)), row) for row, _ in ROWS] == list(LIMITS)


@pytest.mark.parametrize("key", LIMITS)
def test_limit(key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    most, code, beyond = LIMITS[key]
    [stated] = [int(number.replace(",", "")) for row, number in ROWS if row.startswith(key)]
    assert stated == most
    result = RUNNER.invoke(app, [*beyond(), "--json"])
    assert result.exit_code == 2
    assert f'"{code}"' in result.stdout
