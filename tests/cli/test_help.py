"""`bpx help`: the topics, their pages, and how a page is shown."""

from __future__ import annotations

import io
import re

import pytest
from pages import DOCS, text_of
from rich.console import Console
from rich.text import Text
from typer.testing import CliRunner

from bpx.cli.main import app
from bpx.cli.reference.help import page, shown, title, topics

every_topic = pytest.mark.parametrize("topic", topics())


def terminal(**options: bool) -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=120, _environ={}, **options)


def test_the_topics_are_the_pages() -> None:
    assert topics() == sorted(path.stem for path in DOCS.glob("*.md") if "." not in path.stem)


@every_topic
def test_every_page_has_one_title(topic: str) -> None:
    outside_code = re.sub(r"^```.*?^```", "", page(topic), flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"^# (.*)$", outside_code, re.MULTILINE) == [title(topic)]
    assert page(topic).startswith("# ")
    assert not title(topic).endswith(".")


def test_without_a_topic_all_are_listed_with_their_titles() -> None:
    listed = CliRunner().invoke(app, ["help"])
    assert listed.exit_code == 0
    assert "bpx help TOPIC" in listed.stdout
    rows = [line.split(maxsplit=1) for line in listed.stdout.splitlines() if line.startswith("  ")]
    assert rows == [[topic, title(topic)] for topic in topics()]


@every_topic
def test_in_a_pipe_a_page_is_as_it_stands(topic: str) -> None:
    assert CliRunner().invoke(app, ["help", topic]).stdout == text_of(DOCS / f"{topic}.md")


def test_without_colour_a_page_is_as_it_stands() -> None:
    assert shown(page("spec"), terminal(no_color=True)) == page("spec")


@every_topic
def test_in_a_terminal_a_page_is_set(topic: str) -> None:
    text = shown(page(topic), terminal())
    assert "\x1b[" in text
    assert "](" not in text and "```" not in text
    assert max(Text.from_ansi(line).cell_len for line in text.splitlines()) <= 100
    assert not re.search(r"\x1b\]8;[^;]*;(?!http)\S+\.md", text)  # no link to where no browser finds it


def test_a_topic_nobody_knows() -> None:
    near, far = (CliRunner().invoke(app, ["help", name]) for name in ("explian", "weather"))
    assert (near.exit_code, far.exit_code) == (2, 2)
    assert "did you mean `explain`?" in near.stderr
    assert "`bpx help` lists the topics" in far.stderr
