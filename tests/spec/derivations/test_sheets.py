"""Written derivations: what is right is not marked, the first slip is found, and what follows is innocent."""

from __future__ import annotations

import pytest
from derivation_sheets import SHEETS, Sheet
from rows_of_a_table import every

from bpx.check.report.blame import SLIP_OF
from bpx.check.report.options import HintLevel
from bpx.spec.derivations.check import check_derivation
from bpx.spec.derivations.report import DerivationReport
from bpx.spec.derivations.verdicts import Step, Verdict
from bpx.words.diagnostic import BpxError


def lines(report: DerivationReport, verdict: Verdict) -> list[int]:
    return [step.line for step in report.steps if step.verdict is verdict]


def kind(step: Step) -> str:
    return SLIP_OF[step.mistake.code] if step.mistake else "unknown"


@every("sheet", SHEETS)
def test_each_slip_is_found_and_named_and_nothing_else_is_marked(sheet: Sheet) -> None:
    report = check_derivation(f"notes{sheet.ending}", sheet.text)

    wrong = [step for step in report.steps if step.verdict is Verdict.WRONG]
    assert [step.line for step in wrong] == [line for line, _ in sheet.slips]
    assert all(kind(step) in kinds.split() for step, (_, kinds) in zip(wrong, sheet.slips, strict=True))
    assert lines(report, Verdict.FOLLOWS) == [*sheet.follows]
    assert not lines(report, Verdict.NOT_READ)
    assert not lines(report, Verdict.CANNOT_TELL)
    assert report.failed == bool(sheet.slips)


READ = [
    "f(x) = x^2\ng(x) = sin(x)\nh(x) = f(g(x))\nh'(x) = f'(g(x)) g'(x) = 2 sin(x) cos(x)\nf'(3) = 6\n",
    "p = softmax(z)\n∂p/∂z = diag(p) - p p^T\n",
    r"\[ a^{[1]} = \tanh(z^{[1]}), z^{[1]} = W^{[1]} x + b^{[1]}, z^{[2]} = w^{[2]T} a^{[1]} \]"
    "\n"
    r"\[ L = (z^{[2]} - y)^2 \]"
    "\n"
    r"\[ \delta^{[2]} = 2(z^{[2]} - y) \]",
    r"$\hat{y} = \sigma(w^T x + b)$, $\mathcal{L} = -[y \log \hat{y} + (1-y)\log(1-\hat{y})]$"
    "\n"
    r"$\nabla_w \mathcal{L} = (\hat{y} - y) x$",
    "y = x^2\nx = 3\ndy/dx = 2x = 6\n",
    "loss = (pred - target)^2\npred = w*x + b\ndloss/dw = dloss/dpred * dpred/dw = 2*(pred - target)*x\n",
    "L = (w x - y)²\n∂L/∂w = 2(wx - y)x\n∂²L/∂w² = 2x²\nd2L/dw2 = 2 x^2\n",
    "f = x y + sin(x)\nf_x = y + cos(x)\n∂f/∂y = x\n∂²f/∂x∂y = 1\n",
    r"$$\begin{aligned} z &= wx + b \\ L &= \tfrac12 (z - y)^2 \end{aligned}$$"
    "\n"
    r"$$\pdv{L}{w} = \pdv{L}{z}\pdv{z}{w} = (z-y)x$$",
    "h = max(0, z)\nL = h^2\ndL/dz = 2h 1[z > 0]\ndL/dz = 2h if z > 0 else 0\n",
    r"$h = \max(0, z)$, $L = h^2$; $\frac{dL}{dz} = \begin{cases} 2h & z > 0 \\ 0 & z \le 0 \end{cases}$",
    "Let z = wx + b. Then dz/dw = x and dz/db = 1, so\ndL/dw = dL/dz x, where L = z^2.\n",
    r"$\sigma'(z) = \sigma(z)(1-\sigma(z))$ and $\tanh'(z) = 1 - \tanh^2(z)$",
    "d/dx(x^2) = 2x\nd/dx sin(x) = cos(x)\n",
    r"$y_i = \sum_j W_{ij} x_j$, $L = \sum_i y_i^2$"
    "\n"
    r"$\frac{\partial L}{\partial x_j} = \sum_i 2 y_i W_{ij}$, $\frac{\partial y_i}{\partial W_{ij}} = x_j$",
    r"\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}} $p_i = e^{z_i} / \sum_j e^{z_j}$"
    "\n"
    r"$\pd{p_i}{z_j} = p_i(\delta_{ij} - p_j)$",
    r"$\mu = \frac{1}{n}\sum_{i=1}^n x_i$, $\frac{\partial \mu}{\partial x_1} = \frac{1}{n}$",
    r"$J = w^T w + \|X w\|^2$; $\nabla_{\mathbf{w}} J = 2 (X^\top X + I)\,w$",
    "```\nz = sigmoid(wz*x + uz*h)\ndz/dwz = z*(1 - z)*x\n```\n",
    "F = sum((A B - C)^2)\nR = A B - C\ndF/dR = 2 R\ndF/dB = 2 A^T R\n",
    "f = x^2\nx = 3\ndf/dx = 6\nx = 4\ndf/dx = 8\n",
    "| f = x^2 | df/dx = 2x |\n| --- | --- |\n| g = 3x | dg/dx = 3 |\n",
    "x = [1, 2]\nw = [0.5, -0.2]\nz = w^T x = 0.1\na = σ(z) = 0.525\nL = (a - 1)^2\ndL/da = 2(a-1) = -0.95\n",
    "x = [1, 2], w = [3, 4]\nz = w·x = 3*1 + 4*2 = 11\n",
    "x = [1, 2], w = [3, 4], y = 1\nz = w • x + 0.5\na = σ(z)\nL = (a - y)^2\ndL/dw = 2(a-y) a(1-a) · x\n",
    "x = [1, 2]\nw = [3, 4]\nz = w · x = [3, 8]\nL = sum(z) = 11\n",
    "x = [1, 2]\n$w = [3, 4]$\n$z = w \\cdot x = [3, 8]$\n$L = sum(z^2)$\n$dL/dw = 2 z \\cdot x = [6, 32]$\n",
    "x = 2, w = 3\ny = w*x\nL = (y - 1)^2\n\ndL/dy = 2(y-1) = 2(6-1) = 10\ndL/dw = 10 * x = 2 * 5 * x = 20\n",
    "x = 2, w = 3\nz = w*x\na = relu(z)\nL = (a - 1)^2\n$\\frac{\\partial a}{\\partial z} = 1$\n"
    "dL/da = 10\ndL/dw = 10 * 1 * x = 20\n",
    "x = [1, 2]\nw = [0.5, -1]\nz = w x\nL = sum(z^2)\ndL/dz = [1, -4]\ndL/dw = [1, -4] * x = [1, -8]\n",
    "a = σ(z)\nL = -[y ln a + (1-y) ln(1-a)]\ndL/da = -{y/a - (1-y)/(1-a)}\ndL/dz = a - y\n",
    r"$L = -\left[y \ln a + (1-y) \ln(1-a)\right]$; $dL/da = -\left\{y/a - (1-y)/(1-a)\right\}$"
    "\n"
    r"$dL/da = -\big(y/a - [1-y]/(1-a)\big)$",
    "x = [1, 2]\nw = [3, 4]\ny = 1\nb = 0\nz = w·x + b = 11\na = σ(z)\nL = -[y ln a + (1-y) ln(1-a)]\n"
    "dL/da = -y/a + (1-y)/(1-a)\nda/dz = a(1-a)\ndL/dz = a - y\ndL/dw = (a-y) x\ndL/db = a - y\n",
]


@every("text", READ)
def test_each_notation_is_read_and_what_is_right_in_it_is_right(text: str) -> None:
    report = check_derivation("notes.md", text)

    assert report
    assert report.counts[Verdict.RIGHT] == len(report.steps) > 0


WRONG = [
    ("T is no target", "M = T log(1 + exp(a/T))\ndM/da = T exp(a/T)/(1 + exp(a/T))\n", [2]),
    ("another index", "y_i = sum_j W_ij x_j\nL = sum_i y_i^2\ndL/dW_ij = 2 y_i x_i\n", [3]),
    ("square matrices", "f = x^T A x\ndf/dx = 2 A x\n", [2]),
    ("far behind the point", "f = x^3 - 3x\ndf/dx = 3x^2 - 3.0000000001\n", [2]),
    ("a dot product", "x = [1, 2]\nw = [3, 4]\nz = w·x = 10\nL = z^2\ndL/dw = 2 z w\n", [3, 5]),
    ("another number", "x = 2, w = 3\ny = w*x\nL = (y - 1)^2\ndL/dy = 10\ndL/dw = 10 * w\n", [5]),
    ("a value that slipped", "x = 2\nu = 3x = 7\nf = u^2 = 49\n", [2]),
]


@every("title, text, wrong", WRONG)
def test_what_is_wrong_is_not_taken_for_right(title: str, text: str, wrong: list[int]) -> None:
    assert lines(check_derivation("notes.txt", text), Verdict.WRONG) == wrong


def test_what_programs_print_is_no_derivation() -> None:
    text = "```text\nReverse: from ∂L/∂L = 1 back\n u → v  1  2 * v = 4   4\n z  3\n b  4\n```\n"
    assert not check_derivation("notes.md", text + "`bpx check a.md x=2` and `--set b=1`\n").steps


def test_what_is_not_read_is_said_and_counted() -> None:
    report = check_derivation("notes.md", "L = w^2\nw = w - 0.1 dw\ndw = 2 w\ndw = 2 ? w\n")

    assert lines(report, Verdict.NOT_READ) == [2, 4]
    assert not report
    assert not report.failed
    assert "2 not read" in report.summary


def test_a_derivative_of_what_is_unknown_is_shown_as_it_is_written() -> None:
    report = check_derivation("notes.md", "L = x^2\nx = 2\ndL/dx = 2*x*∂a/∂d\n")
    assert "`∂a/∂d` is not defined" in str(report)


def test_a_slip_is_pointed_at_in_its_line() -> None:
    text = "z = w x + b\na = σ(z)\nL = -y log a - (1-y) log(1-a)\n∂L/∂a = -(y/a) - (1-y)/(1-a)\n"
    (step,) = check_derivation("notes.md", text).steps

    assert step.position == (4, 18)
    assert step.place.text == "(1-y)/(1-a)"


def test_a_slip_in_a_local_derivative_is_pointed_at_as_a_whole() -> None:
    text = "h = tanh(z)\no = σ(h)\ndo/dh = h (1 - h)\ndo/dz = o(1-o) h (1 - h)\n$do/dh = (1 - z) z$\n"
    steps = check_derivation("notes.md", text).steps

    assert [step.place.text for step in steps] == ["h (1 - h)", "h (1 - h)", "(1 - z) z"]


def test_an_assumption_about_targets_is_stated() -> None:
    (step,) = check_derivation("a.md", "p = softmax(z)\nL = -sum(y * log(p))\ndL/dz = p - y\n").steps

    assert step.verdict is Verdict.RIGHT
    assert step.reason == "right if the entries of `y` add up to 1"


def test_no_hint_below_the_formula_gives_it_away() -> None:
    text = "u = 3x + 1\nf = u^4\nx = 2\ndf/du = 4u^4 = 9604\n"
    for level in (HintLevel.PLACE, HintLevel.KIND, HintLevel.PATTERN):
        report = check_derivation("notes.md", text, hint=level)
        for form in ("plain", "markdown", "latex", "html", "json"):
            assert "1372" not in report.to(form)
            assert "4 * u^3" not in report.to(form)
            assert "`3`" not in report.to(form)
    assert "1372" in check_derivation("notes.md", text, hint=5).to("plain")


def test_text_of_the_notes_is_inert_in_every_form() -> None:
    text = "[bold]y[/bold] = x^2 \x1b[31m <b> $\ndy/dx = 3x <script>alert(1)</script>\ny = x^2\ndy/dx = 3x\n"
    report = check_derivation("<b>.md", text, hint=5)

    assert "<script>alert" not in report.to("html")
    assert "\x1b" not in report.to("plain")


def test_cells_of_a_notebook_are_counted() -> None:
    cells = '{"cells": [{"cell_type": "code", "source": "x = 1"}, {"cell_type": "markdown", "source": '
    text = cells + '["$y = x^2$\\n", "$\\\\frac{dy}{dx} = x$\\n"]}]}'
    report = check_derivation("a.ipynb", text)

    assert [(step.span.source.name, step.line) for step in report.steps] == [("a.ipynb#2", 2)]
    assert report.failed


def test_what_rests_on_an_equation_that_is_not_read_is_not_judged() -> None:
    report = check_derivation("notes.md", "z = (w x\nz = 2\n∂z/∂w = x\n")

    assert lines(report, Verdict.NOT_READ) == [1, 2, 3]
    assert not report.checked


def test_a_derivative_of_what_was_not_read_is_never_wrong() -> None:
    text = "a = σ(z)\nL = [y ? log a]\ndL/da = -y/a\nda/dz = a(1-a)\ndL/dz = a - y\ndz = a - y\n"
    report = check_derivation("notes.md", text)
    assert lines(report, Verdict.NOT_READ) == [2, 3, 5, 6]
    assert lines(report, Verdict.RIGHT) == [4]

    text = "z = w x\nLet a be σ of z.\nL = (a - y)^2\ndL/da = 2(a-y)\ndL/dz = 2(a-y)a(1-a)\ndL/dz = 3\n"
    report = check_derivation("notes.md", text)
    assert lines(report, Verdict.CANNOT_TELL) == [5, 6]
    assert lines(report, Verdict.RIGHT) == [4]


def test_a_target_given_as_0_or_1_is_an_assumption_that_is_stated() -> None:
    loss = "a = σ(z)\nL = -(y log a + (1-y) log(1-a))\n"
    report = check_derivation("a.md", f"y = 0\n{loss}dL/da = 1/(1-a)\ndL/dz = a\n")
    assert [(step.verdict, report.sentence(step)) for step in report.steps] == [
        (Verdict.RIGHT, "right for `y = 0`")
    ] * 2

    assert check_derivation("a.md", f"y = 1\n{loss}dL/da = 1/(1-a)\n").failed
    (slip,) = check_derivation("a.md", f"y = 1\n{loss}dL/da = 1/a\n").steps
    assert kind(slip) == "sign"
    assert check_derivation("a.md", f"{loss}dL/da = 1/(1-a)\n").failed


def test_a_bracket_that_is_never_closed_is_named_and_what_rests_on_it_says_so() -> None:
    first, second = check_derivation("a.md", "f(x) = x^2 + (3x\nf'(x) = 2x + 3\n").steps

    assert (first.reason, first.position) == ("`(` was never closed", (1, 14))
    assert second.reason == "`f'(x)` rests on an equation that could not be read"


def test_a_value_given_replaces_the_one_in_the_text_and_nothing_is_wrong_for_it() -> None:
    text = "u = -0.3\nf = u^2 + 3u = -0.81\ndf/du = 2u + 3 = 2.4\n"
    report = check_derivation("a.md", text, {"u": 5})
    assert not report.failed
    assert report.counts[Verdict.CANNOT_TELL] == 2
    assert "`u` is 5, as given, and not -0.3 as in the text" in report.to("markdown")

    assert check_derivation("a.md", text, {"u": -0.3})
    assert check_derivation("a.md", "f = u^2\ndf/du = 2u = 10\n", {"u": 5})


def test_a_value_of_what_is_no_input_is_refused() -> None:
    for values in ({"q": 5}, {"f": 5}, {"u": float("nan")}):
        with pytest.raises(BpxError):
            check_derivation("a.md", "f = u^2\ndf/du = 2u\n", values)


def test_what_a_hint_holds_back_is_no_row_of_dots_but_one_line_at_the_end() -> None:
    text = "z = w x\na = σ(z)\nL = (a - y)^2\ndL/da = 2(z - y)\nda/dz = z(1 - z)\n"
    shown = check_derivation("a.md", text, hint=3).to("plain")

    assert "…" not in shown
    assert shown.count("more with --hint 4") == 1
    assert "more with" not in check_derivation("a.md", text, hint=4).to("plain")


def test_a_number_worked_out_from_a_wrong_one_follows_from_it() -> None:
    text = "x = 2\nw = 3\nz = w*x\nL = (z - 1)^2\ndL/dz = 2z = 12\ndL/dw = dL/dz * x = 24\n"
    report = check_derivation("a.md", text)

    assert lines(report, Verdict.WRONG) == [5]
    assert lines(report, Verdict.FOLLOWS) == [5, 6]
