"""One test of many cases still runs each of them and reports each that fails."""

from __future__ import annotations

import pytest
from rows_of_a_table import every


def test_every_case_is_run_and_every_failure_reported() -> None:
    seen = []

    @every("x, y", [(1, 1), (1, 2), (2, 2), (3, 4)])
    @every("z", [0, 1])
    def equal(x: int, y: int, z: int) -> None:
        seen.append((x, y, z))
        assert x == y

    with pytest.raises(ExceptionGroup) as caught:
        equal()
    assert seen == [(x, y, z) for x, y in ((1, 1), (1, 2), (2, 2), (3, 4)) for z in (0, 1)]
    assert str(caught.value).startswith("2 of 4 cases fail")
    notes = [error.__notes__ for error in caught.value.exceptions]
    assert notes == [["case: {'x': 1, 'y': 2}"], ["case: {'x': 3, 'y': 4}"]]


def test_a_failure_by_name_is_one_and_a_skip_is_none() -> None:
    @every("x", ["skip", "fail"])
    def stop(x: str) -> None:
        getattr(pytest, x)(x)

    with pytest.raises(BaseExceptionGroup) as caught:
        stop()
    assert len(caught.value.exceptions) == 1


def test_a_table_without_rows_is_a_failure() -> None:
    @every("x", [])
    def nothing(x: int) -> None: ...

    with pytest.raises(AssertionError):
        nothing()


@pytest.mark.parametrize("word", ["a", "b"])
@every("number", [1, 2])
def test_other_arguments_are_still_given(word: str, number: int) -> None:
    assert word * number in ("a", "aa", "b", "bb")
