"""`Passes` → `Picture`: constants become part of their op, and sums without a name part of the sum above."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bpx.explain.picture.layers import Groups, groups_of
from bpx.explain.picture.numbers_shown import MOST_COLUMNS, in_one_line, lines_of
from bpx.explain.picture.signs import short_number, sign_of
from bpx.explain.query.passes import EdgeRow, NodeRow, Passes
from bpx.graph.graph import INPUT
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.names import group_of
from bpx.graph.named.names import groups_of as groups_of_names
from bpx.graph.numbers import SHOWN_DIGITS, shape_text
from bpx.passes.query import output_asked
from bpx.render.blocks import title_line
from bpx.render.picture.choices import Pass, Style
from bpx.render.picture.layout import refuse_many_cards
from bpx.render.picture.picture import Card, Edge, Frame, Kind, Mark, Picture
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import say, visible

MOST_IN_CIRCUIT = 25  # cards; with more, numbers on the edges cover each other in any layout
_LONGEST_HEAD, _LONGEST_FORMULA = 36, 400  # characters
_KINDS = {
    "data": Kind.INPUT,
    "parameter": Kind.PARAMETER,
    "target": Kind.TARGET,
    "constant": Kind.CONSTANT,
}


@dataclass(frozen=True)
class PictureOptions:
    """Which numbers are shown, where, and in how many digits; what a check marked, by the names of nodes."""

    shown_pass: Pass = Pass.BOTH
    style: Style = Style.CARDS
    digits: int = SHOWN_DIGITS
    marks: Mapping[str, Mark] = field(default_factory=dict)


def picture_of(passes: Passes, options: PictureOptions | None = None) -> Picture:
    """The picture. Raises `BpxError` where there are too many nodes for a circuit."""
    return _Drawing(passes, options or PictureOptions()).picture()


def refuse_large_circuit(spec: NamedGraph, of: str | None) -> None:
    """Before any pass: there are too many cards for a circuit in any case. Raises `BpxError`."""
    _refuse_circuit(_least_cards(spec, of))


def refuse_large_layout(spec: NamedGraph, of: str | None) -> None:
    """Before any pass: there are too many cards to be laid out in any case. Raises `BpxError`."""
    refuse_many_cards(_least_cards(spec, of))


def _least_cards(spec: NamedGraph, of: str | None) -> int:
    """The steps of no layer, each a card of its own; without layers inputs too, which they would gather."""
    names, graph = spec.own_names, spec.graph
    layers = groups_of_names([*names.values(), *spec.inner_names.values()]) | {*spec.layers}
    needed = graph.needs(of=[output_asked(spec, of)])
    cards = (node for node in needed if node in names and (graph.args[node] or graph.ops[node] is INPUT))
    return sum(not (group_of(names[node], layers) if graph.args[node] else layers) for node in cards)


def _refuse_circuit(count: int) -> None:
    if count > MOST_IN_CIRCUIT:
        facts = {"count": count, "most": MOST_IN_CIRCUIT}
        raise BpxError([Diagnostic("circuit-too-large", None, facts, "draw-cards")])


class _Drawing:
    """The rows of an explanation, and the card that each of them is drawn on."""

    def __init__(self, passes: Passes, options: PictureOptions) -> None:
        self.passes, self.options = passes, options
        self.rows = {row.id: row for row in passes.nodes}
        shown = {row.id for row in passes.shown_nodes}
        args = {arg for node in shown for arg in self.rows[node].args}
        self.shown = [node for node in self.rows if node in args or node in shown]
        self.constants = {
            node: self.rows[node]
            for node in self.shown
            if self.rows[node].op == "constant" and not self.rows[node].shape and node != passes.output
        }
        self.names = {row.id: row.name for row in self.rows.values() if row.is_named}
        self.is_named = passes.whole is not None  # are these the rows of named nodes alone?

    @cached_property
    def consumers(self) -> dict[int, list[int]]:
        """Node id → the nodes that take it as an arg, once for each arg."""
        consumers: dict[int, list[int]] = {node: [] for node in self.shown}
        for node in self.shown:
            for arg in self.rows[node].args:
                if arg in consumers:
                    consumers[arg].append(node)
        return consumers

    @cached_property
    def sums(self) -> dict[int, int]:
        """Sums that nobody named → the sum that takes them, the outermost one."""
        outer: dict[int, int] = {}
        for node in reversed(self.shown):
            consumers = self.consumers[node]
            if self._is_inner_sum(node) and len(consumers) == 1 and self.rows[consumers[0]].op == "add":
                outer[node] = outer.get(consumers[0], consumers[0])
        return outer

    def _is_inner_sum(self, node: int) -> bool:
        return self.rows[node].op == "add" and node not in self.names and node != self.passes.output

    @cached_property
    def groups(self) -> Groups:
        """The nodes that are drawn as one card, by its id."""
        drawn = [node for node in self.shown if node not in self.constants]
        return groups_of(drawn, self.rows, self.sums, self.passes.output)

    def picture(self) -> Picture:
        """All of it."""
        if self.options.style is Style.CIRCUIT:
            _refuse_circuit(len(self.groups.members))
        cards = tuple(self._card(card, nodes) for card, nodes in self.groups.members.items())
        output = self.rows[self.passes.output]
        title = title_line(self.passes.title) or visible(str(output.name))
        return Picture(
            title,
            self._description(len(cards), output),
            cards,
            tuple(self._edges()),
            self._frames(cards),
            self.options.shown_pass,
            self.options.style,
        )

    def _description(self, count: int, output: NodeRow) -> str:
        value = " ".join(lines_of(output.value, self.options.digits))
        return say("picture.description", count=count, output=visible(output.name), value=value)

    def _card(self, card: int, nodes: list[int]) -> Card:
        row = self.rows[card]
        layer = self.groups.closed.get(card)
        role = _KINDS.get(row.role or ("constant" if row.op == "constant" else ""))
        inputs = ", ".join(self.rows[node].name for node in nodes) if role else ""
        has_numbers = self._numbers_inside(card) and not (role and len(nodes) > 1)
        return Card(
            card,
            _cut(layer or (inputs if len(nodes) > 1 else "") or self.names.get(card, ""), _LONGEST_HEAD),
            say("picture.nodes", count=len(nodes)) if layer else self._sign(card, nodes),
            Kind.LAYER if layer else role or (Kind.OUTPUT if card == self.passes.output else Kind.OP),
            shape_text(row.shape) if row.shape and has_numbers else "",
            self._value(row) if has_numbers else (),
            self._gradient(row) if has_numbers else (),
            _cut(inputs or f"{row.name} = {row.formula}", _LONGEST_FORMULA),
            "" if layer else row.layer,
            row.line,
            self._mark(nodes),
            tuple(nodes),
        )

    def _sign(self, card: int, nodes: list[int]) -> str:
        row = self.rows[card]
        if row.role or row.op == "constant":
            return ""
        if self.is_named and len(nodes) == 1:
            return _cut(str(row.formula), _LONGEST_HEAD)
        if len(nodes) == 1:
            return _cut(sign_of(row, self.constants, self.names), _LONGEST_HEAD)
        if any(self.rows[node].op != "add" for node in nodes):
            return say("picture.nodes", count=len(nodes))
        added = [arg for node in nodes for arg in self.rows[node].args if arg in self.constants]
        return _cut(" ".join(["+", *(short_number(self.rows[arg]) for arg in added)]), _LONGEST_HEAD)

    def _numbers_inside(self, card: int) -> bool:
        return self.options.style is Style.CARDS or not self.consumers[card]

    def _value(self, row: NodeRow) -> tuple[str, ...]:
        return () if self.options.shown_pass is Pass.BACKWARD else lines_of(row.value, self.options.digits)

    def _gradient(self, row: NodeRow) -> tuple[str, ...]:
        return () if self.options.shown_pass is Pass.FORWARD else lines_of(row.upstream, self.options.digits)

    def _mark(self, nodes: Collection[int]) -> Mark | None:
        marks = {self.options.marks.get(self.rows[node].name) for node in nodes}
        return next((mark for mark in Mark if mark in marks), None)

    def _frames(self, cards: tuple[Card, ...]) -> tuple[Frame, ...]:
        inside: dict[str, list[int]] = {}
        for card in cards:
            if card.frame:
                inside.setdefault(card.frame, []).append(card.id)
        return tuple(Frame(name, tuple(members)) for name, members in inside.items())

    # --- edges ---

    @cached_property
    def contributions(self) -> dict[tuple[int, int], list[EdgeRow]]:
        """(arg, the card of the consumer) → the edges of the reverse pass between the two."""
        edges: dict[tuple[int, int], list[EdgeRow]] = {}
        for edge in self.passes.edges:
            if edge.consumer in self.groups.card_of:
                edges.setdefault((edge.arg, self.groups.card_of[edge.consumer]), []).append(edge)
        return edges

    def _edges(self) -> Iterator[Edge]:
        """One edge between two cards, however many args it stands for."""
        several = Counter(edge.arg for edge in self.passes.edges)
        pairs: dict[tuple[int, int], list[int]] = {}
        for node in self.groups.card_of:
            for arg in self.rows[node].args:
                source, target = self.groups.card_of.get(arg), self.groups.card_of[node]
                if source is not None and source != target:
                    args = pairs.setdefault((source, target), [])
                    if arg not in args:
                        args.append(arg)
        for (source, target), args in pairs.items():
            label = self._contribution(args[0], target, several) if len(args) == 1 else ""
            local = self._local(args[0], target) if len(args) == 1 else ""
            value = self._value_of_edge(source)
            yield Edge(source, target, label, value, self._mark_of_edge(source, target), local)

    def _contribution(self, arg: int, target: int, several: Mapping[int, int]) -> str:
        rows = self.contributions.get((arg, target), [])
        circuit = self.options.style is Style.CIRCUIT
        if self.options.shown_pass is Pass.FORWARD or not rows or (several[arg] < 2 and not circuit):
            return ""
        if target in self.groups.closed and len(rows) > 1:  # where each of them ends is not to be seen
            return ""
        texts = [in_one_line(row.contribution, self.options.digits) for row in rows]
        # Of many the sum alone would be a number that no table has, and their list too long.
        return " + ".join(texts) if len(texts) <= 3 else f"{' + '.join(texts[:2])} + …"

    def _local(self, arg: int, target: int) -> str:
        """The local derivative between named nodes, where it is one number or a short vector."""
        rows = self.contributions.get((arg, target), [])
        if self.options.shown_pass is Pass.FORWARD or not self.is_named or len(rows) != 1:
            return ""
        local = rows[0].local
        if local is None or local.ndim > 1 or local.size > MOST_COLUMNS:
            return ""
        return f"× {in_one_line(local, self.options.digits)}"

    def _value_of_edge(self, source: int) -> str:
        if self.options.style is Style.CARDS or self.options.shown_pass is Pass.BACKWARD:
            return ""
        return in_one_line(self.rows[source].value, self.options.digits)

    def _mark_of_edge(self, source: int, target: int) -> Mark | None:
        wrong = (Mark.CULPRIT, Mark.WRONG, Mark.INHERITS)
        ends = [self._mark(self.groups.members[card]) for card in (source, target)]
        return Mark.INHERITS if all(mark in wrong for mark in ends) else None


def _cut(text: str, most: int) -> str:
    """A text in one line, without characters that a terminal or a browser would obey."""
    line = visible(" ".join(text.split()))
    return line if len(line) <= most else f"{line[: most - 1]}…"
