"""Lines of the user's source as models record them: the text of Python's stack traces.

The files themselves are not read: they may have changed since, or be somebody else's.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from bpx.spec.models.model import Place
from bpx.spec.trace.user_source import line_span
from bpx.words.diagnostic import Source, Span

_FRAME = re.compile(r'File "(?P<file>[^"\n]+)", line (?P<line>\d{1,6}), in [^\n]*(?:\n\s*(?P<text>[^\n]*))?')
_LIBRARY = re.compile(r"[/\\](site|dist)-packages[/\\]|^<|[/\\]torch[/\\](nn|_?export|fx|_dynamo)[/\\]")
_ASSIGNED = re.compile(r"(?P<name>[^\W\d]\w*)\s*(?::[^=]+)?(?:[-+*/@]|\*\*|//)?=(?!=)")
_LONGEST = 1000  # characters of a line that are kept


def place_in(stack_trace: str) -> Place | None:
    """The innermost line of the user's in a stack trace."""
    frames = list(_FRAME.finditer(stack_trace))
    own = [frame for frame in frames if not _LIBRARY.search(frame["file"])] or frames
    if not own:
        return None
    frame = own[-1]
    return Place(frame["file"], max(int(frame["line"]), 1), (frame["text"] or "").strip()[:_LONGEST])


def assigned(place: Place | None) -> str | None:
    """The variable that a line assigns to: `h` of `h = torch.tanh(z)`."""
    match = _ASSIGNED.match(place.text) if place else None
    return match["name"] if match else None


def spans_of(places: Iterable[Place]) -> dict[Place, Span]:
    """Places as spans of sources that have the recorded lines only."""
    by_file: dict[str, dict[int, Place]] = {}
    for place in places:
        by_file.setdefault(place.file, {})[place.line] = place
    spans: dict[Place, Span] = {}
    for file, lines in by_file.items():
        texts = [lines[line].text if line in lines else "" for line in range(1, max(lines) + 1)]
        source = Source(file, "\n".join(texts))
        spans.update((place, line_span(source, place.line)) for place in lines.values())
    return spans
