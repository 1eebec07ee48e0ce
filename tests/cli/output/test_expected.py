"""Long work is announced with its cost: what is estimated from the sizes, and where it is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from invoking import invoke

import bpx
from bpx.cli.output import expected
from bpx.cli.output.expected import Expected, Size, of_calls, of_check, of_explanation, of_sweep, of_training

_NET = """
bpx = 1
[inputs]
x = {{ normal = [{rows}, 10], seed = 1 }}
w = {{ normal = [10, 3], seed = 2, role = "parameter" }}
b = {{ normal = [3], seed = 3, role = "parameter" }}
y = {{ normal = [{rows}, 3], seed = 4, role = "target" }}
[graph]
z = "x @ w + b"
L = "mean((z - y)^2)"
"""


def net(folder: Path, rows: int) -> bpx.Spec:
    file = folder / f"{rows}.toml"
    file.write_text(_NET.format(rows=rows), encoding="utf-8")
    return bpx.load(file)


def test_a_size_is_that_of_the_part_asked_for(tmp_path: Path) -> None:
    spec = net(tmp_path, 4)
    graph = spec.graph
    whole, part, by_b = Size.of(spec), Size.of(spec, "z"), Size.of(spec, "z", ["b"])
    assert whole.elements > part.elements == 40 + 30 + 12 + 3 + 12  # x, w, x @ w, b, z
    assert (by_b.nodes, by_b.elements) == (2, 3 + 12)
    assert (part.nodes, part.operations) == (5, 12 * (2 * 10 - 1) + 12)
    assert Size.of(spec, "nowhere") == whole
    assert whole.nodes == len(graph.needs(of=[spec.output]))


def test_the_estimate_grows_with_what_is_asked_for(tmp_path: Path) -> None:
    small, large = net(tmp_path, 4), net(tmp_path, 400_000)
    asked = {"is_json": False, "sensitivity": False}
    for estimate in (
        lambda spec: of_explanation(spec, None, None, **asked),
        lambda spec: of_explanation(spec, None, None, **{**asked, "is_json": True}),
        lambda spec: of_check(spec, None),
        lambda spec: of_sweep(spec, ["b[0]=0..1"], None, None),
        lambda spec: of_training(spec, 1000, None),
    ):
        assert estimate(large).seconds > 100 * estimate(small).seconds
    assert of_check(small, None, points=10_000).seconds == 10_000 * of_check(small, None).seconds
    both = of_check(small, None, ["b"]).seconds, of_check(small, None, ["b"], order=2).seconds
    assert both[1] == 4 * both[0]  # and one for each of three entries
    assert of_training(small, 2000, None).seconds == 2 * of_training(small, 1000, None).seconds
    assert of_training(large, 10, 40).seconds < of_training(large, 10, None).seconds / 1000
    assert of_sweep(small, ["b[0]=0..1:9"], None, 10**6) > of_sweep(small, ["b[0]=0..1:9"], None, None)
    assert of_sweep(small, ["nothing"], None, None).seconds == 0


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (
            Expected(43, 2.8e9, "json", 10**7),
            "About 40 s and 3 GB: writing 10,000,000 numbers and their gradients as JSON. A part of the graph"
            " (`--of NODE`) takes less.",
        ),
        (
            Expected(170, 1e6, "points", 10_000),
            "About 3 min: checking 10,000 points. Fewer (`--points N`) take less.",
        ),
        (Expected(7300, 0, "train", 10**6), "About 2 h: 1,000,000 steps."),
        (
            Expected(0.2, 9.6e9, "explain", 7),
            "About 1 s and 10 GB: explaining a graph of 7 numbers. A part of it (`--of NODE`) takes less.",
        ),
    ],
)
def test_one_line_says_it(estimate: Expected, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    estimate.announce()
    assert capsys.readouterr() == ("", f"{text}\n")
    estimate.announce(is_json=True)  # nobody is there to read it
    assert capsys.readouterr() == ("", "")


def test_what_is_short_goes_without_saying(capsys: pytest.CaptureFixture[str]) -> None:
    Expected(9.9, 9.9e8, "json", 10**6).announce()
    assert capsys.readouterr() == ("", "")


_COMMANDS = [
    (["explain", "(x+y)^2", "x=3", "y=-1"], "explaining a graph of 5 numbers"),
    (["explain", "(x+y)^2", "x=3", "y=-1", "--sensitivity"], "explaining a graph of 5 numbers"),
    (["gradcheck", "(x+y)^2", "x=3", "y=-1"], "checking a graph of 5 numbers"),
    (["gradcheck", "(x+y)^2", "x=3", "y=-1", "--points", "20"], "checking 20 points"),
    (["train", "logistic_regression", "--steps", "7"], "7 steps"),
    (["sweep", "(w-1)^2", "w=0", "--over", "w=-2..2:5"], "5 points"),
    (["sweep", "(w-1)^2", "w=0", "--over", "w=-2..2:5", "--descend", "9"], "9 steps"),
]


_CODE = """import numpy as np


def forward(x):
    return np.sum(x * x)


def opaque(x):
    return np.sum(np.frombuffer(x.tobytes()) ** 2)


def backward(g, x):
    return 2 * g * x
"""


@pytest.mark.parametrize(
    ("names", "text"),
    [
        ("forward,backward", "checking a graph of 9 numbers"),  # what depends on x
        ("opaque,backward", "calling forward 51 times"),
    ],
)
def test_it_is_said_of_functions_in_code(
    names: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "net.py").write_text(_CODE, encoding="utf-8")
    args = ["gradcheck", f"{tmp_path}/net.py:{names}", "x=[1, 2, 3]"]
    assert "About" not in invoke(*args).stderr
    monkeypatch.setattr(expected, "LONG", 0.0)
    [said] = [line for line in invoke(*args).stderr.splitlines() if line.startswith("About 1 s: ")]
    assert text in said
    assert invoke(*args, "--json").stderr == ""


def test_processes_share_the_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert of_calls(0.5, 100).seconds == 50
    assert of_calls(0.5, 100, jobs=4).seconds == 25


def test_every_command_says_it_before_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expected, "LONG", 0.0)
    for args, text in _COMMANDS:
        result = invoke(*args)
        assert result.stderr.splitlines()[0].startswith("About 1 s: "), args
        assert text in result.stderr, args
        assert "About" not in result.stdout, args
        assert invoke(*args, "--json").stderr == "", args
