"""The formulas in somebody's notes, with their places: in Markdown, LaTeX, plain text and notebooks.

Prose is skipped. In a text line the formulas are the stretches without words of prose that have an `=`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import PurePath
from typing import Any, NamedTuple

from bpx.graph.graph import OPS
from bpx.graph.printer import GREEK
from bpx.spec.derivations.text.macros import with_macros_written_out
from bpx.spec.derivations.text.written import Written
from bpx.words.diagnostic import Source

_ENVIRONMENTS = (
    "equation|align|alignat|flalign|eqnarray|gather|multline|displaymath|math|split|aligned|gathered|dmath"
)
_FENCE = r"^[ \t]*(?P<fence>`{3,}|~{3,})(?P<language>[^\n`]*)\n(?P<code>.*?)(?:^[ \t]*(?P=fence)[ \t]*$|\Z)"
_MATH = re.compile(
    rf"(?P<fenced>{_FENCE})"
    rf"|(?<!\\)\$\$(?P<display>.+?)\$\$"
    rf"|\\\[(?P<bracket>.+?)\\\]"
    rf"|\\begin\{{(?P<name>(?:{_ENVIRONMENTS})\*?)\}}(?P<environment>.*?)\\end\{{(?P=name)\}}"
    rf"|\\\((?P<paren>.+?)\\\)"
    rf"|(?<![\\$])\$(?P<inline>[^$\n]+(?:\n(?!\s*\n)[^$\n]+)*?)(?<!\\)\$"
    rf"|(?<!`)`(?P<code_span>[^`\n]+)`(?!`)",
    re.DOTALL | re.MULTILINE,
)
_OTHER_LANGUAGES = re.compile(
    r"\s*\{?\.?(?:python|py|ipython|pycon|js|ts|javascript|bash|sh|zsh|shell|shell-session|console|output|log"
    r"|json|yaml|yml|toml|ini|csv|xml|html|css|svg|diff|make|sql|c|c\+\+|cpp|cuda|go|rust|java|julia|r|matlab"
    r"|mermaid|dot|nix|docker|dockerfile)\b",
    re.I,
)
_PROSE_IN_MATH = re.compile(
    r"\\(?:tag|label|intertext|shortintertext|notag|nonumber|hspace|vspace|color|tag\*|hspace\*)\*?(?:\{[^{}]*\})?"
    r"|\\(?:quad|qquad)?\s*\\(?:text|textit|textrm|mbox)\s*\{[^{}]*\s[^{}]*\}"
    r"|\\(?:begin|end)\{(?:split|aligned|gathered|alignedat)\}(?:\{\d+\})?"
)
_COMMENT_IN_TEX = re.compile(r"(?<!\\)%[^\n]*")
_COMMENT = re.compile(
    r"(?:(?<=\s)|^)(?:#+\s|//)[^\n]*|\s<-+\s[^\n]*|\s\((?:by |using |since |from |because )[^()\n]*\)"
)
_LIST_MARK = re.compile(
    r"^\s*(?:>\s*)*(?:[-*+•](?=\s)\s+|\(?\d{1,3}[.)]\s+|\(?[a-z]\)\s+|#{1,6}\s+)*(?:>\s*)*"
)
_LABEL = re.compile(r"\s*(?:\*\*|__)?[A-Z][\w\s'-]{0,40}(?:\(\d+\)|\d+)?(?:\*\*|__)?:(?!=)(?:\*\*|__)?\s+")
_STEP = re.compile(r"[=≈]|^\s*[+\-−·]\s*\S")
_COMMAND = re.compile(r"^\s*(?:[$%>!]\s|%|--?[a-z]|<)|[\"{]\s*(?:op|[a-z]+\s*[:=]\s*\")|=\s*\"|^\s*\"")
_PLAIN = re.compile(r"[A-Za-z]{3,}")
_PLAIN_WORDS = frozenset(["import", "from", "def", "return", "let", "const", "var", "export"])
_WORD = re.compile(r"(?<![\w\\'′])[^\W\d_]{2,}(?:['’][a-z]{1,2})?(?![\w'′])")
_STOPWORDS = frozenset(
    [
        "and",
        "so",
        "then",
        "where",
        "with",
        "we",
        "have",
        "let",
        "thus",
        "hence",
        "gives",
        "is",
        "since",
        "by",
        "for",
        "the",
        "because",
        "from",
        "using",
        "which",
        "therefore",
        "at",
        "if",
        "when",
        "get",
        "now",
        "also",
        "as",
        "that",
        "to",
        "in",
        "of",
        "it",
        "plug",
        "chain",
        "rule",
        "are",
        "be",
        "this",
        "these",
        "but",
        "or",
        "can",
        "you",
        "an",
        "our",
        "use",
        "apply",
        "write",
        "note",
        "first",
        "second",
        "next",
        "finally",
        "here",
        "both",
        "only",
        "same",
        "again",
        "given",
        "take",
        "compute",
        "find",
        "obtain",
        "yields",
        "step",
        "recall",
    ]
)
_BESIDE_NAMES = re.compile(r"[=+\-−*/^·⊙×@()\[\]∂|_≈,']")


# What a statement must have; what `statements.py` takes for an equals sign has one of these.
_EQUALS = re.compile(r"[=≈≃≅≔≡←]|\\(?:approx|simeq|cong|coloneqq|triangleq|equiv|leftarrow|gets)")
_OPENING = re.compile(
    rf"^[ \t]*(?:```|~~~)|[$`]|\\(?P<bracket>[\[(])|\\begin\{{(?P<name>(?:{_ENVIRONMENTS})\*?)\}}",
    re.MULTILINE,
)


class Piece(NamedTuple):
    """A formula, or several with their `=`; `is_math` says that it is marked as mathematics."""

    text: Written
    is_math: bool
    block: int  # pieces of one display, fence or paragraph have the same number


def pieces(name: str, text: str) -> list[Piece]:
    """The formulas of a file, in order; the ending of its name says what it is."""
    suffix = PurePath(name).suffix.lower()
    if suffix == ".ipynb" or (text.lstrip().startswith("{") and '"cells"' in text):
        return [piece for cell in _cells(name, text) for piece in _in_markdown(cell)]
    source = Source(name, text)
    is_tex = suffix == ".tex" or re.search(r"\\documentclass|\\begin\{document\}", text)
    return [*(_in_tex(source) if is_tex else _in_markdown(source))]


def _cells(name: str, text: str) -> Iterator[Source]:
    """The Markdown cells of a notebook; the number of each stands behind the name."""
    try:
        notebook: Any = json.loads(text)
        cells = notebook["cells"]
        sources = [(cell["cell_type"], cell["source"]) for cell in cells]
    except (ValueError, KeyError, TypeError, RecursionError):
        return
    for number, (kind, lines) in enumerate(sources, 1):
        if kind in ("markdown", "raw"):
            yield Source(f"{name}#{number}", lines if isinstance(lines, str) else "".join(lines))


def _in_tex(source: Source) -> Iterator[Piece]:
    whole = Written.of(source).blanked(_COMMENT_IN_TEX)
    begin = re.search(r"\\begin\{document\}", whole.content)
    if begin:
        preamble = _without_formulas(whole.content[: begin.end()])
        whole = whole._replace(content=preamble + whole.content[begin.end() :])
    yield from _ordered(with_macros_written_out(whole), prose_lines=False)


def _in_markdown(source: Source) -> Iterator[Piece]:
    whole = _with_cells_apart(Written.of(source).blanked(r"(?s)<!--.*?-->"))
    yield from _ordered(with_macros_written_out(whole), prose_lines=True)


def _ordered(whole: Written, *, prose_lines: bool) -> Iterator[Piece]:
    at, block = 0, 0
    known = set(re.findall(r"(?<![\w\\])([^\W\d_]{2,})\s*=(?!=)", whole.source.text))
    for match in _marked(whole.content):
        if prose_lines and _EQUALS.search(whole.content, at, match.start()):
            yield from _lines(whole.part(at, match.start()), block, known)
        block += 1
        kind = next(name for name in _KINDS if match[name] is not None)
        inside = whole.part(*match.span(kind))
        if not _EQUALS.search(inside.content):
            pass
        elif kind == "code":
            if not _OTHER_LANGUAGES.match(match["language"]) and _is_derivation(inside.content):
                yield from _lines(inside, block, known)
        elif kind == "code_span":
            if re.search(r"[=≈]", inside.content) and not _is_command(inside.content):
                yield Piece(inside, True, block)
        else:
            yield Piece(inside.blanked(_PROSE_IN_MATH), True, block)
        block += kind not in ("inline", "paren", "code_span")
        at = match.end()
    if prose_lines:
        yield from _lines(whole.part(at), block + 1, known)


def _marked(content: str) -> Iterator[re.Match[str]]:
    """What is marked as mathematics or code.

    What is opened behind the last place where it could be closed is passed over: a search for its end
    would go through the rest of the text, once for each.
    """
    ends: dict[str, int] = {}
    at = 0
    while opening := _OPENING.search(content, at):
        at = opening.end()
        closing = _closing(opening)
        if closing and closing not in ends:
            ends[closing] = content.rfind(closing)
        if closing and ends[closing] < at:
            continue
        match = _MATH.match(content, opening.start())
        at = match.end() if match else opening.start() + 1
        if match:
            yield match


def _closing(opening: re.Match[str]) -> str:
    r"""What closes `\[`, `\(` or an environment; of other signs, whose ends are always near, nothing."""
    name, bracket = opening["name"], opening["bracket"]
    return f"\\end{{{name}}}" if name else {"[": "\\]", "(": "\\)"}.get(bracket, "")


_KINDS = ("code", "display", "bracket", "environment", "paren", "inline", "code_span")


def _with_cells_apart(whole: Written) -> Written:
    """The cells of tables as lines of their own; what is mathematics or code in them stays together."""

    def apart(row: re.Match[str]) -> str:
        parts = re.split(r"(\$[^$\n]*\$|`[^`\n]*`)", row[0])
        return "".join(
            part if at % 2 else re.sub(r"(?<!\S)\|(?!\S)", "\n", part) for at, part in enumerate(parts)
        )

    return whole._replace(content=re.sub(r"(?m)^[ \t]*\|(?=\s).*\s\|[ \t]*$", apart, whole.content))


def _without_formulas(preamble: str) -> str:
    r"""Blanks in place of what comes before `\begin{document}`, but for the commands defined there."""
    lines = re.split(r"(?<=\n)", preamble)
    defines = re.compile(r"\s*\\(?:(?:re|provide)?(?:new)?command|def|DeclareMathOperator)\b")
    return "".join(line if defines.match(line) else re.sub(r"[^\n]", " ", line) for line in lines)


def _is_derivation(code: str) -> bool:
    """Are most lines of a block of code steps, and not what a program printed?"""
    lines = [line for line in code.split("\n") if line.strip() and not _COMMENT.match(line)]
    steps = [line for line in lines if _STEP.search(line) and not _is_command(line)]
    return 2 * len(steps) >= len(lines)


def _is_command(code: str) -> bool:
    """Is it a command with its options, or a line of a program, and no formula?"""
    words = re.split(r"[=≈]", code, maxsplit=1)[0].split()
    apart = any(
        one in _PLAIN_WORDS or (_PLAIN.fullmatch(one) and _PLAIN.fullmatch(two) and one not in OPS)
        for one, two in pairwise(words)
    )
    return apart or bool(_COMMAND.search(code))


def _lines(text: Written, block: int, known: set[str]) -> Iterator[Piece]:
    """The formulas in lines of text, with `known` names of several letters."""
    start = 0
    for line in text.content.splitlines(keepends=True):
        piece = text.part(start, start + len(line))
        start += len(line)
        if not re.search(r"[=≈]", line):
            continue
        piece = piece.blanked(_COMMENT)
        mark = _LIST_MARK.match(piece.content)
        piece = piece.part(mark.end() if mark else 0)
        label = _LABEL.match(piece.content)
        piece = piece.part(label.end() if label else 0).blanked(r"\*\*|__(?=\W)")
        yield from (Piece(part, False, block) for part in _without_prose(piece, known))


def _without_prose(line: Written, known: set[str]) -> Iterator[Written]:
    """The stretches of a line between words of prose, where they have an `=`."""
    words = list(_WORD.finditer(line.content))
    prose = [match for at, match in enumerate(words) if _is_prose(line.content, words, at, known)]
    cuts = [match.span() for match in prose]
    cuts += [match.span() for match in re.finditer(r"[.:](?=\s|$)|[?!](?=\s+[A-Z]|\s*$)", line.content)]
    for part in line.split(sorted(cuts)):
        bare = _balanced(part.trimmed(" \t\r\n,;.:—–"))
        if re.search(r"[=≈]", bare.content) and re.search(r"\w", bare.content):
            yield bare


def _is_prose(line: str, words: list[re.Match[str]], at: int, known: set[str]) -> bool:
    match = words[at]
    word = match[0]
    if word in known:
        return False
    if word.lower() in _STOPWORDS:
        return True
    if word in OPS or word in GREEK.values() or (len(word) == 2 and word[0] in "dD∂"):
        return False
    before, behind = line[: match.start()].rstrip(), line[match.end() :].lstrip()
    beside = bool(before and _BESIDE_NAMES.match(before[-1])), bool(behind and _BESIDE_NAMES.match(behind[0]))
    neighbours = [words[i] for i in (at - 1, at + 1) if 0 <= i < len(words)]
    runs = any(
        not line[min(match.end(), other.end()) : max(match.start(), other.start())].strip()
        and other[0] not in OPS
        for other in neighbours
    )
    return runs or not any(beside)


def _balanced(part: Written) -> Written:
    """Without a bracket at either end that has no partner."""
    while part.content:
        if part.content[-1] in "([{" or (part.content[-1] in ")]}" and _excess(part.content) < 0):
            part = part.part(0, len(part.content) - 1).trimmed(" \t,;.")
        elif part.content[0] in ")]}" or (part.content[0] in "([{" and _excess(part.content) > 0):
            part = part.part(1).trimmed(" \t,;.")
        else:
            break
    return part


def _excess(content: str) -> int:
    return sum(map(content.count, "([{")) - sum(map(content.count, ")]}"))
