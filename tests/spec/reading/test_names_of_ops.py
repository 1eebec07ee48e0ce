"""Names of steps and inputs that are names of ops too, and keys that TOML takes in quotes only."""

from __future__ import annotations

import pytest
from rows_of_a_table import every

import bpx
from bpx.words.diagnostic import BpxError

SPEC = """\
bpx = 1
inputs = { p = 1.5, y = 0.5, hinge = 3.0 }
[graph]
mse = "(p - y)^2"
sum = "mse(p, y) + mse"
L = "sum*hinge"
[claims]
mse = "hinge"
p = "4*hinge*(p - y)"
"""


@pytest.fixture
def toml(tmp_path):
    """Reads a text as a spec."""

    def read(text):
        path = tmp_path / "graph.toml"
        path.write_text(text)
        return bpx.load(str(path))

    return read


@every(
    "text, gradient",
    [
        ("mse = (x - 1)^2; L = 2*mse", 8),
        ("mse = x; L = mse(mse, 1)", 4),
        ("mse = x; L = mse(mse, 1)*mse", 16),
        ("log = 2; L = log*log(x)", 2 / 3),
        ("exp = x; exp^2", 6),
        (r"L = mse + \log mse; mse = x", 4 / 3),
        ("L = np.log(log); log = x", 1 / 3),
        ("mse = x; 2 mse", 2),
        ("nll = x; L = nll mse(nll, 0)", 27),
    ],
)
def test_a_call_is_the_op_and_a_bare_name_the_step(text, gradient):
    assert bpx.load(text, x=3).explain(wrt="x").gradients["x"] == pytest.approx(gradient)


def test_a_spec_with_such_names_is_read_checked_and_written(toml, tmp_path):
    spec = toml(SPEC)
    report = spec.gradcheck()
    assert report.verdict == "agree"
    assert {entry.label for entry in report.entries if entry.claimed is not None} >= {"mse", "p"}
    spec.save(tmp_path / "again.toml")
    again = bpx.load(str(tmp_path / "again.toml"))
    assert again.explain().gradients == spec.explain().gradients


def test_a_name_in_an_expression_may_have_a_value():
    assert bpx.parse("2*nll", nll=3).explain().gradients["nll"] == 2


@pytest.mark.parametrize("name", ["exp", "mse"])
def test_an_op_alone_still_needs_its_parentheses(name):
    with pytest.raises(BpxError) as caught:
        bpx.parse(f"2*{name}", x=1)
    assert "op-without-brackets" in [problem.code for problem in caught.value.diagnostics]


@pytest.mark.parametrize(
    "table, line, advice",
    [
        ("inputs", "θ = 1.0", '"θ" = 1.0'),
        ("inputs", "损失 = [1, 2]", '"损失" = [1, 2]'),
        ("inputs", "x' = 1", "as in `x_prime`"),
        ("inputs", '"x\'" = 1', "as in `x_prime`"),
        ("inputs", "w[0] = 1", "as in `w_0`"),
        ("claims", "∂L/∂W1 = 1", '"∂L/∂W1" = 1'),
        ("claims", 'dL/dW1 = "W1"', '"dL/dW1" = "W1"'),
    ],
)
def test_a_key_that_needs_quotes_is_shown_with_them(toml, table, line, advice):
    with pytest.raises(BpxError) as caught:
        toml(f'bpx = 1\n[graph]\nL = "2"\n[{table}]\n{line}\n')
    assert advice in str(caught.value.diagnostics[0].advice)


def test_plain_keys_need_no_quotes(toml):
    spec = toml('bpx = 1\n[inputs]\nW1 = 2\ndW1 = 3\n[graph]\nL = "W1*dW1"\n')
    assert spec.explain().gradients == {"W1": 3, "dW1": 2}
