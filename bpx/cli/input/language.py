"""Which language the command line speaks: that of `--lang`, or else the one that the environment names."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence

from bpx.words.catalogue import Catalogue
from bpx.words.en import CATALOGUE as ENGLISH
from bpx.words.languages import catalogue_of, language_in
from bpx.words.say import speak

_OPTION = "--lang"
_OWN_VARIABLE = "BPX_LANG"
_LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set counts, as POSIX has it


def speak_as_asked(args: Sequence[str]) -> bool:
    """Speak the language asked for from now on, or English where the streams cannot show it.

    Returns whether a language that was chosen for bpx alone can be shown: a note should say so if not.
    Raises `BpxError` for a language that bpx does not know.
    """
    chosen = without_language(args)[1]
    if chosen is None:
        chosen = os.environ.get(_OWN_VARIABLE) or None
    catalogue = catalogue_of(language_of_locale(os.environ) if chosen is None else chosen)
    is_shown = all(_can_show(catalogue, stream) for stream in (sys.stdout, sys.stderr))
    speak(catalogue if is_shown else ENGLISH)
    return is_shown or chosen is None


def without_language(args: Sequence[str]) -> tuple[list[str], str | None]:
    """The arguments without `--lang`, wherever it stands before `--`, and its value; "" where it has none."""
    end = args.index("--") if "--" in args else len(args)
    for place, arg in enumerate(args[:end]):
        if arg.startswith(f"{_OPTION}="):
            return [*args[:place], *args[place + 1 :]], arg.partition("=")[2]
        if arg == _OPTION:
            return [*args[:place], *args[place + 2 :]], "".join(args[place + 1 : place + 2])
    return list(args), None


def language_of_locale(environment: Mapping[str, str]) -> str:
    """The language of the user's other programs, English where bpx does not speak it."""
    locale = next((environment[name] for name in _LOCALES if environment.get(name)), "")
    return language_in(locale) or ENGLISH.language


def _can_show(catalogue: Catalogue, stream: object) -> bool:
    try:
        str(catalogue.sentences["cli.bpx"]).encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
