"""Names of nodes as Python's identifiers: no two alike, and none that means something else in a module."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable
from itertools import chain, count
from unicodedata import normalize

from bpx.graph.named.names import proposed_name

_OF_LIBRARIES = ("np", "torch", "jax", "jnp", "math", "itertools")
_OF_MODULES = ("inputs", "forward", "backward", "cache", "differences", "check")
_PLAIN = {name for name in vars(builtins) if name.islower()} | {*keyword.kwlist, *_OF_LIBRARIES, *_OF_MODULES}


class ModuleNames:
    """The identifiers of a module: no variable of any function has the name of one of its functions."""

    def __init__(self, reserved: Iterable[str] = ()) -> None:
        self.reserved = {*_PLAIN, *reserved}
        self.functions = set[str]()
        self.variables = set[str]()

    def function(self, name: str) -> str:
        """The nearest identifier to a name that neither a function nor a variable has."""
        spelled = _nearest(name, self.reserved, self.functions, self.variables)
        self.functions.add(spelled)
        return spelled


class Identifiers:
    """Gives out the identifiers of the variables of one function, each once."""

    def __init__(self, module: ModuleNames, taken: Iterable[str] = ()) -> None:
        self._module = module
        self._taken = set(taken)

    def of(self, name: str) -> str:
        """The nearest identifier to a name that is free."""
        spelled = _nearest(name, self._module.reserved, self._module.functions, self._taken)
        self._taken.add(spelled)
        self._module.variables.add(spelled)
        return spelled


def _nearest(name: str, *taken: set[str]) -> str:
    """The nearest identifier to a name that is in none of the sets."""
    spelled = normalize("NFKC", name.replace(".", "_"))  # as Python itself does
    if not spelled.isidentifier():
        spelled = normalize("NFKC", proposed_name(name).replace(".", "_"))
        spelled = "".join(sign if f"_{sign}".isidentifier() else "_" for sign in spelled)
        spelled = spelled if spelled.isidentifier() else f"_{spelled}"
    spellings = chain((spelled, f"{spelled}_"), (f"{spelled}_{number}" for number in count(2)))
    return next(name for name in spellings if not any(name in names for names in taken))


def in_a_comment(text: str) -> str:
    """Text in one line, in which nothing ends the comment or hides."""
    return "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in text)
