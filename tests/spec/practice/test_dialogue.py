"""The dialogue, line by line, and what is kept of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from rows_of_a_table import every

import bpx
from bpx.graph.numbers import number
from bpx.render.plain import plain
from bpx.spec.practice.dialogue import COMMANDS, Dialogue
from bpx.spec.practice.practice import exercise_on
from bpx.spec.practice.progress import Progress, default_path, read_progress


def begun(path: Path, plant: int = 0) -> Dialogue:
    def drawn(seed: int, blanks: int) -> object:
        return exercise_on("logistic-regression", seed=seed, blanks=blanks, plant=plant)

    return Dialogue("logistic-regression", drawn, read_progress(path))  # type: ignore[arg-type]


def said(dialogue: Dialogue, line: str) -> str:
    return plain(dialogue.reply(line))


def answer(dialogue: Dialogue) -> str:
    return number(float(dialogue.exercise.right[dialogue.left[0]]), 5)


def test_hints_go_up_by_one_with_each_wrong_try(tmp_path: Path) -> None:
    dialogue = begun(tmp_path / "p.json")
    right = answer(dialogue)
    assert "first wrong answer" in said(dialogue, "hint")
    lengths = []
    for attempt in range(1, 8):
        told = said(dialogue, f"{attempt}7.77")
        assert told == said(dialogue, "hint") == said(dialogue, "hint")  # asking again says no more
        assert ("Formula: " in told) == (attempt >= 4) and ("Number: " in told) == (attempt >= 5)
        assert (right[:5] in told) == (attempt >= 5)
        lengths.append(len(told))
    assert lengths[:5] == sorted(lengths[:5]) and lengths[4:] == [lengths[4]] * 3


def test_what_cannot_be_read_is_no_try(tmp_path: Path) -> None:
    dialogue = begun(tmp_path / "p.json")
    for line in ("1 +", "nonsense", "[1, 2", "0.1"):
        told = said(dialogue, line)
        assert "does not count as a try" in told or dialogue.tries, line
    assert sum(dialogue.tries.values()) <= 1


def test_a_hint_after_success_says_why(tmp_path: Path) -> None:
    dialogue = begun(tmp_path / "p.json")
    told = said(dialogue, answer(dialogue))
    assert "Right: " in told and "1 exercise of logistic-regression solved" in told
    assert "Formula: " in said(dialogue, "hint")
    assert "exercise 2" in said(dialogue, "")
    assert dialogue.counts == {"solved": 1, "tries": 1, "skipped": 0, "seed": 1}


def test_skip_shows_the_answer_and_does_not_count_as_solved(tmp_path: Path) -> None:
    dialogue = begun(tmp_path / "p.json")
    right = answer(dialogue)
    assert right[:5] in said(dialogue, "skip")
    assert (dialogue.counts["solved"], dialogue.counts["skipped"]) == (0, 1)


def test_more_cells_are_blank_the_more_is_solved(tmp_path: Path) -> None:
    dialogue = begun(tmp_path / "p.json")
    blanks = []
    for _ in range(7):
        blanks.append(len(dialogue.left))
        while dialogue.left:
            assert "Right" in said(dialogue, answer(dialogue))
        said(dialogue, "")
    assert blanks == [1, 1, 2, 2, 3, 3, 4]


def test_mistakes_are_found_in_any_order(tmp_path: Path) -> None:
    dialogue = begun(tmp_path / "p.json", plant=2)
    first, second = dialogue.exercise.planted
    value = {key: number(float(dialogue.exercise.right[key]), 5) for key in (first, second)}
    assert "is given" in said(dialogue, "x1 = 1") or "is given" in said(dialogue, "x = 1")
    assert "Name a cell" in said(dialogue, "0.5") and "Name a cell" in said(dialogue, "q = 1")
    assert "Right: " in said(dialogue, f"{second.replace('∂', 'd')} = {value[second]}")
    assert "corrected already" in said(dialogue, f"{second} = 1")
    assert "solved" in said(dialogue, f"{first}={value[first]}")


def test_hints_lead_to_a_mistake_one_level_at_a_time(tmp_path: Path) -> None:
    dialogue = begun(tmp_path / "p.json", plant=2)
    planted = dialogue.exercise.planted
    innocent = next(key for key in dialogue.exercise.asked if key not in planted)
    for attempt in range(1, 6):
        told = said(dialogue, f"{innocent} = 0.5")
        assert "is not where a mistake was made" in told and f"There is a mistake at `{planted[0]}`" in told
        assert f"`{planted[1]}`" not in told
        assert ("lip" in told) == (attempt >= 2)
        assert ("Formula: " in told, "Number: " in told) == (attempt >= 4, attempt >= 5)
    # The tries at one mistake earn nothing at another.
    other = said(dialogue, f"{planted[1]} = 98.7")
    assert f"`{planted[1]}`" in other and "lip" not in other


def test_commands_and_progress(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "p.json"
    dialogue = begun(path)
    assert all(f"`{command}`: " in said(dialogue, "HELP") for command in COMMANDS)
    said(dialogue, answer(dialogue))
    assert "chain-rule" in said(dialogue, "list")
    assert "progress is kept" in said(dialogue, "quit") and dialogue.is_over
    assert read_progress(path).of("logistic-regression")["solved"] == 1
    again = begun(path)
    assert "Progress deleted" in said(again, "reset")
    assert again.counts["seed"] == 0
    assert json.loads(path.read_text())["topics"].get("logistic-regression", {}).get("solved", 0) == 0


@every("text", ["", "[]", "{", '{"bpx-progress": 9}', '"text"'])
def test_a_file_that_is_no_progress_is_left_alone(text: str, tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text(text)
    with pytest.raises(bpx.BpxError, match="no-progress"):
        read_progress(path)
    assert path.read_text() == text


def test_counts_that_are_none_are_forgotten(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text('{"bpx-progress": 1, "topics": {"a": {"solved": "x", "tries": 2}, "b": 3}}')
    assert read_progress(path).topics == {"a": {"tries": 2}}


def test_where_progress_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_path() == tmp_path / "bpx" / "progress.json"
    with pytest.raises(bpx.BpxError, match="unwritable"):
        (tmp_path / "file").write_text("")
        Progress(tmp_path / "file" / "p.json").save()


def test_without_a_home_there_is_a_list_and_nothing_to_save(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    progress = read_progress(default_path())
    assert progress.topics == {}
    with pytest.raises(bpx.BpxError, match="no-home"):
        progress.save()
