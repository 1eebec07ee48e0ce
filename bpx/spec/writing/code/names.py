"""Names of nodes as Python's identifiers: no two alike, and none that means something else in a module."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable
from unicodedata import normalize

from bpx.graph.named.names import proposed_name

_OF_LIBRARIES = ("np", "torch", "jax", "jnp", "math", "itertools")
_OF_MODULES = ("inputs", "forward", "backward", "cache", "differences", "check")
_PLAIN = {name for name in vars(builtins) if name.islower()} | {*keyword.kwlist, *_OF_LIBRARIES, *_OF_MODULES}


class Identifiers:
    """Gives out identifiers, each once."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*_PLAIN, *taken}

    def of(self, name: str) -> str:
        """The nearest identifier to a name that is free."""
        spelled = normalize("NFKC", name.replace(".", "_"))  # as Python itself does
        if not spelled.isidentifier():
            spelled = normalize("NFKC", proposed_name(name).replace(".", "_"))
            spelled = "".join(sign if f"_{sign}".isidentifier() else "_" for sign in spelled)
            spelled = spelled if spelled.isidentifier() else f"_{spelled}"
        while spelled in self._taken:
            spelled += "_"
        self._taken.add(spelled)
        return spelled


def in_a_comment(text: str) -> str:
    """Text in one line, in which nothing ends the comment or hides."""
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text)
