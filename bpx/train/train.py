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

from bpx.check.check_values import check_in_use
from bpx.check.report.entry import Verdict
from bpx.check.report.report import Report
from bpx.graph.arrays import Array
from bpx.graph.named.named_graph import Input, NamedGraph
from bpx.graph.named.values import not_an_input
from bpx.graph.numbers import DIGITS, number, shape_text
from bpx.graph.run import run
from bpx.passes.compiled import compiled
from bpx.passes.domain import gradient_warnings, overflow_warnings, value_problems
from bpx.passes.query import as_list
from bpx.passes.reverse import grad, reverse
from bpx.train.batches import Examples, examples, shuffled
from bpx.train.optimizers import OPTIMIZERS
from bpx.train.rows import Batching, Change, Checked, ShownStep
from bpx.train.training import DISAGREE, NOT_FINITE, STEPS, TARGET, AnyGraph, Training
from bpx.words.diagnostic import BpxError, Diagnostic

if TYPE_CHECKING:
    from bpx.train.batches import Rows

Progress = Callable[[float, float], None]  # is told the fraction done and the loss
_TOLD = 1000  # how often progress is told of a long training


class Options(NamedTuple):
    """How to train; a rate or momentum of None is the optimizer's own, other Nones leave something out."""

    optimizer: str = "sgd"
    rate: float | None = None
    momentum: float | None = None
    steps: int = 100
    batch: int | None = None
    seed: int = 0
    target: float | None = None
    show_steps: int = 0
    check: int | None = None

    def problems(self) -> list[Diagnostic]:
        """A diagnostic for each option whose value means nothing."""
        fine = {
            "learning-rate": (self.rate, self.rate is None or 0 < self.rate < math.inf),
            "momentum": (self.momentum, self.momentum is None or 0 <= self.momentum < 1),
            "steps": (self.steps, self.steps >= 1),
            "batch": (self.batch, self.batch is None or self.batch >= 1),
            "seed": (self.seed, self.seed >= 0),
            "target": (self.target, self.target is None or math.isfinite(self.target)),
            "show-steps": (self.show_steps, self.show_steps >= 0),
            "check": (self.check, self.check is None or self.check >= 1),
        }
        bad = [
            Diagnostic(f"bad-{name}", None, {"found": one}) for name, (one, good) in fine.items() if not good
        ]
        return [*self._of_the_optimizer(), *bad]

    def _of_the_optimizer(self) -> Iterator[Diagnostic]:
        facts = {"name": self.optimizer, "known": ", ".join(OPTIMIZERS)}
        if self.optimizer not in OPTIMIZERS:
            problem = Diagnostic("unknown-optimizer", None, facts, "optimizers-are")
            yield problem.suggesting(self.optimizer, OPTIMIZERS)
        elif self.momentum is not None and "momentum" not in OPTIMIZERS[self.optimizer].settings:
            yield Diagnostic("no-momentum", None, facts)


_USUAL = Options()


@np.errstate(all="ignore")  # what is not finite is reported by name, not by NumPy
def train(
    spec: AnyGraph,
    options: Options = _USUAL,
    *,
    wrt: str | Iterable[str] | None = None,
    progress: Progress | None = None,
) -> Training[AnyGraph]:
    """Train the parameters of `spec`, or the inputs `wrt`, so that its scalar output falls.

    Raises `BpxError` where there is nothing to train, an option means nothing, or the loss or its
    gradient is not finite from the start.
    """
    problems = options.problems()
    trained = _trained(spec, as_list(wrt), problems)
    if spec.graph.shapes[spec.output]:
        facts = {"shape": shape_text(spec.graph.shapes[spec.output])}
        problems.append(Diagnostic("train-needs-scalar", None, facts))
    names = {one.name for one in trained}
    others = [one for one in spec.inputs if one.name not in names]
    found = examples(others, options.batch, problems) if options.batch and options.batch > 0 else None
    if found and spec.make_again is None:
        problems.append(Diagnostic("fixed-shapes"))
    if problems:
        raise BpxError(problems)
    return _Run(spec, options, trained, found, progress).training()


def _trained(spec: NamedGraph, wrt: Sequence[str] | None, problems: list[Diagnostic]) -> list[Input]:
    """The inputs to move."""
    known = [one.name for one in spec.inputs]
    problems += [not_an_input(name, known) for name in wrt or () if name not in known]
    chosen = [one for one in spec.inputs if (one.role == "parameter" if wrt is None else one.name in wrt)]
    if not chosen and not problems:
        problems.append(Diagnostic("no-parameters", None, {}, "mark-parameter"))
    return chosen


class _Parameters:
    """All parameters in one flat array; `views` are their arrays by name, which change with it."""

    def __init__(self, inputs: Sequence[Input]) -> None:
        self.shapes = {one.name: one.value.shape for one in inputs}
        self.ends = np.cumsum([one.value.size for one in inputs])
        self.flat = np.concatenate([one.value.ravel() for one in inputs])
        self.views = self.parts(self.flat)

    def parts(self, flat: Array) -> dict[str, Array]:
        """The parts of a flat array by name, as views of it."""
        parts = np.split(flat, self.ends[:-1])
        return {name: part.reshape(self.shapes[name]) for name, part in zip(self.shapes, parts, strict=True)}

    def copies(self) -> dict[str, Array]:
        """The parameters as they are now."""
        flat = self.flat.copy()
        flat.setflags(write=False)
        return self.parts(flat)


class _Loss:
    """The loss of a spec and its gradient by the parameters, at these as they are, compiled."""

    def __init__(self, spec: NamedGraph, parameters: _Parameters, fed: Sequence[str], derived: bool) -> None:
        graph, nodes = spec.graph.copy(), {one.name: one.node for one in spec.inputs}
        self.nodes = {name: nodes[name] for name in fed}
        self.given = {nodes[name]: view for name, view in parameters.views.items()}
        wrt = [graph[node] for node in self.given] if derived else []
        targets = [spec.output, *(gradient.id for gradient in grad(graph[spec.output], wrt))]
        free = {*self.given, *self.nodes.values()}
        fixed = {one.node: one.value for one in spec.inputs if one.node not in free}
        self.run = compiled(graph, targets, free, fixed)

    def __call__(self, fed: Mapping[str, Array]) -> tuple[float, list[Array]]:
        """The loss, and its gradients in order of the parameters; `fed` are the examples by name."""
        values = {self.nodes[name]: value for name, value in fed.items()}
        loss, *gradients = self.run({**self.given, **values})
        return float(loss), gradients


class _Run(Generic[AnyGraph]):
    """A training while it goes on."""

    def __init__(
        self,
        spec: AnyGraph,
        options: Options,
        trained: Sequence[Input],
        found: Examples | None,
        progress: Progress | None,
    ) -> None:
        self.spec, self.options, self.found, self.progress = spec, options, found, progress
        optimizer = OPTIMIZERS[options.optimizer]
        self.rate = optimizer.rate if options.rate is None else options.rate
        momentum = {} if options.momentum is None else {"momentum": options.momentum}
        self.settings = {**optimizer.settings, **momentum}
        self.update = optimizer.make(self.rate, *self.settings.values())
        self.parameters = _Parameters(trained)
        self.before = self.parameters.flat.copy()  # as they were before the last step
        self.fed: dict[str, Array] = {}  # the batch in use
        self.history: list[float] = []
        self.taken = 0
        self.shown: list[ShownStep] = []
        self.checks: list[Checked] = []
        self.problems: list[Diagnostic] = []
        self.prepare()

    def prepare(self) -> None:
        """Compile the loss: on all data, and where there are batches on one of them too."""
        names = [one.name for one in self.found.inputs] if self.found else []
        self.batch_spec = self.for_batches() if self.found else self.spec
        self.look = _Loss(self.batch_spec, self.parameters, names, derived=True)
        self.whole = _Loss(self.spec, self.parameters, (), derived=False) if self.found else self.look

    def for_batches(self) -> NamedGraph:
        """The spec, made again for as many examples as a batch has."""
        assert self.found and self.spec.make_again
        values = {one.name: one.value for one in self.spec.inputs}
        short = {one.name: one.value[: self.options.batch] for one in self.found.inputs}
        try:
            return self.spec.make_again({**values, **short})
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
            stopped, last = self.broken(self.at(self.spec, {}), last), self.on_all()
        after = self.parameters.copies()
        spec = self.spec.with_values(after)
        return Training(
            spec,
            self.spec.names[self.spec.output],
            self.options.optimizer,
            self.rate,
            self.settings,
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
        return self.whole({})[0]

    # --- the loop ---

    def run(self) -> str:
        """Step by step; returns why it ended. On all data the loss is looked at behind the last step too."""
        steps = self.options.steps
        told = max(1, steps // _TOLD)
        gradient = np.empty_like(self.parameters.flat)
        batches = self.batches()
        for step in range(steps + (self.found is None)):
            if self.found and self.reached():
                return TARGET
            self.rows = next(batches)
            self.fed = self.of_rows(self.rows)
            loss, gradients = self.look(self.fed)
            np.concatenate(gradients, axis=None, out=gradient)
            self.history.append(loss)
            if not (self.is_finite(loss) and np.isfinite(gradient).all()):
                return self.broken(self.in_use(), loss)
            reached = self.found is None and self.low_enough(loss)
            if self.is_checked(step, reached) and not self.agrees(gradient):
                return DISAGREE
            if reached:
                return TARGET
            if step < steps:
                self.move(gradient, loss)
            if self.progress and step % told == 0:
                self.progress(step / steps, loss)
        return TARGET if self.found and self.reached() else STEPS

    def batches(self) -> Iterator[Rows | None]:
        """The rows of the examples to feed, step by step; None for all of them."""
        if self.found and self.options.batch:
            return shuffled(self.found.total, self.options.batch, self.options.seed)
        return repeat(None)

    def of_rows(self, rows: Rows | None) -> dict[str, Array]:
        """What to feed."""
        inputs = self.found.inputs if self.found and rows is not None else ()
        return {one.name: one.value[rows] for one in inputs}

    def low_enough(self, loss: float) -> bool:
        """Is the loss as low as asked?"""
        return self.options.target is not None and loss <= self.options.target

    def reached(self) -> bool:
        """Is the loss on all data as low as asked? With batches that is looked at once an epoch."""
        if self.options.target is None or self.found is None or self.options.batch is None:
            return False
        ended = self.taken % (self.found.total // self.options.batch) == 0
        return ended and self.low_enough(self.on_all())

    def move(self, gradient: Array, loss: float) -> None:
        """One step."""
        flat = self.parameters.flat
        self.before[:] = flat
        update = self.update(gradient)
        flat += update
        self.taken += 1
        if self.taken <= self.options.show_steps:
            columns = [self.parameters.parts(one.copy()) for one in (self.before, gradient, update, flat)]
            changes = {name: Change(*(column[name] for column in columns)) for name in self.parameters.views}
            rows = None if self.rows is None else tuple(self.rows.tolist())
            self.shown.append(ShownStep(self.taken, loss, changes, rows))

    # --- checks ---

    def is_checked(self, step: int, last: bool) -> bool:
        """Every k-th step is, the first and the last."""
        check, end = self.options.check, self.options.steps - (self.found is not None)
        return check is not None and (last or step == end or step % check == 0)

    def agrees(self, gradient: Array) -> bool:
        """Check the gradient in use, and write down what was found."""
        report = check_in_use(self.in_use(), self.parameters.parts(gradient.copy()))
        if report.worst:
            numbers = (report.worst.claimed, report.worst.reference, report.worst.error)
            self.checks.append(
                Checked(self.taken, report.verdict, report.total, report.worst.label, *numbers)
            )
        if report.verdict == Verdict.DISAGREE.word:
            self.problems += _disagreement(report, self.taken)
        return not self.problems

    def in_use(self) -> NamedGraph:
        """The spec at the values in use."""
        return self.at(self.batch_spec, self.fed)

    def at(self, spec: NamedGraph, fed: Mapping[str, Array]) -> NamedGraph:
        """A spec at the parameters as they are, with a graph of its own that may be appended to."""
        spec = spec.with_values({**self.parameters.copies(), **fed})
        return replace(spec, graph=spec.graph.copy())

    # --- what is not finite ---

    def is_finite(self, loss: float) -> bool:
        """Are they all, the loss and the parameters that it was met at?"""
        return math.isfinite(loss) and bool(np.isfinite(self.parameters.flat).all())

    def broken(self, spec: NamedGraph, loss: float) -> str:
        """Say why the loss or its gradient is not finite, and go back to where the loss was finite."""
        self.problems += self.causes(spec, loss)
        if not self.taken:
            raise BpxError(self.problems)
        if not self.is_finite(loss):
            self.parameters.flat[:] = self.before
            self.taken -= 1
        return NOT_FINITE

    def causes(self, spec: NamedGraph, loss: float) -> list[Diagnostic]:
        """What is not finite at the values of `spec`, and the nodes where that begins."""
        values = run(spec.graph, spec.given, spec.graph.needs(of=[spec.output]))
        facts = {"step": self.taken, "found": number(loss), "rate": number(self.rate, DIGITS)}
        help = "smaller-rate" if self.taken else None
        if not self.is_finite(loss):
            code = "parameter-not-finite" if math.isfinite(loss) else "loss-not-finite"
            return [Diagnostic(code, None, facts, help), *value_problems(spec, values)]
        return [Diagnostic("gradient-not-finite", None, facts, help), *self.in_the_gradient(spec, values)]

    def in_the_gradient(self, spec: NamedGraph, values: Mapping[int, Array]) -> list[Diagnostic]:
        ledger = reverse(
            spec.graph[spec.output], [spec.graph[spec.nodes[name]] for name in self.parameters.views]
        )
        values = run(spec.graph, {**spec.given, **values}, range(len(spec.graph)))
        found = (*gradient_warnings(spec, ledger, values), *overflow_warnings(spec, ledger, values))
        return [one._replace(severity="error") for one in found]

    # --- what there is to say beside it ---

    def batching(self) -> Batching | None:
        if self.found is None or self.options.batch is None:
            return None
        names = tuple(one.name for one in self.found.inputs)
        return Batching(self.options.batch, self.found.total, names, self.options.seed)

    def notes(self, spec: NamedGraph) -> Iterator[Diagnostic]:
        """A remainder of each epoch that is left out, and ranges that the parameters have left."""
        left = self.found.total % self.options.batch if self.found and self.options.batch else 0
        if self.found and left:
            facts = {"left": left, "count": self.found.total}
            yield Diagnostic("batch-remainder", None, facts, severity="note")
        for old, new in zip(self.spec.inputs, spec.inputs, strict=True):
            if old.range and not new.range:
                yield Diagnostic("range-left", None, {"name": old.name}, severity="note")


def _disagreement(report: Report, step: int) -> list[Diagnostic]:
    """What is wrong with a gradient, and where the rules stand that are to blame."""
    assert report.worst
    facts = {"step": step, "entry": report.worst.label}
    blamed = [Diagnostic("rule-to-blame", one.span, {"op": one.op, "node": one.node}) for one in report.blame]
    return [Diagnostic("gradient-disagrees", None, facts), *blamed]
