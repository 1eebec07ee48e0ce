"""Which name may be meant by one that nobody knows: a misspelling by a slip of the fingers, or none."""

from __future__ import annotations

from collections.abc import Iterable

MOST_GUESSES = 500  # names compared when a misspelt one is looked for
_LONGEST_GUESSED = 100  # characters; comparing two names takes the product of their lengths
_MOST_CLOSE = 5  # of these, how many are compared letter by letter
_LONG_ENOUGH = 5  # letters of a name in which one in place of another may be a slip


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` is most likely a misspelling of, if there is one.

    A name that is merely alike, as `mse` is to `sec`, is none: a wrong proposal is worse than none.
    """
    if len(name) > _LONGEST_GUESSED:
        return None
    from difflib import get_close_matches

    slack = max(2, len(name) // 3)
    alike: dict[str, str] = {}
    for candidate in known:
        if abs(len(candidate) - len(name)) <= slack:
            alike.setdefault(candidate.casefold(), candidate)
            if len(alike) == MOST_GUESSES:
                break
    folded = name.casefold()
    close = get_close_matches(folded, list(alike), n=_MOST_CLOSE, cutoff=0.65)
    misspelt = [match for match in close if _is_misspelling(folded, match)]
    same_letters = [match for match in misspelt if sorted(match) == sorted(folded)]
    return next((alike[match] for match in [*same_letters, *misspelt]), None)


def _is_misspelling(name: str, known: str) -> bool:
    """Are they a slip of the fingers apart, for every five letters one?

    A letter left out, added or exchanged with its neighbour is a slip; one in place of another is so in
    longer words alone (`cot` is not `cos`). Names that differ at either end (`asinh`, `asin`; `sinc`,
    `sin`) or in a digit (`w1`, `w2`) mean different things.
    """
    if _digits(name) != _digits(known):
        return False
    exchanged = sorted(name) == sorted(known)
    if name.isascii() and not exchanged and not _ends_alike(name, known):
        return False
    is_long = len(name) >= _LONG_ENOUGH or not name.isascii()
    return _edits(name, known, 1 if is_long else 2) <= max(1, max(len(name), len(known)) // 5)


def _ends_alike(name: str, known: str) -> bool:
    """Are first and last letters the same? A plural's s, or an e, is no letter to tell names apart by."""
    stems = name.rstrip("es"), known.rstrip("es")
    return name[:1] == known[:1] and (name[-1:] == known[-1:] or stems[0][-1:] == stems[1][-1:])


def _digits(text: str) -> str:
    return "".join(char for char in text if char.isdigit())


def _edits(name: str, known: str, typo_cost: int) -> int:
    """The edit distance with exchanged neighbours as one edit (Damerau 1964, optimal string alignment)."""
    before: list[int] = []
    last = list(range(len(known) + 1))
    for i, char in enumerate(name, start=1):
        row = [i]
        for j, other in enumerate(known, start=1):
            cost = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (typo_cost if char != other else 0))
            if i > 1 and j > 1 and char == known[j - 2] and name[i - 2] == other:
                cost = min(cost, before[j - 2] + 1)
            row.append(cost)
        before, last = last, row
    return last[-1]
