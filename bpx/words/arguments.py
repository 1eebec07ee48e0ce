"""Arguments of a wrong type, refused by name: what a parameter takes is read from its annotation.

Annotations are compared as text, and classes by name, so that nothing is imported for them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache, wraps
from numbers import Integral, Real
from os import PathLike
from typing import Any, NamedTuple, TypeVar, cast

from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import say

MOST_SHOWN = 60  # characters of a value that is refused

_Function = TypeVar("_Function", bound=Callable[..., Any])


class _Kind(NamedTuple):
    """What values an annotation takes: a test of them, and the key of its words or the name of a class."""

    takes: Callable[[Any], bool]
    key: str
    type: str = ""


def _is_truth(value: Any) -> bool:
    return isinstance(value, bool) or type(value).__name__ == "bool"  # that of NumPy


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)


def _are_names(value: Any) -> bool:
    try:
        return isinstance(value, Collection) and all(isinstance(name, str) for name in value)
    except TypeError:  # an array without axes
        return False


_KINDS = {
    "None": _Kind(lambda value: value is None, "none"),
    "str": _Kind(lambda value: isinstance(value, str), "text"),
    "bool": _Kind(_is_truth, "truth"),
    "int": _Kind(lambda value: isinstance(value, Integral) and not _is_truth(value), "whole"),
    "float": _Kind(lambda value: isinstance(value, Real) and not _is_truth(value), "number"),
    "Path": _Kind(lambda value: isinstance(value, PathLike), "path"),
    "Array": _Kind(lambda value: isinstance(value, Real) or hasattr(value, "__array__"), "array"),
    "Callable": _Kind(callable, "function"),
    "Iterable[str]": _Kind(_are_names, "names"),
    "Collection[str]": _Kind(_are_names, "names"),
    "Sequence[str]": _Kind(_are_names, "names"),
    "Sequence": _Kind(_is_list, "list"),
    "Mapping": _Kind(lambda value: isinstance(value, Mapping) and _are_names(value), "by-name"),
}


def checked(function: _Function) -> _Function:
    """The function, which raises `BpxError` for an argument of a type that its annotation does not name.

    It gets names that an iterator gives as a list: they are looked at here, and may be asked for again.
    """
    names = function.__code__.co_varnames[: function.__code__.co_argcount]
    of_names = {name for name, text in function.__annotations__.items() if "Iterable[str]" in text}

    @wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        for name in of_names & named.keys():
            if isinstance(named[name], Iterator):
                named[name] = list(named[name])
        refuse_wrong_types(function, {**dict(zip(names, args, strict=False)), **named})
        return function(*args, **named)

    return cast(_Function, call)


def refuse_wrong_types(annotated: Any, arguments: Mapping[str, Any]) -> None:
    """Raise `BpxError` for arguments of wrong types for a function, or for fields of a class."""
    annotations = annotated.__annotations__
    problems = [
        _wrong_argument(name, kinds, value)
        for name, value in arguments.items()
        if name in annotations
        and (kinds := _kinds(_text(annotations[name])))
        and not any(kind.takes(value) for kind in kinds)
    ]
    if problems:
        raise BpxError(problems)


def _text(annotation: Any) -> str:
    """A NamedTuple wraps the texts of its annotations."""
    return str(getattr(annotation, "__forward_arg__", annotation))


@cache
def _kinds(annotation: str) -> tuple[_Kind, ...]:
    """The kinds that an annotation allows; none where it allows any value."""
    texts = [part.strip() for part in _alternatives(annotation)]
    return () if "Any" in texts else tuple(map(_kind, texts))


def _alternatives(annotation: str) -> list[str]:
    """The parts of `A | B[C | D]` between the bars outside brackets."""
    parts, depth = [""], 0
    for char in annotation:
        depth += (char == "[") - (char == "]")
        if char == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += char
    return parts


def _kind(text: str) -> _Kind:
    head = text.partition("[")[0]
    return _KINDS.get(text) or _KINDS.get(head) or _Kind(lambda value: _is_a(value, head), "", head)


def _is_a(value: Any, name: str) -> bool:
    return any(cls.__name__ == name for cls in type(value).__mro__)


def _wrong_argument(name: str, kinds: Sequence[_Kind], value: Any) -> Diagnostic:
    facts = {
        "name": name,
        "wanted": say("word.or").join(dict.fromkeys(map(_said, kinds))),
        "found": shown_value(value),
        "type": type(value).__name__,
    }
    return Diagnostic("wrong-argument", None, facts)


def _said(kind: _Kind) -> str:
    return say(f"argument.{kind.key}") if kind.key else say("argument.object", type=kind.type)


def shown_value(value: Any) -> str:
    """A value from Python in so few characters that it fits into a sentence."""
    try:
        text = repr(value)
    except Exception:  # of a class of the user's own; and Python writes no integer of 5,000 digits
        text = object.__repr__(value)
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
