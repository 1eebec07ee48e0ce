"""Nothing that is typed leads to a traceback."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as xml

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from invoking import FORMS, RUNNER, check_calm, error_codes
from rows_of_a_table import every

from bpx.cli.main import app

# Targets stand two or more blanks apart.
HOSTILE_TEXT = r"""
    ()  ((((((((((  ))))  [  []  [[]]  [[1], [2, 3]]  |  ||  |x  -  --  +  *  **  ^  x^^2  x..y  .  ..  /
    //  ~  1e999  1e-999  0x10  1_000  1__0  x = 1  x ==  lambda x: x  import os  __import__('os')
    x.__class__  x[0]  {  }  {}  'x'  "x"  `x`  x;y  x\y  %s%n  {0}  {name}  $HOME  !  #  # x  ,  1,2
    f(,)  exp(-)  exp -1  é  ﬀ  ٣  🙂  x²³  ²  ½  x⁻  √  √√4  ∑  sum  sum()  sum(1)  sum(1, 2, 3, 4, 5)
    sum(x=1)  sum(1, axis=)  sum(1, axis=0)  sum([1], axis=[0, 0])  sum([1], axis=1e300)
    sum([1], axis=0.5)  sum([1], axis=-9)  reshape([1, 2], [1e9, 1e9])  reshape([1, 2], -1)
    reshape([1, 2], [])  reshape([1], shape=true)  spread(1, shape=[100000, 100000])
    spread(1, [2, 2], [0, 1])  transpose([1], axes=[[0]])  transpose(1, axes=none)  matmul(1, 2)
    outer([1], [2])  outer(1, 2)  1 < 2 < 3  9^9^9^9  0/0  0^-1  (-8)^(1/3)  log(0)  atan2(0, 0)
    clip(1, 2, 0)  where(1, 2)  identity  input(1)  constant(1)  step(0)  e  pi(2)  out  v1 + v1*v2
    nosuch.toml  .toml  .json  /dev/null  /dev/null.toml  /nosuch/a.toml  https://example.org/a.toml
    con.toml
"""
LONG_TARGETS = ["x" * 300, "x" * 300 + ".toml", "(" * 3000, "(" * 3000 + "1" + ")" * 3000, "-" * 3000 + "1"]
LONG_TARGETS += ["1" * 400, "0." + "1" * 4000, "1e" + "9" * 400, "exp(" * 1000 + "-1" + ")" * 1000]
LONG_TARGETS += ["1" + "+1" * 3000, "2^" * 500 + "1", "|" * 999]
ODD_SIGNS = ["", " ", "\t\n", "\x1b[31mred", "\x07", "\u202e", "\ufeffx", "\ud800"]
HOSTILE_TARGETS = [*re.split(r"\s{2,}", HOSTILE_TEXT.strip()), *LONG_TARGETS, *ODD_SIGNS]


@every("target", HOSTILE_TARGETS)
def test_hostile_targets(target: str) -> None:
    check_calm(["explain", "--", target])
    check_calm(["explain", "--json", "--paths=*", "--second", "--step", "1", "--expand", "all", "--", target])
    check_calm(["convert", "--", target])
    check_calm(["gradcheck", "--json", "--", target])


@every("target", HOSTILE_TARGETS)
def test_hostile_values(target: str) -> None:
    check_calm(["explain", "x^2", "--set", f"x={target}"])
    check_calm(["explain", "--json", "x^2", f"--set={target}", "--set", "x=1"])


@pytest.mark.parametrize(
    "option", ["--of", "--wrt", "--upstream", "--expand", "--paths", "--step", "--format", "--output"]
)
@pytest.mark.parametrize("value", ["", " ", "-1", ",", "x,,x", "*", "nan", "[", "\x1b[0m", "{x}", "q" * 500])
def test_hostile_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, value: str) -> None:
    monkeypatch.chdir(tmp_path)
    check_calm(["explain", "sigmoid(x)^2", "--set", "x=1", f"{option}={value}"])


CHECK_OPTIONS = [
    "--claim",
    "--points",
    "--seed",
    "--order",
    "--detect",
    "--sort",
    "--of",
    "--wrt",
    "--upstream",
]


@every("option", CHECK_OPTIONS)
@every("value", ["", " ", "-1", "x=", "=", "x = y", "x = [", "x = 1e999", "1e3", "x" * 500])
def test_hostile_options_of_a_check(option: str, value: str) -> None:
    check_calm(["gradcheck", "sigmoid(x)^2", "--set", "x=1", f"{option}={value}"])


@every("name", ["", " ", "sum(", "\x1b", "--", "ＳＵＭ", "q" * 500])
def test_hostile_op_names(name: str) -> None:
    check_calm(["ops", "--", name])


HOSTILE_SPECS = {
    "an escape code in the title": '{"bpx": 1, "title": "\\u001b[31mred", "graph": {"y": "1"}}',
    "half a character in the title": '{"bpx": 1, "title": "\\ud800", "graph": {"y": "1"}}',
    "lines in the title": '{"bpx": 1, "title": "a\\nb\\r\\nc", "graph": {"y": "1"}}',
    "markup in the title": '{"bpx": 1, "title": "[bold]x[/bold] [/]", "graph": {"y": "1"}}',
    "an escape code in a key": '{"bpx": 1, "\\u001b[31m": 1, "graph": {"y": "1"}}',
    "an escape code in a name": '{"bpx": 1, "inputs": {"\\u001b[31m": 1}, "graph": {"y": "1"}}',
    "an empty name": '{"bpx": 1, "inputs": {"": 1}, "graph": {"": "1"}}',
    "a huge number": '{"bpx": 1, "inputs": {"x": 1e400}, "graph": {"y": "x"}}',
    "a huge whole number": f'{{"bpx": 1, "inputs": {{"x": {"9" * 400}}}, "graph": {{"y": "x"}}}}',
    "a number beyond all bounds": f'{{"bpx": 1, "inputs": {{"x": {"9" * 6000}}}, "graph": {{"y": "x"}}}}',
    "NaN": '{"bpx": 1, "inputs": {"x": NaN}, "graph": {"y": "x"}}',
    "a deep array": f'{{"bpx": 1, "inputs": {{"x": {"[" * 100}1{"]" * 100}}}, "graph": {{"y": "sum(x)"}}}}',
    "a deeper array": f'{{"bpx": 1, "inputs": {{"x": {"[" * 900}1{"]" * 900}}}, "graph": {{"y": "sum(x)"}}}}',
    "a key twice": '{"bpx": 1, "bpx": 1, "graph": {"y": "1", "y": "2"}}',
    "a circle of one": '{"bpx": 1, "graph": {"y": "y"}}',
    "a version of another kind": '{"bpx": [1], "graph": {"y": "1"}}',
    "nothing but null": '{"bpx": null, "title": null, "inputs": null, "graph": null, "expect": null}',
    "a spec in a list": '[{"bpx": 1}]',
    "a date": 'bpx = 1\n[inputs]\nx = 2020-01-01\n[graph]\ny = "x"\n',
    "infinity in TOML": 'bpx = 1\n[inputs]\nx = inf\ny = -nan\n[graph]\nz = "x + y"\n',
    "a list of tables": 'bpx = 1\n[[inputs]]\nx = 1\n[graph]\ny = "x"\n',
    "dotted keys": 'bpx = 1\ninputs.x = 1\ninputs.w.value = 2\ngraph.y = "x * w"\n',
    "an expected string": 'bpx = 1\n[graph]\ny = "1"\n[expect]\nvalue = "1"\n',
    "a lone carriage return": 'bpx = 1\r[graph]\ry = "1"\r',
    "a zero byte": 'bpx = 1\n[graph]\ny = "1\x00"\n',
}


@pytest.mark.parametrize("text", HOSTILE_SPECS.values(), ids=list(HOSTILE_SPECS))
@pytest.mark.parametrize("form", FORMS)
def test_hostile_specs(tmp_path: Path, text: str, form: str) -> None:
    check_calm(["explain", "-", "-f", form], text)
    check_calm(["explain", "-", "-f", form, "-o", str(tmp_path / "out")], text)
    check_calm(["convert", "-"], text)
    check_calm(["convert", "-", "-o", str(tmp_path / "out.toml")], text)


@every("text", HOSTILE_SPECS.values())
@every("form", [*FORMS, "junit"])
def test_hostile_specs_checked(text: str, form: str) -> None:
    result = RUNNER.invoke(app, ["gradcheck", "-", "-f", form], input=text)
    assert result.exit_code in (0, 2), result.exception
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", result.output)
    if form == "junit" and not result.exit_code:
        assert xml.fromstring(result.stdout).tag == "testsuites"


@every("text", HOSTILE_SPECS.values())
@every("form", ["table", "plain"])
def test_no_control_character_reaches_the_terminal(text: str, form: str) -> None:
    result = RUNNER.invoke(app, ["explain", "-", "-f", form], input=text)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", result.output)


SIGNS = st.text(alphabet="xy12.e+-*/^()[]|, =<>√²σ\"'\\\n", max_size=25) | st.text(max_size=15)


@given(SIGNS)
@settings(max_examples=150)
def test_any_text_for_a_target(text: str) -> None:
    check_calm(["explain", "--set", "x=2", "--set", "y=[1, 2]", "--json", "--", text])
    check_calm(["gradcheck", "--set", "x=2", "--set", "y=[1, 2]", "--json", "--", text])


@given(SIGNS)
@settings(max_examples=100)
def test_any_text_for_a_claim(text: str) -> None:
    check_calm(["gradcheck", "x^2", "--set", "x=2", f"--claim={text}"])
    check_calm(["gradcheck", "x^2", "--set", "x=2", f"--claim=x={text}"])


@given(SIGNS)
@settings(max_examples=100)
def test_any_text_for_a_value(text: str) -> None:
    check_calm(["explain", "sum(x)", f"--set=x={text}"])
    check_calm(["explain", "sum(x)", "--set", "x=1", f"--set={text}"])


@given(SIGNS)
@settings(max_examples=100)
def test_any_text_on_standard_input(text: str) -> None:
    check_calm(["explain", "-", "--set", "x=2"], text.encode("utf-8", "surrogatepass"))


@every(
    "args, code",
    [
        (["practice", "x*x", "x=1", "--blanks", "9" * 5001], "bad-practice-option"),
        (["sweep", "x*x", "x=1", "--over", f"x[{'9' * 5001}]=0..1"], "no-swept-entry"),
        (["train", "x*x", "x=1", "--steps", "9" * 401], "bad-steps"),
    ],
)
def test_numbers_of_thousands_of_digits_in_options(args: list[str], code: str) -> None:
    assert error_codes(*args) == [code]
