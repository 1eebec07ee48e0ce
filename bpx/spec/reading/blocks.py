"""Blocks: steps that a spec states once, with args, and calls by name.

A call is a macro: before the graph is made, the steps of the block are written out in its place, under
the name of the step that holds the call, a dot and their own. Blocks are written out first, each after
those it calls, so that nothing here goes deeper than one call.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from bpx.graph.graph import Graph
from bpx.graph.named.names import dotted, groups_of
from bpx.graph.numbers import CONSTANTS
from bpx.spec.reading.syntax import Call, Draft, DraftBlock
from bpx.spec.text.build import MOST_WITH_CARE, build, cycle_of, in_order
from bpx.spec.text.parser import MOST_DOTS, Code, Item, Text, shortened
from bpx.words.diagnostic import Diagnostic, Span

LARGEST = 500_000  # characters of all names and formulas that are written out, for blocks inside blocks too


class _Piece(NamedTuple):
    """A step that is written out. Inside a block names are relative: `""` is what its call stands for.

    `layer` and `call` tell the call it comes from and how that is written; a block's own steps, which
    come from no call in it, have none.
    """

    name: str
    code: Code
    layer: str = ""
    call: str = ""
    span: Span | None = None


class _Broken(Exception):
    """What was being written out cannot be, and that is reported."""


class _Scope:
    """The names around a step: those the args of a call may speak of, and which new ones are free."""

    def __init__(self, *names: Iterable[str]) -> None:
        self.known = {name for some in names for name in some}
        self.taken = self.known | groups_of(self.known)
        self.counts: dict[str, int] = {}

    def free(self, wanted: str) -> str:
        """The name that is wanted, or with a number behind it: `h.affine`, `h.affine2`."""
        name = wanted
        while name in self.taken:
            self.counts[wanted] = self.counts.get(wanted, 1) + 1
            name = f"{wanted}{self.counts[wanted]}"
        self.taken.add(name)
        self.known.add(name)
        return name


class _Operands:
    """The operands met on the way through a step, one behind the other, each from where `starts` says."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.starts: list[int] = []

    def put(self, item: Item) -> None:
        """The item makes one operand of the last `argc` ones and itself."""
        at = len(self.starts) - item.argc
        start = self.starts[at] if item.argc else len(self.items)
        self.starts[at:] = [start]
        self.items.append(item)

    def taken(self, count: int) -> list[tuple[Item, ...]]:
        """The last operands, which are taken away."""
        at = len(self.starts) - count
        bounds = [*self.starts[at:], len(self.items)]
        found = [tuple(self.items[start:end]) for start, end in pairwise(bounds)]
        del self.items[bounds[0] :], self.starts[at:]
        return found


def write_out(draft: Draft, problems: list[Diagnostic]) -> None:
    """Put the steps of blocks in the place of their calls among the draft's steps.

    `draft.calls` then says of each step so made which call it comes from.
    """
    _Writer(draft, problems).write()


class _Writer:
    def __init__(self, draft: Draft, problems: list[Diagnostic]) -> None:
        self.draft, self.problems = draft, problems
        self.blocks: dict[str, list[_Piece] | None] = dict.fromkeys(draft.blocks)  # None: broken
        self.circular: set[str] = set()
        self.room = LARGEST
        self.place: Span | None = None  # the block or step that is being written out

    def write(self) -> None:
        for name in in_order(self.draft.blocks, self.calls_in, self.break_cycle):
            self.blocks[name] = self.block(name, self.draft.blocks[name])
        self.steps()

    def is_call(self, item: Item) -> bool:
        return item.kind == "apply" and item.value in self.draft.blocks

    # --- blocks, each written out by itself ---

    def calls_in(self, name: str) -> list[str]:
        codes = self.draft.blocks[name].steps.values()
        return [item.value for code in codes if code for item in code.items if self.is_call(item)]

    def break_cycle(self, name: str, way: Iterable[str], used: str) -> None:
        self.circular.add(name)
        self.circle("block-cycle", self.draft.blocks[used].span, way, used)

    def circle(self, code: str, span: Span | None, way: Iterable[str], used: str) -> None:
        if len(self.problems) < MOST_WITH_CARE:
            facts = {"cycle": " → ".join(cycle_of(way, used))}
            self.problems.append(Diagnostic(code, span, facts))

    def block(self, name: str, draft: DraftBlock) -> list[_Piece] | None:
        """The steps of a block, the calls in them written out; None where something is wrong with it."""
        codes = {step: code for step, code in draft.steps.items() if code}
        known = [*(draft.args or ()), *filter(None, codes)]
        if not codes or len(codes) < len(draft.steps) or draft.args is None:
            return None
        if name in self.circular or not self.is_sound(name, draft, codes, known):
            return None
        try:
            return self.pieces(draft, codes, known)
        except _Broken:
            return None

    def pieces(self, draft: DraftBlock, codes: Mapping[str, Code], known: Sequence[str]) -> list[_Piece]:
        scope, output, self.place = _Scope(known), draft.output, draft.span
        found: list[_Piece] = []
        for step, code in codes.items():
            pieces, made = self.written_out(step, _closed(code, scope.known), scope)
            found += pieces
            output = made if step == draft.output else output
        itself = {output: Item("name", "", 0, 0)}
        return [
            piece._replace(
                name="" if piece.name == output else piece.name, code=_renamed(piece.code, itself, "")
            )
            for piece in found
        ]

    def is_sound(
        self, block: str, draft: DraftBlock, codes: Mapping[str, Code], known: Sequence[str]
    ) -> bool:
        """Is all known that the block speaks of? Whether shapes fit is seen where it is called."""
        before = len(self.problems)

        def report(problem: Diagnostic) -> None:
            if problem.code == "unknown-name":
                self.problems.append(self.unknown(problem, block, known))
            elif problem.code != "wrong-arity":  # an arg may be given a number, and be a setting
                self.problems.append(problem)

        def break_cycle(name: str, way: Iterable[str], used: str) -> None:
            self.circle("cycle", draft.step_spans.get(used), way, used)

        ops = dict.fromkeys([*self.draft.ops, *self.draft.blocks])
        for code in codes.values():
            build(code, Graph(), dict.fromkeys(known), report, ops=ops)
        in_order(codes, lambda name: [used for used in codes[name].names() if used in codes], break_cycle)
        return len(self.problems) == before

    def unknown(self, problem: Diagnostic, block: str, known: Sequence[str]) -> Diagnostic:
        names = [*known, *CONSTANTS]
        facts = {**problem.facts, "block": block, "known": ", ".join(names[:40])}
        problem = problem._replace(code="unknown-in-block", facts=facts, help="names-are")
        careful = len(self.problems) < MOST_WITH_CARE
        return problem.suggesting(facts["name"], names) if careful else problem

    # --- the steps of the graph ---

    def steps(self) -> None:
        before, self.draft.steps = self.draft.steps, {}
        scope = _Scope(self.draft.inputs, before)
        for name, code in before.items():
            if code and any(map(self.is_call, code.items)):
                self.step(name, code, scope, before)
            else:
                self.draft.steps[name] = code

    def step(self, name: str, code: Code, scope: _Scope, others: Mapping[str, Code | None]) -> None:
        """The steps that one with calls stands for, itself last."""
        draft, own = self.draft, None
        self.place = draft.step_spans.get(name)
        try:
            pieces, _ = self.written_out(name, code, scope)
        except _Broken:
            pieces = []
        for piece in pieces:
            if piece.call:
                draft.calls[piece.name] = Call(piece.layer, piece.call, piece.span)
            if piece.name == name:
                own = piece.code
            elif piece.name in draft.steps or piece.name in others or piece.name in draft.inputs:
                self.name_taken(piece.name, name)
            else:
                draft.steps[piece.name] = piece.code
                draft.step_spans[piece.name] = piece.span
        draft.steps[name] = own

    def name_taken(self, name: str, step: str) -> None:
        one = self.draft.inputs.get(name)
        span = one.span if one else self.draft.step_spans.get(name)
        self.problems.append(Diagnostic("name-taken", span, {"name": name, "step": step}, "rename"))

    # --- calls ---

    def written_out(self, own: str, code: Code, scope: _Scope) -> tuple[list[_Piece], str]:
        """A step as steps without calls, and the name of that which is the step itself."""
        if self.room < 0:
            raise _Broken
        whole = next(item for item in reversed(code.items) if item.kind != "apply" or item.value)
        if own and self.is_call(whole):
            self.reserve(own, whole.value, scope)
        operands, pieces = _Operands(), list[_Piece]()
        for item in code.items:
            if self.is_call(item):
                layer = own if own and item is whole else scope.free(dotted(own, item.value))
                pieces += self.instance(layer, item, operands.taken(item.argc), code.text, scope)
                item = Item("name", layer, item.start, item.end)
            operands.put(item)
        if self.is_call(whole):
            return pieces, own or operands.items[0].value
        return [*pieces, self.paid(_Piece(own, Code(code.text, tuple(operands.items))))], own

    def reserve(self, own: str, block: str, scope: _Scope) -> None:
        """Names that the call which is the step itself will need are not free for calls in its args."""
        inner = [*(piece.name for piece in self.blocks[block] or ()), *(self.draft.blocks[block].args or ())]
        names = {dotted(own, name) for name in inner}
        scope.taken |= names | groups_of(names)

    def instance(
        self, layer: str, item: Item, args: Sequence[tuple[Item, ...]], text: Text, scope: _Scope
    ) -> Iterator[_Piece]:
        """The steps of one call, under the name `layer`."""
        block = self.blocks[item.value]
        names = self.draft.blocks[item.value].args or ()
        if block is None or not self.fits(item, names, text):
            raise _Broken
        span = text.span(item.start, item.end)
        given: dict[str, Item] = {}
        for name, items in zip(names, args, strict=True):
            simple = _simple(items, scope)
            given[name] = simple or Item("name", dotted(layer, name), 0, 0)
            if simple and simple.kind == "name" and simple.value not in scope.known:
                place = text.span(simple.start, simple.end)
                self.draft.names_given.append((simple.value, place))
            if not simple:
                yield self.paid(_Piece(given[name].value, Code(text, items), span=span))
        call = f"{item.value}({', '.join(shortened(_text(items, text)) for items in args)})"
        for piece in block:
            yield self.paid(
                _Piece(
                    dotted(layer, piece.name),
                    _renamed(piece.code, given, layer),
                    dotted(layer, piece.layer),
                    piece.call or call,
                    span,
                )
            )

    def fits(self, item: Item, names: Sequence[str], text: Text) -> bool:
        """Has the call as many args as the block, and no settings?"""
        call = f"{item.value}({', '.join(names)})"
        for setting, (_, start, end) in item.settings.items():
            facts = {"op": item.value, "setting": setting, "call": call}
            self.problems.append(Diagnostic("unknown-setting", text.span(start, end), facts, "call-form"))
        if item.argc != len(names):
            facts = {"op": item.value, "wanted": len(names), "found": item.argc, "call": call}
            self.problems.append(
                Diagnostic("wrong-arity", text.span(item.start, item.end), facts, "call-form")
            )
        return item.argc == len(names) and not item.settings

    def paid(self, piece: _Piece) -> _Piece:
        """The piece, if there is room for it: a few blocks that call each other twice would fill any."""
        self.room -= len(piece.name) + sum(_length(item) for item in piece.code.items)
        if self.room < 0:
            self.problems.append(Diagnostic("blocks-too-large", self.place, {"most": LARGEST}))
            raise _Broken
        if piece.name.count(".") > MOST_DOTS:
            self.problems.append(Diagnostic("blocks-too-deep", self.place, {"most": MOST_DOTS}))
            raise _Broken
        return piece


def _length(item: Item) -> int:
    if isinstance(item.value, list):
        return int(np.array(item.value, dtype=object).size)
    return 1 + (len(item.value) if isinstance(item.value, str) else 0)


def _simple(items: Sequence[Item], scope: _Scope) -> Item | None:
    """The name or number that an arg is; None where it is more, or a name that is not there."""
    core = [item for item in items if item.kind != "apply" or item.value]
    item = core[0]
    if len(core) > 1 or item.kind == "apply":
        return None
    if item.kind == "literal" or item.value in scope.known:
        return item
    if item.value in CONSTANTS:
        return _as_number(item)
    return item if "." in item.value else None  # whether it is there is seen when all is written out


def _as_number(item: Item) -> Item:
    return item._replace(kind="literal", value=CONSTANTS[item.value])


def _text(items: Sequence[Item], text: Text) -> str:
    return text.content[min(item.start for item in items) : max(item.end for item in items)]


def _closed(code: Code, known: Container[str]) -> Code:
    """The code of a block with pi and e as numbers: outside the names may mean something else."""
    return Code(
        code.text,
        tuple(
            _as_number(item) if item.kind == "name" and item.value not in known else item
            for item in code.items
        ),
    )


def _renamed(code: Code, given: Mapping[str, Item], layer: str) -> Code:
    """The code with what its args are given in their place, and all other names in `layer`."""

    def renamed(item: Item) -> Item:
        if item.kind != "name":
            return item
        if item.value in given:
            return given[item.value]._replace(start=item.start, end=item.end)
        return item._replace(value=dotted(layer, item.value))

    return Code(code.text, tuple(map(renamed, code.items)))
