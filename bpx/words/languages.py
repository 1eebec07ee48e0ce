"""The languages that bpx speaks; a catalogue is loaded when its language is first spoken."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from bpx.words import say
from bpx.words.arguments import checked
from bpx.words.catalogue import Catalogue

LANGUAGES = ("en", "zh")


def catalogue_of(language: str) -> Catalogue:
    """The sentences of a language, `zh`, `zh_CN.UTF-8` or `zh-Hans`; raises `BpxError` for another."""
    name = language_in(language)
    if name is None:
        from bpx.words.diagnostic import BpxError, Diagnostic

        facts = {"name": language, "known": ", ".join(LANGUAGES)}
        raise BpxError([Diagnostic("unknown-language", None, facts, "languages-are")])
    catalogue: Catalogue = import_module(f"bpx.words.{name}").CATALOGUE
    return catalogue


def language_in(locale: str) -> str | None:
    """The language of a locale's name, `zh` of `zh_CN.UTF-8`, if bpx speaks it."""
    name = locale.replace("-", "_").partition("_")[0].partition(".")[0].lower()
    return name if name in LANGUAGES else None


@contextmanager
@checked
def speaking(language: str) -> Iterator[None]:
    """Inside, bpx speaks this language, `"en"` or `"zh"`; raises `BpxError` for another."""
    with say.speaking(catalogue_of(language)):
        yield
