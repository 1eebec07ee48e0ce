"""`bpx help output` lists every form with its endings, and every exit code."""

from __future__ import annotations

import re
from signal import SIGINT, SIGTERM

from pages import DOCS, section

from bpx.cli.output import session
from bpx.render.forms import FORMS

PAGE = DOCS / "output.md"


def rows(title: str) -> list[list[str]]:
    """The cells of the table in a section, row by row; its head left out."""
    lines = [line for line in section(PAGE, title).splitlines() if line.startswith("|")]
    return [line.strip("|").split("|") for line in lines[2:]]


def test_every_form_is_listed_with_its_endings() -> None:
    named = [(re.findall(r"`(\w+)`", row[0]), re.findall(r"`(\.\w+)`", row[1])) for row in rows("Forms")]
    listed = {names[0]: tuple(endings) for names, endings in named}
    assert listed == {form.name: form.endings for form in FORMS}


def test_exit_codes() -> None:
    codes = {int(row[0]) for row in rows("Exit codes")}
    assert codes == {0, session.WRONG, session.UNUSABLE, session.BUG, 128 + SIGINT, 128 + SIGTERM}
