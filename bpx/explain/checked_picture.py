"""The picture of a graph that was checked, with what was found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bpx.check.report.results import CheckResults
    from bpx.graph.named.named_graph import NamedGraph
    from bpx.render.picture.picture import Picture


def checked_picture(
    spec: NamedGraph, of: str | None, wrt: Any, upstream: Any, report: CheckResults
) -> Picture:
    """Both passes, of a hint the forward pass alone, with the culprit and what inherits its error marked.

    For the arguments see `gradcheck`. Few reports are drawn: what draws is loaded when that happens.
    """
    from bpx.explain.explain import explain
    from bpx.explain.picture.marks import marks_of
    from bpx.explain.picture.picture import PictureOptions
    from bpx.render.picture.choices import Pass

    explanation = explain(spec, of=of, wrt=wrt, upstream=upstream, check=False)
    shown_pass = Pass.BOTH if report.has_numbers else Pass.FORWARD
    return explanation.picture(PictureOptions(shown_pass, marks=marks_of(report)))
