"""What is wrong with options, of which Typer's parser speaks in English of its own."""

from __future__ import annotations

from enum import EnumType
from typing import Any

from bpx.graph.numbers import number
from bpx.words.diagnostic import Diagnostic
from bpx.words.say import say


def refused_argument(error: Any, command: str) -> Diagnostic:
    """For Typer's `BadParameter`: an argument that is missing, or a value that an option cannot take."""
    param = error.param
    name = param.opts[0] if param and param.param_type_name == "option" else param.name if param else ""
    facts = {"name": name, "command": command}
    if not error.message:
        return Diagnostic("missing-argument", None, facts, "list-options")
    facts |= {"found": getattr(error, "found", ""), "wanted": _wanted(param)}
    return Diagnostic("bad-option-value", None, facts, "list-options")


def refused_option(error: Any, owner: str | None) -> Diagnostic:
    """For Typer's other errors: options in front of the command. `owner`: a command that may know it."""
    name = getattr(error, "option_name", None)
    if name is None:
        return Diagnostic("bad-arguments", None, {"reason": error.format_message()})
    if not hasattr(error, "possibilities"):
        return value_of_flag(name)
    facts = {"name": name, "owner": owner}
    return Diagnostic("no-option-in-front", None, facts, None if owner is None else "option-behind")


def value_of_flag(name: str) -> Diagnostic:
    """An option that is set by its name alone was given a value."""
    return Diagnostic("value-of-flag", None, {"name": name}, "flag-alone")


def _wanted(param: Any) -> str:
    """What values an option takes, in words. Typer describes them by type since 0.29, else in Click's way."""
    descriptor, described = getattr(param, "type_descriptor", None), getattr(param, "type", None)
    annotation = getattr(descriptor, "annotation", None)
    members: Any = annotation if isinstance(annotation, EnumType) else ()
    if choices := [member.value for member in members] or list(getattr(described, "choices", [])):
        return say("wanted.choice", known=say("word.list").join(choices))
    limits = getattr(descriptor, "parameter_info", described)
    low, high = (getattr(limits, name, None) for name in ("min", "max"))
    is_whole = annotation is int or getattr(described, "name", "").startswith("integer")
    kind = "integer" if is_whole else "number"
    if low is None:
        return say(f"wanted.{kind}")
    span = "from" if high is None else "between"
    return say(f"wanted.{kind}-{span}", low=_limit(low), high=_limit(high))


def _limit(value: float | None) -> str:
    return "" if value is None else number(value)
