"""`bpx explain --format latex --part derivation`: equations, chain rule, gradient."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from invoking import invoke
from rows_of_a_table import every

import bpx
from bpx.explain.derivation import derivation
from bpx.explain.query.section import SectionOptions
from bpx.graph.formula import numbers
from bpx.graph.numbers import SHOWN_DIGITS
from bpx.render.blocks import Value
from bpx.render.latex import math_of
from bpx.spec.reading.examples import example_names
from bpx.spec.reading.read import read_spec
from bpx.words.diagnostic import Source

ENGINE = shutil.which("pdflatex")


def derived(name: str) -> str:
    return derivation(bpx.load(name), None, None, None)


def body(text: str) -> str:
    return text.split(r"\footnotesize")[1].removesuffix("\\end{document}\n")


def rows(text: str) -> dict[str, list[str]]:
    """Left side → what it equals."""
    found: dict[str, list[str]] = {}
    for block in re.findall(r"\\begin\{align\*\}\n(.*?)\n\\end\{align\*\}", text, re.DOTALL):
        left = ""
        for line in block.split(" \\\\\n"):
            start, _, rest = line.partition("&= ")
            left = start.strip() or left
            found.setdefault(left, []).extend(rest.split(" = "))
    return found


@every("name", example_names())
def test_every_equation_ends_with_the_number_of_the_explanation(name: str) -> None:
    spec = bpx.load(name)
    explanation = spec.explain(check=False)
    found = rows(derived(name))
    named = {row.id: row for row in explanation.nodes if row.id in spec.own_names}
    for node, row in named.items():
        left = math_of(explanation.symbols[node])
        assert found[left][-1] == math_of(Value(row.value).formula), left
    for name_of, gradient in explanation.gradients.items():
        left = math_of(explanation.partial_by(name_of))
        assert found[left][-1] == math_of(Value(gradient).formula), left


def test_the_chain_rule_goes_from_named_node_to_named_node() -> None:
    found = rows(derived("mazur_network"))
    total, out, net = r"E_{\mathrm{total}}", r"\mathrm{out}_{\mathrm{o1}}", r"\mathrm{net}_{\mathrm{o1}}"
    partial = r"\frac{{\partial {}}}{{\partial {}}}"
    assert found[partial.format(total, "w_{5}")] == [
        f"{partial.format(total, net)} \\cdot {partial.format(net, 'w_{5}')}",
        f"{partial.format(total, net)} \\cdot \\mathrm{{out}}_{{\\mathrm{{h1}}}}",
        "0.138499 \\cdot 0.59327",
        "0.082167",
        "0.082167",  # once more, as the gradient
    ]
    assert (
        found[partial.format(total, net)][0]
        == f"{partial.format(total, out)} \\cdot {partial.format(out, net)}"
    )


def test_what_is_asked_for_beside_the_gradient_follows_it() -> None:
    """Against the sections of the explanation."""
    spec = bpx.load("logistic_regression_scalars")
    options = SectionOptions(paths=["w1"], second=True, step=0.5)
    found = rows(derivation(spec, None, None, None, options=options))
    explanation = spec.explain(paths="w1", second=True, step=0.5, check=False)
    (paths,) = explanation.paths
    by_w1 = r"\frac{\partial L}{\partial w_{1}}"
    assert found[by_w1][-2].split(" + ") == [math_of(Value(row.product).formula) for row in paths.shown]
    for row in explanation.second:
        for name, value in row.by.items():
            below = {row.input: f"\\partial {_subscript(name)}^{{2}}"}.get(
                name, rf"\partial {_subscript(row.input)} \, \partial {_subscript(name)}"
            )
            assert found[rf"\frac{{\partial^{{2}} L}}{{{below}}}"] == [math_of(Value(value).formula)]
    assert explanation.step
    for name, (*_, new) in explanation.step.updates.items():
        assert found[rf"{{{_subscript(name)}}}^{{+}}"][-1] == math_of(Value(new).formula)
    assert found["{w_{1}}^{+}"][:2] == [
        rf"w_{{1}} - 0.5 \cdot {by_w1}",
        r"0.8 - 0.5 \cdot \left(-0.195163\right)",
    ]


def _subscript(name: str) -> str:
    return re.sub(r"(\d+)$", r"_{\1}", name)


def test_a_sum_over_paths_is_of_local_derivatives_then_of_numbers() -> None:
    options = SectionOptions(paths=[], order=3)
    found = rows(derivation(bpx.parse("a = x^2; a*x", x=3), None, None, None, options=options))
    chain = r"\frac{\partial \mathrm{out}}{\partial a} \cdot \frac{\partial a}{\partial x}"
    by_x = r"\frac{\partial \mathrm{out}}{\partial x}"
    assert [f"{chain} + {by_x}", r"3 \cdot 6 + 9", "18 + 9", "27"] == found[by_x][-4:]
    assert found[r"\frac{\partial^{3} \mathrm{out}}{\partial x^{3}}"] == ["6"]
    expanded = derivation(bpx.parse("sigmoid(x)", x=0), None, None, None, expand=["all"])
    assert r"e^{-x}" in expanded


@every(
    "options",
    [
        ["--part", "derivation", "--tree"],
        ["--part", "derivation", "--rail"],
        ["--part", "derivation", "--node", "z"],
        ["--part", "derivation", "--sources"],
        ["--part", "picture", "--paths", "w1"],
        ["--part", "picture", "--second"],
        ["--part", "picture", "--step", "1"],
        ["--part", "picture", "--order", "3"],
        ["--part", "derivation", "--forward", "--step", "1"],
        ["--part", "derivation", "--order", "0"],
        ["--named", "-f", "html"],
    ],
)
def test_what_a_part_has_no_place_for_is_refused(options: list[str]) -> None:
    result = invoke("explain", "logistic_regression_scalars", *options, exit=2)
    assert "help: " in result.stderr


def test_numbers_have_the_digits_of_all_forms() -> None:
    text = derivation(bpx.parse("x / 3", x=1), None, None, None)
    assert numbers(1 / 3, SHOWN_DIGITS).latex() in text


HOSTILE = r"""bpx = 1
title = 'a \input{/etc/passwd} % & _ # $ ^ ~ title'
output = "L"

[inputs]
a_b = 2.0
"損失" = 3.0
input = 1.0

[graph]
"x.y_z" = "a_b * 損失"
L = "input * x.y_z^2 + x.y_z"
"""


def hostile() -> str:
    return derivation(read_spec(Source("hostile.toml", HOSTILE), "toml"), None, None, None)


def test_names_and_titles_are_inert() -> None:
    text = hostile()
    assert r"\input" not in text and text.isascii()


def test_large_arrays_are_summed_up_and_long_formulas_left_out() -> None:
    text = derived("iris_softmax")
    assert "mean" in text
    assert max(map(len, text.splitlines())) < 1000


@pytest.mark.skipif(ENGINE is None, reason="no LaTeX here")
def test_every_derivation_compiles(tmp_path: Path) -> None:
    texts = [derived(name) for name in example_names()]
    texts.append(hostile())
    texts.append(derivation(bpx.parse("grad(w^3, w) * x + sum(v)", w=2, x=3, v=[1.0, 2.0]), None, None, None))
    head = texts[0].split(r"\footnotesize")[0]
    document = f"{head}{''.join(map(body, texts))}\\end{{document}}\n"
    (tmp_path / "all.tex").write_text(document, encoding="utf-8")
    command = [str(ENGINE), "-halt-on-error", "-interaction=nonstopmode", "all.tex"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False)
    assert result.returncode == 0, result.stdout[-2000:]


def test_the_option() -> None:
    assert "align*" in invoke("explain", "sigmoid", "--part", "derivation").stdout
    assert "longtable" in invoke("explain", "sigmoid", "--part", "table").stdout
    assert "unknown-choice" in invoke("explain", "sigmoid", "--part", "whole", exit=2).stderr
    refused = invoke("explain", "sigmoid", "--part", "derivation", "--format", "plain", exit=2)
    assert "form-without-parts" in refused.stderr


def test_a_worksheet_has_blanks_in_place_of_the_gradients() -> None:
    spec = bpx.load("logistic_regression")
    solved, blank = (rows(derivation(spec, None, None, None, forward=forward)) for forward in (False, True))
    assert list(solved) == list(blank)
    partials = [left for left in solved if "partial" in left]
    assert partials and {tuple(set(blank[left])) for left in partials} == {(r"\underline{\hspace{12cm}}",)}
    assert all(solved[left] == blank[left] for left in solved if left not in partials)
