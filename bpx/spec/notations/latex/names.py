"""Names in LaTeX and the names that are known: `W_{1}` is `W1` or `W_1`, `\\hat y` is `y_hat` or `yhat`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from bpx.graph.notation_latex import LATEX
from bpx.graph.printer import GREEK
from bpx.spec.notations.translation.known import Known

_NO_LETTERS = re.compile(r"[\s_.,{}\\]|mathrm|text(?=\{)|operatorname")
_LONGEST_WORD = 60  # letters of a word for an op, of which the longest has 20, or of a name in `\\mathrm`
_GREEK = {ord(char): name for char, name in GREEK.items()}
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")


class Names:
    """The known names by how they look in LaTeX."""

    def __init__(self, known: Known) -> None:
        self.known = known
        self.by_key: dict[str, list[str]] = {}
        # Letters in a row that are more than these are no name and no word for an op.
        self.longest = max([_LONGEST_WORD, *map(len, known.shapes), *map(len, known.ops)])
        self.by_latex = {_latex(name): name for name in known.shapes}
        for name in known.shapes:
            self.by_key.setdefault(key(name), []).append(name)

    def find(self, typed: str, *spellings: str) -> str | None:
        """The known name that is typed so, or spelled in one of these ways."""
        name = self.by_latex.get(typed.replace(" ", ""))
        if name is not None:
            return name
        return next((names[0] for names in self._alike(spellings) if len(names) == 1), None)

    def _alike(self, spellings: Iterable[str]) -> Iterable[list[str]]:
        for spelling in spellings:
            if spelling in self.known:
                yield [spelling]
            yield self.by_key.get(key(spelling), [])


@lru_cache(maxsize=4)
def names_of(known: Known) -> Names:
    """The names of what is known, which many formulas share."""
    return Names(known)


@lru_cache(maxsize=4096)
def _latex(name: str) -> str:
    return LATEX.named(name).text.replace(" ", "")


@lru_cache(maxsize=4096)
def key(name: str) -> str:
    """A name without what LaTeX writes in several ways: `W_{1}` and `W1` are alike, `θ` and `theta`."""
    return _NO_LETTERS.sub("", name).translate(_GREEK).translate(_SUBSCRIPTS)
