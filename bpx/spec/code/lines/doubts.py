"""Which lines may be wrong: how doubtful each is, and counts that several wrong lines read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np

from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.code.lines.backward_values import Adjoint, close
from bpx.spec.code.lines.corrections import Corrections, Place
from bpx.spec.code.lines.counts import Counts, LineKey, line_of, stands_for
from bpx.spec.code.lines.line_blame import Culprit
from bpx.spec.code.lines.meant import LIKE, RIGHT, STRANGE, Meant
from bpx.spec.code.lines.recorder import RETURN, Key, Setting


def doubts(settings: Sequence[Setting], meant: Meant) -> dict[tuple[str, int], int]:
    """How doubtful lines are: what sets a whole adjoint is right.

    A line that sets the same as one before is strange. Where adjoints come with the opposite sign from the
    start, that is how they are meant.
    """
    doubts: dict[tuple[str, int], int] = {}
    held: list[tuple[LineKey | None, Any]] = [(None, meant.upstream)]
    names = set[str]()
    signs = {1.0}
    for setting in settings:
        value, statement = setting.value, setting.statement
        if statement is None or not isinstance(value, np.ndarray) or value.size < 2:
            continue
        same = [line for line, other in held if close(value, other)]
        repeats = bool(same)
        held.append((line_of(statement), value))
        if setting.argument:
            continue
        hands_on = setting.is_handed_over or (setting.key.target == RETURN and statement.value in names)
        names.add(setting.key.target)
        is_new_name = statement.value.isidentifier()
        doubt = (
            STRANGE if not meant.is_alike(value) or (repeats and not hands_on and not is_new_name) else LIKE
        )
        fitting = meant.signs(value)
        if fitting and (hands_on or not repeats):
            doubt = RIGHT if fitting & signs else doubt
            signs = fitting
        line = line_of(statement)
        doubts[line] = min(doubt, doubts.get(line, RIGHT))
        # Of two lines that set the same, either may be the wrong one.
        for other in same if repeats and not hands_on and not is_new_name else ():
            if other is not None and other != line:
                doubts[other] = min(LIKE, doubts.get(other, RIGHT))
    return doubts


def of_backward(settings: Sequence[Setting], graph: NamedGraph) -> list[Setting]:
    """What lines behind the forward pass set, which is right by definition, where one function has both."""
    forward = forward_lines(graph)
    last: dict[tuple[str, int], int] = {}
    for number, setting in enumerate(settings):
        last[_place(setting)] = number
    ends = max(
        (
            number
            for number, setting in enumerate(settings)
            # The loss may be found at the very end.
            if _place(setting) in forward and not setting.argument and setting.key.target != RETURN
        ),
        default=-1,
    )
    # What comes before, as a copy that is kept of a state, is of the forward pass too.
    return [one for one in settings if _place(one) not in forward and last[_place(one)] > ends]


def forward_lines(graph: NamedGraph) -> set[LineKey]:
    """The files and lines of what the output is computed from."""
    # A constant is one node wherever it stands.
    needed = [node for node in graph.graph.needs(of=[graph.output]) if node not in graph.graph.constants]
    spans = [graph.origins[node] for node in needed if node in graph.origins]
    return {(span.source.name, span.source.position(span.start)[0]) for span in spans}


def _place(setting: Setting) -> tuple[str, int]:
    statement = setting.statement
    if statement is None:
        return setting.key.filename, setting.key.line
    return statement.span.source.name, statement.line


def calls_to(settings: Sequence[Setting], setting: Setting) -> list[LineKey]:
    """The line that called the function in which something was set: what it handed over may be wrong."""
    for other in reversed(settings[: settings.index(setting)] if setting in settings else []):
        inside = other.key.filename == setting.key.filename and other.key.line < setting.key.line
        if other.argument and other.statement is not None and inside:
            return [line_of(other.statement)]
    return []


def trust(
    place: Place, shared: Collection[LineKey], named: Sequence[LineKey], doubtful: Mapping[LineKey, int]
) -> int:
    """How little a line is suspected: one that sets no gradient, or gives a value of forward a name, less."""
    line = line_of(place.statement)
    if line in shared:
        return -1
    is_new_name = doubtful.get(line) == LIKE and place.statement.value.replace(".", "").isidentifier()
    return 0 if line in named or (line in doubtful and not is_new_name) else 1


def read_by_all(
    counts: Counts, by_line: Mapping[LineKey, Place], culprits: Sequence[Culprit]
) -> set[LineKey]:
    """The lines that set one number once, which several culprits read, and all of them."""
    statements = [one.setting.statement for one in culprits if one.setting.statement]
    reads = [set(statement.reads) for statement in statements]
    common = set.intersection(*reads) if len(reads) > 1 else set()
    return {line for line in by_line if counts.name(line) in common}


def count_instead(
    search: Corrections, counts: Counts, by_line: Mapping[LineKey, Place], line: LineKey, text: str
) -> tuple[LineKey, str]:
    """The line that sets a number, and what it should say, where another is wrong by that number alone."""
    for other in by_line:
        name = counts.name(other)
        if other != line and name and stands_for(name, by_line[line].statement.text, text):
            right = search.of(by_line[other])
            if right is not None:
                return other, right
    return line, text


def corrected_culprit(
    place: Place, text: str, settings: Sequence[Setting], culprits: Sequence[Culprit], wrong: frozenset[Any]
) -> Culprit:
    """The culprit that a correction of its line mends all that is wrong with."""
    line = line_of(place.statement)
    for culprit in culprits:
        if culprit.setting.statement and line_of(culprit.setting.statement) == line:
            return culprit._replace(right=text, leaves=tuple(wrong), lengths=place.lengths)
    same = [one for one in settings if one.statement and line_of(one.statement) == line and not one.argument]
    targets = place.statement.targets or ("",)
    key = Key(place.code.co_filename, place.statement.line, targets[0])
    setting = same[0] if same else Setting(key, 0, place.statement, np.zeros(()), None, {})
    return Culprit(setting, Adjoint(-1, None), 1.0, tuple(wrong), text, place.lengths)
