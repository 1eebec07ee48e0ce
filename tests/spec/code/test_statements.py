from __future__ import annotations

from pathlib import Path

import pytest
from backward_files import recorded, written

from bpx.spec.code.lines.recorder import RETURN, Setting
from bpx.spec.code.lines.statements import base_of


def settings_of(folder: Path, body: str) -> list[Setting]:
    text = "def f(x):\n" + "".join(f"    {line}\n" for line in body.splitlines())
    return recorded(written(folder, text).f, 2.0).settings


def targets(settings: list[Setting]) -> list[str]:
    return [setting.key.target for setting in settings]


def test_a_statement_of_several_lines_is_one_setting_at_its_first_line(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "y = (x\n     + x *\n     x)\nreturn y")
    assert [(one.key.target, one.key.line, one.value) for one in settings] == [
        ("y", 3, 6.0),
        (RETURN, 6, 6.0),
    ]
    assert settings[0].statement is not None and settings[0].statement.text == "y = (x + x * x)"


def test_every_target_of_a_tuple_is_set(tmp_path: Path) -> None:
    assert targets(settings_of(tmp_path, "a, (b, *c) = x, (x + 1, x)\npass")) == ["a", "b"]
    assert targets(settings_of(tmp_path, "a = b = x * 2\npass")) == ["a", "b"]


@pytest.mark.parametrize(
    ("statement", "adds"),
    [
        ("d += x", True),
        ("d -= x", True),
        ("d = d + x", True),
        ("d = x + d", True),
        ("d *= x", False),
        ("d = x + x", False),
    ],
)
def test_what_adds_to_its_target(tmp_path: Path, statement: str, adds: bool) -> None:
    [*_, last] = settings_of(tmp_path, f"d = x\n{statement}\npass")
    assert last.statement is not None and last.statement.adds is adds


def test_calls_that_change_an_array_set_it(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, "d = np.zeros(3)\nnp.add.at(d, [1, 1], x)\nnp.copyto(d, 1.0)\npass")
    assert [one.value.tolist() for one in settings] == [[0, 0, 0], [0, 4, 0], [1, 1, 1]]


def test_a_bare_call_hands_over_but_not_of_what_numpy_computes(tmp_path: Path) -> None:
    lines = "a = np.copy(x)\nb = 2 * np.copy(x)\nc = np.exp(x)\nd = np.add(x, 1).sum()\n"
    lines += "e = np.float64(x).reshape(-1)\npass"
    handed_over = [one.is_handed_over for one in settings_of(tmp_path, lines)]
    assert handed_over == [True, False, False, False, True]


def test_the_base_of_an_item_is_the_array() -> None:
    assert base_of("dx[i, :]") == "dx"
    assert base_of("self.grads['W']") == "self.grads"
    assert base_of("self.dW") == "self.dW"
