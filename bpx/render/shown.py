"""What bpx shows: an object that is blocks to people and plain data to programs, in every form."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from bpx.render.forms import Form, form_named, forms_of
from bpx.words.arguments import checked
from bpx.words.diagnostic import BpxError

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult

    from bpx.render.blocks import Block


class Shown:
    """It prints as tables in a terminal and in a notebook, and as plain text elsewhere.

    A subclass says what `kind` it is of, as its JSON does, and has the views `blocks` and `to_dict`. It gets
    a method `to_NAME` for each form of its kind. Rich is loaded when something is printed, not before.
    """

    kind: ClassVar[str]

    if TYPE_CHECKING:  # made from the list of forms when a subclass is defined

        def to_json(self) -> str:
            """The JSON contract as text."""

        def to_latex(self) -> str:
            """The same as a LaTeX document."""

        def to_markdown(self) -> str:
            """The same as Markdown."""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        for form in forms_of(cls.kind) if hasattr(cls, "kind") else ():
            if not hasattr(cls, f"to_{form.name}"):
                setattr(cls, f"to_{form.name}", _verb(form))

    def blocks(self) -> list[Block]:
        """All that there is to say, section by section."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """The JSON contract, version 1: numbers in full, non-finite ones as text."""
        raise NotImplementedError

    def plain_data(self) -> dict[str, Any]:
        """`to_dict` for whoever writes it at once: lists may be `Rows`, which are made as they are read."""
        return self.to_dict()

    @checked
    def to(self, form: str) -> str:
        """The same in a form by its name, such as `markdown`. Raises `bpx.BpxError` for an unknown one."""
        return form_named(form, self.kind).text(self)

    def __eq__(self, other: object) -> bool:
        """Whether all that there is to say is equal."""
        if not isinstance(other, Shown):
            return NotImplemented
        return self is other or (type(self) is type(other) and self.to_dict() == other.to_dict())

    def __hash__(self) -> int:
        return hash(repr(self.to_dict()))

    def __str__(self) -> str:
        return self.to("plain")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from bpx.render.table import renderables

        yield from renderables(self.blocks())

    # --- in a notebook, which shows the first of these forms that it can show ---

    def _repr_html_(self) -> str:
        """The picture and the tables."""
        return self._html(self._svg())

    def _svg(self) -> str | None:
        """The picture; None where there is none, or none can be drawn here."""
        if not self._has_form("svg"):
            return None
        try:
            return self.to("svg")
        except BpxError:  # no layout library
            return None

    def _repr_latex_(self) -> str | None:
        """The tables, to stand in a document that has the packages `amsmath` and `longtable`."""
        from bpx.render.latex import fragment

        return fragment(self.blocks()) if self._has_form("latex") else None

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **options: Any) -> dict[str, str]:
        """All forms at once, for the notebook to show one; the picture is drawn once."""
        from bpx.render.table import table_text

        svg = self._svg()
        forms = {
            "text/html": self._html(svg),
            "image/svg+xml": svg if hasattr(self, "_repr_svg_") else None,
            "text/latex": self._repr_latex_(),
            "text/plain": table_text(self.blocks()),
        }
        wanted = set(include or forms) - set(exclude or ())
        return {kind: text for kind, text in forms.items() if text is not None and kind in wanted}

    def _html(self, svg: str | None) -> str:
        from bpx.render.notebook import fragment

        return fragment(self.blocks(), svg, self._described() if svg else "")

    def _described(self) -> str:
        """The picture in words."""
        return str(form_named("svg", self.kind).of(self).description)

    def _has_form(self, name: str) -> bool:
        return any(form.name == name for form in forms_of(self.kind))


def _verb(form: Form) -> Callable[[Shown], str | bytes]:
    def to_form(self: Shown) -> str | bytes:
        return form.content(self)

    to_form.__name__ = f"to_{form.name}"
    to_form.__doc__ = Form.content.__doc__
    return to_form
