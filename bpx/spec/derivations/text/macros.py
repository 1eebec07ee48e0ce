r"""Somebody's own commands, as `\newcommand{\pd}[2]{\frac{\partial #1}{\partial #2}}`, written out."""

from __future__ import annotations

import re
from typing import NamedTuple

from bpx.spec.derivations.text.written import Written

_DEFINED = re.compile(
    r"\\(?:re|provide)?(?:new)?command\*?\s*\{?\s*\\(?P<name>[A-Za-z]+)\s*\}?"
    r"\s*(?:\[(?P<count>\d)\])?(?:\[(?P<default>[^\]\n]*)\])?\s*(?=\{)"
    r"|\\def\s*\\(?P<def_name>[A-Za-z]+)(?P<params>(?:#\d)*)\s*(?=\{)"
    r"|\\DeclareMathOperator\*?\s*\{?\s*\\(?P<op_name>[A-Za-z]+)\s*\}?\s*(?=\{)"
)
_DEEPEST = 4  # commands in commands
_LONGEST = 4  # times the length of the text: commands that grow without end are left as they are
_SHORTEST = 10_000
_LONGEST_BODY = 10_000  # characters of a body or an argument: a brace that is never closed ends there


class Macro(NamedTuple):
    """What a command stands for: `#1` … are its arguments, the first of which may have a default."""

    body: str
    arity: int
    default: str | None = None


def with_macros_written_out(text: Written) -> Written:
    """The text with its own commands written out, and blanks for their definitions."""
    macros: dict[str, Macro] = {}
    for match in _DEFINED.finditer(text.content):
        end = _closing_brace(text.content, match.end())
        if end is None:
            continue
        body = text.content[match.end() + 1 : end]
        if match["op_name"]:
            macros[match["op_name"]] = Macro(f"\\operatorname{{{body}}}", 0)
        elif match["def_name"]:
            macros[match["def_name"]] = Macro(body, match["params"].count("#"))
        else:
            macros[match["name"]] = Macro(body, int(match["count"] or 0), match["default"])
        blank = re.sub(r"[^\n]", " ", text.content[match.start() : end + 1])
        text = text._replace(
            content=text.content[: match.start()] + blank + text.content[match.start() + len(blank) :]
        )
    longest = _LONGEST * len(text.content) + _SHORTEST
    for _ in range(_DEEPEST if macros else 0):
        longer = _once(text, macros, longest)
        if longer is None or longer.content == text.content:
            break
        text = longer
    return text


def _once(text: Written, macros: dict[str, Macro], longest: int) -> Written | None:
    """The text with each command written out once; None where that gets too long."""
    content, offsets, last = list[str](), list[int](), 0
    names = "|".join(sorted(map(re.escape, macros), key=len, reverse=True))
    for match in re.finditer(rf"\\({names})(?![A-Za-z])", text.content):
        if match.start() < last:
            continue
        macro = macros[match[1]]
        args, end = _arguments(text.content, match.end(), macro)
        if args is None:
            continue
        body = macro.body
        for number, arg in enumerate(args, 1):
            body = body.replace(f"#{number}", arg)
        content += [text.content[last : match.start()], body]
        offsets += [*text.offsets[last : match.start()], *[text.offsets[match.start()]] * len(body)]
        last = end
        if len(offsets) > longest:
            return None
    return text._replace(
        content="".join(content) + text.content[last:], offsets=[*offsets, *text.offsets[last:]]
    )


def _arguments(content: str, at: int, macro: Macro) -> tuple[list[str] | None, int]:
    """The arguments behind a command, and where they end; None where some are missing."""
    args: list[str] = []
    if macro.default is not None:
        optional = re.compile(r"\s*\[([^\]\n]*)\]").match(content, at)
        args.append(optional[1] if optional else macro.default)
        at = optional.end() if optional else at
    while len(args) < macro.arity:
        match = re.compile(r"\s*(?:\{|(\\[A-Za-z]+|[^\s{}]))").match(content, at)
        if match is None:
            return None, at
        if match[1]:
            args.append(match[1])
            at = match.end()
            continue
        end = _closing_brace(content, match.end() - 1)
        if end is None:
            return None, at
        args.append(content[match.end() : end])
        at = end + 1
    numbers = [int(number) for number in re.findall(r"#(\d)", macro.body)]
    return (args if max(numbers, default=0) <= len(args) and 0 not in numbers else None), at


def _closing_brace(content: str, start: int) -> int | None:
    """Where the brace at `start` is closed."""
    depth = 0
    for at in range(start, min(len(content), start + _LONGEST_BODY)):
        depth += (content[at] == "{") - (content[at] == "}")
        if not depth:
            return at
    return None
