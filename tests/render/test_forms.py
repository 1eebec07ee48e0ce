"""Forms are entries of a list; all that names them follows from it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from importlib import import_module
from typing import Any, ClassVar

import pytest
from reports import report
from rows_of_a_table import every

from bpx.cli.command import command_named
from bpx.render import forms, shown
from bpx.render.blocks import Block, Headline, Lines
from bpx.render.forms import FORMS, PAGE, PICTURE, Form, endings_of, form_named, form_of_file, forms_of
from bpx.render.json import json_text
from bpx.render.shown import Shown
from bpx.words.diagnostic import BpxError


class Note(Shown):
    kind: ClassVar[str] = "note"

    def blocks(self) -> list[Block]:
        return [Headline("A note"), Lines(("of one line",))]

    def to_dict(self) -> dict[str, Any]:
        return {"bpx": 1, "kind": self.kind, "text": "π"}


@every("form", FORMS)
def test_each_form_is_a_function_of_its_file(form: Form) -> None:
    assert callable(getattr(import_module(f"bpx.render.{form.module or form.name}"), form.function))


def test_no_ending_has_two_forms() -> None:
    for kind in ("explanation", "gradcheck", PICTURE, PAGE):
        assert set(Counter(ending for form in forms_of(kind) for ending in form.endings).values()) == {1}
    endings = {ending for form in FORMS for ending in form.endings}
    assert all(ending.startswith(".") and ending == ending.lower() for ending in endings)


@every(
    "form",
    [form for form in forms_of("gradcheck") if form.view != "picture"],
)
def test_each_form_is_a_method_of_what_has_it(form: Form) -> None:
    checked = report("wrong_rule")
    assert getattr(checked, f"to_{form.name}")() == checked.to(form.name) == form.text(checked)
    assert checked.to(form.name).endswith("\n")
    assert hasattr(Note, f"to_{form.name}") == (not form.kinds)


def test_choice_ending_and_method_follow_from_the_entry(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """`plain` by another name and ending, for notes only."""
    entry = Form("plain", (".note",), "blocks", "plain", kinds=("note",))
    monkeypatch.setattr(forms, "FORMS", (*FORMS[:1], entry))
    assert [form.name for form in forms_of("note")] == ["table", "plain"]
    assert [form.name for form in forms_of("gradcheck")] == ["table"]
    assert form_of_file("a.NOTE", "note") == entry

    class Other(shown.Shown):
        kind: ClassVar[str] = "note"
        blocks = Note.blocks

    assert Other().to_plain() == "A note\n  of one line\n"  # type: ignore[attr-defined]
    assert not hasattr(Other, "to_markdown")


def test_an_unknown_form_or_ending_is_refused_with_those_there_are() -> None:
    for ask, known in (
        (lambda: Note().to("svg"), "markdown"),
        (lambda: form_of_file("a.svg", "note"), ".md"),
    ):
        with pytest.raises(BpxError) as caught:
            ask()
        assert known in str(caught.value)
    assert form_of_file("a", "note") == form_of_file("", "note") == FORMS[0]
    assert ".xml" in endings_of("gradcheck")
    assert ".xml" not in endings_of("note")
    with pytest.raises(BpxError):
        form_named("junit", "note")


def test_options_list_what_is_in_the_list() -> None:
    kinds = {
        "explain": "explanation",
        "draw": PAGE,
        "gradcheck": "gradcheck",
        "train": "training",
        "ops": "ops",
    }
    for command, kind in kinds.items():
        options = {one.name: one for one in command_named(command).params}
        assert options["form"].metavar == f"<{'|'.join(form.name for form in forms_of(kind))}>"
        file = options["report" if command == "train" else "output"]
        assert all(ending in file.help for ending in endings_of(kind))


def test_text_form_for_people_who_print() -> None:
    assert str(Note()) == "A note\n  of one line\n"
    assert form_named("json", "note").in_ascii(Note().to_json()).splitlines()[3] == '  "text": "\\u03c0"'
    assert form_named("plain", "note").in_ascii("π") == "π"


@pytest.mark.parametrize("code", ["bpx.cli.main", "bpx.render.shown", "bpx.render.forms"])
def test_the_list_costs_nothing(code: str) -> None:
    code = f"import sys; before = set(sys.modules); import {code}; print('numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout == b"False\n"


def test_json_does_without_rich_tables() -> None:
    code = "import sys, bpx; bpx.parse('x^2', x=3).explain().to_json(); print('rich' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
    assert found.stdout.split() == [b"False"]


def test_rows_of_json_are_those_of_the_standard_library() -> None:
    """A row a line, whatever strings they have: also the one that stands between them meanwhile."""
    plain = {
        "rows": [{"a": ["\0", "}, {", index], "b": index / 7} for index in range(2500)],
        "one": [{"a": "\0"}],
    }
    for rows in (plain, {"rows": [{"a": index} for index in range(2500)]}, {"rows": [{}], "none": []}):
        text = json_text(rows)
        assert json.loads(text) == rows
        assert text.count("\n    {") == sum(len(value) for value in rows.values())
