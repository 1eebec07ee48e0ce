"""The picture of a graph that was checked, with what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bpx.check.report.report import Report
    from bpx.graph.named.named_graph import NamedGraph
    from bpx.render.picture.picture import Picture


def checked_picture(spec: NamedGraph, report: Report, of: str | None, wrt: Any, upstream: Any) -> Picture:
    """Both passes, with the culprit and what inherits its error marked; for the arguments see `gradcheck`.

    Few reports are drawn: what draws is loaded when that happens.
    """
    from bpx.explain.explain import explain
    from bpx.explain.picture.marks import marks_of
    from bpx.explain.picture.picture import PictureOptions

    explanation = explain(spec, of=of, wrt=wrt, upstream=upstream, check=False)
    return explanation.picture(PictureOptions(marks=marks_of(report)))
