"""`bpx check`."""

from __future__ import annotations

from pathlib import Path

import pytest
from invoking import invoke, plain_json

import bpx
from bpx.cli.input import saves

RIGHT, WRONG = "y = x^2\ndy/dx = 2x\n", "y = x^2\ndy/dx = x^2\n"


def test_exit_codes_say_what_was_found(tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    for text, code in (
        (RIGHT, 0),
        (WRONG, 1),
        ("Nothing to check here.\n", 2),
        ("y = x^2\ndy/dx = 2 ) x\n", 2),
    ):
        notes.write_text(text, encoding="utf-8")
        invoke("check", str(notes), exit=code)
    invoke("check", str(tmp_path / "missing.md"), exit=2)
    invoke("check", str(notes), "--hint", "9", exit=2)


def test_standard_input_and_values(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    notes.write_text("y = x^2\ndy/dx = 2x = 6\n", encoding="utf-8")
    invoke("check", str(notes), "x=3")
    assert plain_json("check", str(notes), "x=2", exit=1)["counts"]["wrong"] == 1


def test_watching_checks_after_each_save_until_it_is_interrupted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text(WRONG, encoding="utf-8")
    saved = iter([(1, 9), (1, 9), (2, 9)])

    def next_save(_: str) -> tuple[int, int]:
        try:
            return next(saved)
        except StopIteration:
            raise KeyboardInterrupt from None

    monkeypatch.setattr(saves, "_saved", next_save)
    monkeypatch.setattr(saves, "_PAUSE", 0.0)
    assert invoke("check", str(notes), "--watch", exit=130).stdout.count("1 wrong") == 2


def test_a_file_that_is_watched_for_may_be_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(saves, "sleep", interrupt)
    assert "missing-file" in invoke("check", "nowhere.md", "--watch", exit=130).stderr


def test_from_python(tmp_path: Path) -> None:
    notes = tmp_path / "notes.md"
    notes.write_text(RIGHT, encoding="utf-8")
    assert bpx.check_notes(notes)
    assert bpx.check_notes(str(notes))
    assert not bpx.check_notes(WRONG)
    with pytest.raises(bpx.BpxError):
        bpx.check_notes(WRONG, hint=0)
