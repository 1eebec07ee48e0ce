"""`bpx practice`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bpx.cli.command import command
from bpx.cli.input.arguments import CodeOptions, spec_argument
from bpx.cli.input.completion import practised
from bpx.cli.input.options import Inputs, JsonFlag, Notation, Random, Values, form_option
from bpx.cli.input.saves import saves
from bpx.cli.output.console import fail, print_to, terminal, warn
from bpx.cli.output.session import UNUSABLE, WRONG, Session
from bpx.cli.output.signals import answered
from bpx.words.files import write_file
from bpx.words.say import say

if TYPE_CHECKING:
    from bpx.render.blocks import Block
    from bpx.spec.practice.exercise import Exercise
    from bpx.spec.practice.progress import Progress
    from bpx.spec.practice.results import Graded
    from bpx.words.diagnostic import Diagnostic

What = Annotated[
    list[str] | None,
    typer.Argument(metavar="WHAT...", help=say("cli.practice-what"), autocompletion=practised),
]
Blanks = Annotated[str | None, typer.Option(metavar="N|all", help=say("cli.blanks"))]
Plant = Annotated[int, typer.Option(metavar="N", min=0, help=say("cli.plant"))]
Seed = Annotated[int | None, typer.Option(metavar="S", min=0, help=say("cli.practice-seed"))]
AnswerDigits = Annotated[
    int, typer.Option("--digits", metavar="N", min=1, max=12, help=say("cli.answer-digits"))
]
Rate = Annotated[float | None, typer.Option(metavar="RATE", help=say("cli.practice-rate"))]
AskFor = Annotated[str, typer.Option("--ask", metavar="cells|gradients", help=say("cli.ask"))]
Key = Annotated[bool, typer.Option("--key", help=say("cli.key"))]
Hint = Annotated[int | None, typer.Option(metavar="1-5", help=say("cli.practice-hint"))]
ProgressFile = Annotated[str | None, typer.Option("--progress", metavar="FILE", help=say("cli.progress"))]
Limit = Annotated[int, typer.Option(metavar="SECONDS", min=1, max=3600, help=say("cli.practice-limit"))]
Yes = Annotated[bool, typer.Option("--yes", help=say("cli.yes"))]
FormName = Annotated[str | None, form_option("practice")]
OutputFile = Annotated[
    str | None, typer.Option("--output", "-o", metavar="FILE", help=say("cli.practice-output"))
]


@command(
    "practice",
    "bpx practice chain-rule",
    "bpx practice logistic_regression --plant 2 --seed 7 -o sheet.toml",
    "bpx practice grade sheet.toml",
)
def practice(
    what: What = None,
    set_: Values = None,
    inputs: Inputs = None,
    random: Random = None,
    notation: Notation = None,
    blanks: Blanks = None,
    plant: Plant = 0,
    seed: Seed = None,
    digits: AnswerDigits = 3,
    rate: Rate = None,
    ask: AskFor = "cells",
    key: Key = False,
    hint: Hint = None,
    progress: ProgressFile = None,
    yes: Yes = False,
    limit: Limit = 20,
    form: FormName = None,
    json: JsonFlag = False,
    output: OutputFile = None,
) -> None:
    """Practise: fill in cells of both passes, or find mistakes."""
    from bpx.spec.practice.progress import default_path

    path = Path(progress) if progress else default_path()
    first, *files = what or ["list"]
    if first in ("grade", "watch"):
        _grade(files, (hint, limit), form, json, output, watch=first == "watch")
        return
    if first in ("list", "reset"):
        with Session("topics", form, json, output if first == "list" else None) as session:
            _list_or_reset(session, first, files, path, yes)
        return
    options: dict[str, Any] = {"plant": plant, "rate": rate, "digits": digits, "ask": ask}
    spec = partial(_graph, first, set_, code=CodeOptions(inputs, random), notation=notation)
    with Session("sheet", form, json, None) as session:  # a file may have forms that nothing else has
        if files:
            fail("extra-argument", "one-target", extra=files[0], command="practice")
        session.outputs.add(output)
        topic = _topic(first)
        if output and Path(output).suffix.lower() == ".py":
            _write_code(topic, spec, {"plant": plant, "digits": digits, "seed": seed or 0}, key, output)
            return
        drawn = _drawing(topic, options, spec)
        if output or form or json or key or not sys.stdin.isatty():
            _write_sheet(session, drawn(seed or 0, _count(blanks or "1")), key, output)
            return
        _converse(
            topic or first, lambda seed, fading: drawn(seed, _count(blanks) if blanks else fading), path, seed
        )


def _count(text: str) -> Any:
    """A number of blanks; what is none is refused where the options are looked at."""
    try:
        return int(text) if text.isascii() and text.isdigit() else text
    except ValueError:  # of more digits than Python reads
        return text


def _drawing(
    topic: str | None, options: dict[str, Any], spec: Callable[[], Any]
) -> Callable[[int, Any], Exercise]:
    """What makes an exercise from a seed: of a topic a new graph, of a target the same with other blanks."""
    from bpx.spec.practice.practice import exercise_of, exercise_on

    if topic is not None:
        return lambda seed, blanks: exercise_on(topic, seed=seed, blanks=blanks, **options)
    graph = spec()
    return lambda seed, blanks: exercise_of(graph, seed=seed, blanks=blanks, **options)


def _topic(name: str) -> str | None:
    """The topic of that name, unless an example or a file has it."""
    from bpx.spec.practice.topics import topic_named
    from bpx.spec.reading.examples import example_names
    from bpx.spec.reading.target import names_file

    return None if name in example_names() or names_file(name) else topic_named(name)


def _graph(name: str, set_: Any, **options: Any) -> Any:
    """The graph of a target. Raises `BpxError`, with a topic that may be meant where it is none."""
    from bpx.words.diagnostic import BpxError, Diagnostic

    if not set_ and _is_like_topic(name):
        raise BpxError([_no_topic(Diagnostic("unknown-target", None, {"name": name}, "topics-are"))])
    try:
        return spec_argument(name, set_, **options)
    except BpxError as error:
        raise BpxError([_no_topic(problem) for problem in error.diagnostics]) from None


def _is_like_topic(name: str) -> bool:
    """Whether a name is nearly that of a topic, as `chain-rulle` is, and no difference of two inputs."""
    from bpx.spec.practice.topics import TOPICS
    from bpx.words.spelling import nearest

    return "-" in name.strip("-") and nearest(name, TOPICS) is not None


def _no_topic(problem: Diagnostic) -> Diagnostic:
    from bpx.spec.practice.topics import TOPICS
    from bpx.spec.reading.examples import example_names

    if problem.code != "unknown-target":
        return problem
    name = problem.facts["name"]
    facts = {"name": name, "known": ", ".join(TOPICS)}
    problem = problem._replace(code="no-such-topic", facts=facts, help="topics-are")
    return problem.suggesting(name, [*TOPICS, *example_names()])


def _write_sheet(session: Session, exercise: Exercise, key: bool, output: str | None) -> None:
    from bpx.spec.practice.sheet import Sheet
    from bpx.spec.practice.sheet_files import sheet_text

    sheet = Sheet(exercise, with_key=key)
    if output and output != "-":
        by_name = session.form_name is None
        write_file(output, sheet_text(sheet, output) if by_name else session.form.text(sheet))
    else:
        session.show(sheet)


def _write_code(
    topic: str | None, spec: Callable[[], Any], options: dict[str, Any], key: bool, output: str
) -> None:
    from bpx.spec.practice.code.code_sheet import CodeSheet
    from bpx.spec.practice.practice import code_exercise_of, code_exercise_on

    exercise = code_exercise_on(topic, **options) if topic else code_exercise_of(spec(), **options)
    write_file(output, CodeSheet(exercise, with_key=key).text)


# --- graded sheets ------------------------------------------------------------------------------


def _grade(
    files: Sequence[str],
    options: tuple[int | None, int],
    form: str | None,
    json: bool,
    output: str | None,
    watch: bool,
) -> None:
    with Session("practice", form, json, output) as session:
        if not files:
            fail("no-sheets", "name-sheets")
        for _ in _changes(files) if watch else (None,):
            graded = _graded(files, *options)
            session.show(graded)
            if graded.problems and not session.is_json:
                session.report(graded.problems)
            if graded.is_right:
                return
        raise typer.Exit(UNUSABLE if graded.problems else WRONG)


def _graded(files: Sequence[str], hint: int | None, limit: int) -> Graded:
    """The sheets that can be read, judged, and what is wrong with the others. Raises `BpxError`."""
    from bpx.check.report.options import HintLevel, hint_level
    from bpx.spec.practice.practice import graded, read_any_sheet
    from bpx.words.diagnostic import BpxError

    level, sheets = hint_level(HintLevel.KIND if hint is None else hint), []
    problems: dict[str, tuple[Diagnostic, ...]] = {}
    for file in files:
        try:
            sheets.append(read_any_sheet(file, limit))
        except BpxError as error:
            problems[file] = tuple(error.diagnostics)
    for sheet in sheets:
        if printed := getattr(sheet, "printed", ""):
            warn(printed.removesuffix("\n"))  # which is no part of the grades
    if not sheets:
        raise BpxError([problem for found in problems.values() for problem in found])
    return graded(sheets, level=level, leads=hint is not None, unreadable=tuple(problems.items()))


def _changes(files: Sequence[str]) -> Iterator[None]:
    """At once, and whenever one of the files was saved; Ctrl-C ends it."""
    warn(say("practice.watching", names=", ".join(files)))
    try:
        yield from saves(files)
    except KeyboardInterrupt:
        answered()
        warn("")


# --- in a terminal ------------------------------------------------------------------------------


def _converse(name: str, drawn: Callable[[int, Any], Exercise], path: Path | None, seed: int | None) -> None:
    """Ask until the learner has enough; an end of input and Ctrl-C are such an end."""
    from bpx.spec.practice.dialogue import Dialogue
    from bpx.spec.practice.progress import read_progress

    progress = read_progress(path)
    progress.place()  # without one, that is said before the practice
    if seed is not None:
        progress.of(name)["seed"] = seed
    dialogue = Dialogue(name, drawn, progress)
    _print(dialogue.opening())
    while not dialogue.is_over:
        try:
            line = input(f"\n{dialogue.prompt}")
        except (EOFError, KeyboardInterrupt):
            answered()
            print_to(sys.stdout, "\n")
            line = "quit"
        _print(dialogue.reply(line))


def _print(blocks: Sequence[Block]) -> None:
    from bpx.render.table import table_text

    print_to(sys.stdout, table_text(blocks, terminal()))


def _list_or_reset(session: Session, word: str, names: Sequence[str], path: Path | None, yes: bool) -> None:
    """What is left of a reset is shown only where a program reads it."""
    from bpx.spec.practice.progress import read_progress
    from bpx.spec.practice.topic_list import TopicList

    progress = read_progress(path)
    for sentence in _reset_some_or_all(progress, names, yes) if word == "reset" else ():
        if not session.is_json:
            print_to(sys.stdout, f"{sentence}\n")
    if word == "list" or session.is_json:
        session.show(TopicList(progress))


def _reset_some_or_all(progress: Progress, names: Sequence[str], yes: bool) -> Iterator[str]:
    """Forget these topics, or everything, and say what was forgotten."""
    if names:
        yield from _reset(progress, names)
    elif yes or _is_meant(progress):
        progress.reset()
        progress.save()
        yield say("practice.reset-done", name=say("practice.everything"))


def _reset(progress: Progress, names: Sequence[str]) -> Iterator[str]:
    """Forget these, all or none of them. Raises `BpxError` for what is no topic and was not practised."""
    from bpx.spec.practice.topics import TOPICS, topic_named
    from bpx.words.diagnostic import BpxError, Diagnostic

    known = [*TOPICS, *(name for name in progress.topics if name not in TOPICS)]
    meant = [name if name in progress.topics else topic_named(name) or name for name in names]
    facts = {"known": ", ".join(known)}
    problems = [
        Diagnostic("never-practised", None, {**facts, "name": name}, "topics-are").suggesting(name, known)
        for name in meant
        if name not in known
    ]
    if problems:
        raise BpxError(problems)
    for key, some in (
        ("reset-done", [name for name in meant if name in progress.topics]),
        ("reset-nothing", [name for name in meant if name not in progress.topics]),
    ):
        if some:
            yield say(f"practice.{key}", name=", ".join(some))
    for name in meant:
        progress.reset(name)
    progress.save()


def _is_meant(progress: Progress) -> bool:
    """Does somebody at a terminal say that everything shall be deleted? Nobody else is asked."""
    if not sys.stdin.isatty():
        fail("reset-everything", "reset-yes")
    try:
        answer = input(say("practice.reset-sure", count=len(progress.topics), file=str(progress.path)))
    except (EOFError, KeyboardInterrupt):
        answered()
        print_to(sys.stdout, "\n")
        return False
    return answer.strip().lower() in ("y", "yes")
