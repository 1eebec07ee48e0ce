"""The forms that whatever bpx shows can take: one entry each.

The choices of `--format`, the endings of `-o` and the `to_NAME` methods follow from this list. The module of
a form, `bpx/render/NAME.py` where it names no other, is loaded when it is first used: the list alone costs
nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import say

if TYPE_CHECKING:
    from types import ModuleType


class Form(NamedTuple):
    """A form by its name, and how an object takes it: the text is `function(object.view())`.

    `function` is one of `bpx/render/MODULE.py`, by default of `bpx/render/NAME.py`. A file that ends in
    one of `endings` is written in this form unless another is asked for. `kinds` are the kinds of objects
    that have this form, named as in their JSON; none means all that are made of blocks. A form that
    `is_binary` gives bytes in place of a text.
    """

    name: str
    endings: tuple[str, ...]
    view: str
    function: str
    kinds: tuple[str, ...] = ()
    module: str = ""
    is_binary: bool = False

    def content(self, shown: Any) -> str | bytes:
        """The object in this form; a text has a line end at its end."""
        content: str | bytes = getattr(self._module, self.function)(self.of(shown))
        return content

    def pieces(self, shown: Any) -> Iterable[str]:
        """Its text piece by piece, where it is made so; such a text may be larger than the memory."""
        by_pieces = getattr(self._module, f"{self.name}_pieces", None)
        return (self.text(shown),) if by_pieces is None else by_pieces(self.of(shown))

    def of(self, shown: Any) -> Any:
        """The view of the object that is written: blocks, plain data, a picture."""
        return getattr(shown, self.view)()

    @property
    def is_laid_out(self) -> bool:
        """Is it a picture whose cards are placed here, not by the programs that read it?"""
        return self.view in ("picture", "page") and self.name not in ("dot", "mermaid")

    def text(self, shown: Any) -> str:
        """The object in this form. Raises `TypeError` for a binary one."""
        text = self.content(shown)
        if isinstance(text, bytes):
            raise TypeError(say("python.binary-form", form=self.name))
        return text

    def in_ascii(self, text: str) -> str:
        """The text for a stream without Unicode, where the form has a way to spell other characters."""
        spell = getattr(self._module, "in_ascii", None)
        return text if spell is None else str(spell(text))

    @property
    def _module(self) -> ModuleType:
        return import_module(f"bpx.render.{self.module or self.name}")


PICTURE = "picture"  # the kind of an object that is nothing but a picture
PAGE = "page"  # a picture that has a page too
_DRAWN = ("explanation", PICTURE, PAGE)  # the kinds that can be drawn
_REPORTED = ("gradcheck", "sweep", "lesson", "derivation")  # those with a page of headings, tables and charts

FORMS = (
    Form("table", (), "blocks", "table_text"),
    Form("plain", (".txt",), "blocks", "plain"),
    Form("markdown", (".md",), "blocks", "markdown"),
    Form("latex", (".tex",), "blocks", "latex"),
    Form("json", (".json",), "plain_data", "json_text"),
    Form("csv", (".csv",), "rows", "csv_text", kinds=("practice",)),
    Form("junit", (".xml",), "suite", "junit", kinds=("gradcheck",)),
    Form("dot", (".dot", ".gv"), "picture", "dot", _DRAWN, "picture.dot"),
    Form("mermaid", (".mmd",), "picture", "mermaid", _DRAWN, "picture.mermaid"),
    Form("html", (".html",), "page", "html", ("explanation", PAGE), "page.html"),
    Form(
        "html",
        (".html",),
        "report_page",
        "report_html",
        ("gradcheck", "sweep", "lesson", "derivation"),
        "page.report",
    ),
    Form("svg", (".svg",), "picture", "svg", (*_DRAWN, "gradcheck"), "picture.svg"),
    Form("svg", (".svg",), "chart", "chart_svg", ("sweep",), "chart.svg"),
    Form("csv", (".csv",), "columns", "csv_text", ("sweep",), "chart.csv"),
    Form("tikz", (".tex",), "picture", "tikz", (PICTURE, PAGE), "picture.tikz"),
    Form("png", (".png",), "picture", "png", _DRAWN, "picture.raster", is_binary=True),
    Form("pdf", (".pdf",), "picture", "pdf", _DRAWN, "picture.raster", is_binary=True),
)


def forms_of(kind: str) -> list[Form]:
    """The forms that objects of a kind can take; the first is the one they take by default."""
    return [form for form in FORMS if (kind in form.kinds if form.kinds else kind not in (PICTURE, PAGE))]


def form_named(name: str, kind: str) -> Form:
    """The form of that name. Raises `BpxError` where objects of the kind have none."""
    forms = {form.name: form for form in forms_of(kind)}
    if name not in forms:
        facts = {"found": name, "known": ", ".join(forms)}
        raise BpxError([Diagnostic("unknown-choice", None, facts, "choices-are")])
    return forms[name]


def endings_of(kind: str) -> dict[str, Form]:
    """Ending → the form of a file that ends so."""
    return {ending: form for form in forms_of(kind) for ending in form.endings}


def form_of_file(file: str, kind: str) -> Form:
    """The form that a file's ending asks for, the default for a name without one.

    Raises `BpxError` for any other ending: a file is never written as something else than its name says.
    """
    ending, endings = Path(file).suffix.lower(), endings_of(kind)
    if ending and ending not in endings:
        raise BpxError([unknown_ending(file, endings, "known-endings-or-format")])
    return endings.get(ending, forms_of(kind)[0])


def unknown_ending(file: str, known: Iterable[str], help: str = "known-endings") -> Diagnostic:
    """The diagnostic for a file whose ending is none of the known ones."""
    facts = {"name": file, "ending": Path(file).suffix, "known": ", ".join(known)}
    return Diagnostic("unknown-ending", None, facts, help)
