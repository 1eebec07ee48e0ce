"""`bpx explain`: every option, exit codes, standard input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from invoking import FORMS, SIMPLE, error_codes, invoke, plain_json, process
from rows_of_a_table import every

import bpx


def test_an_expression_with_values() -> None:
    found = plain_json(*SIMPLE)
    assert found["output"] == {"name": "out", "value": 4.0}
    assert found["gradients"] == {"x": 4.0, "y": 4.0}


@every(
    "assignment, value",
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


@every(
    "args, inputs",
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


@every(
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
)
def test_a_wrong_call_is_exit_2(args: list[str]) -> None:
    found = invoke(*args, exit=2)
    assert found.stderr
    assert "Traceback" not in found.stderr


@every(
    "args, codes",
    [
        (["x +", "--set", "x=1"], ["ends-too-early"]),
        (["x + y", "--set", "x=1"], ["missing-value"]),
        (["x", "--set", "x"], ["bad-assignment", "unknown-target"]),
        (["x", "--set", "=1"], ["bad-assignment", "unknown-target"]),
        (["x", "--set", "x="], ["empty-value"]),
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


@every(
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


def test_a_gradient_that_differences_contradict_fails(tmp_path: Path) -> None:
    """The rule of an op that the spec states is wrong: the exit code says so, as that of gradcheck does."""
    spec = tmp_path / "cube.toml"
    stated = 'bpx = 1\n[inputs]\nx = 2\n[graph]\ny = "cube(x)"\n[ops.cube]\nargs = ["u"]\nvalue = "u^3"\n'
    spec.write_text(stated + 'partials = { u = "3*u" }\n')
    invoke("explain", str(spec), exit=1)
    invoke("explain", str(spec), "--no-check", exit=0)
    spec.write_text(stated + 'partials = { u = "3*u^2" }\n')
    invoke("explain", str(spec), exit=0)
