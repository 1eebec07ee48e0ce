"""Which language the command line speaks, and what stays the same in all of them."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from invoking import invoke, process
from rows_of_a_table import every

import bpx
from bpx.cli.input.language import language_of_locale, without_language
from bpx.words.languages import language_in

HAN = re.compile("[一-鿿]")


@every(
    "args, rest, language",
    [
        (["ops"], ["ops"], None),
        (["--lang", "zh", "ops"], ["ops"], "zh"),
        (["ops", "--lang", "zh"], ["ops"], "zh"),
        (["ops", "--lang=zh", "tanh"], ["ops", "tanh"], "zh"),
        (["ops", "--lang"], ["ops"], ""),
        (["explain", "--", "--lang", "zh"], ["explain", "--", "--lang", "zh"], None),
    ],
)
def test_the_option_may_stand_anywhere(args: list[str], rest: list[str], language: str | None) -> None:
    assert without_language(args) == (rest, language)


@every(
    "environment, language",
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_MESSAGES": "zh_TW"}, "zh"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": ""}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
    ],
)
def test_the_locale_that_counts(environment: dict[str, str], language: str) -> None:
    assert language_of_locale(environment) == language


@every(
    "locale, language",
    [
        ("zh", "zh"),
        ("zh-Hans", "zh"),
        ("ZH_cn", "zh"),
        ("en.UTF-8", "en"),
        ("zhx", None),
        ("", None),
        ("C", None),
    ],
)
def test_names_of_languages(locale: str, language: str | None) -> None:
    assert language_in(locale) == language


def test_an_unknown_language_is_refused() -> None:
    with pytest.raises(bpx.BpxError) as caught, bpx.speaking("tlh"):
        pass
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.advice) == ("unknown-language", "the languages are en, zh")


def test_help_and_errors_of_a_process_are_chinese() -> None:
    help = process("--lang", "zh", "explain", "--help").stdout.decode()
    lines = help.splitlines()
    assert lines[0].startswith("用法：") and "选项：" in lines and "参数：" in lines
    assert not re.search(r"Usage|Options|Show |default|required", help)
    refused = process("explain", "sin(x", "x=1", BPX_LANG="zh")
    assert refused.returncode == 2
    assert refused.stderr.decode().startswith("错误[unclosed-bracket]：`(` 没有闭合")


def test_a_language_nobody_knows_ends_a_process() -> None:
    done = process("ops", "--lang", "tlh", BPX_LANG="")
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"unknown-language" in done.stderr


def test_english_where_the_encoding_has_no_chinese() -> None:
    asked = process("explain", "x^2", "x=3", "--lang", "zh", PYTHONIOENCODING="ascii")
    assert asked.stderr.startswith(b"note[not-shown-in]")
    assert b"Forward: the value of every node" in asked.stdout
    silent = process("explain", "x^2", "x=3", PYTHONIOENCODING="ascii", BPX_LANG="", LC_ALL="zh_CN.UTF-8")
    assert (silent.stdout, silent.stderr) == (asked.stdout, b"")


COMMANDS: list[tuple[list[str], int]] = [
    (["explain", "relu_at_kink"], 0),
    (["gradcheck", "(x+y)^2", "x=3", "y=-1", "--claim", "x = -4"], 1),
    (["train", "logistic_regression", "--steps", "2"], 0),
    (["ops", "softmax"], 0),
    (["explain", "sin(x", "x=1"], 2),
]


@pytest.mark.parametrize(("args", "code"), COMMANDS, ids=lambda value: str(value))
def test_json_is_the_same_in_every_language(args: list[str], code: int) -> None:
    english = invoke(*args, "--json", exit=code).stdout
    with bpx.speaking("zh"):
        assert invoke(*args, "--json", exit=code).stdout == english
        shown: Any = invoke(*args, exit=code)
        assert HAN.search(shown.stdout + shown.stderr)
    assert json.loads(english)


def test_numbers_are_the_same_in_every_language() -> None:
    def numbers(text: str) -> list[str]:
        return re.findall(r"-?\d+\.\d+", text)

    english = invoke("explain", "tiny_network", "-f", "plain").stdout
    with bpx.speaking("zh"):
        assert numbers(invoke("explain", "tiny_network", "-f", "plain").stdout) == numbers(english)


def test_latex_loads_the_fonts_of_its_language() -> None:
    explanation = bpx.parse("x^2", x=3).explain()
    assert "ctex" not in explanation.to_latex()
    with bpx.speaking("zh"):
        text = bpx.parse("x^2", x=3).explain().to_latex()
    assert text.index(r"\usepackage[scheme=plain]{ctex}") < text.index(r"\begin{document}")
    assert r"\subsection*{正向传播：每个节点的值}" in text
    assert "U+" not in text


def test_words_in_formulas_and_below_curves_are_chinese_in_latex() -> None:
    with bpx.speaking("zh"):
        parts = bpx.load("softmax_cross_entropy").explain(expand=["all"], rail=True).to_latex()
        ladder = bpx.parse("x^2", x=3.0).gradcheck(why="x").to_latex()
    assert parts.startswith("% !TeX program = xelatex")
    assert r"\text{沿轴 0 求和}" in parts
    assert "U+" not in parts + ladder
