"""The commands, and how their arguments are read: more generously than Typer's parser reads them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib import import_module
from math import inf
from typing import Any, NoReturn, TypeVar

import typer
from typer.core import TyperCommand

from bpx.cli.input.missing import EVERY
from bpx.cli.input.text_params import keep_texts
from bpx.cli.output.help_form import HelpContext
from bpx.cli.output.session import TextSession, wants_json
from bpx.words.say import say

_REFERENCE = ("learn", "ops", "examples", "schema", "help")
# Each a file of this folder or of the folder `reference`, in the order in which the help lists them.
COMMANDS = (
    "explain",
    "draw",
    "gradcheck",
    "check",
    "audit",
    "train",
    "sweep",
    "practice",
    "convert",
    *_REFERENCE,
)

_Function = TypeVar("_Function", bound=Callable[..., Any])
_TYPERS: dict[str, typer.Typer] = {}  # of the commands whose files are loaded
_MAY_STAND_ALONE = ("--paths", "--random", "--descend", "--sensitivity")
_ADD_UP = ("--wrt", "--paths")  # given twice, both count
_NUMBERS = re.compile(r"-?[\d.\[][\d.,\s\[\]e+-]*")
_SHORT_NAME = re.compile(r"--[^\W\d]\w?\d*")  # of an input more likely than of an option
_SHORT_OPTION = re.compile(r"-[A-Za-z]")
_OTHER_NAMES = {  # that options have in other programs
    **dict.fromkeys(("--lr", "--learning-rate", "--learning_rate"), "--rate"),
    **dict.fromkeys(("--epochs", "--iterations", "--iters", "--num-steps"), "--steps"),
    **dict.fromkeys(("--batch-size", "--batch_size"), "--batch"),
    **dict.fromkeys(("--tol", "--tolerance"), "--rtol"),
    **dict.fromkeys(("--out", "--file"), "--output"),
    "--worksheet": "--forward",
    **dict.fromkeys(("--hessian", "--hess"), "--second"),
}
_WORD = re.compile(r"[A-Za-z]+")
_INFIX_AT_START = re.compile(r"[-+*/^@·<>=]")
_INFIX_AT_END = re.compile(r"[-+*/^@·<>=(,]$")
_ASSIGNMENT = re.compile(r"[^\W\d][\w.]*['′]*\s*=(?!=)")


def command(name: str, *examples: str) -> Callable[[_Function], _Function]:
    """Make a function the command of a name; its help shows command lines to type before its options."""
    lines = "".join(f"\n  {example}" for example in examples)
    help = f"{say(f'cli.{name}')}\n\n\b\n{say('cli.examples-to-type')}{lines}"  # `\\b` keeps them in lines
    own = _TYPERS[name] = typer.Typer(add_completion=False, rich_markup_mode=None)
    return own.command(name, cls=Command, help=help)


@cache
def command_named(name: str) -> Any:
    """One of the commands, as Typer builds it from the function in its file."""
    folder = "bpx.cli.reference" if name in _REFERENCE else "bpx.cli"
    import_module(f"{folder}.{name}")
    return typer.main.get_command(_TYPERS[name])


class Command(TyperCommand):
    """A command whose target may begin with a minus, and be followed by values: `bpx explain "-x^2" x=3`."""

    context_class = HelpContext

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Hand Typer's parser the arguments in the form that it knows; refuse those it cannot take."""
        keep_texts(self.get_params(ctx))
        params = [param for param in self.get_params(ctx) if param.param_type_name == "option"]
        takes_value = {name: not getattr(param, "is_flag", False) for param in params for name in param.opts}
        reader = _Reader(takes_value, args)
        reader.read()
        if not ctx.resilient_parsing:
            several = {name for param in params if param.multiple for name in param.opts}
            single = [name for name, wants in takes_value.items() if wants and name not in several]
            repeated = [name for name in single if reader.options.count(name) > 1]
            arguments = [param for param in self.get_params(ctx) if param.param_type_name == "argument"]
            targets = inf if any(param.nargs < 0 for param in arguments) else len(arguments)
            self._refuse(reader, repeated, targets)
        try:
            return super().parse_args(ctx, reader.arguments())
        except typer.BadParameter as error:
            from bpx.cli.input.refused import refused_argument

            _end([refused_argument(error, self.name or "")], reader)

    def _refuse(self, reader: _Reader, repeated: Sequence[str], most: float) -> None:
        """Say what is wrong with options, or with more than `most` other arguments, and end."""
        misused = reader.unknown or repeated or reader.without_value or reader.flags_with_value
        if not misused and len(reader.positional) <= most:
            return
        from bpx.cli.input.refused import value_of_flag
        from bpx.words.diagnostic import Diagnostic

        name = self.name or ""
        problems = [
            _unknown_option(option, name, reader.takes_value, value) for option, value in reader.unknown
        ]
        problems += map(value_of_flag, reader.flags_with_value)
        problems += [Diagnostic("repeated-option", None, {"name": option}) for option in repeated]
        problems += [
            Diagnostic("option-without-value", None, {"name": option, "command": name}, "list-options")
            for option in reader.without_value
        ]
        if not problems and len(reader.positional) > most:
            help, facts = _advice_on_extra(name, reader, int(most))
            facts |= {"extra": reader.positional[int(most)]}
            problems.append(Diagnostic("extra-argument", None, facts, help))
        if problems:
            _end(problems, reader)


class _Reader:
    """The arguments of a command, one by one; `takes_value` has the options that the command knows."""

    def __init__(self, takes_value: Mapping[str, bool], args: Sequence[str]) -> None:
        self.takes_value, self.args = takes_value, args
        self.waiting = list(reversed(args))
        self.options: list[str] = []
        self.positional: list[str] = []
        self.added_up: dict[str, list[str]] = {}
        self.unknown: list[tuple[str, str]] = []  # with what stands behind
        self.without_value: list[str] = []
        self.flags_with_value: list[str] = []

    def read(self) -> None:
        while self.waiting:
            arg = self.waiting.pop()
            if arg == "--":
                self.positional += reversed(self.waiting)
                return
            if arg.startswith("--") or arg[:2] in self.takes_value:
                self.option(arg)
            elif self.positional and _SHORT_OPTION.fullmatch(arg):
                self.unknown.append((arg, "".join(self.waiting[-1:])))
                if self.waiting and _NUMBERS.fullmatch(self.waiting[-1]):
                    self.waiting.pop()
            elif self.positional and "--set" in self.takes_value and (value := self.assignment(arg)):
                self.options += ("--set", value)
            else:
                self.positional.append(arg)

    def option(self, arg: str) -> None:
        """An option, and its value where that is an argument of its own."""
        name, equals, value = arg.partition("=")
        if arg.startswith("--") and name not in self.takes_value:
            self.unknown.append((name, value or "".join(self.waiting[-1:])))
        elif equals and arg.startswith("--") and not self.takes_value[name]:
            self.flags_with_value.append(name)
        wants_value = self.takes_value.get(name, False) and not equals
        if wants_value and name in _MAY_STAND_ALONE and self.stands_alone():
            value, wants_value = EVERY, False
            arg = f"{name}={EVERY}"
        if wants_value and (not self.waiting or self.waiting[-1].startswith("--")):
            self.without_value.append(name)
            return
        if name in _ADD_UP:
            self.added_up.setdefault(name, []).append(self.waiting.pop() if wants_value else value)
            return
        self.options.append(arg)
        if wants_value:
            self.options.append(self.waiting.pop())

    def assignment(self, arg: str) -> str | None:
        """`x=3`, also in several arguments: `x = 3`, `x= 3`, `x=[1, 2]` without quotes. None for another."""
        if arg.isidentifier() and self.waiting and re.match("=(?!=)", self.waiting[-1]):
            arg += self.waiting.pop()
        if not _ASSIGNMENT.match(arg):
            return None
        ends = not self.waiting or self.waiting[-1].startswith("--") or _ASSIGNMENT.match(self.waiting[-1])
        arg = arg if ends or not arg.endswith("=") else arg + self.waiting.pop()
        while self.waiting and arg.count("[") > arg.count("]"):
            arg += f" {self.waiting.pop()}"
        return arg

    def stands_alone(self) -> bool:
        """Is what follows an option not its value?"""
        following = self.waiting[-1:]
        return not following or following[0].startswith("-") or bool(_ASSIGNMENT.match(following[0]))

    def arguments(self) -> list[str]:
        """The arguments for Typer's parser, those that are no options at the end."""
        lists = [
            f"{name}={EVERY if EVERY in values else ','.join(values)}"
            for name, values in self.added_up.items()
        ]
        return [*self.options, *lists, *(["--", *self.positional] if self.positional else [])]


def _end(problems: Sequence[Any], reader: _Reader) -> NoReturn:
    """Report diagnostics in the form that the arguments ask for, and end."""
    from bpx.words.diagnostic import BpxError

    TextSession(None, is_json=wants_json(reader.args)).refuse(BpxError(problems))


def _advice_on_extra(command: str, reader: _Reader, most: int) -> tuple[str, dict[str, str]]:
    """The help where a command has more than one target, and its facts."""
    facts = {"command": command, "whole": " ".join(reader.positional)}
    if most != 1 or "--set" not in reader.takes_value:
        return "list-options", facts
    first, extra, *more = reader.positional
    if _ASSIGNMENT.match(first) and not _ASSIGNMENT.match(extra):
        return "values-follow", {"formula": extra, "values": first, **facts}
    if _is_op(first):
        return "quote-whole", facts
    if _WORD.fullmatch(first) and len(first) > 2:
        return "is-no-command", {"word": first, "commands": ", ".join(COMMANDS)}
    if "--claim" in reader.options and _NUMBERS.fullmatch(extra):
        claim = reader.options[reader.options.index("--claim") + 1]
        if "=" not in claim and ":" not in claim:
            return "quote-option", {"option": "--claim", "value": claim, **facts}
    if _NUMBERS.fullmatch(extra):
        return "value-by-name", facts
    if extra.isidentifier() and more and _NUMBERS.fullmatch(more[0]):
        return "write-value", {"input": extra, "value": more[0], **facts}
    if extra.isidentifier() and reader.added_up:
        option, values = next(iter(reader.added_up.items()))
        return "names-with-commas", {"option": option, "names": ",".join([*values, extra]), **facts}
    if _INFIX_AT_START.match(extra) or _INFIX_AT_END.search(first) or first.count("(") > first.count(")"):
        return "quote-whole", facts
    return "one-target", facts


def _is_op(word: str) -> bool:
    from bpx.ops import rows

    return any(word in (row.name, *row.aliases) for row in rows())


def _unknown_option(option: str, command: str, known: Mapping[str, bool], value: str) -> Any:
    """The diagnostic for an option that a command does not have, but another one may."""
    from difflib import get_close_matches

    from bpx.words.diagnostic import Diagnostic

    facts = {"name": option, "command": command}
    usual = _OTHER_NAMES.get(option, option)
    if usual in known:
        return Diagnostic("no-such-option", None, {**facts, "guess": usual}, "did-you-mean")
    if _SHORT_OPTION.fullmatch(option) and _NUMBERS.fullmatch(value):
        facts |= {"input": option[1:], "value": value}
        return Diagnostic("no-such-option", None, facts, "value-of-option")
    if _SHORT_NAME.fullmatch(option) and _NUMBERS.fullmatch(value):
        facts = {**facts, "name": option, "value": value}
        return Diagnostic("no-such-option", None, {**facts, "input": option[2:]}, "value-of-option")
    if owners := commands_with(usual):
        return Diagnostic("no-such-option", None, {**facts, "owner": owners[0]}, "option-of")
    if guesses := get_close_matches(option, known, n=1, cutoff=0.75):
        return Diagnostic("no-such-option", None, {**facts, "guess": guesses[0]}, "did-you-mean")
    return Diagnostic("no-such-option", None, facts, "list-options")


def commands_with(option: str) -> list[str]:
    """The commands that have an option."""
    return [name for name in COMMANDS if any(option in param.opts for param in command_named(name).params)]
