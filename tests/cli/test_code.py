"""Python files as targets of the command line."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import numpy as np
import pytest
from invoking import error_codes, invoke, plain_json

NET = """import numpy as np


def forward(x, w):
    z = x @ w
    a = np.tanh(z)
    return a, (x, w, a)


def backward(da, cache):
    x, w, a = cache
    dz = da * (1 - a ** 2)
    return dz @ w.T, x.T @ dz


def loss(x, w):
    a, _ = forward(x, w)
    return np.sum(a ** 2)


def inputs():
    return {"x": np.array([[0.1, 0.5], [-0.3, 0.8]]), "w": np.array([[0.7], [-0.2]])}


def others():
    return {"x": np.array([[0.1, 0.5]]), "w": np.array([[0.7], [-0.2]])}
"""
WRONG = NET.replace("(1 - a ** 2)", "(1 - a)")


@pytest.fixture(autouse=True)
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("net.py").write_text(NET)
    Path("wrong.py").write_text(WRONG)
    np.savez("values.npz", x=np.ones((3, 2)), w=np.full((2, 1), 0.1))
    Path("values.json").write_text(json.dumps({"x": [[0.1, 0.2]], "w": [[0.5], [0.3]]}))
    return tmp_path


def test_explain_names_lines_and_variables() -> None:
    nodes = {node["name"]: node for node in plain_json("explain", "net.py:loss")["nodes"]}
    assert (nodes["z"]["line"], nodes["z"]["code"]) == (5, "x @ w")
    assert nodes["a"]["line"] == 6
    assert Path(nodes["a"]["file"]).name == "net.py"


def test_convert_saves_the_function() -> None:
    graph = tomllib.loads(invoke("convert", "net.py:loss").stdout)["graph"]
    assert graph["z"] == "x @ w"


def test_a_right_gradient() -> None:
    found = plain_json("gradcheck", "net.py:forward,backward")
    assert (found["verdict"], found["blame"]) == ("agree", [])
    assert {row["input"] for row in found["inputs"]} == {"x", "w"}


def test_a_wrong_gradient_names_the_line() -> None:
    found = plain_json("gradcheck", "wrong.py:forward,backward", exit=1)
    (culprit,) = found["blame"]
    assert culprit["line"] == 12
    assert culprit["code_line"]["text"] == "dz = da * (1 - a)"
    assert culprit["code_line"]["gradient_of"] == "z"


def test_the_report_has_inputs_before_entries_and_says_nothing_of_digits() -> None:
    text = invoke("gradcheck", "wrong.py:forward,backward", exit=1).stdout
    assert text.index("Cause: wrong.py:12") < text.index("Input by input") < text.index("Entry by entry")
    assert "last written digit" not in text
    assert "z[0" not in text  # nobody has claimed it
    right = invoke("gradcheck", "net.py:forward,backward").stdout
    assert "Input by input" in right
    assert "Entry by entry" not in right


@pytest.mark.parametrize(
    ("options", "size"),
    [
        (["--inputs", "values.npz"], 8),
        (["--inputs", "values.json"], 4),
        (["--inputs", "others"], 4),
        (["--random", "x:(5,2) w:(2,3)"], 16),
    ],
)
def test_values_for_arguments(options: list[str], size: int) -> None:
    found = plain_json("gradcheck", "net.py:forward,backward", *options)
    assert (found["verdict"], found["total"]) == ("agree", size)


@pytest.mark.parametrize(
    ("args", "codes"),
    [
        (["explain", "x^2", "--set", "x=1", "--inputs", "values.npz"], ["only-for-code"]),
        (["explain", "none.py:loss"], ["missing-file"]),
        (["explain", "net.py"], ["no-name-in-file"]),
        (["explain", "net.py:los"], ["not-in-file"]),
        (["gradcheck", "net.py:forwards,backwards"], ["not-in-file", "not-in-file"]),
        (["explain", "net.py:loss", "--random", "x;3"], ["bad-random"]),
        (["explain", "net.py:loss", "--inputs", "none.npz"], ["missing-file"]),
        (["explain", "net.py:los", "--set", "x"], ["bad-assignment", "not-in-file"]),
    ],
)
def test_all_that_is_wrong_is_said(args: list[str], codes: list[str]) -> None:
    assert error_codes(*args) == codes


def test_a_class_needs_an_object() -> None:
    source = "class Net:\n    def forward(self, x):\n        return x\n"
    Path("only.py").write_text(source)
    assert "make an object in the file, as in `net = Net(…)`" in invoke("explain", "only.py", exit=2).stderr
    Path("made.py").write_text(source + "net = Net()\n")
    assert "after a colon: `made.py:net`" in invoke("explain", "made.py", exit=2).stderr


def test_a_file_that_was_changed_is_read_anew() -> None:
    plain_json("gradcheck", "net.py:forward,backward")
    Path("net.py").write_text(WRONG)
    (culprit,) = plain_json("gradcheck", "net.py:forward,backward", exit=1)["blame"]
    assert culprit["code_line"]["text"] == "dz = da * (1 - a)"


# --- options ------------------------------------------------------------------------------------

BOTH = "net.py:forward,backward"
BLACK_BOX = """import numpy as np


def forward(x):
    return np.array([np.real(x[0] * (1 + 0j)) ** 2, x[1]])


def backward(g, x):
    return g * np.array([2 * x[0], 1.0])


def loss_and_grads(x):
    return np.sum(x ** 2), 2 * x


def inputs():
    return {"x": np.array([0.3, 0.7])}
"""


@pytest.mark.parametrize(
    ("options", "codes"),
    [
        (["--claim", "x=3"], ["not-for-backward"]),
        (["--of", "z"], ["not-for-backward"]),
        (["--order", "2"], ["not-for-backward"]),
        (["--points", "3"], ["not-for-backward"]),
        (["--claim", "x=3", "--of", "z", "--order", "2", "--points", "3"], ["not-for-backward"] * 4),
        (["--wrt", "w,b"], ["no-gradient-of"]),
        (["--upstream", "[1,2]"], ["upstream-shape"]),
        (["--detect", "2"], ["bad-detect"]),
    ],
)
def test_what_has_no_meaning_beside_a_backward_function_is_refused(
    options: list[str], codes: list[str]
) -> None:
    assert error_codes("gradcheck", BOTH, *options) == codes


def test_an_option_that_is_refused_is_named_as_it_was_typed() -> None:
    text = invoke("gradcheck", BOTH, "--order", "2", exit=2).stderr
    assert "`--order` does not apply where a backward function is checked" in text
    assert "help: to use it, name `forward` without `backward`" in text


def test_options_on_the_loss_alone() -> None:
    wrong = plain_json("gradcheck", "net.py:loss", "--claim", "w = 2*a*(1-a^2)", "--wrt", "w", exit=1)
    assert wrong["verdict"] == "disagree"
    right = "w = transpose(x)@(2*a*(1-a^2))"
    found = plain_json("gradcheck", "net.py:loss", "--claim", right, "--wrt", "w", "--points", "2")
    assert (found["verdict"], found["total"]) == ("agree", 2)


def test_wrt_restricts_what_is_checked() -> None:
    found = plain_json("gradcheck", BOTH, "--wrt", "w")
    assert [row["input"] for row in found["inputs"]] == ["w"]
    Path("dw.py").write_text(
        NET.replace("return dz @ w.T, x.T @ dz", "dw = -x.T @ dz\n    return dz @ w.T, dw")
    )
    assert plain_json("gradcheck", "dw.py:forward,backward", "--wrt", "x")["verdict"] == "agree"
    (culprit,) = plain_json("gradcheck", "dw.py:forward,backward", "--wrt", "w", exit=1)["blame"]
    assert culprit["line"] == 13


def test_an_upstream_gradient_is_handed_to_backward() -> None:
    Path("bent.py").write_text(NET.replace("dz = da *", "dz = np.abs(da) *"))
    ones, signs = "[[1],[1]]", "[[1],[-1]]"
    assert plain_json("gradcheck", "bent.py:forward,backward", "--upstream", ones)["verdict"] == "agree"
    found = plain_json("gradcheck", "bent.py:forward,backward", "--upstream", signs, exit=1)
    assert found["verdict"] == "disagree"


def test_a_gradient_may_have_the_relative_error_that_is_allowed() -> None:
    Path("rounded.py").write_text(NET.replace("(1 - a ** 2)", "(1 - a ** 2) * 1.001"))
    wrong = ["gradcheck", "rounded.py:forward,backward"]
    assert plain_json(*wrong, "--digits", "5", exit=1)["verdict"] == "disagree"
    for options in (["--rtol", "0.01"], ["--digits", "2"]):
        assert plain_json(*wrong, *options)["verdict"] == "agree"


def test_options_where_forward_cannot_be_traced() -> None:
    Path("box.py").write_text(BLACK_BOX)
    box = ["gradcheck", "box.py:forward,backward"]
    assert plain_json(*box)["diagnostics"][0]["code"] == "not-traced"
    assert error_codes(*box, "--rtol", "0.1", "--upstream", "[1,2]") == ["for-traced-only"] * 2
    assert plain_json(*box, "--wrt", "x", "--all")["verdict"] == "agree"
    assert error_codes(*box, "--wrt", "y") == ["no-gradient-of"]


def test_options_of_a_function_that_returns_its_gradients() -> None:
    Path("box.py").write_text(BLACK_BOX)
    assert error_codes("gradcheck", "box.py:loss_and_grads", "--upstream", "2") == ["upstream-not-taken"]
    text = invoke("gradcheck", "box.py:loss_and_grads", "--of", "z", exit=2).stderr
    assert "name a function that returns the loss alone" in text
