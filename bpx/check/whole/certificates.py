"""Certificates: proved enclosures of the entries of a gradient, from the forward program alone.

The program runs on balls (`bpx.check.balls.balls`): once with all entries moving, each by its own slope, of a
small graph those of all inputs; once for each entry where entries take different ways, or more bits are
needed. Only entries that no declared kink bears on are looked at: at a kink the slope along one coordinate
says too little of a gradient. What a comparison cannot decide, or has no derivative, is left to other
sources.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from functools import cached_property, partial
from itertools import accumulate, groupby
from typing import Any

import numpy as np

from bpx.check.balls import ball_context
from bpx.check.balls.ball_context import flint
from bpx.check.balls.balls import Ball, lifted
from bpx.check.balls.enclosures import (
    NO_PROOF,
    Enclosure,
    enclosed_derivative,
    floats_of,
    narrow_enclosures,
)
from bpx.check.numeric.tolerances import (
    BALL_BITS,
    BITS_BELOW_PYTHON,
    CANCELLED,
    CLAIM_NOISE_MARGIN,
    CLAIM_ROUNDINGS,
    EPSILON,
    EXACTLY_KNOWN,
    FLOAT_CONSTANT_ROUNDING,
    MOST_BALL_OPERATIONS,
    MOST_STILL_OPERATIONS,
    RIGHT_FORMULA,
    SAFETY_FACTOR,
    SLACK,
)
from bpx.check.report.entry import Verdict
from bpx.check.report.evidence import Evidence
from bpx.check.report.verdict import Judgement, verdict
from bpx.check.whole.checked_graph import CheckedGraph
from bpx.check.whole.evaluation import Claimed, Evaluation
from bpx.check.whole.graph_function import terms
from bpx.graph.arrays import Array, Indices
from bpx.graph.run import run


def certify(evaluations: Iterable[Evaluation]) -> None:
    """Add the enclosures of gradients' entries: of all where that is cheap, else of those left open."""
    asked = [(evaluation, program) for evaluation in evaluations for program in _programs(evaluation)]
    prepare([program for _, program in asked if program.together is None and program.runs_at_once])
    for evaluation, program in asked:
        _certify(evaluation, program)


def _programs(evaluation: Evaluation) -> Iterator[BallProgram]:
    """The program of the entries to look at; none where there are none, or it takes too long."""
    entries = _candidates(evaluation).tolist()
    if entries:
        together = _with_all_moving(evaluation.checked) if evaluation.is_input else None
        program = BallProgram(evaluation.checked, evaluation.node, entries, together)
        if together is not None or (
            program.cost <= MOST_BALL_OPERATIONS and program.still_cost <= MOST_STILL_OPERATIONS
        ):
            yield program


def _certify(evaluation: Evaluation, program: BallProgram) -> None:
    budget = _Budget(MOST_BALL_OPERATIONS)
    enclosures = {}
    for entry in program.entries:
        enclosure = enclosed_derivative(partial(program.output, entry), partial(budget.charge, program.cost))
        if enclosure and np.isfinite(enclosure.floats).all():
            enclosures[entry] = enclosure
    before = evaluation.evidence.part(np.array(list(enclosures), dtype=np.intp))
    _add(evaluation, enclosures)
    _judge_formula(evaluation, enclosures, before)


def _candidates(evaluation: Evaluation) -> Indices:
    """The entries to look at: finite claims that no kink bears on."""
    checked = evaluation.checked
    possible = checked.is_smooth(evaluation.node) & np.isfinite(evaluation.claimed.value)
    if checked.is_large_for_balls:
        possible &= (evaluation.verdicts != Verdict.AGREE).reshape(possible.shape)
    return np.flatnonzero(possible)


class _Budget:
    """Operations that are left to spend."""

    def __init__(self, operations: int) -> None:
        self.left = operations

    def charge(self, cost: int, bits: int) -> bool:
        """Pay for a run, as long as there is something left."""
        self.left -= cost * (1 + bits // BITS_BELOW_PYTHON)
        return self.left >= 0


class BallProgram:
    """The weighted output of a graph on balls, as a function of some entries of one node."""

    def __init__(
        self, checked: CheckedGraph, node: int, entries: Sequence[int], together: Ball | None = None
    ) -> None:
        self.checked, self.node, self.entries = checked, node, entries
        self._values: dict[int, dict[int, Any]] = {}  # by bits
        self.together = together  # the output with its slopes by (node, entry), in the fewest bits

    @cached_property
    def still(self) -> list[int]:
        """What the output needs and does not depend on the node, and the node."""
        graph, output = self.checked.graph, self.checked.query.output
        after = graph.touched(by=[self.node], upto=max(output, self.node))
        return [other for other in graph.needs(of=[output]) if not after[other]] + [self.node]

    @property
    def cost(self) -> int:
        """Operations of one run."""
        return self.checked.operations_after(self.node)

    @property
    def still_cost(self) -> int:
        """Operations that every run has in common."""
        return sum(terms(self.checked.graph, other) for other in self.still)

    @property
    def operations(self) -> int:
        """Operations of a run in which all entries move, each by its own slope."""
        return self.cost * len(self.entries)

    @property
    def runs_at_once(self) -> bool:
        """May all entries move in one run?"""
        return self.operations <= MOST_BALL_OPERATIONS

    def prepare(self) -> None:
        """Run once with all entries moving, where that gives what runs with each of them alone would give."""
        with ball_context.precision(BALL_BITS[0]), suppress(*NO_PROOF):
            output = self._output(self.moved(self.values()[self.node]))
            self.together = output if output.isfinite() else None

    def moved(self, at: Any) -> Any:
        """The values of the node with the entries moving."""
        moved = at.copy()
        for entry in self.entries:
            moved.reshape(-1)[entry] = at.flat[entry].moving((self.node, entry))
        return moved

    def output(self, entry: int, moves: bool) -> Ball:
        """The output; with its slope by an entry, where that moves."""
        if moves and self.together is not None and ball_context.bits() == BALL_BITS[0]:
            slopes = self.together.slope
            return Ball(self.together.value, slopes and slopes.by.get((self.node, entry)))
        at = self.values()[self.node].copy()
        if moves:
            at.reshape(-1)[entry] = at.flat[entry].moving()
        return self._output(at)

    def _output(self, at: Any) -> Ball:
        """The output where the node has these values."""
        return _weighted_output(self.checked, {**self.values(), self.node: at})

    def values(self) -> dict[int, Any]:
        """All nodes that do not depend on the entries, and these, in as many bits as are set."""
        bits = ball_context.bits()
        if bits not in self._values:
            values = run(self.checked.graph, lifted_inputs(self.checked), self.still)
            self._values[bits] = {node: values[node] for node in self.still}
        return self._values[bits]


def prepare(programs: Sequence[BallProgram]) -> None:
    """Prepare programs of one graph, many in one run: run by run, each would follow the graph anew."""
    numbers = [total // MOST_STILL_OPERATIONS for total in accumulate(one.operations for one in programs)]
    for _, group in groupby(zip(numbers, programs, strict=True), lambda pair: pair[0]):
        some = [program for _, program in group]
        together = _with_several_moving(some) if len(some) > 1 else None
        for program in some:
            program.together = together
            if together is None:
                program.prepare()


def _with_several_moving(programs: Sequence[BallProgram]) -> Ball | None:
    """The output with its slopes by the entries of inner nodes too, which move on their own besides."""
    checked = programs[0].checked
    with ball_context.precision(BALL_BITS[0]), suppress(*NO_PROOF):
        known = lifted_inputs(checked)
        for program in sorted(programs, key=lambda program: program.node):
            known |= run(checked.graph, known, [program.node])
            known[program.node] = program.moved(known[program.node])
        output = _weighted_output(checked, known)
        return output if output.isfinite() else None
    return None


def _with_all_moving(checked: CheckedGraph) -> Ball | None:
    """The output with its slopes by the smooth entries of all inputs asked for; None if it takes more runs.

    One run for a small graph, in place of one for each of its inputs.
    """
    if checked.is_large_for_balls:
        return None
    if BALL_BITS[0] not in checked.on_balls:
        checked.on_balls[BALL_BITS[0]] = None
        if checked.operations_of(checked.forward) <= MOST_STILL_OPERATIONS:
            with ball_context.precision(BALL_BITS[0]), suppress(*NO_PROOF):
                output = _weighted_output(checked, _moving_inputs(checked))
                checked.on_balls[BALL_BITS[0]] = output if output.isfinite() else None
    together: Ball | None = checked.on_balls[BALL_BITS[0]]
    return together


def _moving_inputs(checked: CheckedGraph) -> dict[int, Any]:
    inputs = lifted_inputs(checked)
    for node in inputs.keys() & set(checked.query.wrt.values()):
        at = inputs[node].reshape(-1)
        for entry in np.flatnonzero(checked.is_smooth(node)).tolist():
            at[entry] = at[entry].moving((node, entry))
    return inputs


def _weighted_output(checked: CheckedGraph, values: Mapping[int, Any]) -> Ball:
    """The output, weighted, where these nodes have these values."""
    output = checked.query.output
    total: Ball = Ball(0) + np.sum(checked.query.seed * run(checked.graph, values, [output])[output])
    return total


def lifted_inputs(checked: CheckedGraph) -> dict[int, Any]:
    """The inputs as balls."""
    return {node: lifted(value) for node, value in checked.input_values.items()}


def _add(evaluation: Evaluation, enclosures: dict[int, Enclosure]) -> None:
    """The enclosures as evidence.

    The error bar is that of the middle, rounded to a float; or what float64 leaves open on the way there, as
    long as that is next to nothing: so far a claim may differ from processor to processor.
    """
    flat = np.array(list(enclosures), dtype=np.intp)
    low, high = np.array([one.floats for one in enclosures.values()]).reshape(-1, 2).T
    swept, terms = (
        evaluation.part(field, flat) for field in (evaluation.reference.error, evaluation.term_magnitudes)
    )
    value, error = _middle(low, high, swept, terms, evaluation.checked.query.detect)
    noise = 0.0 if evaluation.claimed.formula is not None else _noise(evaluation, flat, value)
    evaluation.evidence.replace(
        flat, value, error, certified=True, lowest=low, highest=high, claim_noise=noise
    )


def _middle(low: Array, high: Array, swept: Array, terms: Array, detect: float) -> tuple[Array, Array]:
    """The middles of enclosures with their error bars; `swept` are the errors of the reverse sweep."""
    value = low + (high - low) / 2
    rounding = np.fmax(swept, CLAIM_ROUNDINGS * EPSILON * terms)
    most = min(EXACTLY_KNOWN, SLACK * detect / SAFETY_FACTOR) * np.abs(value)
    return value, np.fmax(EPSILON * np.abs(value) + (high - low), np.fmin(rounding, most))


def _noise(evaluation: Evaluation, flat: Indices, value: Any) -> Any:
    """How far rounding may have moved bare numbers.

    A number that is proved wrong is wrong. Not held against it are one rounding of each term, which any
    formula in float64 makes; what bpx's own rules give there too; and what rounding leaves of nothing.
    """
    claimed = evaluation.part(evaluation.claimed.value, flat)
    own = evaluation.part(evaluation.checked.claimed_gradient(evaluation.node), flat)
    terms = EPSILON * evaluation.part(evaluation.term_magnitudes, flat)
    same = np.abs(claimed - own) <= SLACK * evaluation.checked.query.detect * np.abs(own)
    nothing = np.maximum(np.abs(claimed), np.abs(value)) <= terms
    one_rounding = terms / 2 / CLAIM_NOISE_MARGIN  # the verdict allows for so many times this
    own_noise = np.where(same, np.abs(own - value), 0.0)
    return np.maximum(np.maximum(own_noise, one_rounding), np.where(nothing, terms, 0.0))


# --- all gradients at once -----------------------------------------------------------------------


def proved_at_once(checked: CheckedGraph, claims: Mapping[str, tuple[int, Claimed]]) -> list[Evaluation]:
    """All gradients claimed, by name, where one run on balls proves every entry right; else none.

    So it is for nearly every small graph off kinks. All entries stand in one row, with one verdict, which
    takes as long as that on any one of them; what is known of each is what `certify` would add.
    """
    plain = all(_is_plain(checked, node, claimed) for node, claimed in claims.values())
    if not claims or not plain or checked.query.first is not None or checked.kinks:
        return []
    together = _with_all_moving(checked)
    if together is None:
        return []
    evaluations = [Evaluation(checked, name, node, claimed) for name, (node, claimed) in claims.items()]
    ends = _ends(together, [(part.node, entry) for part in evaluations for entry in range(part.size)])
    if ends is None:
        return []
    claimed, reference, swept, terms, tolerance = (
        np.concatenate([np.ravel(field) for field in fields])
        for fields in zip(*map(_fields, evaluations), strict=True)
    )
    if not np.isfinite([*ends, claimed, reference]).all():
        return []
    low, high = ends
    value, error = _middle(low, high, swept, terms, checked.query.detect)
    evidence = Evidence.of(value, error, tolerance=tolerance, certified=True, lowest=low, highest=high)
    judgement = verdict(claimed, evidence, checked.query.detect)
    if not (judgement.verdicts == Verdict.AGREE).all() or judgement.codes.any():
        return []
    start = 0
    for part in evaluations:
        own = slice(start, start := start + part.size)
        part.settle(evidence.part(own), Judgement._make(field[own] for field in judgement))
    return evaluations


def _ends(together: Ball, coordinates: Sequence[tuple[int, int]]) -> Array | None:
    """The lower and the upper ends of the slopes (2, coordinates); None where some are too wide."""
    slopes = {} if together.slope is None else together.slope.by
    still = flint().arb(0)
    enclosures = narrow_enclosures(slopes.get(coordinate, still) for coordinate in coordinates)
    if len(enclosures) < len(coordinates):
        return None
    return np.array(floats_of(enclosures, BALL_BITS[0])).reshape(-1, 2).T


def _is_plain(checked: CheckedGraph, node: int, claimed: Claimed) -> bool:
    """Is it a formula for the gradient by an input?"""
    return node in checked.input_values and (claimed.is_rule or claimed.formula is not None)


def _fields(evaluation: Evaluation) -> tuple[Any, ...]:
    """What is claimed, the reference, its error, the terms and how far off the last digit lets it be."""
    value, error, _ = evaluation.reference
    terms, tolerance = evaluation.term_magnitudes, evaluation.evidence.tolerance
    return evaluation.claimed.value, value, error, terms, tolerance


# --- formulas ------------------------------------------------------------------------------------


def _judge_formula(evaluation: Evaluation, enclosures: dict[int, Enclosure], before: Evidence) -> None:
    """Where the number that a formula gives is off, the formula on balls: float64 may have lost its digits.

    What no bits decide keeps the evidence that there was before.
    """
    if evaluation.claimed.formula is None:
        return
    values: dict[int, Any] = {}  # by bits
    off = evaluation.verdicts != Verdict.AGREE
    for position, (entry, enclosure) in enumerate(enclosures.items()):
        if off[entry]:
            right = _formula_is_right(evaluation, entry, enclosure, values)
            if right is None:
                evaluation.evidence.restore(entry, before.part(position))
            elif right:
                evaluation.evidence.put(entry, formula_gap=0.0)


def _formula_is_right(
    evaluation: Evaluation, entry: int, enclosure: Enclosure, values: dict[int, Any]
) -> bool | None:
    """Is the claimed formula on balls what is enclosed? None where no bits decide."""
    size = float(evaluation.part(evaluation.term_magnitudes, np.array([entry]))[0])
    relative = min(RIGHT_FORMULA, SLACK * evaluation.checked.query.detect)
    of_terms = (FLOAT_CONSTANT_ROUNDING if evaluation.claimed.is_rule else CANCELLED) * size
    for bits in BALL_BITS:
        with ball_context.precision(bits):
            if bits not in values:
                values[bits] = evaluation.formula_on(lifted_inputs(evaluation.checked))
            if values[bits] is None:
                continue
            gap = abs(values[bits].flat[entry].value - enclosure.slope)
            room = relative * abs(enclosure.slope) + of_terms
            if gap <= room or gap > room:
                return bool(gap <= room)
    return None
