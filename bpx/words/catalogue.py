"""What a language is to bpx: its sentences by key, and which form of them goes with which number."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

# Facts that are amounts; places, seeds, settings and what stands in a command to type are not.
AMOUNTS = frozenset({"count", "total", "most", "size", "length", "longest"})


class Counted:
    """A sentence in the forms it has for different numbers; the fact `by` is the number that chooses.

    Forms are called by the plural categories of Unicode's CLDR: English has `one` and `other`, and `two`
    where it says `both`; Polish has `few` and `many`, Chinese `other` alone. Every sentence has `other`.
    """

    def __init__(self, by: str, *, other: str, **forms: str) -> None:
        self.by = by
        self.forms = {**forms, "other": other}


class Catalogue(NamedTuple):
    """The sentences of one language; `category` is the plural category of a number."""

    language: str
    sentences: Mapping[str, str | Counted]
    category: Callable[[int], str]
    titles: Mapping[str, str] = {}  # of the bundled examples, by those in their files

    def sentence(self, key: str, facts: Mapping[str, Any]) -> str:
        """The sentence of `key` with the facts put in; raises `KeyError` for an unknown key."""
        sentence = self.sentences[key]
        if isinstance(sentence, str):
            return sentence.format(**_grouped(facts, AMOUNTS))
        return self._form(sentence, facts).format(**_grouped(facts, {*AMOUNTS, sentence.by}))

    def _form(self, sentence: Counted, facts: Mapping[str, Any]) -> str:
        number = facts[sentence.by]
        category = self.category(number) if isinstance(number, int) else "other"
        return sentence.forms.get(category, sentence.forms["other"])


def _grouped(facts: Mapping[str, Any], amounts: Collection[str]) -> dict[str, Any]:
    """The facts with the amounts among them grouped at the thousands, `12,345`."""
    return {
        name: f"{fact:,}" if isinstance(fact, int) and name in amounts else fact
        for name, fact in facts.items()
    }
