"""Scripts in fewer bytes: without spaces, and with short names.

Each name gets one short name wherever it stands, so scopes need not be known. Names stay that belong to the
language and the browser, or that follow a dot or come before a colon: properties are written in full in our
scripts, `{ width: width }`, and labels and ternaries have a space before their colon.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import product
from string import ascii_letters

_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<text>"(?:[^"\\]|\\.)*")"""
    r"""|(?P<regex>(?<=[(=:!&|] )/(?:[^/\\\n]|\\.)+/[a-z]*|(?<=[(=:!&|])/(?:[^/\\\n]|\\.)+/[a-z]*)"""
    r"""|(?P<number>\d[\w.]*)|(?P<property>(?<=[^.]\.)[A-Za-z_]\w*|[A-Za-z_]\w*(?=:))"""
    r"""|(?P<name>[A-Za-z_]\w*)|(?P<sign>\+\+|--|.)""",
    re.DOTALL,
)
_LANGUAGE = frozenset(
    [
        "const",
        "let",
        "var",
        "function",
        "return",
        "if",
        "else",
        "for",
        "of",
        "in",
        "new",
        "try",
        "catch",
        "true",
        "false",
        "null",
        "undefined",
        "typeof",
        "NaN",
        "Infinity",
        "Math",
        "Number",
        "String",
        "Boolean",
        "Array",
        "Map",
        "Set",
        "document",
        "window",
        "history",
        "location",
        "parseInt",
    ]
)


def minified(script: str, keep: Collection[str]) -> str:
    """The script with the names of `keep` as they are; statements end with semicolons."""
    tokens = list(_tokens(script))
    kept = {*_LANGUAGE, *keep}
    count = Counter(text for kind, text in tokens if kind == "name" and text not in kept)
    short = dict(zip((name for name, _ in count.most_common()), _short_names(kept), strict=False))
    parts: list[str] = []
    for kind, text in tokens:
        new = short.get(text, text) if kind == "name" else text
        if parts and _would_merge(parts[-1][-1:], new[:1]):
            parts.append(" ")
        parts.append(new)
    return "".join(parts).replace(";}", "}")


def _tokens(script: str) -> Iterator[tuple[str, str]]:
    """Kind and text of each token; of a template, the text between its formulas as it stands."""
    at, open_braces = (
        0,
        list[int](),
    )  # for each template around: the braces that are open inside of its formula
    while at < len(script):
        if script[at] == "`" or (script[at] == "}" and open_braces and not open_braces[-1]):
            if script[at] == "}":
                open_braces.pop()
            end = re.compile(r"(?:[^`\\$]|\\.|\$(?!\{))*(`|\$\{)", re.DOTALL).match(script, at + 1)
            assert end, script[at : at + 40]
            if end[1] == "${":
                open_braces.append(0)
            yield "text", script[at : end.end()]
            at = end.end()
            continue
        match = _TOKEN.match(script, at)
        assert match
        if open_braces:
            open_braces[-1] += {"{": 1, "}": -1}.get(match[0], 0)
        if match.lastgroup != "space":
            yield str(match.lastgroup), match[0]
        at = match.end()


def _would_merge(before: str, behind: str) -> bool:
    words = re.compile(r"[\w$]")
    return bool(words.match(before) and words.match(behind)) or (before == behind and behind in "+-")


def _short_names(taken: Collection[str]) -> Iterator[str]:
    for length in (1, 2):
        for letters in product(ascii_letters, repeat=length):
            name = "".join(letters)
            if name not in taken and name not in ("do", "if", "in", "is", "of", "as"):
                yield name
