"""Targets without a command, values behind them, and what is misspelled on a command line."""

from __future__ import annotations

import contextlib
import io
import json

import pytest

from bpx.cli.main import with_command
from tests.invoking import error_codes, invoke, plain_json, process


def test_a_target_alone_is_explained() -> None:
    assert with_command(["(x+y)^2", "x=3"]) == ["explain", "(x+y)^2", "x=3"]
    assert with_command(["logistic_regression"]) == ["explain", "logistic_regression"]
    assert with_command(["-x^2", "x=3"]) == ["explain", "-x^2", "x=3"]
    assert with_command(["x", "x=3"]) == ["explain", "x", "x=3"]


@pytest.mark.parametrize("args", [[], ["--help"], ["-h"], ["ops"], ["convert", "x^2"]])
def test_commands_stay(args: list[str]) -> None:
    assert with_command(args) == args


@pytest.mark.parametrize("args", [["explan"], ["explan", "x^2"]])
def test_a_slip_of_a_command_is_answered(args: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        with_command(args)
    assert end.value.code == 2
    assert "did you mean `explain`?" in capsys.readouterr().err


def test_a_whole_process_without_a_command() -> None:
    shown = process("(x+y)^2", "x=3", "y=-1")
    assert shown.returncode == 0
    assert shown.stdout == process("explain", "(x+y)^2", "--set", "x=3", "--set", "y=-1").stdout


@pytest.mark.parametrize(
    "values",
    [["x=3", "y=-1"], ["--set", "x=3, y=-1"], ["--set", "x=3", "y=-1"], ["x=3,y=-1"], ["x = 3", "y = -1"]],
)
def test_values_may_stand_in_many_ways(values: list[str]) -> None:
    assert plain_json("explain", "(x+y)^2", *values)["output"]["value"] == 4
    assert plain_json("gradcheck", "(x+y)^2", *values)["counts"]["agree"] == 2


def test_a_minus_in_front_is_no_option() -> None:
    assert plain_json("explain", "-x^2", "x=3")["output"]["value"] == -9
    assert plain_json("explain", "-(y*log(a))", "y=1", "a=1")["output"]["value"] == 0
    assert plain_json("explain", "x^2", "x=3", "--upstream", "-1")["nodes"][0]["upstream"] == -6


def test_lists_of_names_add_up() -> None:
    both = plain_json(
        "explain", "x*y*z", "x=1", "y=2", "z=3", "--wrt", "x", "--wrt=y", "--paths", "x", "--paths", "y"
    )
    together = plain_json("explain", "x*y*z", "x=1", "y=2", "z=3", "--wrt", "x,y", "--paths", "x,y")
    assert both == together
    assert [paths["input"] for paths in both["paths"]] == ["x", "y"]


def test_paths_alone_are_those_to_every_input() -> None:
    every = plain_json("explain", "x*y", "--paths", "x=1", "y=2")
    assert [paths["input"] for paths in every["paths"]] == ["x", "y"]


@pytest.mark.parametrize(
    ("args", "help"),
    [
        (["explain", "x", "x=3", "--steps", "3"], "it is an option of `bpx train`"),
        (["explain", "x", "x=3", "--pathz"], "did you mean `--paths`?"),
        (["ops", "--qqq"], "`bpx ops --help` lists the options"),
        (["gradcheck", "x", "+", "y", "x=1"], 'quote the whole expression: bpx gradcheck "x + y"'),
    ],
)
def test_what_cannot_be_read_gets_advice(args: list[str], help: str) -> None:
    assert f"help: {help}" in invoke(*args, exit=2).stderr


def test_all_unknown_options_are_reported_together() -> None:
    assert error_codes("explain", "x", "x=3", "--foo", "--bar=2") == ["no-such-option", "no-such-option"]


def test_bpx_alone_shows_where_to_begin() -> None:
    assert 'bpx explain "(x+y)^2" x=3 y=-1' in invoke().stdout


def test_a_short_option_for_help() -> None:
    assert invoke("explain", "-h").stdout == invoke("explain", "--help").stdout


def test_usage_errors_are_json_where_that_is_asked_for() -> None:
    """Whatever is wrong, and wherever the wish stands."""
    from bpx.cli.command import COMMANDS
    from bpx.cli.main import read_arguments, run

    calls = [[name, "--nosuch", "--json"] for name in COMMANDS]
    calls += [["nosuch", "--json"], ["--nosuch", "--json"], ["explain", "--json"], ["explain", "-f", "json"]]
    calls += [["explain", "--format=json"], ["explain", "sigmoid", "--lang", "xx", "--json"]]
    calls += [["explain", "sigmoid", "--digits", "x", "--json"], ["train", "sigmoid", "-o", "", "--json"]]
    calls += [["practice", "reset", "nosuch", "--json"], ["practice", "reset", "--json"]]
    calls += [["practice", "list", "-f", "nosuch", "--json", "--progress", "/"]]
    calls += [
        ["practice", "nosuch", "--json"],
        ["gradcheck", "x", "--json", "--points", "1", "--points", "2"],
    ]
    for args in calls:
        out, errors = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
            try:
                code = run(read_arguments(args))
            except SystemExit as end:
                code = end.code
        assert code == 2, args
        assert json.loads(out.getvalue())["kind"] == "error", args
        assert errors.getvalue() == "", args
