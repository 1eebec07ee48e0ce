"""The command line: every option, exit codes, encodings, and no traceback whatever is typed."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree as xml

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from reports import report
from typer.testing import CliRunner

import bpx
from bpx.cli.app import app
from bpx.ops import rows
from bpx.spec.reading.examples import example_names
from bpx.spec.writing.schema import schema

RUNNER = CliRunner()
COMMANDS = ["explain", "gradcheck", "train", "convert", "ops", "examples", "schema"]
SIMPLE = ["explain", "(x+y)^2", "--set", "x=3", "--set", "y=-1"]
FORMS = ["table", "plain", "markdown", "json"]


def invoke(*args: str, exit: int = 0, input: Any = None) -> Any:
    result = RUNNER.invoke(app, [*args], input=input)
    assert result.exit_code == exit, (result.stdout, result.stderr, result.exception)
    return result


def plain_json(*args: str, exit: int = 0, input: Any = None) -> dict[str, Any]:
    return dict(json.loads(invoke(*args, "--json", exit=exit, input=input).stdout))


def error_codes(*args: str) -> list[str]:
    found = plain_json(*args, exit=2)
    assert found["kind"] == "error"
    return [one["code"] for one in found["diagnostics"]]


def process(*args: str, data: bytes | None = None, **env: str) -> subprocess.CompletedProcess[bytes]:
    """A process of its own, with nothing in its environment that says how to print."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name
        not in ("NO_COLOR", "FORCE_COLOR", "TERM", "COLUMNS", "LINES", "PYTHONIOENCODING", "TTY_COMPATIBLE")
    }
    return subprocess.run(
        [sys.executable, "-m", "bpx", *args],
        input=data or b"",
        capture_output=True,
        env={**kept, "PYTHONUTF8": "1", **env},
        check=False,
        timeout=60,
    )


# --- explain: every option ----------------------------------------------------------------------


def test_an_expression_with_values() -> None:
    found = plain_json(*SIMPLE)
    assert found["output"] == {"name": "out", "value": 4.0}
    assert found["gradients"] == {"x": 4.0, "y": 4.0}


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("x=3", 3),
        ("x = 3", 3),
        ("x=-1.5e3", -1500),
        ("x=pi/2", 1.5707963267948966),
        ("x=1/4", 0.25),
        ("x=2^3", 8),
        ("x=[1, 2]", [1, 2]),
        ("x=[[1,2],[3,4]]", [[1, 2], [3, 4]]),
        ("x=−2", -2),
    ],
)
def test_set(assignment: str, value: Any) -> None:
    found = plain_json("explain", "sum(x)", "--set", assignment)
    assert found["nodes"][0]["value"] == value


def test_set_overrides_a_spec() -> None:
    assert plain_json("explain", "sigmoid", "--set", "x=0")["output"]["value"] == 0.5


def test_of_and_wrt() -> None:
    found = plain_json("explain", "tiny_network", "--of", "y", "--wrt", "h, w1")
    assert found["output"]["name"] == "y"
    assert list(found["gradients"]) == ["h", "w1"]
    assert found["gradients"]["h"] == 0.8


def test_upstream() -> None:
    found = plain_json("explain", "2 * x", "--set", "x=[1, 2]", "--upstream", "[10, 1]")
    assert found["gradients"] == {"x": [20, 2]}
    assert found["diagnostics"] == []


def test_without_upstream_a_vector_is_summed_and_that_is_said() -> None:
    found = invoke("explain", "2 * x", "--set", "x=[1, 2]", "--format", "plain").stdout
    assert "--upstream" in found


@pytest.mark.parametrize(
    ("args", "ops"),
    [(["--expand", "a"], 1), (["--expand", "all"], 0), (["--expand", "a", "--expand", "b"], 0)],
)
def test_expand(tmp_path: Path, args: list[str], ops: int) -> None:
    path = tmp_path / "a.toml"
    path.write_text('bpx = 1\n[inputs]\nx = 1\n[graph]\na = "sigmoid(x)"\nb = "tanh(a)"\n', encoding="utf-8")
    found = plain_json("explain", str(path), *args)
    assert sum(node["op"] in ("sigmoid", "tanh") for node in found["nodes"]) == ops
    assert found["expanded"]["digits"] == "inf" or found["expanded"]["digits"] > 12


@pytest.mark.parametrize(
    ("args", "inputs"),
    [
        (["--paths"], ["x", "y"]),
        (["--paths", "y"], ["y"]),
        (["--paths", "y,x"], ["y", "x"]),
        (["--paths=x"], ["x"]),
        (["--paths", "--second"], ["x", "y"]),
        (["--paths", "-f", "json"], ["x", "y"]),
    ],
)
def test_paths_bare_and_with_an_input(args: list[str], inputs: list[str]) -> None:
    found = plain_json(*SIMPLE, *args)
    assert [table["input"] for table in found["paths"]] == inputs


def test_paths_before_the_target() -> None:
    found = plain_json("explain", "--paths", "x", *SIMPLE[1:])
    assert [table["input"] for table in found["paths"]] == ["x"]


def test_second() -> None:
    found = plain_json(*SIMPLE, "--second")
    assert [row["by"] for row in found["second"]] == [{"x": 2, "y": 2}] * 2


def test_step() -> None:
    found = plain_json(*SIMPLE, "--step", "0.1")["step"]
    assert (found["rate"], found["before"], found["after"]) == (0.1, 4, pytest.approx(1.44))


def test_a_negative_step() -> None:
    assert plain_json(*SIMPLE, "--step", "-0.5")["step"]["rate"] == -0.5


def test_without_options_there_are_no_extra_sections() -> None:
    assert {"paths", "second", "step", "expanded"}.isdisjoint(plain_json(*SIMPLE))


# --- forms --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("table", "out = 4\n\nForward"),
        ("plain", "out = 4\n\nForward"),
        ("markdown", "## out = 4\n"),
        ("json", "{\n"),
    ],
)
def test_forms(form: str, begins: str) -> None:
    for flag in ("--format", "-f"):
        assert invoke(*SIMPLE, flag, form).stdout.startswith(begins)


def test_table_is_the_form_by_default_and_json_has_a_short_form() -> None:
    assert invoke(*SIMPLE).stdout == invoke(*SIMPLE, "-f", "table").stdout
    assert invoke(*SIMPLE, "--json").stdout == invoke(*SIMPLE, "-f", "json").stdout


@pytest.mark.parametrize(
    "command", [SIMPLE, ["ops"], ["ops", "max"], ["examples"]], ids=lambda one: "-".join(one[:2])
)
@pytest.mark.parametrize("form", FORMS)
def test_every_listing_has_every_form(command: list[str], form: str) -> None:
    found = invoke(*command, "-f", form).stdout
    assert found.endswith("\n")
    assert [line for line in found.split("\n") if line != line.rstrip()] == []


@pytest.mark.parametrize(
    ("name", "form"),
    [
        ("a.json", "json"),
        ("a.md", "markdown"),
        ("a.txt", "plain"),
        ("a.MD", "markdown"),
        ("a", "table"),
        ("a.out", "table"),
    ],
)
def test_a_file_sets_the_form(tmp_path: Path, name: str, form: str) -> None:
    path = tmp_path / name
    assert invoke(*SIMPLE, "-o", str(path)).stdout == ""
    assert path.read_text(encoding="utf-8") == invoke(*SIMPLE, "-f", form).stdout


def test_a_form_that_is_asked_for_goes_before_the_files(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    invoke(*SIMPLE, "--output", str(path), "--format", "json")
    assert json.loads(path.read_text(encoding="utf-8"))["kind"] == "explanation"


def test_a_file_is_overwritten_and_written_in_utf_8(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x" * 100_000, encoding="utf-8")
    assert process(*SIMPLE, "-o", str(path), PYTHONIOENCODING="ascii").returncode == 0
    assert "∂out/∂x" in path.read_text(encoding="utf-8")


def test_a_file_has_no_colour(tmp_path: Path) -> None:
    path = tmp_path / "a"
    assert process(*SIMPLE, "-o", str(path), FORCE_COLOR="1").returncode == 0
    assert "\x1b" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("command", [[*SIMPLE], ["convert", "sigmoid"], ["ops"], ["schema"], ["examples"]])
def test_a_file_that_cannot_be_written(tmp_path: Path, command: list[str]) -> None:
    for name in ("nosuch/a.txt", "."):
        found = invoke(*command, "-o", str(tmp_path / name), exit=2)
        assert "error[unwritable]" in found.stderr


# --- exit codes ---------------------------------------------------------------------------------

FALSE = 'bpx = 1\n[inputs]\nx = 1\n[graph]\ny = "x / 3"\n[expect]\nvalue = 0.5\n'


@pytest.mark.parametrize("form", FORMS)
def test_what_is_stated_and_does_not_hold_is_exit_1(form: str) -> None:
    found = invoke("explain", "-", "-f", form, input=FALSE, exit=1)
    said = found.stdout if form == "json" else found.stderr
    assert "0.5" in said
    assert "0.33333333" in said


def test_what_holds_is_exit_0() -> None:
    invoke("explain", "-", input=FALSE.replace("0.5", "0.33"))


def test_a_kink_or_an_infinite_gradient_is_exit_0() -> None:
    invoke("explain", "relu(x) + sqrt(x)", "--set", "x=0")


@pytest.mark.parametrize(
    "args",
    [
        ["explain"],
        ["explain", "x", "--nosuch"],
        ["explain", "x", "--format", "pdf"],
        ["explain", "x", "--step", "fast"],
        ["explain", "x", "--set"],
        ["explain", "x", "y"],
        ["nosuch"],
        ["ops", "max", "min"],
        ["--nosuch"],
    ],
    ids=" ".join,
)
def test_a_wrong_call_is_exit_2(args: list[str]) -> None:
    found = invoke(*args, exit=2)
    assert found.stderr
    assert "Traceback" not in found.stderr


@pytest.mark.parametrize(
    ("args", "codes"),
    [
        (["x +", "--set", "x=1"], ["ends-too-early"]),
        (["x + y", "--set", "x=1"], ["missing-value"]),
        (["x", "--set", "x"], ["bad-assignment", "unknown-target"]),
        (["x", "--set", "=1"], ["bad-assignment", "unknown-target"]),
        (["x", "--set", "x="], ["empty-expression"]),
        (["x", "--set", "x=1/"], ["ends-too-early"]),
        (["x", "--set", "x=z"], ["unknown-name"]),
        (["x", "--set", "x=1e400"], ["number-too-large"]),
        (["x", "--set", "x=[1, 1e400]"], ["number-too-large"]),
        (["x", "--set", "x=1/0"], ["not-finite-input"]),
        (["x", "--set", "x=2 3"], ["implicit-product"]),
        (["x", "--set", "x=2pi"], ["implicit-product"]),
        (["x", "--set", "x=1", "--set", "y=2"], ["not-an-input"]),
        (["sigmoid", "--set", "w=2"], ["not-an-input"]),
        (["x^2", "--set", "x=1", "--of", "q"], ["unknown-node"]),
        (["x^2", "--set", "x=1", "--wrt", "q"], ["unknown-node"]),
        (["x^2", "--set", "x=1", "--wrt", "p,q"], ["unknown-node"] * 2),
        (["x^2", "--set", "x=1", "--of", "p", "--wrt", "q"], ["unknown-node"] * 2),
        (["x^2", "--set", "x=1", "--paths", "q"], ["not-an-input"]),
        (["x^2", "--set", "x=1", "--expand", "q"], ["unknown-node"]),
        (["x^2", "--set", "x=1", "--upstream", "[1]"], ["upstream-shape"]),
        (["x^2", "--set", "x=1", "--upstream", "one"], ["unknown-name"]),
        (["x^2", "--set", "x=1", "--upstream", "2 3"], ["implicit-product"]),
        (["x^2", "--set", "x=[1, 2]", "--step", "1"], ["step-needs-scalar"]),
        (["x^2", "--set", "x=1", "--step", "nan"], ["bad-rate"]),
        (["log(x)", "--set", "x=0"], ["outside-domain"]),
        (["exp(x)", "--set", "x=1000"], ["not-finite"]),
        (["nosuch.toml"], ["missing-file"]),
    ],
    ids=lambda one: " ".join(one) if " " in str(one) else None,
)
def test_unusable_input_is_exit_2_and_json_where_json_is_asked_for(args: list[str], codes: list[str]) -> None:
    assert error_codes("explain", *args) == codes
    found = invoke("explain", *args, exit=2)
    assert found.stdout == ""
    assert found.stderr.count("error[") == len(codes)


def test_json_diagnostics_in_full() -> None:
    (one,) = plain_json("explain", "x + nosuch(2)", "--set", "x=1", exit=2)["diagnostics"]
    assert one == {
        "code": "unknown-op",
        "severity": "error",
        "message": bpx.Diagnostic("unknown-op", None, {"name": "nosuch"}).message,
        "help": one["help"],
        "file": "<expression>",
        "line": 1,
        "column": 5,
        "end_line": 1,
        "end_column": 11,
    }


def test_problems_of_the_target_and_of_values_are_reported_together() -> None:
    text = 'bpx = 1\n[inputs]\nx = 1\nk = "a"\n[graph]\ny = "x + nosuch"\n[expct]\n'
    found = invoke(
        "explain", "-", "--set", "x=1/", "--set", "q", "--set", "zz=3", "--json", input=text, exit=2
    )
    codes = {one["code"] for one in json.loads(found.stdout)["diagnostics"]}
    wanted = {
        "ends-too-early",
        "bad-assignment",
        "not-an-input",
        "not-a-number",
        "unknown-name",
        "unknown-key",
    }
    assert codes == wanted


def test_a_bug_is_exit_3_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bpx.cli import app as cli

    def broken() -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(cli, "app", broken)
    monkeypatch.delenv("BPX_TRACEBACK", raising=False)
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 3
    message = capsys.readouterr().err
    assert "RuntimeError" in message
    assert "Traceback" not in message
    monkeypatch.setenv("BPX_TRACEBACK", "1")
    with pytest.raises(RuntimeError):
        cli.main()


# --- standard input -----------------------------------------------------------------------------


def test_a_spec_or_an_expression_from_standard_input() -> None:
    document = {"bpx": 1, "inputs": {"x": 3}, "graph": {"y": "x^2"}}
    assert plain_json("explain", "-", input=json.dumps(document))["output"]["value"] == 9
    assert (
        plain_json("explain", "-", input='bpx = 1\n[inputs]\nx = 3\n[graph]\ny = "x^2"')["output"]["value"]
        == 9
    )
    assert plain_json("explain", "-", "--set", "x=3", input="x^2\n")["output"]["value"] == 9


def test_a_long_chain_through_standard_input() -> None:
    length = 20_000
    graph = {"s0": "x + 1"} | {f"s{i}": f"s{i - 1} + 1" for i in range(1, length)}
    document = json.dumps({"bpx": 1, "inputs": {"x": 1}, "graph": graph}).encode()
    found = process("explain", "-", "--json", data=document)
    assert found.returncode == 0, found.stderr
    plain = json.loads(found.stdout)
    assert plain["output"] == {"name": f"s{length - 1}", "value": length + 1}
    assert plain["gradients"] == {"x": 1}
    assert len(plain["edges"]) == length


@pytest.mark.parametrize(
    "data",
    [b"", b"\xff\xfe", b"\x00", b"{", b"[", b"[[[[", b"bpx = ", b"\xef\xbb\xbf", b"{" * 20000, b"[" * 20000],
)
def test_hostile_bytes_on_standard_input(data: bytes) -> None:
    found = invoke("explain", "-", "--json", input=data, exit=2)
    assert json.loads(found.stdout)["kind"] == "error"


def test_no_check() -> None:
    assert "bpx gradcheck" in invoke(*SIMPLE).stdout
    assert "bpx gradcheck" not in invoke(*SIMPLE, "--no-check").stdout
    assert plain_json(*SIMPLE)["check"]["verdict"] == "agree"
    assert "check" not in plain_json(*SIMPLE, "--no-check")


# --- gradcheck ----------------------------------------------------------------------------------
# What it makes of a report; the numbers have tests of their own.


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """A checker that hands out `asked["report"]` and remembers what it was asked."""
    asked: dict[str, Any] = {"report": report("all_agree")}

    def checked(spec: Any, **options: Any) -> Any:
        asked.update(options, spec=spec)
        return asked["report"]

    monkeypatch.setitem(sys.modules, "bpx.check.gradcheck", SimpleNamespace(gradcheck=checked))  # type: ignore[misc]
    return asked


CHECK = ["gradcheck", *SIMPLE[1:]]
CHECK_FORMS = [*FORMS, "junit"]


def test_gradcheck_asks_for_little_by_default(asked: dict[str, Any]) -> None:
    invoke(*CHECK)
    assert asked.pop("spec").names
    assert callable(asked.pop("progress"))
    del asked["report"]
    assert asked == {
        "of": None,
        "wrt": None,
        "upstream": None,
        "points": 1,
        "seed": 0,
        "order": 1,
        "detect": 1e-5,
        "all": False,
    }


def test_gradcheck_hands_on_every_option(asked: dict[str, Any]) -> None:
    options = "--of out --wrt x,y --upstream 2 --points 20 --seed 7 --order 2 --detect 1e-6 --all"
    invoke(*CHECK, *options.split(), "--claim", "x = 2*(x+y)", "--claim", "y: 4.0")
    assert (asked["of"], asked["wrt"], asked["upstream"]) == ("out", ["x", "y"], 2)
    assert (asked["points"], asked["seed"], asked["order"], asked["detect"]) == (20, 7, 2, 1e-6)
    assert asked["all"] is True
    formula, numbers = asked["spec"].claims.values()
    assert (formula.name, formula.numbers) == ("x", None)
    assert (numbers.name, numbers.numbers, float(numbers.tolerance)) == ("y", 4.0, pytest.approx(0.05))


@pytest.mark.parametrize(
    ("name", "code", "strict"),
    [
        ("all_agree", 0, 0),
        ("nothing", 0, 0),
        ("wrong_rule", 1, 1),
        ("kink", 1, 1),
        ("harmless_culprit", 1, 1),
        ("only_a_kink", 0, 1),
        ("outside_domain", 0, 1),
        ("cannot_tell", 0, 1),
    ],
)
@pytest.mark.parametrize("form", CHECK_FORMS)
def test_exit_code_of_a_check(asked: dict[str, Any], name: str, code: int, strict: int, form: str) -> None:
    asked["report"] = report(name)
    assert invoke(*CHECK, "-f", form, exit=code).stdout == invoke(*CHECK, "-f", form, exit=code).stdout
    invoke(*CHECK, "-f", form, "--strict", exit=strict)


def test_forms_of_a_report(asked: dict[str, Any], tmp_path: Path) -> None:
    asked["report"] = report("only_a_kink")
    starts = {
        "table": "The gradient of y stands at a kink",
        "plain": "The gradient of y stands at a kink",
        "markdown": "## The gradient of y stands at a kink",
        "json": '{\n  "bpx": 1,\n  "kind": "gradcheck",',
        "junit": '<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>',
    }
    suffixes = {"plain": "txt", "markdown": "md", "json": "json", "junit": "xml"}
    for form, start in starts.items():
        found = invoke(*CHECK, "-f", form).stdout
        assert found.startswith(start)
        if form in suffixes:
            path = tmp_path / f"report.{suffixes[form]}"
            assert invoke(*CHECK, "-o", str(path)).stdout == ""
            assert path.read_text(encoding="utf-8") == found
    assert invoke(*CHECK, "--json").stdout == invoke(*CHECK, "-f", "json").stdout


def test_very_long_tables_do_without_rules(asked: dict[str, Any]) -> None:
    asked["report"] = replace(report("network"), all=True)
    table, plain = (invoke(*CHECK, "-f", form, exit=1).stdout for form in ("table", "plain"))
    assert table == plain
    assert table.count("\n") > 25_450


def test_strict_makes_failures_of_what_is_skipped(asked: dict[str, Any]) -> None:
    asked["report"] = report("only_a_kink")
    assert "<skipped" in invoke(*CHECK, "-f", "junit").stdout
    assert "<skipped" not in invoke(*CHECK, "-f", "junit", "--strict", exit=1).stdout


@pytest.mark.parametrize("form", ["plain", "json"])
def test_sort(asked: dict[str, Any], form: str) -> None:
    asked["report"] = report("wrong_rule")

    def order(*args: str) -> list[int]:
        text = invoke(*CHECK, "-f", form, *args, exit=1).stdout
        if form == "json":
            return [one["index"][0] for one in json.loads(text)["entries"] if one["index"]]
        return [int(index) for index in re.findall(r"^  w\[(\d)\]", text, re.MULTILINE)]

    assert order() == order("--sort", "worst") == [0, 2, 1]
    assert order("--sort", "input") == [0, 1, 2]


def test_everything_wrong_with_a_check_is_said_at_once(asked: dict[str, Any]) -> None:
    options = ["--points", "0", "--seed", "-1", "--order", "3", "--detect", "nan"]
    claims = ["--claim", "x = 2*", "--claim", "nonsense"]
    found = error_codes("gradcheck", "nosuch(2)", "--set", "q", *options, *claims)
    of_options = ["bad-points", "bad-seed", "bad-order", "bad-detect"]
    assert sorted(found) == sorted(
        [*of_options, "bad-assignment", "ends-too-early", "bad-claim", "unknown-op"]
    )
    assert "spec" not in asked


@pytest.mark.parametrize("detect", ["0", "-1e-5", "1", "inf", "nan"])
def test_an_error_that_cannot_be_asked_for(asked: dict[str, Any], detect: str) -> None:
    assert error_codes(*CHECK, "--detect", detect) == ["bad-detect"]


def test_errors_of_a_check_are_text_where_junit_is_asked_for(asked: dict[str, Any]) -> None:
    found = invoke("gradcheck", "x +", "-f", "junit", exit=2)
    assert (found.stdout, found.stderr.count("error[")) == ("", 1)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_names_survive_a_report_in_any_encoding(encoding: str) -> None:
    args = ["gradcheck", "β^2", "--set", "β=3"]
    printed = {
        form: process(*args, "-f", form, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
        for form in ("json", "junit")
    }
    assert all((one.returncode, one.stderr) == (0, b"") for one in printed.values())
    assert json.loads(printed["json"].stdout.decode(encoding))["entries"][0]["input"] == "β"
    case = xml.fromstring(printed["junit"].stdout.decode(encoding)).find("*/testcase")
    assert case is not None
    assert case.get("name") == "β"


# --- train --------------------------------------------------------------------------------------

TRAIN = ["train", "logistic_regression"]
RUNAWAY = ["train", "(w-1)^2", "--set", "w=3", "--wrt", "w", "--rate", "1e50"]


def test_train_takes_every_option() -> None:
    options = (
        "--optimizer momentum --momentum 0.5 --rate 0.3 --steps 7 --target 0.01 --show-steps 2 --check 3"
    )
    found = plain_json(*TRAIN, *options.split(), "--wrt", "w, b", "--set", "b=0.2")
    assert (found["optimizer"], found["settings"], found["rate"]) == ("momentum", {"momentum": 0.5}, 0.3)
    assert (found["steps"], found["target"]) == ({"asked": 7, "taken": 7}, 0.01)
    assert [row["step"] for row in found["shown"]] == [1, 2]
    assert [row["step"] for row in found["checks"]] == [0, 3, 6, 7]
    assert [row["name"] for row in found["parameters"]] == ["w", "b"]
    assert found["parameters"][1]["before"] == 0.2
    assert len(found["history"]) == 8


def test_train_by_default() -> None:
    found = plain_json(*TRAIN)
    assert (found["optimizer"], found["rate"], found["steps"]["taken"], found["stopped"]) == (
        "sgd",
        0.1,
        100,
        "steps",
    )
    assert found["shown"] == found["checks"] == []


def test_the_default_rates_are_those_of_the_help() -> None:
    help = " ".join(invoke("train", "--help").stdout.split())
    assert "(default: sgd 0.1, momentum and adam 0.01)" in help
    rates = {name: plain_json(*TRAIN, "--optimizer", name)["rate"] for name in ("sgd", "momentum", "adam")}
    assert rates == {"sgd": 0.1, "momentum": 0.01, "adam": 0.01}
    assert "(default: 0.9)" in help
    assert plain_json(*TRAIN, "--optimizer", "momentum")["settings"] == {"momentum": 0.9}


def test_train_with_batches() -> None:
    values = ["--set", "x=[1, 2, 3, 4, 5]", "--set", "w=0", "--wrt", "w", "--rate", "0.01"]
    batches = [*values, "--batch", "2", "--steps", "30"]
    found = plain_json("train", "mean((w*x - 2*x)^2)", *batches, "--seed", "3")
    assert found["batch"] == {"size": 2, "examples": 5, "inputs": ["x"], "seed": 3}
    assert found["history"] == plain_json("train", "mean((w*x - 2*x)^2)", *batches, "--seed", "3")["history"]
    assert found["history"] != plain_json("train", "mean((w*x - 2*x)^2)", *batches)["history"]
    assert len(found["history"]) == 30


@pytest.mark.parametrize(
    ("form", "begins"),
    [
        ("table", "Logistic regression: loss of one sample: L 0.139387 → "),
        ("plain", "Logistic regression: loss of one sample: L 0.139387 → "),
        ("markdown", "## Logistic regression: loss of one sample: L 0.139387 → "),
        ("json", '{\n  "bpx": 1,\n  "kind": "training",'),
    ],
)
def test_forms_of_a_training(tmp_path: Path, form: str, begins: str) -> None:
    found = invoke(*TRAIN, "--show-steps", "1", "-f", form).stdout
    assert found.startswith(begins)
    assert found.endswith("\n")
    assert [line for line in found.split("\n") if line != line.rstrip()] == []
    path = tmp_path / f"report.{ {'markdown': 'md', 'plain': 'txt'}.get(form, form) }"
    assert invoke(*TRAIN, "--show-steps", "1", "-f", form, "--report", str(path)).stdout == ""
    assert form == "table" or path.read_text(encoding="utf-8") == found


@pytest.mark.parametrize("format", ["toml", "json"])
def test_the_trained_spec_is_written(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"trained.{format}"
    found = plain_json(*TRAIN, "-o", str(path))
    again = plain_json("train", str(path), "--steps", "1")
    assert again["loss"]["first"] == pytest.approx(found["loss"]["last"], rel=1e-12)
    assert [row["before"] for row in again["parameters"]] == [row["after"] for row in found["parameters"]]
    invoke("explain", str(path))  # whose [expect] was of the old values


def test_a_training_that_breaks_off_is_exit_1_and_writes_no_spec(tmp_path: Path) -> None:
    path = tmp_path / "trained.toml"
    found = plain_json(*RUNAWAY, "-o", str(path), exit=1)
    assert (found["kind"], found["stopped"]) == ("training", "not finite")
    assert [one["code"] for one in found["diagnostics"]] == ["not-written", "loss-not-finite", "not-finite"]
    assert len(found["history"]) == found["steps"]["taken"] + 2
    assert not path.exists()
    assert "Broken off" in invoke(*RUNAWAY, exit=1).stdout


def test_a_training_with_a_wrong_rule_is_exit_1_where_it_is_checked(tmp_path: Path) -> None:
    path = tmp_path / "wrong.toml"
    path.write_text(
        'bpx = 1\n[inputs]\nw = { value = 2.0, role = "parameter" }\n[graph]\nL = "glide(w)"\n'
        '[ops.glide]\nargs = ["x"]\nvalue = "x*sigmoid(x)"\npartials = { x = "sigmoid(x)" }\n',
        encoding="utf-8",
    )
    assert plain_json("train", str(path))["stopped"] == "steps"
    found = plain_json("train", str(path), "--check", "50", exit=1)
    assert (found["stopped"], found["diagnostics"][-1]["line"]) == ("disagree", 9)


def test_what_cannot_be_trained_is_exit_2() -> None:
    assert error_codes("train", "x^2", "--set", "x=1") == ["no-parameters"]
    assert error_codes("train", "log(x)", "--set", "x=0", "--wrt", "x") == [
        "loss-not-finite",
        "outside-domain",
    ]
    assert error_codes("train", "2*x", "--set", "x=[1, 2]", "--wrt", "x") == ["train-needs-scalar"]
    assert error_codes("train", "mean(x*w)", "--set", "x=[1, 2]", "--set", "w=1", "--wrt=w", "--batch=3") == [
        "batch-too-large"
    ]


def test_everything_wrong_with_a_training_is_said_at_once() -> None:
    options = ["--optimizer", "sdg", "--rate", "0", "--steps", "0", "--batch", "0", "--seed", "-1"]
    options += ["--target", "nan", "--show-steps", "-1", "--check", "0", "-o", "trained.yaml"]
    bad = ["learning-rate", "steps", "batch", "seed", "target", "show-steps", "check"]
    expected = ["unknown-format", "unknown-optimizer", *(f"bad-{name}" for name in bad), "unknown-op"]
    assert error_codes("train", "nosuch(2)", *options) == expected


@pytest.mark.parametrize("option", ["-o", "--report"])
def test_a_file_that_cannot_be_written_is_told_before_the_training(tmp_path: Path, option: str) -> None:
    found = invoke(*TRAIN, option, str(tmp_path / "nosuch" / "trained.json"), exit=2)
    assert found.stdout == "" or "unwritable" in found.stdout
    assert "unwritable" in found.stderr + found.stdout


def test_a_report_does_not_take_the_place_of_a_spec(tmp_path: Path) -> None:
    path = tmp_path / "spec.toml"
    path.write_text('bpx = 1\n[graph]\ny = "2*3"\n', encoding="utf-8")
    before = path.read_text(encoding="utf-8")
    for command in ("explain", "gradcheck"):
        assert "error[report-as-spec]" in invoke(command, str(path), "-o", str(path), exit=2).stderr
    assert path.read_text(encoding="utf-8") == before


def test_a_reverse_pass_that_does_not_fit_is_told() -> None:
    asked = ["sum(broadcast_to(x, shape=[30000000])*y)", "--set", "x=1", "--set", "y=2"]
    assert error_codes("gradcheck", *asked) == ["too-large"]


@pytest.mark.parametrize("columns", ["80", "60"])
@pytest.mark.parametrize("name", ["mazur_network", "broadcast_bias", "logistic_regression"])
def test_a_training_keeps_to_the_width(name: str, columns: str) -> None:
    from rich.cells import cell_len

    args = ["train", name, "--show-steps", "2", "--check", "30", "--rate", "0.01"]
    found = process(*args, COLUMNS=columns).stdout.decode()
    assert "⣀" in found
    assert max(map(cell_len, found.splitlines())) <= int(columns)


@pytest.mark.parametrize("encoding", ["ascii", "cp1252"])
def test_a_curve_in_any_encoding(encoding: str) -> None:
    found = process(*TRAIN, "--show-steps", "1", PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    text = found.stdout.decode(encoding)
    assert (found.returncode, found.stderr) == (0, b"")
    assert "?" not in text
    assert "|'" in text.replace(" ", "")


@pytest.mark.parametrize("env", [{"FORCE_COLOR": "1", "NO_COLOR": "1"}, {"TERM": "dumb"}, {}], ids=str)
def test_a_training_without_colour(env: dict[str, str]) -> None:
    assert not re.search(rb"\x1b\[[\d;]*3\d", process(*TRAIN, **env).stdout)


TRAIN_OPTIONS = ["--rate", "--steps", "--optimizer", "--momentum", "--batch", "--seed", "--target"]
TRAIN_OPTIONS += ["--show-steps", "--check", "--wrt", "--output", "--report", "--set"]


@pytest.mark.parametrize("option", TRAIN_OPTIONS)
@pytest.mark.parametrize("value", ["", " ", "-1", "0", "1", "nan", "1e400", "x", "x,,x", "\x1b[0m", "{x}"])
def test_hostile_options_of_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    args = ["train", "mean((x*w)^2)", "--set", "x=[1, 2]", "--set", "w=1", "--wrt", "w", "--steps", "3"]
    check_calm([*args, f"{option}={value}"])


# --- convert ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", example_names())
@pytest.mark.parametrize("format", ["toml", "json"])
def test_convert_and_explain_again(tmp_path: Path, name: str, format: str) -> None:
    path = tmp_path / f"{name}.{format}"
    invoke("convert", name, "-o", str(path))
    before, after = plain_json("explain", name), plain_json("explain", str(path))
    assert after["gradients"] == before["gradients"]
    assert after["output"] == before["output"]


def test_convert_to_standard_output() -> None:
    found = invoke("convert", "x^2", "--set", "x=3")
    assert tomllib.loads(found.stdout)["inputs"] == {"x": 3.0}
    assert invoke("convert", "x^2", "--set", "x=3", "--to", "toml").stdout == found.stdout
    assert json.loads(invoke("convert", "x^2", "--set", "x=3", "--to", "json").stdout)["inputs"] == {"x": 3.0}


def test_convert_keeps_the_values_given() -> None:
    found = invoke("convert", "sigmoid", "--set", "x=2")
    assert tomllib.loads(found.stdout)["inputs"] == {"x": 2.0}


@pytest.mark.parametrize("to", ["yaml", "", ".toml", "TOML "])
def test_convert_to_something_else(to: str) -> None:
    found = (
        invoke("convert", "sigmoid", "--to", to, exit=2) if to else invoke("convert", "sigmoid", "--to", to)
    )
    assert ("unknown-choice" in found.stderr) == bool(to)


def test_convert_of_what_is_wrong() -> None:
    assert "error[ends-too-early]" in invoke("convert", "x +", exit=2).stderr


def test_errors_of_convert_are_text_whatever_the_file(tmp_path: Path) -> None:
    """The file's suffix is the format of the spec; nobody asked for diagnostics in JSON."""
    found = invoke("convert", "x +", "-o", str(tmp_path / "a.json"), exit=2)
    assert "error[ends-too-early]" in found.stderr


# --- ops, examples, schema ----------------------------------------------------------------------


def test_ops() -> None:
    assert [one["name"] for one in plain_json("ops")["ops"]] == [op.name for op in rows()]
    assert [one["name"] for one in plain_json("ops", "ln")["ops"]] == ["log"]
    assert invoke("ops", "relu").stdout.startswith("relu: relu(x)\n")


def test_an_unknown_op() -> None:
    assert error_codes("ops", "sigmod") == ["unknown-op"]
    assert "did you mean `sigmoid`?" in invoke("ops", "sigmod", exit=2).stderr


def test_examples() -> None:
    found = plain_json("examples")["examples"]
    assert [one["name"] for one in found] == example_names()
    assert all(one["title"] for one in found)
    table = invoke("examples").stdout
    assert all(name in table for name in example_names())


def test_schema(tmp_path: Path) -> None:
    assert json.loads(invoke("schema").stdout) == schema()
    path = tmp_path / "schema.json"
    invoke("schema", "-o", str(path))
    assert json.loads(path.read_text(encoding="utf-8")) == schema()


# --- help ---------------------------------------------------------------------------------------


def parameters() -> list[Any]:
    import typer.main

    root = typer.main.get_command(app)
    commands = [root, *root.commands.values()]  # type: ignore[attr-defined]
    return [
        pytest.param(one, id=f"{command.name} {one.name}") for command in commands for one in command.params
    ]


@pytest.mark.parametrize("parameter", parameters())
def test_every_option_has_help(parameter: Any) -> None:
    assert parameter.help
    assert parameter.help[0].isupper()
    assert parameter.help.endswith(".")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    first = invoke(command, "--help").stdout.split("\n\n")[1]
    assert re.match(r"\s+[A-Z]", first)
    assert first.rstrip().endswith(".")


def test_the_commands_are_these() -> None:
    import typer.main

    assert sorted(typer.main.get_command(app).commands) == sorted(COMMANDS)  # type: ignore[attr-defined]
    found = invoke("--help").stdout
    assert all(command in found for command in COMMANDS)


def test_without_arguments_help_is_shown() -> None:
    result = RUNNER.invoke(app, [])
    assert "Usage" in result.output


def test_version() -> None:
    assert invoke("--version").stdout == f"bpx {bpx.__version__}\n"


# What Typer itself imports of Rich, if anything, is Typer's business; tables are ours.
@pytest.mark.parametrize("args", [["--version"], ["--help"], ["explain", "--help"]], ids=" ".join)
def test_version_and_help_do_without_numpy_and_tables(args: list[str]) -> None:
    code = (
        "import sys, typer\nbefore = set(sys.modules)\nfrom bpx.cli.app import app\n"
        f"try:\n    app({args!r})\nexcept SystemExit:\n    pass\n"
        "print(*(one for one in ('numpy', 'rich.table', 'bpx.graph.graph') if one in sys.modules),"
        "file=sys.stderr)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0
    assert found.stderr.strip() == ""


# --- processes ----------------------------------------------------------------------------------


def test_as_a_module() -> None:
    found = process(*SIMPLE)
    assert found.returncode == 0
    assert found.stdout.decode().replace(os.linesep, "\n") == invoke(*SIMPLE).stdout
    assert found.stderr == b""


@pytest.mark.parametrize(
    ("args", "code"),
    [
        (["explain", "x"], 2),
        (["explain"], 2),
        (["explain", "sigmoid"], 0),
        (["nosuch"], 2),
        (["explain", ""], 2),
    ],
)
def test_exit_codes_of_a_process(args: list[str], code: int) -> None:
    assert process(*args).returncode == code


EVERY_SECTION = ["--paths", "--second", "--step", "0.5", "--expand", "all"]
TOO_LARGE_FOR_SECOND = ["iris_softmax", "two_moons"]


def test_output_is_the_same_for_every_hash_seed() -> None:
    """All examples, all sections, in one process a seed."""
    code = (
        "import sys\nfrom bpx.cli.app import app\n"
        "from bpx.spec.reading.examples import example_names\n"
        f"options, large = {EVERY_SECTION!r}, {TOO_LARGE_FOR_SECOND!r}\n"
        "for name in example_names():\n"
        "    asked = [one for one in options if one != '--second' or name not in large]\n"
        "    for form in ('json', 'plain'):\n"
        "        try:\n            app(['explain', name, '-f', form, *asked])\n"
        "        except SystemExit as error:\n            assert not error.code, name\n"
        "for args in (['ops'], ['schema'], ['examples']):\n"
        "    try:\n        app(args)\n    except SystemExit as error:\n        assert not error.code\n"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-X", "utf8", "-c", code],
            capture_output=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    ]
    assert len(outputs[0]) > 50_000
    assert outputs[0] == outputs[1] == outputs[2]


HARD = ["explain", "perceptron_2_2_1", *EVERY_SECTION]


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "ascii:strict", "utf-8", "utf-16"])
@pytest.mark.parametrize(
    "args",
    [HARD, [*HARD, "--json"], ["ops"], ["explain", "--help"], ["explain", "學 + ∂"], ["examples"]],
    ids=lambda one: " ".join(one[:2]) + str(len(one)),
)
def test_any_encoding_of_the_terminal(encoding: str, args: list[str]) -> None:
    if encoding in ("latin-1", "utf-16", "ascii:strict") and args is not HARD:
        pytest.skip("one command says it of the rarer encodings")
    found = process(*args, PYTHONIOENCODING=encoding, PYTHONUTF8="0")
    assert found.returncode == (2 if "學 + ∂" in args else 0), found.stderr
    text = found.stdout.decode(encoding.partition(":")[0])
    assert text or found.stderr
    assert b"Traceback" not in found.stderr
    if encoding in ("ascii", "cp1252") and args is HARD:
        assert "?" not in text
        assert "dL/dW1" in text


def test_json_survives_an_ascii_terminal() -> None:
    plain = json.loads(process(*HARD, "--json", PYTHONIOENCODING="ascii").stdout.decode("ascii"))
    assert plain["gradients"] == plain_json(*HARD)["gradients"]


def test_names_survive_json_on_an_ascii_terminal() -> None:
    found = process("explain", "β^2", "--set", "β=3", "--json", PYTHONIOENCODING="ascii")
    assert list(json.loads(found.stdout.decode("ascii"))["gradients"]) == ["β"]


@pytest.mark.parametrize("name", ["mazur_network", "perceptron_2_2_1", "broadcast_bias"])
@pytest.mark.parametrize("columns", ["80", "60"])
def test_the_table_keeps_to_the_width(name: str, columns: str) -> None:
    from rich.cells import cell_len

    found = process("explain", name, *EVERY_SECTION, COLUMNS=columns).stdout.decode()
    assert max(map(cell_len, found.splitlines())) <= int(columns)


@pytest.mark.parametrize(
    ("env", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, None),
    ],
    ids=str,
)
def test_colour(env: dict[str, str], coloured: bool | None) -> None:
    found = process(*SIMPLE, **env)
    assert found.returncode == 0
    if coloured is not None:
        assert (b"\x1b[" in found.stdout) == coloured


def test_no_color_wins() -> None:
    found = process(*SIMPLE, NO_COLOR="1", FORCE_COLOR="1")
    assert not re.search(rb"\x1b\[[\d;]*3\d", found.stdout)


def test_a_reader_that_has_seen_enough() -> None:
    graph = {"s0": "x + 1"} | {f"s{i}": f"s{i - 1} + 1" for i in range(1, 2000)}
    document = json.dumps({"bpx": 1, "inputs": {"x": 1}, "graph": graph}).encode()
    running = subprocess.Popen(
        [sys.executable, "-m", "bpx", "explain", "-", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdin and running.stdout and running.stderr
    running.stdin.write(document)
    running.stdin.close()
    running.stdout.read(10)
    running.stdout.close()
    errors = running.stderr.read()
    running.stderr.close()
    assert (running.wait(timeout=60), errors) == (0, b"")


# --- nothing leads to a traceback ---------------------------------------------------------------

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


def check_calm(args: list[str], data: Any = None) -> None:
    """Every call ends in 0, 1 or 2, says why on standard error where it fails, and nothing more."""
    result = RUNNER.invoke(app, args, input=data)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code in (0, 1, 2), args
    assert "Traceback" not in result.output
    if result.exit_code == 2:
        assert result.stderr or {"--json", "json"} & set(args)
    if {"--json", "json"} & set(args) and result.stdout.startswith("{"):
        json.loads(result.stdout, parse_constant=pytest.fail)


@pytest.mark.parametrize("target", HOSTILE_TARGETS, ids=lambda one: ascii(one)[:30])
def test_hostile_targets(target: str) -> None:
    check_calm(["explain", "--", target])
    check_calm(["explain", "--json", "--paths=*", "--second", "--step", "1", "--expand", "all", "--", target])
    check_calm(["convert", "--", target])
    check_calm(["gradcheck", "--json", "--", target])


@pytest.mark.parametrize("target", HOSTILE_TARGETS, ids=lambda one: ascii(one)[:30])
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


@pytest.mark.parametrize("option", CHECK_OPTIONS)
@pytest.mark.parametrize("value", ["", " ", "-1", "x=", "=", "x = y", "x = [", "x = 1e999", "1e3", "x" * 500])
def test_hostile_options_of_a_check(option: str, value: str) -> None:
    check_calm(["gradcheck", "sigmoid(x)^2", "--set", "x=1", f"{option}={value}"])


@pytest.mark.parametrize("name", ["", " ", "sum(", "\x1b", "--", "ＳＵＭ", "q" * 500])
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


@pytest.mark.parametrize("text", HOSTILE_SPECS.values(), ids=list(HOSTILE_SPECS))
@pytest.mark.parametrize("form", CHECK_FORMS)
def test_hostile_specs_checked(text: str, form: str) -> None:
    result = RUNNER.invoke(app, ["gradcheck", "-", "-f", form], input=text)
    assert result.exit_code in (0, 2), result.exception
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", result.output)
    if form == "junit" and not result.exit_code:
        assert xml.fromstring(result.stdout).tag == "testsuites"


@pytest.mark.parametrize("text", HOSTILE_SPECS.values(), ids=list(HOSTILE_SPECS))
@pytest.mark.parametrize("form", ["table", "plain"])
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
