"""Which function is which: a target's names → a `Program`, with what was understood."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import CellType
from typing import Any

import numpy as np

from bpx.check.report.entry import Verdict
from bpx.check.report.report import Report
from bpx.graph.arrays import NoHandleError
from bpx.graph.numbers import shape_text
from bpx.spec.code.leaves import Path, World, get, is_users_object, walk
from bpx.spec.code.lines.backward_values import close
from bpx.spec.code.program import Program, Routine
from bpx.spec.code.steps.rates import RATE
from bpx.spec.code.traced_program import random_upstream, run_backward
from bpx.spec.code.words_of_code import (
    is_cache,
    is_loss,
    is_output,
    is_upstream,
    parameters,
    returned_names,
)
from bpx.words.diagnostic import BpxError, Diagnostic

_FORWARDS = ("forward", "__call__", "predict", "feedforward", "forward_pass")
_BACKWARDS = ("backward", "gradient", "backprop", "grad", "gradients", "backward_pass", "numerical_grad")


def understood(
    named: Sequence[tuple[str, Any, Any]],
    args: Mapping[str, Any],
    module_globals: dict[str, Any],
    cells: Sequence[CellType] = (),
) -> Program:
    """The program of `forward`, `backward`, perhaps a loss between them; or of one function or object.

    `named` are (name, value, object that it is a method of); `cells` what functions close over. Raises
    `BpxError`.
    """
    world, routines = _world(named, list(routines_of(named)), args, module_globals, cells)
    forward, loss, backward = _sorted_out(routines)
    program = Program(forward, loss, backward, world)
    _find_outputs(program, module_globals)
    return program


def forward_only(
    named: Sequence[tuple[str, Any, Any]], args: Mapping[str, Any], module_globals: dict[str, Any]
) -> Program:
    """The program of `forward`, and perhaps a loss behind it, of which only the value is asked for."""
    world, routines = _world(named, [_forward_of(*item) for item in named][:2], args, module_globals)
    forward, *losses = routines
    is_object = not inspect.isroutine(named[0][1])
    program = Program(forward, losses[0] if losses and not is_object else None, forward, world)
    try:
        result = program.returned()
    except NoHandleError:  # a function written with ops of bpx has no value for numbers
        return program
    if program.loss is not None:
        program.outputs = [(0,)] if isinstance(result, tuple) else [()]
    else:
        program.outputs = [_output(program, result)]
    return program


def _world(
    named: Sequence[tuple[str, Any, Any]],
    routines: Sequence[Routine],
    args: Mapping[str, Any],
    module_globals: dict[str, Any],
    cells: Sequence[CellType] = (),
) -> tuple[World, list[Routine]]:
    """The world of these routines, and the routines with the way to their object in it."""
    objects = (_object(value, owner) for _, value, owner in named)
    owner = next((found for found in objects if found is not None), None)
    world = World(args, module_globals, [routine.function for routine in routines], owner, cells)
    return world, [_at_home(routine, owner, world) for routine in routines]


def routines_of(named: Sequence[tuple[str, Any, Any]]) -> Iterator[Routine]:
    """The functions that are named: one object has both passes, several things have one each."""
    if len(named) == 1:
        yield from _routines(*named[0])
        return
    for number, (name, value, owner) in enumerate(named):
        if inspect.isroutine(value) or isinstance(value, type) or not callable(value):
            yield from _routines(name, value, owner)
        else:
            last = number == len(named) - 1
            yield _routine_of(name, value, named[0][1], _BACKWARDS if last else _FORWARDS)


def _routine_of(name: str, value: Any, first: Any, methods: Sequence[str]) -> Routine:
    """What is called of an object that stands for one function: one of `methods`, or the object itself."""
    kind = type(value)
    if not is_users_object(value):  # `functools.partial`, a function of NumPy
        return Routine(name, value)
    method = next((method for method in methods if hasattr(kind, method)), "__call__")
    if getattr(first, "__self__", first) is value:
        return Routine(name, getattr(kind, method), ("self",))
    return Routine(name, getattr(value, method))


def _forward_of(name: str, value: Any, owner: Any) -> Routine:
    """The function, or of an object its forward pass."""
    if inspect.isroutine(value):
        return _routines(name, value, owner)[0]
    kind = type(value)
    method = next((one for one in (*_FORWARDS, "loss") if hasattr(kind, one)), None)
    if method is None or isinstance(value, type):
        return _routines(name, value, owner)[0]
    return Routine(f"{name}.{method}", getattr(kind, method), ("self",))


def _output(program: Program, result: Any) -> Path:
    """A single result; of several the loss, else the first."""
    if not isinstance(result, tuple | list | dict):
        return ()
    labels = returned_names(program.forward.function)
    found = [path for path, _ in walk(result)]
    if not found:
        raise BpxError([Diagnostic("no-loss", None, {"name": program.forward.name})])
    return next((path for path in found if is_loss(labels.get(path, ""))), found[0])


def _object(value: Any, owner: Any) -> Any:
    if owner is not None and not isinstance(owner, type):
        return owner
    bound = getattr(value, "__self__", None)
    if inspect.ismethod(value) and not isinstance(bound, type):
        return bound
    return None if inspect.isroutine(value) or isinstance(value, type) else value


def _routines(name: str, value: Any, owner: Any) -> list[Routine]:
    if isinstance(value, type):
        raise BpxError([Diagnostic("class-without-object", None, {"name": name}, "make-object")])
    if inspect.ismethod(value) and not isinstance(value.__self__, type):
        return [Routine(name, value.__func__, ("self",))]
    if inspect.isroutine(value):
        return [Routine(name, value)]
    kind = type(value)
    forward = next((method for method in ("loss", *_FORWARDS) if hasattr(kind, method)), None)
    if hasattr(kind, "forward"):
        forward = "forward"
    backward = next((method for method in _BACKWARDS if hasattr(kind, method)), None)
    if callable(value) and (forward is None or backward is None):
        return [Routine(name, value)]
    if forward is None or backward is None:
        raise BpxError([Diagnostic("no-forward-backward", None, {"name": name})])
    return [Routine(f"{name}.{method}", getattr(kind, method), ("self",)) for method in (forward, backward)]


def _at_home(routine: Routine, owner: Any, world: World) -> Routine:
    """The routine with the way to its object: a global variable of the module, where it is one."""
    if routine.owner is None or owner is None:
        return routine
    for name, value in world.originals["globals"].items():
        if value is owner:
            return routine._replace(owner=("globals", name))
    return routine


def _sorted_out(routines: Sequence[Routine]) -> tuple[Routine, Routine | None, Routine]:
    if len(routines) == 1:
        return routines[0], None, routines[0]
    if len(routines) == 2:
        return routines[0], None, routines[1]
    if len(routines) == 3:
        return routines[0], routines[1], routines[2]
    raise BpxError([Diagnostic("too-many-functions", None, {"count": len(routines)})])


def _find_outputs(program: Program, module_globals: Mapping[str, Any]) -> None:
    """What of forward's results is derived, and which arguments of backward take what arrives there."""
    if program.both:
        program.outputs = [_first_scalar(program)]
        return
    names = [parameter.name for parameter in parameters(program.backward.function)]
    names = names[1:] if program.backward.owner is not None and names[:1] == ["self"] else names
    labels = returned_names(program.forward.function)
    known = {*program.world.originals["args"], *labels.values()}
    optional = {
        parameter.name
        for parameter in parameters(program.backward.function)
        if parameter.default is not parameter.empty
    }
    program.unclear = [
        name
        for name in names
        if not (name in known or name in optional or is_cache(name) or RATE.fullmatch(name))
        and not (is_upstream(name) or is_output(name))
    ]
    # What forward returns itself comes before what it keeps under the same name.
    outermost = sorted(labels.items(), key=lambda item: -len(item[0]))
    fitting = {f"{prefix}{label}": path for path, label in outermost for prefix in ("d", "d_", "grad_")}
    wanting = [
        name
        for name in names
        if name not in known and not is_cache(name) and (is_upstream(name) or name in fitting)
    ]
    result = program.returned()
    program.outputs = [(0,)] if isinstance(result, tuple) else [()]
    if program.loss is not None:
        _check_loss(program)
        return
    program.unclear = [name for name in program.unclear if name not in fitting]
    paired = [name for name in wanting if name in fitting]
    if paired:
        program.outputs = [fitting[name] for name in paired]
    if len(paired) > 1:
        program.upstream = paired
        return
    if not paired and 1 < len(wanting) == len(_several(result)):
        program.outputs, program.upstream = _several(result), wanting
        return
    wanting = paired or wanting
    program.upstream = [
        name for name in wanting if name not in optional or np.ndim(get(result, program.outputs[0]))
    ][:1]
    if not program.upstream and np.ndim(get(result, program.outputs[0])):
        owner = None if program.forward.owner is None else get(program.world.originals, program.forward.owner)
        program.loss = _find_loss(
            module_globals, owner, [program.forward.function, program.backward.function]
        )
        program.jacobian = program.loss is None
        program.loss_is_found = program.loss is not None


def _several(result: Any) -> list[Path]:
    """Where the outputs stand in a tuple of arrays and numbers, each of which may be derived."""
    items = result if isinstance(result, tuple) else ()
    numeric = all(isinstance(item, np.ndarray | np.floating | float) for item in items)
    return [(i,) for i, item in enumerate(items) if numeric and np.asarray(item).dtype.kind == "f"]


def _check_loss(program: Program) -> None:
    """Raise `BpxError` where what is named as the loss returns no number."""
    shape = np.shape(program.run({}))
    if program.loss is not None and shape:
        facts = {"name": program.loss.name, "shape": shape_text(shape)}
        raise BpxError([Diagnostic("loss-not-number", None, facts)])


def _first_scalar(program: Program) -> Path:
    """Where the loss stands in what a function of loss and gradients returns."""
    result = program.returned()
    if not isinstance(result, tuple | list | dict) and np.ndim(result) == 0:
        return ()
    labels = returned_names(program.forward.function)
    scalars = [path for path, value in walk(result) if np.ndim(value) == 0]
    named = [path for path in scalars if is_loss(labels.get(path, ""))]
    if not scalars:
        raise BpxError([Diagnostic("no-loss", None, {"name": program.forward.name})])
    return (named or scalars)[0]


def _find_loss(module_globals: Mapping[str, Any], owner: Any, besides: Sequence[Any]) -> Routine | None:
    """The function of the file, or the method of the object, that is called as a loss is."""
    if owner is not None:
        for name in dir(type(owner)):
            if (
                is_loss(name)
                and callable(getattr(owner, name, None))
                and getattr(type(owner), name) not in besides
            ):
                return Routine(name, getattr(type(owner), name), ("self",))
    for name, value in module_globals.items():
        if is_loss(name) and callable(value) and not isinstance(value, type) and value not in besides:
            return Routine(name, value)
    return None


# --- arguments of backward whose names say nothing ----------------------------------------------
#
# An upstream gradient shows itself: gradients double with it. Where they do, and are right, it is one; where
# they are right only if the argument is the output, nobody can tell.


def settled(program: Program, check: Callable[[Program], Report]) -> Report:
    """The check of a program as its arguments are meant, with a note on what was assumed.

    Raises `BpxError` where an argument may be either, and the verdict depends on it.
    """
    possible, needed = _upstream_readings(program), False
    upstreams = [reading for reading in possible if _doubles(reading)]
    if not upstreams:
        try:
            return _noted(_checked_by_name(program, check), program, ())
        except BpxError as error:
            if not possible or error.diagnostics[0].code != "no-upstream":
                raise
            upstreams, needed = possible[:1], True
    reports = [check(reading) for reading in upstreams]
    agreeing = [report for report in reports if _agrees(report)]
    report = (agreeing or reports)[0]
    reading = upstreams[reports.index(report)]
    if not agreeing and any(_agrees(_attempt(other, check)) for other in _output_readings(program)):
        facts = {"name": reading.upstream[0], "backward": program.backward.name}
        raise BpxError([Diagnostic("unclear-argument", None, facts, "name-argument")])
    return _noted(report, program, reading.upstream, needed=needed)


def _checked_by_name(program: Program, check: Callable[[Program], Report]) -> Report:
    """The check of a program; by a name that forward gives a new value, backward may mean the argument."""
    report = check(program)
    names = [parameter.name for parameter in parameters(program.backward.function)]
    labels = returned_names(program.forward.function).values()
    shared = [name for name in names if name in labels and name in program.world.originals["args"]]
    if program.both or not shared or report.verdict != Verdict.DISAGREE.word:
        return report
    other = check(program.alike(arguments_first=True))
    notes = [_note("taken-as-argument", program, name) for name in shared]
    return replace(other, notes=(*notes, *other.notes)) if _agrees(other) else report


def _noted(report: Report, program: Program, upstream: Sequence[str], *, needed: bool = False) -> Report:
    """The report with a note on each unclear argument: as what it was taken."""

    def taken(name: str) -> Diagnostic:
        if name not in upstream:
            return _note("taken-as-output", program, name)
        if needed:
            return _note("taken-as-needed", program, name)
        return _note("taken-as-upstream", program, name)

    return replace(report, notes=(*map(taken, program.unclear), *report.notes))


def _note(code: str, program: Program, name: str) -> Diagnostic:
    """What was assumed of an argument of backward."""
    facts = {"backward": program.backward.name, "forward": program.forward.name, "name": name}
    return Diagnostic(code, None, facts, severity="note")


def _agrees(report: Report | None) -> bool:
    return report is not None and report.verdict == Verdict.AGREE.word


def _attempt(program: Program, check: Callable[[Program], Report]) -> Report | None:
    try:
        return check(program)
    except BpxError:
        return None


def _upstream_readings(program: Program) -> list[Program]:
    """The program with the unclear arguments as upstream gradients: one for each output, or each in turn."""
    is_asked = program.loss is None or program.loss_is_found
    if not program.unclear or not is_asked or program.upstream:
        return []
    plain = program.alike(loss=None, jacobian=False)
    outputs = _several(program.returned())
    together = [plain.alike(upstream=program.unclear, outputs=outputs)]
    alone = [plain.alike(upstream=[name]) for name in program.unclear]
    return (together if len(outputs) == len(program.unclear) else []) + alone


def _output_readings(program: Program) -> list[Program]:
    """The program with no upstream gradient; of an array as output, also with the sum of it as the loss.

    A derivative of each element alone, `s * (1 - s)`, is the gradient of that sum.
    """
    return [program, program.alike(loss=Routine("sum", _sum), jacobian=False)]


def _sum(output: Any) -> Any:
    return np.sum(output)


def _doubles(reading: Program) -> bool:
    """Whether the gradients double with the upstream gradient."""
    try:
        with np.errstate(all="ignore"):
            upstream = random_upstream(np.shape(reading.run({})), 0)
            one, two = (run_backward(reading, scale * upstream).gradients for scale in (1.0, 2.0))
    except BpxError:
        return False
    values = {found.leaf: 2 * np.asarray(found.value) for found in one}
    same = all(close(found.value, values.get(found.leaf)) for found in two)
    return same and any(np.any(value) for value in values.values())
