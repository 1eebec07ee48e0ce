"""`mynet.py:loss` as a graph, `mynet.py:forward,backward` as a check."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from bpx.check.report.report import Report
from bpx.graph.arrays import RoundedInteger, is_masked, real_floats
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.named.values import rounded_integer
from bpx.spec.code.check import check_program
from bpx.spec.code.inputs import gathered
from bpx.spec.code.leaves import Path, walk
from bpx.spec.code.loading import CodeTarget, load_target
from bpx.spec.code.program import Program
from bpx.spec.code.traced_program import is_loss_alone, trace_leaves
from bpx.spec.code.understand import forward_only, understood
from bpx.spec.code.words_of_code import parameters
from bpx.spec.trace.user_source import in_turn
from bpx.words.diagnostic import BpxError, Diagnostic


@in_turn
def read_code(
    target: str,
    values: Mapping[str, Any],
    *,
    inputs: str | None = None,
    random: str | None = None,
    seed: int = 0,
) -> CodeTarget:
    """The functions that a target names, with values for their arguments. Raises `BpxError`."""
    code = load_target(target)
    return code._replace(args=gathered(code.module, values, inputs, random, seed))


@in_turn
def program_of(code: CodeTarget) -> Program | None:
    """The forward and backward that a target names; None where it names a loss alone."""
    program = _understood(code)
    return None if is_loss_alone(program) else program


@in_turn
def check_code(code: CodeTarget, **options: Any) -> Report:
    """Check the backward of a target. Raises `BpxError`."""
    return check_program(_understood(code), **options)


def _understood(code: CodeTarget) -> Program:
    program = understood(code.named, code.args, vars(code.module))
    program.origin = (_loaded_again, code.text, code.args)
    return program


@lru_cache(1)
def _loaded_again(target: str, args: bytes) -> Program:
    """The program of a target in another process, for arguments that are pickled; it runs the file."""
    return _understood(load_target(target)._replace(args=pickle.loads(args)))


@in_turn
def graph_of(code: CodeTarget) -> NamedGraph:
    """The graph of what the first function of a target computes, loss included where one is named.

    Its inputs are the arrays of floats that reach the result: the arguments, and of an object or a module
    without such arguments the arrays that it holds. Raises `BpxError`.
    """
    program = forward_only(code.named, code.args, vars(code.module))
    graph = trace_leaves(program, _leaves(program)).graph
    if not graph.inputs:
        raise BpxError([Diagnostic("trace-constant", None, {})])
    return graph


@in_turn
def graph_of_function(
    function: Callable[..., Any], arrays: Sequence[Any], values: Mapping[str, Any]
) -> NamedGraph:
    """The graph of a function for these arguments. Raises `BpxError`."""
    names = [parameter.name for parameter in parameters(function)]
    by_name = dict(zip(names, arrays, strict=False))
    if len(arrays) > len(names) or by_name.keys() & values.keys():
        raise BpxError(
            [Diagnostic("too-many-arguments", None, {"count": len(arrays), "names": ", ".join(names)})]
        )
    every = {**by_name, **values}
    if masked := [name for name, value in every.items() if is_masked(value)]:
        raise BpxError([Diagnostic("masked-input", None, {"name": name}, "fill-masked") for name in masked])
    args = {name: _as_input(name, value) for name, value in every.items()}
    unknown = [name for name in args if name not in names]
    if unknown and names:
        raise BpxError(
            [
                Diagnostic("no-such-argument", None, {"name": name, "names": ", ".join(names)})
                for name in unknown
            ]
        )
    module_globals = getattr(function, "__globals__", {})
    program = forward_only([(getattr(function, "__name__", "f"), function, None)], args, module_globals)
    return trace_leaves(program, _leaves(program)).graph


def _as_input(name: str, value: Any) -> Any:
    """Numbers and lists of numbers as floats, which can be derived by. Raises `BpxError`."""
    if isinstance(value, bool | np.ndarray | np.generic | dict):
        return value
    try:
        if isinstance(value, bytearray | memoryview):  # whose bytes NumPy reads as numbers
            raise TypeError
        array = np.asarray(value)
    except ValueError:  # a list of arrays of different lengths
        return value
    except Exception:  # arrays of other libraries raise what they like
        facts = {"name": name, "found": type(value).__name__}
        raise BpxError([Diagnostic("not-numeric", None, facts, "pass-floats")]) from None
    if isinstance(value, list | tuple) and any(isinstance(item, np.ndarray) for item in value):
        return value
    try:
        return real_floats(array)[()] if array.dtype.kind in "fiu" else value
    except RoundedInteger as error:
        raise BpxError([rounded_integer(name, error)]) from None


def _leaves(program: Program) -> list[Path]:
    """Arguments and attributes; global variables only where a function takes nothing else."""
    world = program.world
    paths = [path for path, value in walk(world.originals) if np.size(value)]
    own = [path for path in paths if path[0] != "globals" or _is_owned(path, program)]
    chosen = own or paths
    return list(dict.fromkeys(world.leaf(path) for path in chosen))


def _is_owned(path: Path, program: Program) -> bool:
    owner = program.forward.owner
    return owner is not None and path[: len(owner)] == owner
