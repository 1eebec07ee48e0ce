"""Arrays of numbers, read apart from the rest of their document.

`json` reads a number in a tenth of the time that `tomllib` takes, and in both languages a list of plain
numbers is written in the same way. So each such list is cut out, read by `json`, and put back.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from typing import Any

from bpx.graph.named.written import Written
from bpx.spec.reading.documents.locate import MOST_PARTS, Path, Places, too_many_parts
from bpx.words.diagnostic import BpxError

_PLACEHOLDER = "[]"  # not a number, which would go together with one right before it
_LAST_COMMA = re.compile(r",(?=\s*+\])")  # which TOML allows
_SHORTEST = 64  # characters; below that nothing is gained


class WithoutArrays:
    """The text of a document with an empty array in the place of each of its arrays of numbers.

    Raises `BpxError` where arrays that must be left in it are too large to be read in time.
    """

    def __init__(self, places: Places, is_toml: bool, is_spec: bool) -> None:
        self.places, self.source = places, places.source
        self.arrays: dict[Path, Any] = {}
        self._is_toml, self._is_spec = is_toml, is_spec
        self._ends = [0]  # where each kept part of the source begins in `text`
        self._ends_in_source = [0]
        pieces, at, left = [], 0, MOST_PARTS
        for path, span in places.arrays.items():
            if span.end - span.start < _SHORTEST or not path:
                continue
            try:
                self.arrays[path] = self._numbers(span.text, path)
            except ValueError:  # dates, `1_000`, numbers of thousands of digits
                left -= span.text.count(",")
                if left < 0:
                    raise BpxError([too_many_parts(span)]) from None
                continue
            pieces += [self.source.text[at : span.start], _PLACEHOLDER]
            self._ends.append(self._ends[-1] + span.start - at + len(_PLACEHOLDER))
            self._ends_in_source.append(at := span.end)
        self.text = "".join([*pieces, self.source.text[at:]]) if pieces else self.source.text

    def _numbers(self, text: str, path: Path) -> Any:
        if self._is_toml:
            text = _LAST_COMMA.sub("", text)
        # How a number of an input was written is asked nowhere; a float takes a quarter of the time.
        exact = self._is_spec and path[0] == "inputs"
        return json.loads(text, parse_float=float if exact else Written)

    def put_back(self, document: Any) -> Any:
        """The document as read from `text`, with its arrays."""
        for path, numbers in self.arrays.items():
            part = document
            for key in path[:-1]:
                part = part[key]
            part[path[-1]] = numbers
        return document

    def offset(self, at: int) -> int:
        """Where the character at this place of `text` stands in the source."""
        i = bisect_right(self._ends, at) - 1
        return at - self._ends[i] + self._ends_in_source[i]
