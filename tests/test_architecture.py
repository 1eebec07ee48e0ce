"""`bpx/ARCHITECTURE.md` is one screen and speaks of what there is: rooms, files and names in them."""

from __future__ import annotations

import re

from pages import ROOT, text_of
from rows_of_a_table import every
from test_floors import FLOORS

PAGE = ROOT / "bpx" / "ARCHITECTURE.md"
CODE = re.findall(r"`([^`\n]+)`", text_of(PAGE))
FILES = [text for text in CODE if "/" in text and "NAME" not in text]


def test_it_is_one_screen() -> None:
    assert len(text_of(PAGE).splitlines()) <= 60


@every("name", FILES)
def test_files_are_there(name: str) -> None:
    path = name.partition(":")[0]
    assert (ROOT / path).exists() or (ROOT / "bpx" / path).exists()


@every("name", [name for name in FILES if ":" in name])
def test_names_are_in_their_files(name: str) -> None:
    path, _, part = name.partition(":")
    assert re.search(rf"\b{re.escape(part)}\b", (ROOT / "bpx" / path).read_text(encoding="utf-8"))


def test_every_room_is_there() -> None:
    rooms = {floor.partition(".")[0] for floor in FLOORS}
    assert rooms <= set(re.findall(r"`(\w+)/`", text_of(PAGE)))
