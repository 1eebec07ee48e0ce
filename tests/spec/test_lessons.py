"""Lessons: every number in them is computed and right, and a page is short, in both languages."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest
from rich.console import Console
from rows_of_a_table import every
from typer.testing import CliRunner

from bpx.cli.main import app
from bpx.render.forms import forms_of
from bpx.render.table import table_text
from bpx.spec.lessons.lessons import LESSONS, lesson_named
from bpx.spec.lessons.parts import Lesson, Says
from bpx.spec.lessons.shown import LessonList, LessonShown
from bpx.spec.reading.examples import example_names
from bpx.words.diagnostic import BpxError
from bpx.words.en import ENGLISH
from bpx.words.languages import speaking
from bpx.words.widths import cells

MOST_LINES = 40
EQUATION = re.compile(r"([-\d.()·²+/ ]*[·²+/-] ?[-\d.()·²+/ ]*) = (-?\d+\.?\d*)")


@cache
def shown(name: str) -> LessonShown:
    return LessonShown(lesson_named(name))


def paragraphs(lesson: Lesson) -> list[str]:
    return [str(text) for block in shown(lesson.name).blocks() for text in getattr(block, "texts", ())]


def value(expression: str) -> float:
    return float(eval(expression.replace("·", "*").replace("²", "**2")))


def test_every_lesson_ends_in_an_exercise_that_starts() -> None:
    """The command as it is printed."""
    for lesson in LESSONS:
        command = re.findall("`bpx (practice .*?)`", " ".join(paragraphs(lesson)[-2:]))
        result = CliRunner().invoke(app, [*command[0].split(), "-f", "json"])
        assert result.exit_code == 0, (lesson.name, result.output)
        sheet = json.loads(result.stdout)
        assert sheet["kind"] == "sheet" and bool(sheet["answers"]) and sheet["title"]


# --- the numbers --------------------------------------------------------------------------------


def test_every_sum_and_product_is_right() -> None:
    """Redone from the numbers that are shown, which are rounded to four digits."""
    redone = 0
    for lesson in LESSONS:
        for text in paragraphs(lesson):
            for left, right in EQUATION.findall(text):
                assert value(left) == pytest.approx(float(right), rel=2e-3, abs=1e-4), (lesson.name, text)
                redone += 1
    assert redone >= 20


@every("key", [key for key in ENGLISH if key.startswith("lesson.")])
def test_no_number_is_typed_by_hand(key: str) -> None:
    """Numbers that are part of a formula or of a name may be: no others."""
    text = re.sub(r"`[^`]*`|\{\w+\}|e\^\(-x\)", "", str(ENGLISH[key]))
    text = re.sub(r"^\d+\. ", "", text) if key.endswith(".title") else text
    typed = {"0", "1", "2", "5", "6"} if key.startswith("lesson.") else set()
    assert set(re.findall(r"\d+(?:\.\d+)?", text)) <= typed


def test_the_step_of_learning_makes_the_loss_smaller() -> None:
    text = " ".join(paragraphs(lesson_named("network")))
    before, after = map(float, re.findall(r"L: (\S+) before the step, (\S+) after", text)[0])
    assert after < before


# --- the pages ----------------------------------------------------------------------------------


@every("lesson", LESSONS)
def test_a_page_fits_on_a_screen(lesson: Lesson) -> None:
    for language in ("en", "zh"):
        with speaking(language):
            for page in LessonShown(lesson).pages:
                for width in (80, 60):
                    lines = table_text(page.blocks(), Console(width=width)).splitlines()
                    assert len(lines) <= MOST_LINES, (width, len(lines), lines[0])
                    assert max(map(cells, lines)) <= width, (width, lines)


def test_each_lesson_names_the_next() -> None:
    for at, lesson in enumerate(LESSONS, 2):
        names_next = f"`bpx learn {at}`" in " ".join(paragraphs(lesson))
        assert names_next == (at <= len(LESSONS)), lesson.name


@every("lesson", LESSONS)
def test_a_question_stands_before_its_answer(lesson: Lesson) -> None:
    keys = [[part.key for part in page if isinstance(part, Says)] for page in lesson.pages]
    asked = [at for at, page in enumerate(keys) if "ask" in page]
    answered = [at for at, page in enumerate(keys) if "answer" in page]
    assert [at + 1 for at in asked] == answered


def test_lessons_are_ten_and_about_bundled_examples() -> None:
    assert len(LESSONS) == 10
    assert {lesson.example for lesson in LESSONS} <= set(example_names())
    for at, lesson in enumerate(LESSONS, 1):
        assert lesson_named(str(at)) is lesson
        assert lesson_named(lesson.name.upper().replace("-", "_")) is lesson
        assert lesson.title.startswith(f"{at}. ")


def test_every_form_is_of_the_whole_lesson() -> None:
    for form in forms_of("lesson"):
        text = form.text(shown("sum-over-paths"))
        assert "bpx practice" in text.replace("\\_", "_"), form.name
    html = shown("sum-over-paths").to("html")
    assert "<svg" in html
    assert "http" not in html.replace("http://www.w3.org/", "").replace("http-equiv", "")


def test_json_has_the_pages() -> None:
    plain = json.loads(shown("graph").to_json())
    assert plain["kind"] == "lesson"
    assert [len(page) > 0 for page in plain["pages"]] == [True, True]
    assert len(json.loads(LessonList().to_json())["lessons"]) == 10


# --- the command --------------------------------------------------------------------------------


def test_the_command_lists_and_shows() -> None:
    listed = CliRunner().invoke(app, ["learn"])
    assert listed.exit_code == 0
    assert all(lesson.name in listed.output for lesson in LESSONS)
    assert "Question" in CliRunner().invoke(app, ["learn", "2"]).output
    assert CliRunner().invoke(app, ["learn", "12"]).exit_code == 2


def test_an_unknown_lesson_is_named_with_the_nearest() -> None:
    with pytest.raises(BpxError, match="no lesson `convolutoin`") as error:
        lesson_named("convolutoin")
    assert "convolution" in str(error.value.diagnostics[0].to_text())


def test_the_list_of_lessons_has_the_forms_of_a_list() -> None:
    refused = CliRunner().invoke(app, ["learn", "--format", "html"])
    assert refused.exit_code == 2
    assert "unknown-choice" in refused.stderr
    assert CliRunner().invoke(app, ["learn", "1", "--format", "html"]).exit_code == 0
