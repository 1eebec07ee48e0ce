"""`bpx help`: the pages of `bpx/docs`, Markdown, one page a topic; the first line of a page is its title."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import bpx
from bpx.cli.command import command
from bpx.cli.input.completion import beginning
from bpx.cli.output.console import terminal
from bpx.cli.output.session import TextSession
from bpx.words.say import say

if TYPE_CHECKING:
    from rich.console import Console

_PAGES = Path(bpx.__file__).parent / "docs"
_WIDEST = 100  # columns; longer lines of prose are hard to read
_LINK_TO_PAGE = re.compile(r"\[([^\]]*)\]\((?!https?:)[^)]*\)")


def _completed(incomplete: str) -> list[str]:
    return beginning(topics(), incomplete)


@command("help", "bpx help", "bpx help spec", "bpx help gradcheck")
def help(
    topic: Annotated[str | None, typer.Argument(help=say("cli.topic"), autocompletion=_completed)] = None,
) -> None:
    """Show a page of the manual, or list its topics."""
    with TextSession(None) as session:
        session.write(shown(page(topic), terminal()) if topic else topic_list())


def topics() -> list[str]:
    """The topics, in alphabetical order; a page in another language, `README.zh`, is none."""
    return sorted(page.stem for page in _PAGES.glob("*.md") if "." not in page.stem)


def page(topic: str) -> str:
    """The page on a topic, in Markdown. Raises `BpxError` where there is none."""
    from bpx.words.diagnostic import BpxError, Diagnostic

    if topic not in topics():
        unknown = Diagnostic("unknown-topic", None, {"name": topic}, "list-topics")
        raise BpxError([unknown.suggesting(topic, topics())])
    return (_PAGES / f"{topic}.md").read_text(encoding="utf-8")


def title(topic: str) -> str:
    """The title of the page on a topic."""
    return page(topic).partition("\n")[0].removeprefix("# ")


def topic_list() -> str:
    """All topics with their titles, one a line."""
    width = max(map(len, topics()))
    lines = [f"  {topic:<{width}}  {title(topic)}" for topic in topics()]
    return "\n".join([say("docs.topics"), "", *lines, ""])


def shown(text: str, console: Console) -> str:
    """A page as the console shows it: set in a terminal with colours, and as it stands elsewhere."""
    if not console.is_terminal or console.no_color:
        return text
    from rich.markdown import Markdown

    plain = _LINK_TO_PAGE.sub(r"\1", text)  # a path means nothing to a terminal; the link's text is a command
    with console.capture() as capture:
        console.print(Markdown(plain, code_theme="ansi_dark"), width=min(console.width, _WIDEST))
    return capture.get()
