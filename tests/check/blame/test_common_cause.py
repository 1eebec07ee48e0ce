"""One cause is blamed once: gates of recurrent networks with claims on all weights, and slips in one gate."""

from __future__ import annotations

import pytest
from checking import toml
from rows_of_a_table import every

from bpx.check.gradcheck import gradcheck
from bpx.check.report.report import Report
from bpx.spec.reading.claims import read_claim, with_claims


def recurrent(gates: str, steps: str, rows: int, inputs: int, units: int) -> str:
    """A step of a recurrent network with gates zi = x @ Wi + h @ Ui + bi, for so many rows and units."""
    arrays = {"x": (rows, inputs), "h": (rows, units), "c": (rows, units), "t": (rows, units)}
    for gate in gates:
        arrays |= {f"W{gate}": (inputs, units), f"U{gate}": (units, units), f"b{gate}": (units,)}
    values = "\n".join(
        f"{name} = {{ normal = {list(shape)}, seed = {seed} }}"
        for seed, (name, shape) in enumerate(arrays.items())
    )
    return f'bpx = 1\noutput = "L"\n[inputs]\n{values}\n[graph]\n{steps}\nL = "sum((hn - t)^2)"\n'


def lstm(rows: int = 1, inputs: int = 3, units: int = 2) -> str:
    steps = "\n".join(f'z{gate} = "x @ W{gate} + h @ U{gate} + b{gate}"' for gate in "ifgo")
    steps += '\ni = "sigmoid(zi)"\nf = "sigmoid(zf)"\ng = "tanh(zg)"\no = "sigmoid(zo)"\n'
    return recurrent("ifgo", steps + 'cn = "f*c + i*g"\nhn = "o*tanh(cn)"', rows, inputs, units)


DH = "2*(hn - t)"
DC = f"({DH}*o*(1 - tanh(cn)^2))"
LSTM = {
    "i": f"({DC}*g*i*(1 - i))",
    "f": f"({DC}*c*f*(1 - f))",
    "g": f"({DC}*i*(1 - g^2))",
    "o": f"({DH}*tanh(cn)*o*(1 - o))",
}


def claims(slopes: dict[str, str]) -> list[str]:
    """Claims on all weights, biases and on what comes in, from the gradients of the gates' z."""
    written = []
    for gate, dz in slopes.items():
        written += [f"W{gate} = x.T @ {dz}", f"U{gate} = h.T @ {dz}", f"b{gate} = sum({dz}, axis=0)"]
    for name, weights in (("x", "W"), ("h", "U")):
        written.append(f"{name} = " + " + ".join(f"{dz} @ {weights}{gate}.T" for gate, dz in slopes.items()))
    return written


def checked(text: str, written: list[str]) -> Report:
    return gradcheck(with_claims(toml(text), [read_claim(claim) for claim in written]))


def test_right_claims_are_nobodys_fault():
    assert checked(lstm(), claims(LSTM)).verdict == "agree"


SLIPS = [
    ("g", f"({DC}*i*g*(1 - g))", "other-op", "zg"),
    ("f", f"({DC}*c*(1 - f^2))", "other-op", "zf"),
    ("i", f"({DC}*g*i)", "own-value", "zi"),
    ("i", f"({DC}*i*i*(1 - i))", "swapped", "zi"),
    ("g", f"({DC}*i*(1 - zg^2))", "at-input", "zg"),
    ("f", f"({DC}*c)", "unchanged", "zf"),
    ("o", f"({DH}*cn*o*(1 - o))", "name-for-name", "zo"),
    ("o", f"(({DH}*tanh(cn) + 0.3)*o*(1 - o)*sin(t))", "gradient-above", "zo"),
]


@pytest.mark.parametrize(("rows", "inputs", "units"), [(1, 3, 2), (3, 2, 2)])
@pytest.mark.parametrize(("gate", "slip", "code", "node"), SLIPS, ids=[f"{one[0]}-{one[2]}" for one in SLIPS])
def test_a_wrong_gate_of_an_lstm_is_blamed_once(rows, inputs, units, gate, slip, code, node):
    report = checked(lstm(rows, inputs, units), claims({**LSTM, gate: slip}))
    (blame,) = report.blame
    assert {blame.node, *blame.also} == {f"W{gate}", f"U{gate}", f"b{gate}", "x", "h"}
    assert (blame.mistakes[0].code, blame.cause) == (code, node)
    assert str(blame.correction).startswith(f"∂L/∂{node} = ")
    assert report.innocent == ()


def test_a_mistake_above_all_gates_but_one_is_blamed_once():
    wrong = {gate: dz.replace("(1 - tanh(cn)^2)", "1") for gate, dz in LSTM.items()}
    (blame,) = checked(lstm(), claims(wrong)).blame
    assert (len(blame.also), blame.cause, blame.mistakes[0].code) == (10, "cn", "unchanged")


def test_two_wrong_gates_are_two_causes():
    wrong = {**LSTM, "g": f"({DC}*i*g*(1 - g))", "f": f"({DC}*c*(1 - f^2))"}
    report = checked(lstm(), claims(wrong))
    assert {blame.cause for blame in report.blame} == {"zf", "zg"}
    assert [blame.mistakes[0].code for blame in report.blame] == ["other-op", "other-op"]
    assert set(report.innocent) == {"x", "h"}
    assert "are wrong only because they are computed from wrong claims" in report.to_plain()


def test_a_slip_below_a_wrong_gate_is_told_besides():
    wrong = claims({**LSTM, "g": f"({DC}*i*g*(1 - g))"})
    wrong = [claim.replace("bi = sum", "bi = 2*sum") for claim in wrong]
    report = checked(lstm(), wrong)
    assert {(blame.cause or blame.node, blame.mistakes[0].code) for blame in report.blame} == {
        ("zg", "other-op"),
        ("bi", "double"),
    }


def gru(rows: int = 1, inputs: int = 3, units: int = 2) -> str:
    steps = "\n".join(f'z{gate} = "x @ W{gate} + h @ U{gate} + b{gate}"' for gate in "ur")
    steps += '\nu = "sigmoid(zu)"\nr = "sigmoid(zr)"\nrh = "r*h"\nzn = "x @ Wn + rh @ Un + bn"\n'
    return recurrent("urn", steps + 'n = "tanh(zn)"\nhn = "(1 - u)*n + u*h"', rows, inputs, units)


def gru_claims(du: str, dn: str, dr: str | None = None) -> list[str]:
    dr = dr or f"(({dn} @ Un.T)*h*r*(1 - r))"
    written = [f"Wn = x.T @ {dn}", f"Un = rh.T @ {dn}", f"bn = sum({dn}, axis=0)"]
    for gate, dz in (("u", du), ("r", dr)):
        written += [f"W{gate} = x.T @ {dz}", f"U{gate} = h.T @ {dz}", f"b{gate} = sum({dz}, axis=0)"]
    return [*written, f"x = {du} @ Wu.T + {dr} @ Wr.T + {dn} @ Wn.T"]


DU = f"({DH}*(h - n)*u*(1 - u))"
DN = f"({DH}*(1 - u)*(1 - n^2))"


@every("rows", [1, 3])
@every(
    "written, code, node, names",
    [
        (gru_claims(f"({DH}*h*u*(1 - u))", DN), "dropped", "zu", {"Wu", "Uu", "bu", "x"}),
        (gru_claims(f"({DH}*(n - h)*u*(1 - u))", DN), "sign", "zu", {"Wu", "Uu", "bu", "x"}),
        (
            gru_claims(DU, f"({DH}*(1 - u)*n*(1 - n))"),
            "other-op",
            "zn",
            {"Wn", "Un", "bn", "Wr", "Ur", "br", "x"},
        ),
        (
            gru_claims(DU, DN, f"(({DN} @ Un.T)*r*r*(1 - r))"),
            "swapped",
            "zr",
            {"Wr", "Ur", "br", "x"},
        ),
    ],
)
def test_a_wrong_gate_of_a_gru_is_blamed_once(rows, written, code, node, names):
    (blame,) = checked(gru(rows), written).blame
    assert {blame.node, *blame.also} == names
    assert (blame.mistakes[0].code, blame.cause) == (code, node)


LAYER = """bpx = 1
output = "L"
[inputs]
x = 0.7
w = 1.3
b = 0.2
y = 1.0
[graph]
z = "w*x + b"
a = "sigmoid(z)"
L = "(a - y)^2"
"""


def test_a_slip_on_top_of_a_wrong_claim_is_one_of_its_own():
    report = checked(LAYER, ["z = 2*(a - y)*a", "w = dL/dz*w", "b = dL/dz"])
    first, second = report.blame
    assert (first.node, first.mistakes[0].code, first.heirs, first.given) == ("z", "own-value", ("b",), ())
    assert (second.node, second.mistakes[0].code, second.heirs) == ("w", "swapped", ())
    assert second.given == ("z",)
    assert str(second.correction) == "∂L/∂w = ∂L/∂z * x"
    assert "does not follow from the wrong claim for `z` either" in report.to_plain()


def test_what_follows_from_a_wrong_claim_is_wrong_only_because_of_it():
    report = checked(LAYER, ["z = 2*(a - y)*a", "w = dL/dz*x", "b = 2*(a - y)*a"])
    (blame,) = report.blame
    assert (blame.node, set(blame.heirs)) == ("z", {"w", "b"})


def test_a_slip_beside_a_wrong_claim_is_not_explained_by_it():
    """The claim for `w` was computed from the right ∂L/∂z."""
    report = checked(LAYER, ["z = 2*(a - y)*a", "w = 2*(a - y)*a*(1 - a)*w"])
    first, second = report.blame
    assert (first.node, second.node) == ("z", "w")
    assert (second.mistakes[0].code, second.given) == ("swapped", ())
