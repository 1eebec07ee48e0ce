"""TikZ: what LaTeX makes of it, and `--part picture`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from invoking import invoke

import bpx
from bpx.render.picture.placing.engines import engine

BEGIN, END = "\\begin{tikzpicture}", "\\end{document}"
HOSTILE = (
    'bpx = 1\ntitle = "\\\\input{x} $&% # ~ ^ {}"\n[inputs]\nx = 1\na_b = 2\n[graph]\n"é_α中" = "x*a_b^2"\n'
)
# Frames, large arrays, numbers on edges, a target, layers; a document of all of them takes TeX a second.
DRAWN = ("logistic_regression", "mazur_network", "conv2d_4x4", "max_and_where", "relu_at_kink", HOSTILE)

needs_engine = pytest.mark.skipif(engine() is None, reason="needs the extra `draw`")


def has_tikz() -> bool:
    finder = shutil.which("kpsewhich")
    command = [str(finder), "standalone.cls", "tikz.sty"]
    files = subprocess.run(command, capture_output=True, check=False).stdout.split() if finder else []
    return len(files) == 2


@needs_engine
@pytest.mark.skipif(not has_tikz(), reason="no TikZ here")
def test_pictures_compile(tmp_path: Path) -> None:
    documents = [bpx.load(name).explain(check=False).picture().to("tikz") for name in DRAWN]
    head = documents[0].partition(BEGIN)[0]
    bodies = [BEGIN + document.partition(BEGIN)[2].removesuffix(f"{END}\n") for document in documents]
    assert all(document.startswith(head) for document in documents)
    (tmp_path / "it.tex").write_text("\n".join([head, *bodies, END]), encoding="utf-8")
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "it.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert f"({len(DRAWN)} pages".encode() in done.stdout
    assert b"Missing character" not in (tmp_path / "it.log").read_bytes()


@needs_engine
def test_the_picture_is_a_part_of_latex(tmp_path: Path) -> None:
    drawn = bpx.load("sigmoid").explain().picture().to("tikz")
    assert invoke("explain", "sigmoid", "--part", "picture").stdout == drawn
    invoke("explain", "sigmoid", "--part", "picture", "-o", str(tmp_path / "a.tex"))
    assert (tmp_path / "a.tex").read_text(encoding="utf-8") == drawn


def test_the_picture_is_a_part_of_markdown(tmp_path: Path) -> None:
    chart = bpx.load("sigmoid").explain().to_mermaid()
    asked = ("explain", "sigmoid", "--part", "picture")
    assert invoke(*asked, "--format", "markdown").stdout == f"```mermaid\n{chart}```\n"
    invoke(*asked, "-o", str(tmp_path / "a.md"))
    assert (tmp_path / "a.md").read_text(encoding="utf-8") == f"```mermaid\n{chart}```\n"
    tables = invoke("explain", "sigmoid", "--part", "table", "--format", "markdown").stdout
    assert tables == invoke("explain", "sigmoid", "--format", "markdown").stdout


def test_no_line_of_a_chart_ends_its_fence() -> None:
    text = 'bpx = 1\ntitle = "a\\n```\\n# b"\n[inputs]\nx = 1\n[graph]\ny = "x"\n'
    chart = bpx.load(text).explain().to_mermaid()
    assert not any(line.lstrip().startswith(("`", "~")) for line in chart.splitlines())


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--part", "derivation", "--format", "markdown"], "part-of-latex"),
        (["--part", "derivation", "-o", "a.md"], "part-of-latex"),
        (["--part", "whole"], "unknown-choice"),
        (["--part", "picture", "--format", "plain"], "form-without-parts"),
        (["--part", "picture", "-o", "a.txt"], "form-without-parts"),
    ],
)
def test_a_form_has_only_its_own_parts(options: list[str], code: str) -> None:
    assert f"error[{code}]" in invoke("explain", "sigmoid", *options, exit=2).stderr
