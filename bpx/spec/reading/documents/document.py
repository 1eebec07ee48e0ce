"""TOML or JSON text → plain data, with the place of every part of it.

The standard library reads; what it refuses becomes a diagnostic at the right place.
"""

from __future__ import annotations

import json
import re
import sys
from typing import Any, Literal, NoReturn

from bpx.graph.named.names import as_node_name, proposed_name
from bpx.graph.named.written import Written
from bpx.spec.reading.documents.arrays import WithoutArrays
from bpx.spec.reading.documents.locate import Places, locate_json, locate_toml
from bpx.words.diagnostic import BpxError, Diagnostic, Source, Span
from bpx.words.say import say

Format = Literal["toml", "json"]

_KEY = re.compile(r"\s*(?P<key>[^\s=\"'\[{#](?:[^=\"{#]*[^\s=\"{#])?)\s*=(?P<rest>.*)")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+(\s*\.\s*[A-Za-z0-9_-]+)*")
_TABLE = re.compile(r"^\s*\[+\s*([^\]\s]+)\s*\]", re.MULTILINE)
_HIGH, _LOW = r"u[dD][89abAB][0-9a-fA-F]{2}", r"u[dD][c-fC-F][0-9a-fA-F]{2}"
_ESCAPE = re.compile(rf"\\(?:{_HIGH}\\{_LOW}|(?P<half>{_HIGH}|{_LOW})|.)", re.DOTALL)


def read_document(source: Source, format: Format, say_of: str = "spec") -> tuple[dict[str, Any], Places]:
    """The text as plain data, and where its parts stand. Raises `BpxError` on a syntax error.

    `say_of` is what the text is called where it is no table of keys.
    """
    if not source.text.strip():
        _fail(Diagnostic("empty-input", Span(source, 0, 0), {}, "add-expression"))
    places = (locate_toml if format == "toml" else locate_json)(source)
    if places.refused:
        _fail(places.refused)
    if places.repeated:
        raise BpxError(
            [Diagnostic("duplicate-key", span, {"key": path[-1]}) for path, span in places.repeated]
        )
    rest = WithoutArrays(places, format == "toml", say_of == "spec")
    try:
        document = rest.put_back(_load_toml(rest) if format == "toml" else _load_json(rest))
    except RecursionError:
        _fail(Diagnostic("too-deep", Span(source, 0, 0)))
    if not isinstance(document, dict):
        facts = {"key": say_of, "wanted": say("type.dict"), "found": say(type_key(document))}
        _fail(Diagnostic("wrong-type", Span(source, 0, 1), facts))
    return document, places


def _load_toml(rest: WithoutArrays) -> Any:
    import tomllib

    try:
        return tomllib.loads(rest.text, parse_float=Written)
    except tomllib.TOMLDecodeError as error:
        _fail(_toml_problem(rest, str(error)))
    except ValueError:
        _fail_at_long_number(rest.places)


def _fail_at_long_number(places: Places) -> NoReturn:
    """Point at the first integer of more digits than Python reads."""
    most = sys.get_int_max_str_digits()
    long = re.compile(rf"(?<![\w.])[-+]?[0-9_]{{{most + 1},}}+(?![\w.])")
    numbers = [span for span in places.values.values() if places.source.text[span.start] not in "\"'[{"]
    for span in sorted([*numbers, *places.arrays.values()], key=lambda span: span.start):
        if number := long.search(span.text):
            start, end = number.span()
            place = Span(places.source, span.start + start, span.start + end)
            _fail(Diagnostic("number-too-long", place, {"most": f"{most:,}"}))
    _fail(Diagnostic("number-too-long", Span(places.source, 0, 0), {"most": f"{most:,}"}))


def _toml_problem(rest: WithoutArrays, message: str) -> Diagnostic:
    """`tomllib` says the place within its message only."""
    source = rest.source
    reason, _, where = message.partition(" (at ")
    position = re.match(r"line (\d+), column (\d+)", where)
    at = len(source.text.rstrip())
    if position:
        at = rest.offset(Source(source.name, rest.text).offset(int(position[1]), int(position[2])))
    line = source.line(source.position(at)[0])
    help, facts = _key_advice(source.text[:at], line)
    facts = {"reason": _sentence(reason), **facts}
    return Diagnostic("toml-syntax", Span(source, at, at + 1), facts, help or _value_advice(line))


def _value_advice(line: str) -> str:
    """How to write a value that TOML does not take as it stands."""
    if "−" in line:
        return "plain-minus"
    if re.search(r"(?<![\w.])\.\d|\d\.(?!\d)", line):
        return "point-number"
    if re.match(r"\s*[\w.]+\s*=\s*[-(]*[A-Za-z]", line):
        return "quote-expression"
    return "see-spec"


def _key_advice(above: str, line: str) -> tuple[str | None, dict[str, str]]:
    """How to write the line where its key has signs that TOML takes in quotes only, and the facts of that.

    A key of claims may be any derivative; elsewhere it is the name of a node, and where it cannot be one
    the nearest that can be is proposed.
    """
    match = _KEY.match(line)
    if not match or _BARE_KEY.fullmatch(key := match["key"]):
        return None, {}
    rest = match["rest"].strip()
    quoted = f'"{key}" = {rest}'
    tables = _TABLE.findall(above)
    if (tables and tables[-1] == "claims") or as_node_name(key) == key:
        return "quote-key", {"line": quoted}
    return "name-as", {"proposal": proposed_name(key)}


def _load_json(rest: WithoutArrays) -> Any:
    source = rest.source
    try:
        document = json.loads(rest.text, parse_float=Written)
    except json.JSONDecodeError as error:
        position, reason = _what_is_wrong(error)
        at = rest.offset(position)
        _fail(Diagnostic("json-syntax", Span(source, at, at + 1), {"reason": reason}, "see-spec"))
    except ValueError:
        _fail_at_long_number(rest.places)
    for escape in _ESCAPE.finditer(source.text):
        if escape["half"]:  # JSON can spell half of a character, which no text can hold
            _fail(Diagnostic("half-a-character", Span(source, *escape.span())))
    return document


def _what_is_wrong(error: json.JSONDecodeError) -> tuple[int, str]:
    """Where, and what. Of a comma at the end, Python 3.13 gives its place, those before what follows it."""
    text, at = error.doc, error.pos
    upto_comma = text[: at + text.startswith(",", at)].rstrip()
    closing = text[len(upto_comma) :].lstrip()[:1]
    if upto_comma.endswith(",") and closing in ("}", "]"):
        return len(upto_comma) - 1, say("json.trailing-comma", closing=closing)
    return at, _sentence(error.msg)


def _sentence(text: str) -> str:
    return text[:1].lower() + text[1:]


def _fail(diagnostic: Diagnostic) -> NoReturn:
    raise BpxError([diagnostic])


def type_key(value: Any) -> str:
    """The key of the words that say what kind of thing a value is."""
    if value is None:
        return "type.none"
    for kind in (bool, str, int, float, list, dict):
        if isinstance(value, kind):
            return f"type.{kind.__name__}"
    return "type.date"
