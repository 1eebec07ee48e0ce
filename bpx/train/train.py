"""`NamedGraph` → `Training`: parameters moved step by step so that the loss falls.

The loss and its gradient are compiled once. All parameters lie in one flat array, whose parts by name
are views of it: a step is one update of that array, whatever it is made of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import repeat
from typing import TYPE_CHECKING, Generic, NamedTuple

import numpy as np

from bpx.check.report.entry import Verdict
from bpx.check.report.report import Report
from bpx.check.training_check import check_training_gradient
from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import Input, NamedGraph
from bpx.graph.named.values import not_an_input
from bpx.graph.numbers import SHOWN_DIGITS, number, shape_text
from bpx.passes.query import as_list
from bpx.train.batches import Examples, examples_of, shuffled
from bpx.train.divergence import causes
from bpx.train.loss import CompiledLoss, Parameters
from bpx.train.optimizers import OPTIMIZERS
from bpx.train.rows import Batching, Change, Checked, ShownStep
from bpx.train.schedules import SCHEDULES, Rates
from bpx.train.settings import MOST_STEPS, Choice, read_choice
from bpx.train.training import DISAGREE, INTERRUPTED, NOT_FINITE, STEPS, TARGET, AnyGraph, Training
from bpx.words.diagnostic import BpxError, Diagnostic

if TYPE_CHECKING:
    from bpx.train.batches import Rows

Progress = Callable[[float, float], None]  # called with the fraction done and the loss
_PROGRESS_CALLS = 1000  # at most, of a training however long: a screen shows no more


class Options(NamedTuple):
    """How to train; a rate or momentum of None is the optimizer's own, other Nones leave something out.

    Optimizer and schedule are names, with their settings in parentheses where those are not the usual ones.
    """

    optimizer: str = "sgd"
    rate: float | None = None
    momentum: float | None = None
    steps: int = 100
    batch: int | None = None
    seed: int = 0
    target: float | None = None
    show_steps: int = 0
    check: int | None = None
    schedule: str = "constant"

    def problems(self) -> list[Diagnostic]:
        """A diagnostic for each option whose value means nothing."""
        checks = {  # the value, and whether it means something
            "learning-rate": (self.rate, self.rate is None or 0 < self.rate < math.inf),
            "momentum": (self.momentum, self.momentum is None or 0 <= self.momentum < 1),
            "steps": (self.steps, 1 <= self.steps <= MOST_STEPS),
            "batch": (self.batch, self.batch is None or self.batch >= 1),
            "seed": (self.seed, self.seed >= 0),
            "target": (self.target, self.target is None or math.isfinite(self.target)),
            "show-steps": (self.show_steps, self.show_steps >= 0),
            "check": (self.check, self.check is None or self.check >= 1),
        }
        bad = [
            Diagnostic(f"bad-{name}", None, {"found": value, "most": MOST_STEPS})
            for name, (value, good) in checks.items()
            if not good
        ]
        choices: list[Diagnostic] = []
        self.choices(choices)
        return [*choices, *bad]

    def choices(self, problems: list[Diagnostic]) -> tuple[Choice, Choice]:
        """The optimizer, with the momentum among its settings, and the schedule."""
        optimizer = read_choice(self.optimizer, OPTIMIZERS, "optimizer", problems)
        if self.momentum is not None and optimizer.name in OPTIMIZERS:
            facts = {"name": optimizer.name, "setting": "momentum"}
            if "momentum" not in OPTIMIZERS[optimizer.name].settings:
                problems.append(Diagnostic("no-momentum", None, facts))
            elif "momentum" in optimizer.settings:
                problems.append(Diagnostic("repeated-setting", None, facts))
            optimizer = Choice(optimizer.name, {**optimizer.settings, "momentum": self.momentum})
        return optimizer, read_choice(self.schedule, SCHEDULES, "schedule", problems)


_USUAL = Options()


@np.errstate(all="ignore")  # what is not finite is reported by name, not by NumPy
def train(
    spec: AnyGraph,
    options: Options = _USUAL,
    *,
    wrt: str | Iterable[str] | None = None,
    progress: Progress | None = None,
    stops: Callable[[], bool] | None = None,
) -> Training[AnyGraph]:
    """Train the parameters of `spec`, or the inputs `wrt`, so that its scalar output falls.

    `stops` is asked before each step whether the training shall end here.

    Raises `BpxError` where there is nothing to train, an option means nothing, or the loss or its
    gradient is not finite from the start.
    """
    problems = options.problems()
    trained = _trained(spec, as_list(wrt), problems)
    if spec.graph.shapes[spec.output]:
        facts = {"shape": shape_text(spec.graph.shapes[spec.output])}
        problems.append(Diagnostic("train-needs-scalar", None, facts))
    names = {leaf.name for leaf in trained}
    others = [leaf for leaf in spec.inputs if leaf.name not in names]
    # A batch size below 1 is among the problems already.
    examples = examples_of(others, options.batch, problems) if options.batch and options.batch > 0 else None
    if examples and spec.rebuilt is None:
        problems.append(Diagnostic("fixed-shapes"))
    if problems:
        raise BpxError(problems)
    return _Run(spec, options, trained, examples, progress, stops).training()


def _trained(spec: NamedGraph, wrt: Sequence[str] | None, problems: list[Diagnostic]) -> list[Input]:
    """The inputs to move."""
    known = [leaf.name for leaf in spec.inputs]
    problems += [not_an_input(name, known) for name in wrt or () if name not in known]
    chosen = [leaf for leaf in spec.inputs if (leaf.role == "parameter" if wrt is None else leaf.name in wrt)]
    if not chosen and not problems:
        problems.append(Diagnostic("no-parameters", None, {}, "mark-parameter"))
    return chosen


class _Run(Generic[AnyGraph]):
    """A training while it goes on."""

    def __init__(
        self,
        spec: AnyGraph,
        options: Options,
        trained: Sequence[Input],
        examples: Examples | None,
        progress: Progress | None,
        stops: Callable[[], bool] | None,
    ) -> None:
        self.spec, self.options, self.examples = spec, options, examples
        self.progress, self.stops = progress, stops
        (self.optimizer, settings), schedule = options.choices([])
        row = OPTIMIZERS[self.optimizer]
        self.rate = row.rate if options.rate is None else options.rate
        settings = {**row.settings, **settings}
        self.update = row.make(**settings)
        # What is 0 unless it is asked for would be noise in every report.
        self.settings = {key: value for key, value in settings.items() if value or row.settings[key]}
        self.rates = Rates(*schedule, self.rate, options.steps)
        self.parameters = Parameters(trained)
        self.before = self.parameters.flat.copy()  # as they were before the last step
        self.fed: dict[str, Array] = {}  # the batch in use, by name of the input
        self.history: list[float] = []
        self.taken = 0
        self.shown: list[ShownStep] = []
        self.checks: list[Checked] = []
        self.problems: list[Diagnostic] = []
        self.prepare()

    def prepare(self) -> None:
        """Compile the loss of a step, and that on all data, which is the same where there are no batches."""
        names = [leaf.name for leaf in self.examples.inputs] if self.examples else []
        self.batch_spec = self.for_batches() if self.examples else self.spec
        self.step_loss = CompiledLoss(self.batch_spec, self.parameters, names, derived=True)
        self.full_loss = self.step_loss
        if self.examples:
            # The gradient on all data would never be used.
            self.full_loss = CompiledLoss(self.spec, self.parameters, (), derived=False)

    def for_batches(self) -> NamedGraph:
        """The spec read again for as many examples as a batch has: shapes of a graph are fixed."""
        assert self.examples and self.spec.rebuilt
        values = {leaf.name: leaf.value for leaf in self.spec.inputs}
        short = {leaf.name: leaf.value[: self.options.batch] for leaf in self.examples.inputs}
        try:
            return self.spec.rebuilt({**values, **short})
        except BpxError as error:
            problem = Diagnostic("batch-shapes", None, {"batch": self.options.batch})
            raise BpxError([problem, *error.diagnostics]) from None

    def training(self) -> Training[AnyGraph]:
        """Run to the end, and say what was done."""
        start = self.parameters.copies()
        first = self.on_all()
        if not math.isfinite(first):
            raise BpxError(self.causes(self.at(self.spec, {}), first))
        stopped = self.run()
        last = self.on_all()
        if not (self.is_finite(last) or self.problems):  # where the last batch led
            stopped, last = self.diverged(self.at(self.spec, {}), last), self.on_all()
        after = self.parameters.copies()
        spec = self.spec.with_values(after)
        return Training(
            spec,
            self.spec.names[self.spec.output],
            self.optimizer,
            self.rate,
            self.settings,
            self.rates.scheduled(),
            self.options.steps,
            self.taken,
            stopped,
            self.options.target,
            self.batching(),
            tuple(self.history),
            first,
            last,
            {name: (start[name], after[name]) for name in after},
            tuple(self.shown),
            tuple(self.checks),
            (*self.spec.warnings, *self.notes(spec)),
            tuple(self.problems),
        )

    def on_all(self) -> float:
        """The loss on all data."""
        return self.full_loss({})[0]

    # --- the loop ---

    def run(self) -> str:
        """Step by step; returns why it ended. On all data the loss is looked at behind the last step too."""
        steps = self.options.steps
        between_calls = max(1, steps // _PROGRESS_CALLS)
        gradient = np.empty_like(self.parameters.flat)
        batches = self.batches()
        for step in range(steps + (self.examples is None)):
            if self.examples and self.reached():
                return TARGET
            self.rows = next(batches)
            self.fed = self.of_rows(self.rows)
            loss, gradients = self.step_loss(self.fed)
            # One array for all steps: it is as large as the parameters.
            np.concatenate(gradients, axis=None, out=gradient)
            # Also where it is not finite: the curve leaves such a loss out, the JSON shows it.
            self.history.append(loss)
            if not (self.is_finite(loss) and np.isfinite(gradient).all()):
                return self.diverged(self.current(), loss)
            reached = self.examples is None and self.low_enough(loss)
            if self.is_checked(step, reached) and not self.agrees(gradient):
                return DISAGREE
            if reached:
                return TARGET
            if step < steps:
                if self.stops and self.stops():
                    return INTERRUPTED
                self.move(gradient, loss)
            if self.progress and step % between_calls == 0:
                self.progress(step / steps, loss)
        return TARGET if self.examples and self.reached() else STEPS

    def batches(self) -> Iterator[Rows | None]:
        """The rows of the examples to feed, step by step; None for all of them."""
        if self.examples and self.options.batch:
            return shuffled(self.examples.total, self.options.batch, self.options.seed)
        return repeat(None)

    def of_rows(self, rows: Rows | None) -> dict[str, Array]:
        """What to feed."""
        inputs = self.examples.inputs if self.examples and rows is not None else ()
        return {leaf.name: leaf.value[rows] for leaf in inputs}

    def low_enough(self, loss: float) -> bool:
        """Is the loss as low as asked?"""
        return self.options.target is not None and loss <= self.options.target

    def reached(self) -> bool:
        """Is the loss on all data as low as asked? With batches that is looked at once an epoch."""
        if self.options.target is None or self.examples is None or self.options.batch is None:
            return False
        ended = self.taken % (self.examples.total // self.options.batch) == 0
        # A pass over all data at every step would cost more than the training itself.
        return ended and self.low_enough(self.on_all())

    def move(self, gradient: Array, loss: float) -> None:
        """One step."""
        flat = self.parameters.flat
        self.before[:] = flat  # in place: these arrays may be the largest of all
        rate = self.rates.at(self.taken)
        update = self.update(gradient, flat, rate)
        # In place: the compiled loss reads the parameters through views of this array.
        flat += update
        self.taken += 1
        if self.taken <= self.options.show_steps:
            # Copies, as all four arrays change with the next step.
            columns = [self.parameters.parts(array.copy()) for array in (self.before, gradient, update, flat)]
            changes = {name: Change(*(column[name] for column in columns)) for name in self.parameters.views}
            rows = None if self.rows is None else tuple(self.rows.tolist())
            quantities = {
                key: self.parameters.parts(array) for key, array in self.update.quantities().items()
            }
            formulas = tuple(self.update.formulas(rate))
            self.shown.append(ShownStep(self.taken, loss, changes, rows, rate, quantities, formulas))

    # --- checks ---

    def is_checked(self, step: int, last: bool) -> bool:
        """Every k-th step is, the first and the last."""
        check, end = self.options.check, self.options.steps - (self.examples is not None)
        return check is not None and (last or step == end or step % check == 0)

    def agrees(self, gradient: Array) -> bool:
        """Check the gradient in use, and write down what was found."""
        # A copy: the next step writes its gradient into the same array.
        report = check_training_gradient(self.current(), self.parameters.parts(gradient.copy()))
        if report.worst:
            numbers = (report.worst.claimed, report.worst.reference, report.worst.error)
            self.checks.append(
                Checked(self.taken, report.verdict, report.total, report.worst.label, *numbers)
            )
        if report.verdict == Verdict.DISAGREE.word:
            self.problems += _disagreement(report, self.taken)
        return not self.problems

    def current(self) -> NamedGraph:
        """The spec at the values in use."""
        return self.at(self.batch_spec, self.fed)

    def at(self, spec: NamedGraph, fed: Mapping[str, Array]) -> NamedGraph:
        """A spec at the parameters as they are, with a graph of its own that may be appended to."""
        spec = spec.with_values({**self.parameters.copies(), **fed})
        return replace(spec, graph=spec.graph.copy())

    # --- what is not finite ---

    def is_finite(self, loss: float) -> bool:
        """Are they all, the loss and the parameters it is a function of?"""
        return math.isfinite(loss) and bool(np.isfinite(self.parameters.flat).all())

    def diverged(self, spec: NamedGraph, loss: float) -> str:
        """Say why the loss or its gradient is not finite, and go back to where the loss was finite."""
        self.problems += self.causes(spec, loss)
        if not self.taken:
            raise BpxError(self.problems)
        if not self.is_finite(loss):
            # With a finite loss and a gradient that is not, the parameters are the last good ones.
            self.parameters.flat[:] = self.before
            self.taken -= 1
        return NOT_FINITE

    def causes(self, spec: NamedGraph, loss: float) -> list[Diagnostic]:
        """What is not finite at the values of `spec`, and the nodes where that begins."""
        facts = {"step": self.taken, "found": number(loss), "rate": number(self.rate, SHOWN_DIGITS)}
        return causes(spec, self.parameters.views, loss, self.is_finite(loss), facts)

    # --- the report ---

    def batching(self) -> Batching | None:
        if self.examples is None or self.options.batch is None:
            return None
        names = tuple(leaf.name for leaf in self.examples.inputs)
        return Batching(self.options.batch, self.examples.total, names, self.options.seed)

    def notes(self, spec: NamedGraph) -> Iterator[Diagnostic]:
        """A remainder of each epoch that is left out, and ranges that the parameters have left."""
        left = self.examples.total % self.options.batch if self.examples and self.options.batch else 0
        if self.examples and left:
            facts = {"left": left, "count": self.examples.total}
            yield Diagnostic("batch-remainder", None, facts, severity="note")
        for old, new in zip(self.spec.inputs, spec.inputs, strict=True):
            if old.range and not new.range:
                yield Diagnostic("range-left", None, {"name": old.name}, severity="note")


def _disagreement(report: Report, step: int) -> list[Diagnostic]:
    """What is wrong with a gradient, and where the rules stand that are to blame."""
    assert report.worst
    facts = {"step": step, "entry": report.worst.label}
    blamed = [
        Diagnostic("rule-to-blame", blame.span, {"op": blame.op, "node": blame.node})
        for blame in report.blame
    ]
    return [Diagnostic("gradient-disagrees", None, facts), *blamed]
