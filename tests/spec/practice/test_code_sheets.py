"""Mistakes in code: planted so that they show, given away by nothing, and judged line by line."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import numpy as np
import pytest
from benchmarks.practice import measure_code_sheets
from invoking import invoke

import bpx
from bpx.check.report.options import HintLevel
from bpx.spec.practice.code.code_exercise import CodeExercise
from bpx.spec.practice.code.code_sheet import CodeSheet, read_code_sheet
from bpx.spec.practice.code.grade_code import grade_code
from bpx.spec.practice.code.in_a_process import graded_code_sheet
from bpx.spec.practice.code.statements import put, statements_of
from bpx.spec.practice.practice import code_exercise_of, code_exercise_on
from bpx.spec.practice.results import Graded
from bpx.words.diagnostic import BpxError

SEED = 7
EXERCISE = code_exercise_on("logistic-regression", plant=2, seed=SEED)


def written(folder: Path, *edits: tuple[str, str], name: str = "sheet.py") -> str:
    text = CodeSheet(EXERCISE).text
    for old, new in edits:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def fixes(exercise: CodeExercise = EXERCISE) -> list[tuple[str, str]]:
    return [
        (f"    {plant.text}  ", f"    {exercise.statements[plant.at].text}  ") for plant in exercise.planted
    ]


def verdicts(file: str) -> dict[str, str]:
    return {one.key: one.verdict.value for one in grade_code(read_code_sheet(file)).judgements}


def test_a_sample_of_the_benchmark() -> None:
    outcome = measure_code_sheets(3)
    assert outcome["deterministic"] == outcome["all visible"] == outcome["right once mended"] == 3
    assert outcome["each left out is found"] == 3


def test_the_sheet_gives_nothing_away(tmp_path: Path) -> None:
    text = CodeSheet(EXERCISE).text
    assert "2 lines of `backward` are wrong" in text and "def check" not in text
    assert not any(EXERCISE.statements[plant.at].text in text for plant in EXERCISE.planted)
    comments = re.findall("#.*", text.partition("def backward")[2].partition("\n\n\n")[0])
    whole = bpx.Spec.of(EXERCISE.spec).to_code().partition("def backward")[2].partition("\n\n\n")[0]
    assert comments == re.findall("#.*", whole)  # as beside the right lines
    key = CodeSheet(EXERCISE, with_key=True).text
    added = set(key.splitlines()) - set(text.splitlines())
    assert len(added) == 2 and all(EXERCISE.statements[p.at].text in key for p in EXERCISE.planted)


def test_what_is_mended_left_and_broken(tmp_path: Path) -> None:
    first, second = fixes()
    assert set(verdicts(written(tmp_path)).values()) == {"missed"}
    assert [*verdicts(written(tmp_path, first)).values()] == ["right", "missed"]
    assert set(verdicts(written(tmp_path, first, second)).values()) == {"right"}
    broken = grade_code(read_code_sheet(written(tmp_path, first, second, ("dz * x1", "dz * x2"))))
    assert [one.verdict for one in broken.judgements] == ["right", "right", "wrong"]
    assert broken.judgements[-1].innocent and not broken.is_right and broken.right == 2
    assert [one.code for one in broken.judgements[-1].mistakes] == ["name-for-name"]


def test_another_way_to_write_it_is_right_too(tmp_path: Path) -> None:
    first, second = fixes()
    file = written(tmp_path, first, second, ("dz = da * (a * v7)", "dz = (1 - a) * da * a"))
    assert set(verdicts(file).values()) == {"right"}
    wrong = written(tmp_path, first, ("dz = da * (a * v7)", "s = a * v7; dz = da * s"))
    grading = grade_code(read_code_sheet(wrong))
    assert [one.key for one in grading.judgements] == ["backward"] and not grading.right
    said = "\n".join(map(str, grading.hints(grading.judgements[0], HintLevel.KIND)))
    assert re.search(r"sheet\.py:\d+", said)


def test_what_does_not_run_is_not_judged(tmp_path: Path) -> None:
    crash = grade_code(read_code_sheet(written(tmp_path, ("dz = da *", "dz = nosuchname *"))))
    assert [one.verdict for one in crash.judgements].count("invalid") == 1
    assert crash.problems[0].code == "file-raised" and "nosuchname" in crash.problems[0].message
    for edit, code in (
        (("dz = da *", "dz = da * ("), "file-raised"),
        (("def backward(", "def reverse("), "not-in-file"),
        (("# [sheet]", "# sheet"), "no-sheet"),
        (("# bpx-sheet = 1", "# bpx-sheet = 9"), "sheet-version"),
        (("# plant = 2", ""), "sheet-without-spec"),
    ):
        with pytest.raises(BpxError, match=code):
            read_code_sheet(written(tmp_path, edit))
    changed = (("    z = w1", "    z = w2"), ("    dz = da", "    t = 1\n    dz = da"))
    assert verdicts(written(tmp_path, *changed)) == {"backward": "invalid"}


def test_hints_lead_from_the_line_to_the_number(tmp_path: Path) -> None:
    file = written(tmp_path)
    rights = [EXERCISE.statements[plant.at].text for plant in EXERCISE.planted]
    assert "is wrong" not in invoke("practice", "grade", file, exit=1).stdout
    sheets = ((file, grade_code(read_code_sheet(file))),)
    lengths = []
    for level in range(1, 6):
        for form in ("plain", "json"):
            graded = Graded(sheets, level=HintLevel(level), leads=True)
            said = graded.to(form)
            assert level >= 4 or not any(right in said for right in rights), (level, form)
            lengths += [len(said)] if form == "plain" else []
    assert lengths == sorted(set(lengths))
    plain = invoke("practice", "grade", file, "--hint", "4", "-f", "plain", exit=1).stdout
    assert all(right in plain for right in rights)


def test_what_a_sheet_prints_is_no_part_of_the_grades_and_one_that_ends_python_costs_no_other(
    tmp_path: Path,
) -> None:
    right = written(tmp_path, *fixes(), ("    dz = da", "    print('hello')\n    dz = da"), name="right.py")
    deadly = written(tmp_path, ("import numpy", "import os; os._exit(3)\nimport numpy"), name="deadly.py")
    found = invoke("practice", "grade", deadly, right, "--json", "--limit", "60", exit=2)
    plain = json.loads(found.stdout)
    assert plain["unreadable"] == [deadly] and plain["sheets"][0]["right"] == 2 and "hello" in found.stderr
    assert [problem["code"] for problem in plain["diagnostics"]] == ["sheet-died"]
    assert "exit code 3" in plain["diagnostics"][0]["message"]


def test_a_sheet_that_does_not_end_is_ended(tmp_path: Path) -> None:
    endless = written(tmp_path, ("    dz = da", "    while True: pass\n    dz = da"))
    with pytest.raises(BpxError) as caught:
        graded_code_sheet(endless, 0)  # what is left of the second that it takes to begin
    assert [problem.code for problem in caught.value.diagnostics] == ["sheet-endless"]


def test_on_the_command_line(tmp_path: Path) -> None:
    one, same, other = (str(tmp_path / name) for name in ("a.py", "b.py", "c.py"))
    for file, seed in ((one, "3"), (same, "3"), (other, "4")):
        invoke("practice", "two-layer-network", "--plant", "2", "--seed", seed, "-o", file)
    assert Path(one).read_text() == Path(same).read_text() != Path(other).read_text()
    refused = invoke("practice", "chain-rule", "--plant", "9", "-o", one, exit=2)
    assert "error[no-room-for-plants]" in refused.stderr
    assert not bpx.grade(one).is_right


def test_a_title_and_names_are_inert(tmp_path: Path) -> None:
    title = "x\nimport os; os.abort() # '''"
    spec = bpx.load(
        f'bpx = 1\ntitle = {json.dumps(title)}\n[inputs]\nlambda = 0.7\nnp = 1.3\n[graph]\ny = "lambda^3*np"'
    )
    path = tmp_path / "a.py"
    path.write_text(CodeSheet(code_exercise_of(spec, plant=1)).text)
    assert set(verdicts(str(path)).values()) == {"missed"}


def test_parts_are_put_in_place() -> None:
    _, (statement,) = statements_of("def backward(g):\n    å = (g * b) ** 2\n")
    text = "å = (g * b) ** 2"
    assert statement.text == text and statement.sets == "å"
    value = ast.parse(text).body[0].value  # type: ignore[attr-defined]
    assert put(text, value.left, "g + b") == "å = (g + b) ** 2"
    assert put(text, value.left, "g") == "å = g ** 2"
    assert np.isfinite(EXERCISE.values[0][0])
