"""Sheets in code: the file that a learner mends, the key, and the exercise read back from such a file.

What a program needs to grade it stands in comments at its end: the graph and the seed, never the slips.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from bpx.spec.code.loading import load_target
from bpx.spec.practice.cells.rounding import ANSWER_DIGITS
from bpx.spec.practice.cells.spec_text import SHEET_VERSION, text_of_spec
from bpx.spec.practice.code.code_exercise import CodeExercise
from bpx.spec.practice.code.statements import BACKWARD
from bpx.spec.reading.decoder import Decoder
from bpx.spec.reading.documents.document import read_document
from bpx.spec.reading.target import read_file, read_text
from bpx.spec.writing.code.names import in_a_comment
from bpx.spec.writing.write import toml_text
from bpx.words.diagnostic import BpxError, Diagnostic, Source, Span
from bpx.words.say import say, titled

ENDING = ".py"
_PLAN = "# [sheet]\n"
_KEYS = ("bpx-sheet", "digits", "topic", "seed", "plant", "spec")
_KINDS = {"bpx-sheet": int, "digits": int, "topic": str, "seed": int, "plant": int, "spec": str}


class FilledCodeSheet(NamedTuple):
    """A file that somebody worked at: its exercise, its text, and the module that it is."""

    name: str
    exercise: CodeExercise
    source: Source
    module: ModuleType


@dataclass(frozen=True)
class CodeSheet:
    """An exercise in code as a file's text; `with_key` says in comments which lines are wrong, and how."""

    exercise: CodeExercise
    with_key: bool = False

    def __str__(self) -> str:
        return self.text

    @property
    def text(self) -> str:
        """The whole file."""
        exercise = self.exercise
        head, _, body = exercise.text.partition("\n\n")
        title = titled(exercise.title or "") or say("practice.sheet")
        task = say("practice.task-code", count=exercise.plant).split("\n")
        renamed = head.split("\n")[3:]
        lines = [in_a_comment(title), "", *task]
        top = "\n".join([*(f"# {line}".rstrip() for line in lines), *renamed])
        text = f"{top}\n\n{body}\n\n# {say('practice.plan')}\n{self._plan()}"
        return self._marked(text) if self.with_key else text

    def _plan(self) -> str:
        exercise = self.exercise
        document = {"bpx-sheet": SHEET_VERSION, "digits": exercise.digits}
        document |= {"topic": exercise.topic} if exercise.topic else {}  # type: ignore[dict-item]
        document |= {"seed": exercise.seed, "plant": exercise.plant}
        document |= {"spec": text_of_spec(exercise.spec)}  # type: ignore[dict-item]
        return "".join(
            f"# {line}".rstrip() + "\n" for line in toml_text({"sheet": document}).strip().split("\n")
        )

    def _marked(self, text: str) -> str:
        """With a comment above each wrong line: what is wrong, and the line as it should be."""
        start = text.index(f"\ndef {BACKWARD}(")
        before, after = text[:start], text[start:]
        for plant in self.exercise.planted:
            right = self.exercise.statements[plant.at].text
            said = in_a_comment(say("practice.key-line", mistake=plant.mistake.text, right=right))
            after = after.replace(f"\n    {plant.text}", f"\n    # {said}\n    {plant.text}", 1)
        return before + after


def read_code_sheet(file: str) -> FilledCodeSheet:
    """The exercise of a file, which is run. Raises `BpxError`."""
    source = read_file(Path(file))
    exercise = exercise_in(source)
    module = load_target(f"{file}:{BACKWARD}").module
    return FilledCodeSheet(file, exercise, source, module)


def exercise_in(source: Source) -> CodeExercise:
    """The exercise of a sheet, by its plan: nothing of the file is run. Raises `BpxError`."""
    start = source.text.rfind(_PLAN)
    if start < 0:
        raise BpxError([Diagnostic("no-sheet", Span(source, 0, 0), {"name": source.name})])
    decoder = Decoder(*read_document(Source(source.name, _uncommented(source.text, start)), "toml"), [])
    sheet = _checked(decoder)
    spec = read_text(Source(f"{source.name} (spec)", sheet["spec"]))
    named: dict[str, Any] = {"digits": sheet.get("digits", ANSWER_DIGITS), "topic": sheet.get("topic", "")}
    return CodeExercise(spec, sheet["plant"], sheet.get("seed", 0), **named)


def _uncommented(text: str, start: int) -> str:
    """The plan at its own lines: what stands above it is left blank."""
    above = "\n" * text.count("\n", 0, start)
    return above + "".join(
        f"{line.removeprefix('#').removeprefix(' ')}\n" for line in text[start:].split("\n")
    )


def _checked(decoder: Decoder) -> dict[str, Any]:
    """The plan, each part of the type that it has. Raises `BpxError`."""
    sheet = decoder.document["sheet"]
    decoder.check_keys(sheet, "sheet", ("sheet",), _KEYS)
    fits = {
        key: sheet[key]
        for key, kind in _KINDS.items()
        if key in sheet and decoder.has_type(kind, sheet[key], "sheet", key)
    }
    if fits.get("bpx-sheet") != SHEET_VERSION:
        place = decoder.places.value("sheet", "bpx-sheet")
        decoder.problem("sheet-version", place, found=fits.get("bpx-sheet"))
    if not {"spec", "plant"} <= fits.keys():
        decoder.problem("sheet-without-spec", decoder.places.key("sheet"))
    if decoder.problems:
        raise BpxError(decoder.problems)
    return fits
