"""The check of a function nobody can look into, against the gradient that its author claims.

There are no guards here: kinks, jumps, stairs of rounding, chance and everything else are found in the
values alone. Every row (see `bpx.check.function.black_box_rows`) is derived by every coordinate: few of
them one by one, of many most together (`bpx.check.function.black_box_together`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import closing
from copy import copy
from typing import Any, NamedTuple

import numpy as np

from bpx.check.function.black_box_advice import advice
from bpx.check.function.black_box_blame import blamed_inputs
from bpx.check.function.black_box_evaluation import BlackBoxEvaluation
from bpx.check.function.black_box_kinks import BlackBoxKinks
from bpx.check.function.black_box_multiprecision import BlackBoxMultiprecision
from bpx.check.function.black_box_rows import BlackBoxRows, coordinate
from bpx.check.function.black_box_slopes import BlackBoxOutputs, BlackBoxSlopes
from bpx.check.function.black_box_steadiness import find_scatter, find_unsteady_claims
from bpx.check.function.black_box_together import BlackBoxTogether
from bpx.check.function.caller import Caller
from bpx.check.function.native_code import calls_native_code
from bpx.check.ladders.why import Source, Why
from bpx.check.numeric.tolerances import (
    CALLS_EACH,
    DETECT,
    DIRECTIONS,
    GOLDEN_RATIO,
    HIDDEN_CHANCE,
    MOST_CALLS,
    MOST_LOOKS,
    ONE_BY_ONE,
    SAFETY_FACTOR,
    SHARE_LOCATING,
    SHARE_TOGETHER,
    SLACK,
    TOGETHER,
)
from bpx.check.patterns.twins import twin_of
from bpx.check.report.entry import Entry
from bpx.check.report.evidence import Evidence, Obstacle
from bpx.check.report.gradient_table import GradientTable, entry_named
from bpx.check.report.options import (
    bad_options,
    is_number,
    is_whole,
    unknown_options,
    wrong_options,
)
from bpx.check.report.reasons import table
from bpx.check.report.report import Report
from bpx.graph.arrays import Indices
from bpx.graph.numbers import index_text, number
from bpx.words.arguments import refuse_wrong_types
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.guards.faults import helped
from bpx.words.say import say


class FunctionOptions(NamedTuple):
    """What may be asked of the check of a function.

    `detect` is the smallest relative error that must be seen, `seed` that of the random upstream gradients
    and directions. `calls` of forward in float64 are made at most, roughly; `seconds`, where given, ends
    the check earlier, with a verdict that then depends on the machine. `exact` lets many digits have a
    look, for which forward and backward are called with arrays of objects. An `executor` runs the calls of
    forward near the point; the report is the same for any number of its workers. `why` names an entry to be
    explained step by step. `progress` is told the number of calls so far; `announce` once, before most of
    them, how many seconds a call takes and how many there will be, roughly.
    """

    detect: float = DETECT
    seed: int = 0
    calls: int = MOST_CALLS
    seconds: float | None = None
    exact: bool = True
    executor: Executor | None = None
    why: str | None = None
    progress: Callable[[int], None] | None = None
    announce: Callable[[float, int], None] | None = None

    @classmethod
    def of(cls, options: dict[str, Any]) -> FunctionOptions:
        """The options of these names. Raises `BpxError` for unknown ones and for values that mean nothing."""
        problems = unknown_options(options, cls._fields)
        if problems:
            raise BpxError(problems)
        refuse_wrong_types(cls, options)
        made = cls(**options)
        problems = bad_options(1, made.seed, 1, made.detect) + wrong_options(
            calls=(made.calls, is_whole(made.calls, 1)),
            seconds=(made.seconds, made.seconds is None or (is_number(made.seconds) and made.seconds > 0)),
            exact=(made.exact, isinstance(made.exact, bool)),
        )
        if problems:
            raise BpxError(problems)
        return made


def check_function(
    forward: Callable[..., Any],
    inputs: Sequence[Any],
    backward: Callable[..., Any] | None = None,
    names: Sequence[str] | None = None,
    **options: Any,
) -> Report:
    """Check `backward` against differences of `forward`.

    `forward(*inputs)` returns an array or a number; `backward(g, *inputs)` the gradient of the sum of
    g times that: one for each input and of its shape, None where nothing is claimed; that of a single
    input may stand bare. `g` has the output's shape. For the options see `FunctionOptions`. Raises
    `BpxError` for arguments that do not fit and where a function raises.
    """
    chosen = FunctionOptions.of(options)
    caller = Caller(forward, backward, inputs, names, chosen.executor, chosen.progress)
    with closing(caller):
        return _checked(caller, chosen, getattr(forward, "__name__", ""))


def _checked(caller: Caller, chosen: FunctionOptions, python_name: str) -> Report:
    check = BlackBoxCheck(caller, chosen)
    check.run()
    name = python_name if python_name.isidentifier() else "output"
    tables = check.tables()
    blame, faults = helped(lambda: blamed_inputs(check.rows, check.evaluation, name), ())
    notes = (
        *caller.notes,
        *caller.lost_notes(),
        *check.rows.notes,
        *check.rows.unclaimed_notes(),
        *advice(check.rows, check.evaluation, tables),
        *faults,
    )
    why = None if chosen.why is None else check.why(entry_named(tables, name, chosen.why), name)
    return Report(None, name, tables, blame=blame, notes=notes, detect=chosen.detect, why=why, twins=twin_of)


class BlackBoxCheck:
    """One check, step by step."""

    def __init__(self, caller: Caller, options: FunctionOptions) -> None:
        self.options, self.rng = options, np.random.default_rng(options.seed)
        self.rows = BlackBoxRows(caller, self.rng)
        self.evaluation = BlackBoxEvaluation(self.rows.claims(), options.detect)
        self._refuse_nothing()
        self.slopes = BlackBoxSlopes(self.rows, self.evaluation, self.rng)
        self.outputs = BlackBoxOutputs(self.slopes, int(SHARE_LOCATING * options.calls))

    def _refuse_nothing(self) -> None:
        """Claims of nothing at all are a forgotten `return`, or inputs that have no gradient."""
        if not len(self.rows.x) or self.rows.unclaimed == set(self.rows.caller.varied):
            names = say("word.and").join(f"`{name}`" for name in self.rows.caller.names)
            raise BpxError([Diagnostic("nothing-claimed", None, {"names": names}, "return-gradients")])

    def run(self) -> None:
        """Look at everything there is to look at."""
        evidence = self.evaluation.evidence
        if not np.isfinite(self.rows.output).all():
            evidence.obstacle = Obstacle.OUTPUT_NOT_FINITE
            return
        unsteady = find_unsteady_claims(self.rows, self.evaluation)
        self.slopes.steady = not unsteady
        self._differences()
        find_scatter(self.rows, self.slopes)
        if self.rows.caller.unsteady_at is None and not unsteady:
            for weights in (self.rows.mixture, -self.rows.mixture) if self.rows.one_hot else ():
                self.evaluation.add_mixture(weights, self.rows.claim(weights))
            if not self._look_in_many_digits():
                self.slopes.doubt_zeros(self.options.calls)
            self.slopes.refine(self.options.calls)
            self._add_mixed_slopes()
            BlackBoxKinks(self.rows, self.evaluation, self.rng).look()
            if self.evaluation.wrong.any():  # nobody is called wrong by chance
                unsteady = find_unsteady_claims(self.rows, self.evaluation)
        if unsteady:  # what they say of mixtures is as uncertain
            self.evaluation.mixtures.clear()
        for input, obstacle in unsteady.items() if self.rows.caller.unsteady_at is None else ():
            own = np.flatnonzero(self.rows.owners == input)
            evidence.put(self.evaluation.all_rows(own), obstacle=obstacle)
        if self.rows.caller.unsteady_at is None and not unsteady:
            self.outputs.look()
        for input in self.rows.caller.varied:
            self.evaluation.add_array_scale(np.flatnonzero(self.rows.owners == input))

    def tables(self) -> tuple[GradientTable, ...]:
        """For every input of which something is claimed, the worst of all rows for each of its entries."""
        inputs = [i for i in self.rows.caller.varied if i not in self.rows.unclaimed]
        return tuple(self._table(i) for i in inputs)

    def _table(self, input: int) -> GradientTable:
        name, shape = self.rows.caller.names[input], self.rows.caller.values[input].shape
        if input not in self.rows.misshapen:
            own = np.flatnonzero(self.rows.owners == input)
            worst = self.evaluation.table(name, shape, own, self.rows.output_index)
            return self.outputs.with_outputs(worst, own)
        evidence = Evidence.nothing(shape, obstacle=Obstacle.CLAIM_SHAPE)
        facts = {"found": str(self.rows.misshapen[input].shape), "wanted": str(shape)}
        evidence.facts[Obstacle.CLAIM_SHAPE.code] = facts
        return table(name, evidence.value, evidence, self.evaluation.detect)

    def _look_in_many_digits(self) -> bool:
        """Take up with many digits what is unclear; can they tell?"""
        if not self.options.exact or self._calls_native_code():
            return False
        return BlackBoxMultiprecision(self.rows, self.evaluation, self.slopes.claim_noise).look()

    def _calls_native_code(self) -> bool:
        """Would arrays of objects come to code that takes them for floats?"""
        found = calls_native_code(self.rows.caller.functions)
        if found:
            self.rows.notes.append(Diagnostic("native-code", None, {"name": found}, severity="note"))
        return bool(found)

    # --- one entry, step by step --------------------------------------------------------------

    def why(self, entry: Entry, output: str) -> Why:
        """The ladder of an entry: forward as a function of that entry alone."""
        at = self._coordinate(entry)
        source = Source.TOGETHER if self.evaluation.together[at] else Source.DIFFERENCES
        rows, row = self._row(entry, at)
        line = coordinate(rows.x, at)
        function = self._function(entry, output)
        asked = entry.asked(output, function, entry.label, self.options.detect, source)
        return Why.of(asked, rows.along(line, row), line.start, **rows.blindly)

    def _function(self, entry: Entry, output: str) -> str:
        """What the quotients are taken of: the output, an element of it, or a mixture of its elements."""
        if entry.output is not None:
            return output + index_text(entry.output)
        return output if self.rows.output.size == 1 else say("why.weighted", output=output)

    def _coordinate(self, entry: Entry) -> int:
        """Where the entry stands among all coordinates."""
        input = self.rows.caller.names.index(entry.input)
        shape = self.rows.caller.values[input].shape
        inside = int(np.ravel_multi_index(entry.index, shape)) if entry.index else 0
        return int(np.flatnonzero(self.rows.owners == input)[inside])

    def _row(self, entry: Entry, at: int) -> tuple[BlackBoxRows, int]:
        """The row that the entry is of: of its element of the output, or else of the mixture of its claim."""
        rows = self.rows
        if entry.output is None:
            return rows, int(np.argmax(self.evaluation.claimed[:, at] == entry.claimed))
        element = int(np.ravel_multi_index(entry.output, rows.output.shape))
        if rows.one_hot:
            return rows, element
        alone: BlackBoxRows = copy(rows)
        alone.upstreams = np.eye(1, rows.output.size, element)
        return alone, 0

    # --- differences in float64 --------------------------------------------------------------

    def _differences(self) -> None:
        """Derivatives of all rows by all coordinates, or by as many as the budget reaches."""
        coordinates, caller = self.rows.claimed_coordinates, self.rows.caller
        if self.options.announce:
            self.options.announce(caller.seconds, CALLS_EACH * min(len(coordinates), ONE_BY_ONE))
        deadline = None if self.options.seconds is None else time.perf_counter() + self.options.seconds
        together = BlackBoxTogether(self.slopes, int(SHARE_TOGETHER * self.options.calls))
        if len(coordinates) > ONE_BY_ONE:
            first, others = together.certify(coordinates)
            coordinates = np.concatenate([first, self._spread_out(others)])
        looked = 0
        # In parts, to keep to the budget; but the first part however small it is.
        while looked < len(coordinates) and (looked == 0 or caller.calls < self.options.calls):
            if deadline is not None and looked and time.perf_counter() > deadline:
                break
            self.slopes.add(coordinates[looked : looked + TOGETHER])
            looked += TOGETHER
        self._note_unseen(coordinates[looked:])

    def _spread_out(self, coordinates: Indices) -> Indices:
        """The coordinates in an order in which any beginning is spread over all of them."""
        # Multiples of the golden ratio leave no large gap, wherever they stop.
        order = np.argsort(np.arange(len(coordinates)) * GOLDEN_RATIO % 1.0, kind="stable")
        return coordinates[order]

    def _note_unseen(self, unseen: Indices) -> None:
        total, certified = len(self.rows.claimed_coordinates), int(self.evaluation.together.sum())
        if certified:
            together = {
                "count": certified,
                "total": total,
                "directions": DIRECTIONS,
                "relative": number(self.options.detect, 2),
                "chance": number(MOST_LOOKS * HIDDEN_CHANCE, 2),
            }
            self.rows.notes.append(Diagnostic("certified-together", None, together, severity="note"))
        if len(unseen):
            evidence = self.evaluation.evidence
            evidence.put(self.evaluation.all_rows(unseen), obstacle=Obstacle.UNSEEN)
            calls = self.options.calls
            evidence.facts[Obstacle.UNSEEN.code] = {"calls": calls}
            counts = {"count": total - len(unseen), "total": total, "calls": f"{calls:,}"}
            self.rows.notes.append(Diagnostic("looked-at-in-part", None, counts, "more-calls", "warning"))

    # --- another upstream gradient -----------------------------------------------------------

    def _add_mixed_slopes(self) -> None:
        """A random upstream gradient shows one that backward forgot, or takes without its sign.

        Its reference is made of the rows', where all of them agree and no claim has lost its digits.
        """
        evidence, agree = self.evaluation.evidence, self.evaluation.simply_agree()
        for weights, mixture in self.evaluation.mixtures:
            value, error = weights @ evidence.value, np.abs(weights) @ evidence.bar / SAFETY_FACTOR
            # The parts may cancel, and each may be off by what is not held against it.
            size = np.abs(weights) @ np.abs(evidence.value)
            error = error + SLACK * self.options.detect / SAFETY_FACTOR * size
            # Many digits, where they had to have a look, have said more.
            open_ = np.flatnonzero(agree & np.isnan(mixture.evidence.value[0]))
            mixture.evidence.put(open_, value=value[open_], error=error[open_])
