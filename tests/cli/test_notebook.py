"""`%bpx` in a notebook: by the protocol of IPython's shell, and by IPython itself where it is installed."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from invoking import invoke
from notebooks import Shell, code_cells

import bpx
from bpx.cli.notebook.magic import CellError
from bpx.words.en import CATALOGUE as ENGLISH
from bpx.words.say import speak

FOLDER = Path(__file__).parent.parent.parent / "examples" / "notebooks"
NOTEBOOK = FOLDER / "gradient.ipynb"


@pytest.fixture
def shell() -> Iterator[Shell]:
    shell = Shell()
    shell.run("%load_ext bpx")
    yield shell
    speak(ENGLISH)


def test_a_language_holds_until_the_next_command(shell: Shell) -> None:
    assert "局部导数" in shell.run('%bpx --lang zh "x^2" x=3')._repr_html_()
    assert "local derivative" in shell.run('%bpx --lang en "x^2" x=3')._repr_html_()


def test_a_line_is_a_command_line(shell: Shell) -> None:
    explanation = shell.run('%bpx explain "(x+y)^2" x=3 y=-1')
    assert isinstance(explanation, bpx.Explanation)
    assert explanation.gradients == {"x": 4, "y": 4}
    assert shell.run('%bpx "(x+y)^2" x=3 y=-1').to_dict() == explanation.to_dict()


BODIES = {
    "an expression": ("", "w*x", 6.0),
    "statements": ("explain", "z = w*x\nL = z^2", 36.0),
    "a spec": ("explain", 'bpx = 1\n[inputs]\nw = 5\nx = 3\n[graph]\nL = "w*x"', 15.0),
    "values of the line before variables": ("explain x=4", "w*x", 8.0),
    "options alone": ("--named", "w*x", 6.0),
    "LaTeX": ("", r"\frac{w}{x}", 2 / 3),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_cell_is_a_target(shell: Shell, name: str) -> None:
    shell.user_ns |= {"w": 2, "x": 3}
    line, body, value = BODIES[name]
    explanation = shell.run(f"%%bpx {line}\n{body}")
    assert np.asarray(explanation.value) == pytest.approx(value)


class Tensor:
    """Numbers as torch has them where they have a gradient: only when detached."""

    def detach(self) -> Any:
        return np.array([1.0, 2.0])

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise RuntimeError("detach first")


def test_variables_may_be_whatever_is_numbers(shell: Shell) -> None:
    shell.user_ns |= {"a": 2, "b": [1, 2], "c": np.float32(0.5), "t": Tensor(), "n": np.array([[1, 2]])}
    explanation = shell.run("%%bpx\nsum(a*b*c*t) + sum(n)")
    assert explanation.value == 2 * 0.5 * (1 + 4) + 3
    for other in ("3", np.sum, None, {"a": 1}, [[1], [2, 3]]):
        shell.user_ns["other"] = other
        with pytest.raises(CellError, match=r"input `other` has no value"):
            shell.run("%%bpx\na*other")


def test_missing_values_are_drawn_where_that_is_asked_for(shell: Shell) -> None:
    shell.user_ns["a"] = 2.0
    drawn = shell.run("%%bpx explain --random\na*q").gradients
    assert drawn["q"] == 2
    assert drawn["a"] != 0


WRONG = {
    "%%bpx\nx*(": "error[ends-too-early]: the expression ends where an operand is expected\n  --> <cell>:1:4",
    "%%bpx explain --foo\nx": "`bpx explain` has no option `--foo`",
    '%bpx explain "x': "error[unclosed-quote]",
    "%bpx foo": "`foo` is neither a command nor an example",
    "%bpx explain x^2": "input `x` has no value",
}


@pytest.mark.parametrize("cell", WRONG)
def test_what_cannot_be_used_is_a_diagnostic(shell: Shell, cell: str, capsys: Any) -> None:
    with pytest.raises(CellError) as caught:
        shell.run(cell)
    shown = "\n".join(caught.value._render_traceback_())
    assert WRONG[cell] in shown
    assert "Traceback" not in shown
    assert capsys.readouterr() == ("", "")


def test_a_wrong_claim_is_a_report_and_no_failure(shell: Shell) -> None:
    report = shell.run('%%bpx gradcheck --claim "x = 7"\nx = 3\ny = x^2')
    assert report.verdict == "disagree"


def test_pictures_are_shown_and_texts_are_printed(shell: Shell, capsys: Any, tmp_path: Path) -> None:
    shell.user_ns["x"] = 3
    assert shell.run("%%bpx draw\nx^2").kind == "picture"
    for form, kind in {"html": "page", "png": "picture", "svg": "picture"}.items():
        assert shell.run(f"%%bpx draw --format {form}\nx^2").kind == kind
    assert capsys.readouterr().out == ""
    assert shell.run("%%bpx explain --format markdown\nx^2") is None
    assert capsys.readouterr().out == invoke("explain", "x^2", "x=3", "--format", "markdown").stdout
    assert shell.run(f"%%bpx explain -o {shlex.quote(str(tmp_path / 'a.json'))}\nx^2") is None
    assert bpx.parse("x^2", x=3).explain().to_json() == (tmp_path / "a.json").read_text(encoding="utf-8")


def test_nothing_is_shown_twice(shell: Shell, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    shown: list[Any] = []  # in a kernel, Rich shows what it prints, even where that is captured
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    monkeypatch.setattr("rich.jupyter.display", lambda *what: shown.append(what))
    report = shell.run('%bpx gradcheck "x^2" x=3')
    assert report._repr_mimebundle_()["text/plain"].startswith("The gradient of out ")
    assert capsys.readouterr().out == ""
    shell.run('%bpx explain "x^2" x=3 --format table')
    shell.run("%bpx train logistic_regression --steps 3")
    shell.run("%bpx help ops")
    assert capsys.readouterr().out
    assert not shown


def test_what_it_changes_it_puts_back(shell: Shell) -> None:
    streams = sys.stdin, sys.stdout, sys.stderr
    shell.run('%bpx "x^2" x=3')
    with pytest.raises(CellError):
        shell.run("%%bpx\nx^2")
    assert (sys.stdin, sys.stdout, sys.stderr) == streams
    assert "x  " in invoke("explain", "x^2", "x=3").stdout  # the command line prints


def test_standard_input_with_missing_values_is_read_once() -> None:
    assert invoke("explain", "-", "--random", input="x*y").stdout.startswith("out = ")


def test_ipython_is_not_imported() -> None:
    code = "import bpx, sys; bpx.load_ipython_extension; print({'IPython', 'ipykernel'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"


# --- the notebook in examples ---


def check_notebook(results: list[Any]) -> None:
    shown = [type(result).__name__ for result in results if result is not None]
    assert shown == ["Explanation", "Explanation", "Report", "tuple", "Page", *shown[5:]]
    assert results[-3] == ("disagree", "z")
    assert float(results[-1]) == pytest.approx(0.082167, abs=1e-6)  # as Mazur has it


def test_the_notebook_runs(shell: Shell) -> None:
    check_notebook([shell.run(cell) for cell in code_cells(NOTEBOOK)])


IN_IPYTHON = """
from IPython.core.interactiveshell import InteractiveShell
from notebooks import code_cells
from test_notebook import NOTEBOOK, check_notebook

shell = InteractiveShell.instance()
results = []
for cell in code_cells(NOTEBOOK):
    done = shell.run_cell(cell, store_history=True)
    done.raise_error()
    results.append(done.result)
check_notebook(results)
assert not shell.run_cell("%%bpx\\nx*(").success
print(list(shell.display_formatter.format(results[1])[0]))
"""


@pytest.mark.skipif(not importlib.util.find_spec("IPython"), reason="IPython is not installed")
def test_the_notebook_runs_in_ipython(tmp_path: Path) -> None:
    # In a process of its own: IPython replaces hooks of the interpreter for good.
    tests = Path(__file__).parent
    paths = ":".join(map(str, (tests, tests.parent, tests.parent.parent)))
    env = {"PYTHONPATH": paths, "IPYTHONDIR": str(tmp_path), "PATH": "", "PYTHONUTF8": "1"}
    done = subprocess.run(
        [sys.executable, "-c", IN_IPYTHON], capture_output=True, text=True, env=env, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert "error[ends-too-early]" in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    forms = done.stdout.splitlines()[-1]
    assert "'text/html'" in forms and "'text/latex'" in forms and forms.count("text/plain") == 1


@pytest.mark.parametrize("name", ["report.qmd", "slides.html"])
def test_frames_have_the_page_that_the_command_writes(name: str, tmp_path: Path) -> None:
    text = (FOLDER / name).read_text(encoding="utf-8")
    command = re.search(r"<!-- bpx (.*?) -->", text)
    frames = re.findall(r'<iframe (?:data-)?src="(.*?)(?:#(\d+))?" title="[^"]+"', text)
    assert command and frames
    *args, file = shlex.split(command[1])
    assert {page for page, _ in frames} == {file}
    page = invoke(*args, str(tmp_path / file))
    assert page.stdout == ""
    content = bpx.load("mazur_network").explain().page().content
    steps = sum(bool(node.formula) for node in content.nodes) + 1 + len(content.edges)
    assert all(int(step or 0) <= steps for _, step in frames)


def test_code_of_the_other_documents_runs(shell: Shell) -> None:
    for name in ("report.qmd", "book.md"):
        for code in re.findall(r"```\{[\w-]+\}\n(.*?)```", (FOLDER / name).read_text("utf-8"), re.DOTALL):
            assert shell.run(code)._repr_html_()
