"""A forward and a backward function as people write them, called the way they want to be called."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import cached_property
from inspect import Parameter
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import NoHandleError
from bpx.spec.code.leaves import (
    Path,
    World,
    copied,
    get,
    is_users_object,
    put,
    underlying,
    walk,
)
from bpx.spec.code.steps.rates import RATE as RATES
from bpx.spec.code.steps.readings import Reading
from bpx.spec.code.words_of_code import (
    is_cache,
    is_container,
    is_gradient_name,
    is_upstream,
    parameters,
    returned_names,
    star_of,
    words_of,
)
from bpx.spec.trace.random_state import generators_in, generators_of, kept_states
from bpx.spec.trace.stand_ins import places
from bpx.spec.trace.tape import active
from bpx.spec.trace.user_source import is_users, raised_at
from bpx.words.diagnostic import BpxError, Diagnostic
from bpx.words.say import say

RATE = 0.125  # a learning rate, where one must be given; a power of two, so that dividing by it is exact


class Routine(NamedTuple):
    """A function with the way to the object it is a method of; `name` as it was named."""

    name: str
    function: Callable[..., Any]
    owner: Path | None = None  # in the world

    def bound(self, world: Mapping[str, Any]) -> Callable[..., Any]:
        """The function, on the object of this world."""
        if self.owner is None:
            return self.function
        return self.function.__get__(get(world, self.owner))  # type: ignore[no-any-return]


class ForwardRun(NamedTuple):
    """What forward returned: the outputs that are derived, one after the other, and all of it by name."""

    output: Any
    pool: dict[str, Any]


class Program:
    """Forward, perhaps a loss behind it, and backward, on a world."""

    by_position = False  # which gradient is of what is known from its place, and nothing is to be guessed
    loss_is_found = False  # in the file, by its name; nobody has named it
    output_name: str | None = None  # of an output that has no name in forward
    # How the gradients of weights that backward moves are read from their steps; None: it is no weight.
    steps: Mapping[Path, Reading | None] = MappingProxyType({})
    # Where it can be loaded again: the function that does it, the target and the arguments' values.
    origin: tuple[Callable[[str, bytes], Program], str, Mapping[str, Any]] | None = None

    def __init__(self, forward: Routine, loss: Routine | None, backward: Routine, world: World) -> None:
        self.forward, self.loss, self.backward, self.world = forward, loss, backward, world
        self.both = forward.function is backward.function  # one function returns loss and gradients
        self.outputs: list[Path] = [()]  # of what forward returns, those that are derived
        self.jacobian = False  # backward returns ∂output/∂input as a matrix, and takes nothing from above
        self.upstream: list[str] = []  # the arguments of backward that take what arrives at them
        # Arguments of backward whose names say nothing: the output, unless one takes what arrives from above.
        self.unclear: list[str] = []
        self.arguments_first = False  # of a name for both, the argument is meant and not what forward returns
        self._changes: dict[str, Any] = {}
        self._labels = returned_names(forward.function)

    def __reduce__(self) -> Any:
        """As its file: functions, and what they close over, cannot be pickled. Raises `TypeError`."""
        if self.origin is None:
            raise TypeError(say("python.program-not-sent", name=self.forward.name))
        load, target, args = self.origin
        return _loaded, (load, target, pickle.dumps(args), self._changes)

    def alike(self, **changes: Any) -> Program:
        """The same program with other attributes; it is loaded again with them too."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__, **changes, _changes={**self._changes, **changes})
        return other

    # --- calls -------------------------------------------------------------------------------

    @property
    def upstream_is_free(self) -> bool:
        """May the upstream gradient be any? Backward takes it, or gives a matrix to multiply it with."""
        return bool(self.upstream) or self.jacobian

    def run(self, values: Mapping[Path, Any]) -> Any:
        """The output for these values of leaves: an array, or what stands for one."""
        with self._world(values) as world:
            return self._forward(world).output

    def returned(self) -> Any:
        """What forward returns, all of it."""
        with self._world({}) as world:
            return self._called_forward(world)

    @cached_property  # a search for a line runs backward hundreds of times
    def _generators(self) -> list[Any]:
        function = underlying(self.forward.function)
        return generators_of(function, places(function))

    @contextmanager
    def _world(self, values: Mapping[Path, Any]) -> Iterator[dict[str, Any]]:
        """A copy of the world, in which every run draws the same random numbers."""
        with kept_states(self._generators), self.world.copy(values) as world:
            yield world

    def _called_forward(self, world: dict[str, Any]) -> Any:
        return _call(self.forward.bound(world), world["args"], self.forward.name)

    def parts(self, values: Mapping[Path, Any]) -> list[Any]:
        """The outputs one by one; the loss where there is one."""
        with self._world(values) as world:
            if self.loss is not None:
                return [self._forward(world).output]
            result = self._called_forward(world)
            return [get(result, path) for path in self.outputs]

    def _forward(self, world: dict[str, Any]) -> ForwardRun:
        result = self._called_forward(world)
        pool = dict(self._pool(result))
        if self.loss is not None:
            output = get(result, self.outputs[0])
            args = {**world["args"], **{name: value for name, value in pool.items() if name}}
            loss = _call(self.loss.bound(world), args, self.loss.name, {"output": output})
            return ForwardRun(loss, {**pool, "": result})
        parts = [get(result, path) for path in self.outputs]
        if len(parts) == 1:
            return ForwardRun(parts[0], pool)
        return ForwardRun(np.concatenate([np.ravel(part) for part in parts]), pool)

    def _pool(self, result: Any) -> Iterator[tuple[str, Any]]:
        """What forward returned, by the names it has there; the first array also as the output."""
        yield "", result
        for path, label in self._labels.items():
            try:
                yield label, get(result, path)
            except (KeyError, IndexError, TypeError, AttributeError):
                continue

    def backward_run(
        self, upstream: Any, values: Mapping[Path, Any], watching: Callable[[], Any] = nullcontext
    ) -> Iterator[Any]:
        """Forward, then backward: yields the world before, what backward returned, and the world after."""
        with self._world(values) as world:
            yield self._once(world, upstream, watching)[1:]

    def _once(
        self, world: dict[str, Any], upstream: Any, watching: Callable[[], Any] = nullcontext
    ) -> tuple[Any, dict[str, Any], Any, dict[str, Any]]:
        """One run on a world: the output, the world before backward, the result, and the world after."""
        start = copied(self.world.now(world))
        with watching() if self.both else nullcontext():
            run = self._forward(world)
        before = start if self.both else copied(self.world.now(world))
        parts = self._weights(np.array(upstream), run)
        with nullcontext() if self.both else watching():
            result = self._backward(world, run, parts)
        return run.output, before, result, self.world.now(world)

    def backward_again(
        self,
        upstream: Any,
        clears: Sequence[str],
        values: Mapping[Path, Any],
        moves: Sequence[Mapping[Path, Any]],
        watching: Callable[[], Any] = nullcontext,
    ) -> Iterator[Any]:
        """A run, then one for each of `moves` on what is left: the output, and what `backward_run` yields.

        Before each, leaves are set back and get the values of the move, and what an object's methods `clears`
        clear is cleared.
        """
        with self.world.copy(values) as world:
            original = {path: copied(value) for path, value in walk(world) if _is_set_back(path, value)}
            for move in (None, *moves):
                if move is not None:
                    self._set_back(world, original, clears)
                    self._move(world, move)
                with kept_states([*self._generators, *generators_in([world])]):
                    output, before, result, after = self._once(world, upstream, watching)
                    yield output, before, result, copied(after)

    def _move(self, world: dict[str, Any], values: Mapping[Path, Any]) -> None:
        """Give leaves these values: arguments are other arrays then; weights are changed in place."""
        for path, value in values.items():
            for place in self.world.places(path):
                now = get(world, place)
                if place[0] == "args" or not isinstance(now, np.ndarray):
                    put(world, place, copied(value))
                else:
                    now[...] = value

    def _set_back(self, world: dict[str, Any], original: Mapping[Path, Any], clears: Sequence[str]) -> None:
        for holder in [world["self"], *world["globals"].values()]:
            for name in clears:
                if is_users_object(holder) and callable(getattr(holder, name, None)):
                    getattr(holder, name)()
        now = self.world.now(world)
        for path, value in original.items():
            if not is_gradient_name(words_of(path)[0]) and not any(is_container(str(step)) for step in path):
                try:
                    array = get(now, path)
                except (KeyError, IndexError, AttributeError, TypeError):
                    continue
                if not isinstance(value, np.ndarray):
                    put(now, path, value)
                elif isinstance(array, np.ndarray) and array.shape == value.shape:
                    array[...] = value

    def changed_arrays(self, upstream: Any) -> Iterator[tuple[str, list[Path]]]:
        """What a call changes of the arrays it is handed: for each function the paths to them.

        A path begins with `args`, `upstream` or `cache`, what forward returned besides its outputs.
        """
        with self._world({}) as world:
            before = copied({"args": world["args"]})
            run = self._forward(world)
            yield self.forward.name, list(_changed(before, {"args": world["args"]}))
            if self.both:
                return
            handed: dict[str, Any] = {
                "args": world["args"],
                "upstream": self._weights(np.array(upstream), run),
            }
            if self.loss is None:
                handed["cache"] = _rest(run.pool[""], self.outputs)
            before = copied(handed)
            self._backward(world, run, handed["upstream"])
            yield self.backward.name, list(_changed(before, handed))

    def _weights(self, upstream: Any, run: ForwardRun) -> dict[str, Any]:
        return self.weights(
            upstream, [get(run.pool[""], path) for path in self.outputs[: len(self.upstream)]]
        )

    def weights(self, upstream: Any, outputs: Sequence[Any]) -> dict[str, Any]:
        """The upstream gradient of each output, by the argument that takes it."""
        if len(self.upstream) < 2:
            return dict.fromkeys(self.upstream, upstream)
        parts, start = {}, 0
        for name, output in zip(self.upstream, outputs, strict=True):
            shape = np.shape(output)
            size = int(np.prod(shape, dtype=int))
            parts[name] = upstream[start : start + size].reshape(shape)
            start += size
        return parts

    def gradients(self, result: Any) -> Iterator[tuple[Path, Any]]:
        """The gradients in what backward returned, `by_position`."""
        raise NotImplementedError

    def _backward(self, world: dict[str, Any], run: ForwardRun, parts: Mapping[str, Any]) -> Any:
        if self.both:
            return run.pool[""]
        rest = _rest(run.pool[""], self.outputs)
        kept = {name: value for name, value in run.pool.items() if name}
        own = world["args"]
        args = {**kept, **own, **parts} if self.arguments_first else {**own, **kept, **parts}
        output = get(run.pool[""], self.outputs[0])
        return _call(self.backward.bound(world), args, self.backward.name, {"cache": rest, "output": output})


def _loaded(
    load: Callable[[str, bytes], Program], target: str, args: bytes, changes: dict[str, Any]
) -> Program:
    """The program of a target, with other attributes."""
    return load(target, args).alike(**changes)


def _is_set_back(path: Path, value: Any) -> bool:
    """Arrays are, and learning rates, which backward may let decay."""
    return isinstance(value, np.ndarray) or RATES.fullmatch(words_of(path)[0]) is not None


def _changed(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Path]:
    """The arrays that are not what they were."""
    now: dict[Path, Any] = dict(walk(dict(after)))
    for path, value in walk(dict(before)):
        if path in now and not np.array_equal(value, now[path], equal_nan=True):
            yield path


def _rest(result: Any, outputs: Sequence[Path]) -> Any:
    """What forward returned besides its outputs: what it keeps for backward."""
    if not isinstance(result, tuple):
        return result
    taken = {path[0] for path in outputs if path}
    left = [item for index, item in enumerate(result) if index not in taken]
    return left[0] if len(left) == 1 else tuple(left)


def _call(
    function: Callable[..., Any], args: Mapping[str, Any], name: str, more: Mapping[str, Any] | None = None
) -> Any:
    """Call a function with what it asks for by name. Raises `BpxError` where something is missing."""
    chosen, missing = {}, []
    for parameter in parameters(function):
        at_hand = more or {}
        if parameter.default is not parameter.empty:  # a setting: forward's output is not meant
            at_hand = {name: value for name, value in at_hand.items() if name != "output"}
        found, value = _argument(parameter.name, args, at_hand)
        if found:
            chosen[parameter.name] = value
        elif parameter.default is parameter.empty:
            missing.append(parameter.name)
    if missing and not is_users_own(function):
        # Functions of libraries have names of their own for their arguments.
        rest = [value for name, value in args.items() if name not in chosen]
        chosen |= dict(zip(missing, rest, strict=False))
        missing = missing[len(rest) :]
    if missing:
        facts = {
            "function": name,
            "count": len(missing),
            "names": ", ".join(f"`{argument}`" for argument in missing),
            "drawn": " ".join(f"{argument}:(4,3)" for argument in missing),
            "first": missing[0],
        }
        raise BpxError([Diagnostic("argument-without-value", None, facts, "give-inputs")])
    rest = _starred(function, chosen, args, more or {})
    if active.get() is not None:
        return _positional(function, chosen, rest)  # what goes wrong then is told by who traces
    try:
        return _positional(function, chosen, rest)
    except (BpxError, NoHandleError):
        raise
    except (Exception, SystemExit) as error:
        facts = {"function": name, "kind": type(error).__name__, "reason": str(error)}
        wants_integers = isinstance(error, IndexError | TypeError) and "integer" in str(error)
        help = "integer-arguments" if wants_integers else None
        raise BpxError([Diagnostic("function-raised", raised_at(error), facts, help)]) from error


def is_users_own(function: Callable[..., Any]) -> bool:
    """Whether a function stands in the user's code, and not in a library."""
    code = getattr(underlying(function), "__code__", None)
    return code is not None and is_users(code.co_filename)


def _starred(
    function: Callable[..., Any], chosen: Mapping[str, Any], args: Mapping[str, Any], more: Mapping[str, Any]
) -> list[Any]:
    """What `*args` takes: what forward keeps where it is called so, else all arguments not taken by name."""
    star = star_of(function)
    if star is None:
        return []
    if is_cache(star) and isinstance(more.get("cache"), tuple | list):
        return list(more["cache"])
    rest = [value for name, value in args.items() if name not in chosen]
    return rest[: getattr(function, "nin", None)]


def _positional(function: Callable[..., Any], chosen: dict[str, Any], rest: Sequence[Any]) -> Any:
    by_place = {Parameter.POSITIONAL_ONLY, *([Parameter.POSITIONAL_OR_KEYWORD] if rest else [])}
    only = [one.name for one in parameters(function) if one.name in chosen and one.kind in by_place]
    first = [chosen.pop(name) for name in only]
    return function(*first, *rest, **chosen)


def _argument(name: str, args: Mapping[str, Any], more: Mapping[str, Any]) -> tuple[bool, Any]:
    """The value for an argument: by its name, as the cache, as a learning rate, as forward's output."""
    if name in args:
        return True, args[name]
    if is_cache(name) and "cache" in more:
        return True, more["cache"]
    if RATES.fullmatch(name):
        return True, RATE
    if "output" in more and not is_upstream(name):
        return True, more["output"]
    return False, None
