"""Scripts in fewer bytes: without spaces, and with short names.

Scopes need not be known: a name has one short name within each statement that stands in no block. Names stay
that belong to the language and the browser, or that follow a dot or come before a colon: properties are
written in full in our scripts, `{ width: width }`, and labels and ternaries have a space before their colon.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from string import ascii_letters

Token = tuple[str, str]  # its kind and its text

_NUMBER = r"\d[\w.]*"
_REGEX = r"/(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+/[a-z]*"
_TOKEN = re.compile(
    r"""(?P<space>\s+)|(?P<text>"(?:[^"\\]|\\.)*")"""
    rf"""|(?P<regex>(?<=[(=:!&|] ){_REGEX}|(?<=[(=:!&|]){_REGEX})"""
    # A list of numbers is one token.
    rf"""|(?P<number>{_NUMBER}(?:,-?\.?{_NUMBER})*)|(?P<property>(?<=[^.]\.)[A-Za-z_]\w*|[A-Za-z_]\w*(?=:))"""
    r"""|(?P<name>[A-Za-z_$][\w$]*)|(?P<sign>=>|\?\?|\?\.|===|!==|\+\+|--|.)""",
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
        "do",
        "as",
        "is",
    ]
)


def minified(script: str) -> str:
    """The script; its statements end with semicolons."""
    tokens = list(_tokens(script))
    parts: list[str] = []
    for text in _joined(_bare(list(_renamed(tokens)))):
        if parts and _would_merge(parts[-1][-1:], text[:1]):
            parts.append(" ")
        parts.append(text)
    return "".join(parts).replace(";}", "}")


def _renamed(tokens: Sequence[Token]) -> Iterator[str]:
    """The texts with short names: those that the script declares outside of all blocks have one everywhere.

    All others have a meaning within one statement alone, and take what that has not in use.
    """
    statements = list(_statements(tokens))
    shared = {name for statement in statements for name in _declared(statement)}
    count = Counter(text for kind, text in tokens if kind == "name" and text in shared)
    short = dict(zip((name for name, _ in count.most_common()), _short_names(), strict=False))
    for statement in statements:
        own = Counter(text for kind, text in statement if kind == "name" and text not in _LANGUAGE)
        taken = {short[name] for name in own if name in shared}
        free = (name for name in _short_names() if name not in taken)
        names = {name: short.get(name) or next(free) for name, _ in own.most_common()}
        yield from (names.get(text, text) if kind == "name" else text for kind, text in statement)


def _statements(tokens: Sequence[Token]) -> Iterator[Sequence[Token]]:
    """The statements that stand in no block."""
    depth, start = 0, 0
    for at, (_, text) in enumerate(tokens):
        depth += _opens(text) - _closes(text)
        if text == ";" and not depth:
            yield tokens[start : at + 1]
            start = at + 1
    yield tokens[start:]


def _declared(statement: Sequence[Token]) -> Iterator[str]:
    """The names that a `const` or `let` declares, also in brackets."""
    texts = [text for _, text in statement]
    if texts[:1] in (["const"], ["let"]):
        end = texts.index("=") if "=" in texts else len(texts)
        yield from (text for kind, text in statement[1:end] if kind == "name")


def _opens(text: str) -> bool:
    return text in ("(", "[", "{") or (text[0] == "`" and text.endswith("${"))


def _closes(text: str) -> bool:
    return text in (")", "]", "}") or (text[0] == "}" and text.endswith("`"))


def _tokens(script: str) -> Iterator[Token]:
    """Kind and text of each token; of a template, the text between its formulas as it stands."""
    at = 0
    open_braces = list[int]()  # for each template around: the braces that are open inside of its formula
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


def _bare(texts: list[str]) -> list[str]:
    """`(x) =>` without its parentheses, and no comma at the end of a list."""
    kept = [True] * len(texts)
    for at, text in enumerate(texts):
        if text == "=>" and texts[at - 1] == ")" and texts[at - 3] == "(" and texts[at - 2] != "(":
            kept[at - 3] = kept[at - 1] = False
        if text in (")", "]", "}") and texts[at - 1] == ",":
            kept[at - 1] = False
    return [text for text, keep in zip(texts, kept, strict=True) if keep]


def _joined(texts: list[str]) -> Iterator[str]:
    """One `const` for those that follow each other."""
    first = [""]  # for each bracket that is open: the first word of the statement in it
    begins, goes_on = True, False
    for at, text in enumerate(texts):
        if begins and not goes_on:
            first[-1] = text
        if not goes_on:
            goes_on = text == ";" and first[-1] == "const" and texts[at + 1 : at + 2] == ["const"]
            yield "," if goes_on else text
        else:
            goes_on = False
        begins = text in ("{", ";")
        if _opens(text):
            first.append("")
        elif _closes(text):
            first.pop()


def _would_merge(before: str, behind: str) -> bool:
    words = re.compile(r"[\w$]")
    return bool(words.match(before) and words.match(behind)) or (before == behind and behind in "+-")


def _short_names() -> Iterator[str]:
    for length in (1, 2):
        for letters in product(ascii_letters, repeat=length):
            if (name := "".join(letters)) not in _LANGUAGE:
                yield name
