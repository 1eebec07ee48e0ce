"""Curves: they keep to their width, show every value, and come out in any encoding."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from bpx.graph.numbers import number
from bpx.render.blocks import Curve
from bpx.render.curve import WIDEST, drawn, is_logarithmic
from bpx.words.say import in_encoding

FINITE = st.floats(allow_nan=False, allow_infinity=False)


def test_a_falling_line() -> None:
    assert drawn(Curve((1.0, 0.0), 0), 13) == [
        "1 |⢧",
        "  |⠈⢧",
        "  | ⠈⢧",
        "  |  ⠈⢧",
        "  |   ⠈⢧",
        "  |    ⠈⢳⡀",
        "  |      ⢳⡀",
        "  |       ⢳⡀",
        "  |        ⢳⡀",
        "0 |         ⢳",
        "   0        1",
    ]


def test_a_steady_value_lies_at_the_bottom() -> None:
    *rows, last, ends = drawn(Curve((2.0, 2.0, 2.0), 1), 20)
    assert [row.strip("2 |") for row in rows] == [""] * 9
    assert (last, ends) == ("2 |" + "⣀" * 17, "   1" + " " * 15 + "3")


def test_a_single_peak_among_thousands_is_seen() -> None:
    top = drawn(Curve((*[0.0] * 5000, 1.0, *[0.0] * 5000), 0), 60)[0]
    assert re.fullmatch(r"1 \| {27,29}\S", top)


def test_a_logarithmic_scale_makes_a_line_of_powers() -> None:
    def dots(lines: list[str]) -> list[str]:
        return [line.split("|")[1] for line in lines[:10]]

    powers, line = Curve(tuple(10.0**-i for i in range(6))), Curve(tuple(float(-i) for i in range(6)))
    assert dots(drawn(powers, 62)) == dots(drawn(line, 60))  # whose labels are 2 shorter
    assert [powers.values[0], powers.values[-1]] == [
        float(drawn(powers, 62)[row].split("|")[0]) for row in (0, 9)
    ]


@pytest.mark.parametrize(
    ("values", "yes"),
    [([1, 0.011], False), ([1, 0.009], True), ([1, 0.0], False), ([1, -1e-9], False), ([5, 5], False)],
)
def test_when_the_scale_is_logarithmic(values: list[float], yes: bool) -> None:
    assert is_logarithmic(values) is yes


@given(st.lists(FINITE, min_size=2, max_size=300), st.integers(1, 200))
def test_any_values_at_any_width(values: list[float], width: int) -> None:
    lines = drawn(Curve(tuple(values), 0), width)
    assert len(lines) == 11
    least = max(len(number(one, 6)) for one in (min(values), max(values))) + 2 + 10
    assert max(map(cell_len, lines)) <= max(min(width, WIDEST), least)
    assert lines[0].split("|")[0].strip() == number(max(values), 6)
    assert lines[9].split("|")[0].strip() == number(min(values), 6)
    assert all(row == row.rstrip() for row in lines)
    if max(values) > min(values):  # the largest is in the first row, the least in the last
        assert lines[0][-1] != "|"
    assert lines[9][-1] != "|"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "koi8-r"])
def test_where_there_is_no_braille(encoding: str) -> None:
    shown = in_encoding("\n".join(drawn(Curve((8.0, 2, 1, 1.5, 0.5), 0), 40)), encoding)
    assert set(re.sub(r"[\d.]+ \||\s", "", shown)) <= set("'.:0123456789|")
    assert "?" not in shown
    assert "'" in shown
    assert ":" in shown


def test_every_braille_sign_has_its_place_in_ascii() -> None:
    assert in_encoding("⠁⠈⠛⡀⢀⣤⡇⣿", "ascii") == "'''...::"
