"""`bpx train`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from invoking import RUNNER, check_calm, error_codes, invoke, plain_json, process
from rows_of_a_table import every

from bpx.cli.main import app
from bpx.train.optimizers import OPTIMIZERS

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
    assert found["schedule"] is None
    schedule = plain_json(*TRAIN, "--schedule", "step(every=3)", "--steps", "9")["schedule"]
    assert schedule == {"name": "step", "settings": {"every": 3, "gamma": 0.1}}


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
    assert "(default: sgd 0.1, all others 0.01)" in help
    rates = {name: plain_json(*TRAIN, "--optimizer", name)["rate"] for name in OPTIMIZERS}
    assert rates == {**dict.fromkeys(OPTIMIZERS, 0.01), "sgd": 0.1}
    assert "(default: 0.9; rmsprop 0)" in help
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
        ("table", "Logistic regression: loss of one sample — L 0.139387 → "),
        ("plain", "Logistic regression: loss of one sample — L 0.139387 → "),
        ("markdown", "## Logistic regression: loss of one sample — L 0.139387 → "),
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
    assert "Stopped early" in invoke(*RUNAWAY, exit=1).stdout


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


@every("columns", ["80", "60"])
@every("name", ["mazur_network", "broadcast_bias", "logistic_regression"])
def test_a_training_keeps_to_the_width(name: str, columns: str) -> None:
    from rich.cells import cell_len

    args = ["train", name, "--show-steps", "2", "--check", "30", "--rate", "0.01"]
    found = RUNNER.invoke(app, args, env={"COLUMNS": columns}).stdout
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


TRAIN_OPTIONS = [
    "--schedule",
    "--rate",
    "--steps",
    "--optimizer",
    "--momentum",
    "--batch",
    "--seed",
    "--target",
]
TRAIN_OPTIONS += ["--show-steps", "--check", "--wrt", "--output", "--report", "--set"]


@pytest.mark.parametrize("option", TRAIN_OPTIONS)
@pytest.mark.parametrize("value", ["", " ", "-1", "0", "1", "nan", "1e400", "x", "x,,x", "\x1b[0m", "{x}"])
def test_hostile_options_of_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, value: str
) -> None:
    monkeypatch.chdir(tmp_path)
    args = ["train", "mean((x*w)^2)", "--set", "x=[1, 2]", "--set", "w=1", "--wrt", "w", "--steps", "3"]
    check_calm([*args, f"{option}={value}"])
