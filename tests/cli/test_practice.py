"""`bpx practice` on the command line."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace

import pytest
from invoking import error_codes, invoke, plain_json
from rows_of_a_table import every

from bpx.cli.practice import _reset_some_or_all
from bpx.spec.practice.progress import read_progress


def test_without_a_terminal_the_sheet_is_shown() -> None:
    shown = invoke("practice", "chain-rule").stdout
    assert "The chain rule" in shown and "?" in shown and "Answers" in shown
    assert shown == invoke("practice", "Chain_Rule").stdout


def test_a_misspelt_topic_with_a_hyphen_is_no_difference() -> None:
    for options in ([], ["--random"]):
        assert "did you mean `chain-rule`?" in invoke("practice", "chain-rulle", *options, exit=2).stderr
    assert error_codes("practice", "a-b") == ["missing-value"] * 2


def test_any_target_can_be_practised() -> None:
    assert "∂L/∂" in invoke("practice", "a = sigmoid(w*x); L = (a-y)^2", "w=0.5", "x=2", "y=1").stdout
    assert plain_json("practice", "logistic_regression", "--blanks", "all")["kind"] == "sheet"


def test_a_sheet_from_writing_to_grading(tmp_path: Path) -> None:
    path, key = tmp_path / "a.toml", tmp_path / "key.toml"
    invoke("practice", "softmax", "--blanks", "2", "-o", str(path))
    invoke("practice", "softmax", "--blanks", "2", "--key", "-o", str(key))
    assert "0 of 2 answers right" in invoke("practice", "grade", str(path), exit=1).stdout
    assert "2 of 2 answers right" in invoke("practice", "grade", str(key)).stdout
    both = invoke("practice", "grade", str(path), str(key), "-f", "csv", exit=1).stdout.splitlines()
    assert both[0] == "sheet,topic,seed,cell,answer,verdict,credit,mistake,because"
    assert len(both) == 5 and sum(",right,1," in line for line in both) == 2
    path.write_text(path.read_text().replace('= ""', '= "1 +"'))
    found = invoke("practice", "grade", str(path), str(key), exit=2)
    assert f"--> {path}:" in found.stderr and "2 of 4" in found.stdout
    plain = json.loads(invoke("practice", "grade", str(path), "--json", exit=2).stdout)
    assert plain["kind"] == "practice" and plain["diagnostics"][0]["line"] > 1


def test_what_cannot_be_read_among_other_sheets(tmp_path: Path) -> None:
    key, other = tmp_path / "key.toml", tmp_path / "b.toml"
    invoke("practice", "chain-rule", "--key", "-o", str(key))
    other.write_text("a = 1")
    found = invoke("practice", "grade", str(other), str(key), exit=2)
    assert "no-sheet" in found.stderr and "1 of 1" in found.stdout
    assert error_codes("practice", "grade", str(other)) == ["no-sheet"]


@every(
    "args, code",
    [
        (["nosuchtopic"], "no-such-topic"),
        (["3"], "constants-alone"),
        (["2*3", "--plant", "1"], "constants-alone"),
        (["2*3", "-o", "a.py"], "constants-alone"),
        (["chain-rule", "softmax"], "extra-argument"),
        (["grade"], "no-sheets"),
        (["chain-rule", "--blanks", "0"], "bad-practice-option"),
        (["chain-rule", "--blanks", "x"], "bad-practice-option"),
        (["chain-rule", "--plant", "20"], "no-room-for-plants"),
        (["chain-rule", "-o", "a.bmp"], "unknown-ending"),
        (["grade", "nosuch.toml"], "missing-file"),
    ],
)
def test_what_is_refused(args: list[str], code: str) -> None:
    assert f"error[{code}]" in invoke("practice", *args, exit=2).stderr


@every("name, help", [("chainrule", "`chain-rule`"), ("softmx", "`softmax`"), ("abc", "update-steps")])
def test_a_topic_that_may_be_meant_is_proposed(name: str, help: str) -> None:
    assert help in invoke("practice", name, exit=2).stderr


def test_alone_it_lists_the_topics() -> None:
    assert invoke("practice").stdout == invoke("practice", "list").stdout


def test_a_form_that_is_asked_for_by_name_goes_before_the_ending(tmp_path: Path) -> None:
    path = tmp_path / "a.out"
    invoke("practice", "chain-rule", "-o", str(path), "-f", "plain")
    assert path.read_text(encoding="utf-8") == invoke("practice", "chain-rule", "-f", "plain").stdout


def test_list_and_reset(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    path.write_text('{"bpx-progress": 1, "topics": {"softmax": {"solved": 3}, "mine": {"solved": 1}}}')
    shown = invoke("practice", "list", "--progress", str(path)).stdout
    assert "mine" in shown and "update-steps" in shown
    at = ("--progress", str(path))
    invoke("practice", "reset", "softmax", *at)
    assert list(json.loads(path.read_text())["topics"]) == ["mine"]
    assert "no progress to delete: softmax" in invoke("practice", "reset", "Softmax", *at).stdout
    before = path.read_text()
    told = invoke("practice", "reset", "mine", "softmx", "x", *at, exit=2).stderr
    assert told.count("error[never-practised]") == 2 and "did you mean `softmax`?" in told
    assert "error[reset-everything]" in invoke("practice", "reset", *at, exit=2).stderr
    assert path.read_text() == before
    invoke("practice", "reset", "--yes", *at)
    assert json.loads(path.read_text())["topics"] == {}


@every("answer, left", [("", 1), ("n", 1), ("no", 1), ("yes", 0), ("Y", 0)])
def test_at_a_terminal_everything_is_deleted_only_after_a_yes(answer: str, left: int) -> None:
    with pytest.MonkeyPatch.context() as patch, TemporaryDirectory() as folder:
        path = Path(folder) / "p.json"
        path.write_text('{"bpx-progress": 1, "topics": {"softmax": {"solved": 3}}}')
        asked = list[str]()
        patch.setattr("bpx.cli.practice.sys.stdin", SimpleNamespace(isatty=lambda: True))
        patch.setattr("builtins.input", lambda question: asked.append(question) or answer)
        list(_reset_some_or_all(read_progress(path), [], yes=False))
        assert "(y/N)" in asked[0] and len(json.loads(path.read_text())["topics"]) == left


def test_a_dialogue_in_a_terminal_ends_well(tmp_path: Path) -> None:
    typed, progress = b"7\nskip\n\x04", tmp_path / "p.json"
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "bpx", "practice", "chain-rule", "--progress", str(progress)]
    process = subprocess.Popen(command, stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    os.close(theirs)
    os.write(ours, typed)
    shown, errors = process.communicate(timeout=60)
    os.close(ours)
    assert process.returncode == 0 and errors == b""
    assert b"Not right yet" in shown and b"progress is kept" in shown
    assert json.loads(progress.read_text())["topics"]["chain-rule"]["skipped"] == 1


def test_watching_ends_when_all_is_right(tmp_path: Path) -> None:
    path, key = tmp_path / "a.toml", tmp_path / "key.toml"
    invoke("practice", "chain-rule", "-o", str(path))
    invoke("practice", "chain-rule", "--key", "-o", str(key))
    process = subprocess.Popen(
        [sys.executable, "-m", "bpx", "practice", "watch", str(path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout
    first = process.stdout.readline()  # written at once, and not before the file was looked at
    key.replace(path)
    rest = process.communicate()[0]
    assert process.returncode == 0
    assert "0 of 1" in first + rest and "1 of 1 answer right" in first + rest


def test_the_list_of_topics_is_json_too(tmp_path: Path) -> None:
    progress = tmp_path / "progress.json"
    counts = {"solved": 2, "tries": 3, "skipped": 0, "seed": 5}
    progress.write_text(json.dumps({"bpx-progress": 1, "topics": {"softmax": counts, "x.toml": counts}}))
    rows = {row["name"]: row for row in plain_json("practice", "list", "--progress", str(progress))["topics"]}
    assert rows["softmax"] == {"name": "softmax", "about": "Softmax", "solved": 2, "tries": 3, "skipped": 0}
    assert rows["x.toml"]["about"] is None and rows["convolution"]["tries"] == 0
    left = plain_json("practice", "reset", "softmax", "x.toml", "--progress", str(progress))
    assert left["kind"] == "topics" and not any(row["tries"] for row in left["topics"])
