"""What a lesson is made of: paragraphs with computed facts, sections of an explanation, reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from bpx.check.gradcheck import gradcheck
from bpx.check.report.options import HintLevel
from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.explain.query.section import Section
from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import array, number
from bpx.graph.run import run
from bpx.render.blocks import Block, Heading, Headline, Lines, rounded
from bpx.spec.reading.claims import read_claim, with_claims
from bpx.spec.reading.target import read_target
from bpx.words.say import say

DIGITS = 4  # few enough to redo every product by hand
NUDGE = 0.001  # by how much an input is raised where a slope is tried out
_EXACT_DIGITS = 9  # of a value that was changed so little

# What stands above a paragraph, by its key.
_HEADINGS = {
    **dict.fromkeys(("hand", "rows", "try", "first", "nudge"), "by-hand"),
    **dict.fromkeys(("walk", "back", "weight", "blame"), "back"),
    **dict.fromkeys(("cancel", "whole"), "in-general"),
    "update": "learning",
    "ask": "question",
    "answer": "the-answer",
    "claim": "wrong-claim",
    "report": "in-full",
}

Facts = Mapping[str, str]


class Says(NamedTuple):
    """A paragraph: the sentence `lesson.NAME.KEY`."""

    key: str


class Shows(NamedTuple):
    """A section of the explanation of the example, for the options of `explain`."""

    section: type[Section]
    options: Mapping[str, Any] = {}


class Checks(NamedTuple):
    """The report on a claim, with as much as a hint of this level says."""

    claim: str
    level: HintLevel


Part = Says | Shows | Checks
Page = tuple[Part, ...]


class Lesson(NamedTuple):
    """A lesson by its name, the example it is about, and its pages; `exercise` is what `bpx practice` takes.

    `facts` gives further facts of its sentences.
    """

    name: str
    example: str
    pages: tuple[Page, ...]
    exercise: str
    facts: Callable[[Numbers], Facts] = lambda numbers: {}

    @property
    def title(self) -> str:
        """What it is about."""
        return say(f"lesson.{self.name}.title")


class Numbers:
    """The numbers of an example: values, gradients, local derivatives, contributions, and changed values."""

    def __init__(self, spec: NamedGraph) -> None:
        self.spec, self.output = spec, spec.names[spec.output]
        self.passes = explain(
            spec, wrt=[name for name in spec.nodes if name in spec.own_names.values()], check=False
        )
        self.values: dict[str, Array] = {row.name: row.value for row in self.passes.nodes}
        self.gradients = dict(self.passes.gradients)

    def raised(self, input_name: str, by: float) -> dict[str, Array]:
        """The values of all named nodes, once an input is raised."""
        nodes = self.spec.nodes
        at = {**self.spec.input_values, nodes[input_name]: self.values[input_name] + by}
        values = run(self.spec.graph, at, list(nodes.values()))
        return {name: values[node] for name, node in nodes.items()}

    @property
    def facts(self) -> dict[str, str]:
        """`v_z`, `g_z`: value and gradient; `d_z_x`, `c_z_x`: an edge's local derivative and contribution."""
        facts = {f"v_{name}": array(value, DIGITS) for name, value in self.values.items()}
        facts |= {f"g_{name}": array(value, DIGITS) for name, value in self.gradients.items()}
        names = self.passes.names
        for edge in self.passes.edges:
            key = f"{names[edge.consumer]}_{names[edge.arg]}"
            facts[f"c_{key}"] = array(edge.contribution, DIGITS)
            if edge.local is not None:
                facts[f"d_{key}"] = array(edge.local, DIGITS)
        return facts

    def nudged(self, input_name: str) -> dict[str, str]:
        """The output once an input is raised by `NUDGE`, and how much it rose for each unit."""
        after = float(self.raised(input_name, NUDGE)[self.output])
        quotient = (after - float(self.values[self.output])) / NUDGE
        return {
            "nudge": number(NUDGE),
            "after": number(after, _EXACT_DIGITS),
            "quotient": number(quotient, 5),
        }


def blocks_of(lesson: Lesson, following: int | None) -> list[list[Block]]:
    """The blocks of each page: first the title, last the exercise and the lesson that is `following`."""
    spec = read_target(lesson.example, {})
    numbers = Numbers(spec)
    facts = {**numbers.facts, **lesson.facts(numbers)}
    pages = [
        [block for part in page for block in _blocks(lesson, part, spec, facts)] for page in lesson.pages
    ]
    at_the_end = [say("lesson.exercise", command=f"bpx practice {lesson.exercise}")]
    if following:
        at_the_end.append(say("lesson.following", number=following))
    pages[0].insert(0, Headline(lesson.title))
    pages[-1] += [Heading(say("lesson.your-turn")), Lines(tuple(at_the_end))]
    return pages


def _blocks(lesson: Lesson, part: Part, spec: NamedGraph, facts: Facts) -> list[Block]:
    if isinstance(part, Says):
        text = Lines((say(f"lesson.{lesson.name}.{part.key}", **facts),))
        heading = _HEADINGS.get(part.key)
        return [Heading(say(f"lesson.{heading}")), text] if heading else [text]
    if isinstance(part, Checks):
        report = gradcheck(with_claims(spec, [read_claim(part.claim)]), wrt=[]).hint(part.level)
        answer, *others = report.blocks()
        assert isinstance(answer, Headline)
        command = f'bpx gradcheck {lesson.example} --claim "{part.claim}"'
        if part.level < HintLevel.NUMBERS:
            command += f" --hint {part.level}"
        return [Heading(command), Lines((answer.text,)), *others]
    explanation = explain(spec, check=False, **part.options)
    section = explanation.section(part.section)
    return rounded(section.blocks(explanation), DIGITS) if section else []


def explanation_of(lesson: Lesson) -> Explanation:
    """Both passes of its example, for the picture."""
    return explain(read_target(lesson.example, {}), check=False)


def products(first: Array, second: Array) -> str:
    """`1·3 + 2·0`: the products of the elements, those with 0 left out."""
    pairs = zip(np.ravel(first).tolist(), np.ravel(second).tolist(), strict=True)
    return " + ".join(f"{_factor(a)}·{_factor(b)}" for a, b in pairs if a and b)


def _factor(value: float) -> str:
    text = number(value, DIGITS)
    return f"({text})" if value < 0 else text
