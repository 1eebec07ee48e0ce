"""Which language the command line speaks: that of `--lang`, or else the one that the environment names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

OPTION = "--lang"
_OWN_VARIABLE = "BPX_LANG"
_LOCALES = ("LC_ALL", "LC_MESSAGES", "LANG")  # the first that is set counts, as POSIX has it


def without_language(args: Sequence[str]) -> tuple[list[str], str | None]:
    """The arguments without `--lang`, wherever it stands before `--`, and its value; "" where it has none."""
    end = args.index("--") if "--" in args else len(args)
    for place, arg in enumerate(args[:end]):
        if arg.startswith(f"{OPTION}="):
            return [*args[:place], *args[place + 1 :]], arg.partition("=")[2]
        if arg == OPTION:
            return [*args[:place], *args[place + 2 :]], "".join(args[place + 1 : place + 2])
    return list(args), None


def asked_language(option: str | None, environment: Mapping[str, str]) -> str | None:
    """The language that somebody chose for bpx alone, known or not."""
    return option if option is not None else environment.get(_OWN_VARIABLE) or None


def language_of_locale(environment: Mapping[str, str]) -> str:
    """The language of the user's other programs, English where bpx does not speak it."""
    from bpx.words.languages import language_in

    locale = next((environment[name] for name in _LOCALES if environment.get(name)), "")
    return language_in(locale) or "en"
