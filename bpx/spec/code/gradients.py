"""Where a backward function leaves its gradients, and which array each is the gradient of.

They are returned (alone, in tuples, lists and dicts), left in attributes and dicts of objects, in global
variables, or only in the step that they make the weights take.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from bpx.graph.arrays import Shape
from bpx.spec.code.leaves import Path, walk
from bpx.spec.code.steps.readings import Reading
from bpx.spec.code.words_of_code import (
    SAME_NAME,
    is_container,
    is_gradient_name,
    returned_names,
    spellings,
    spellings_sought,
    words_of,
)
from bpx.words.diagnostic import BpxError, Diagnostic

BESIDE = None  # begins the scope of what stands beside a container of gradients
MOST_RESULTS = 10_000  # each is compared with each array that it may be the gradient of


class TooManyResults(Exception):
    """A backward function returned more numbers and arrays than are looked at."""


class Found(NamedTuple):
    """A gradient that backward made: of the leaf at `leaf`, found at `place` (a path or a name)."""

    leaf: Path
    value: Any
    place: str
    rate: float | None = None  # of a step that it was found from: what that was divided by


class Words(NamedTuple):
    """What a leaf is looked up by: a spelling of its name, how well that fits, and where the leaf stands."""

    likeness: int
    spelling: str
    scope: Any  # whether among the arguments; or the path of what holds it


class Candidate(NamedTuple):
    """An array that may be a gradient: what it is called, the indices behind the name, where it stands.

    `is_new` says whether the call has made it: what stood there before has to be called after its array.
    """

    name: str
    indices: tuple[Any, ...]
    value: Any
    place: str
    parent: Path | None = None  # where it is left, the path of what holds it
    is_new: bool = True


def claimed_gradients(
    backward: Callable[..., Any],
    result: Any,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    args: Sequence[str],
    known: Container[Path],
    besides: Sequence[Path] = (),
) -> list[Found]:
    """The gradients that a call of backward made, each of one leaf of the world.

    Raises `BpxError` where it returned too many numbers and arrays to look at.
    """
    leaves = {path: value for path, value in walk(dict(before)) if path in known}
    found: dict[Path, Found] = {}
    try:
        result = stacked(result, {np.shape(value) for value in leaves.values()}, returned_names(backward))
        if next(islice(walk(result), MOST_RESULTS, None), None):
            raise TooManyResults
    except TooManyResults:
        facts = {"name": getattr(backward, "__name__", "backward"), "most": f"{MOST_RESULTS:,}"}
        raise BpxError([Diagnostic("too-many-results", None, facts, "array-each")]) from None
    pairs = [(path, item) for path, item in _returned(backward, result, leaves) if path not in besides]
    returned = [item for _, item in pairs]

    shaped = _Leaves({path: np.shape(value) for path, value in leaves.items()})

    def take(candidates: Iterable[Candidate]) -> None:
        for candidate in candidates:
            path = shaped.best(candidate, found)
            if path is not None:
                found[path] = Found(path, candidate.value, candidate.place)

    take(returned)
    take(_left(before, after))
    by_name = any(item.place.startswith("returned") for item in found.values())
    one_each = isinstance(result, tuple | list) and len(result) == len(args)
    taken = {item.place for item in found.values()}
    positioned: Iterable[Found] = ()
    if one_each:
        # Beside gradients that have names, `return dz @ w.T, dw`, only what has none is of its place.
        positioned = list(_one_each((pair for pair in pairs if not (by_name and pair[1].name)), leaves, args))
    if not positioned and not by_name:
        in_order = list(_by_position(returned, leaves, args, taken))
        # As many as there are arguments, they may still be of the arrays in a list that is one of these.
        positioned = in_order if not one_each or len(in_order) == len(returned) else ()
    for item in positioned:
        found.setdefault(item.leaf, item)
    gradients = {path for path in leaves if f"left {place_of(path)}" in taken}
    for item in _steps(leaves, after, {*found} | gradients):
        found[item.leaf] = item
    return list(found.values())


def misshapen(
    backward: Callable[..., Any],
    result: Any,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    known: Container[Path],
    found: Container[Path],
) -> list[Found]:
    """Arrays that are called the gradient of a leaf, of which nothing was found, and have another shape."""
    leaves = {path: value for path, value in walk(dict(before)) if path in known and path not in found}
    wrong: dict[Path, Found] = {}
    by_name = _Leaves(dict.fromkeys(leaves))
    for candidate in [*(item for _, item in _returned(backward, result, leaves)), *_left(before, after)]:
        for path in by_name.of_same_name(candidate):
            if np.shape(leaves[path]) != np.shape(candidate.value):
                wrong.setdefault(path, Found(path, candidate.value, candidate.place))
    return list(wrong.values())


def misplaced(
    backward: Callable[..., Any], result: Any, leaves: Mapping[Path, Any], args: Sequence[str]
) -> list[Found]:
    """Of gradients without names, as many as there are arguments, those of another shape than theirs."""
    if not isinstance(result, tuple | list) or len(result) != len(args):
        return []
    wrong = []
    for path, item in _returned(backward, result, leaves):
        leaf = ("args", list(args)[path[0]], *path[1:])
        if not item.name and leaf in leaves and np.shape(item.value) != np.shape(leaves[leaf]):
            wrong.append(Found(leaf, item.value, item.place))
    return wrong


def stacked(result: Any, shapes: Container[Shape], labels: Container[Path], path: Path = ()) -> Any:
    """What backward returned, with numbers in lists, whole numbers and objects as arrays of floats.

    A list of numbers is an array where an array has its shape, unless the source names its elements.
    Raises `TooManyResults` for longer lists and dicts of others.
    """
    if isinstance(result, dict):
        if len(result) > MOST_RESULTS:
            raise TooManyResults
        return {key: stacked(item, shapes, labels, (*path, key)) for key, item in result.items()}
    if isinstance(result, list | tuple) and not hasattr(result, "_fields"):
        array = None if (*path, 0) in labels or isinstance(result, tuple) else _as_floats(result)
        if array is not None and array.shape in shapes:
            return array
        if len(result) > MOST_RESULTS:
            raise TooManyResults
        items = [stacked(item, shapes, labels, (*path, number)) for number, item in enumerate(result)]
        return type(result)(items)
    if isinstance(result, np.ndarray | np.generic | int) and not isinstance(result, bool):
        array = _as_floats(result) if np.asarray(result).dtype.kind in "iuO" else None
        return result if array is None or array.shape not in shapes else array[()]
    return result


def _as_floats(value: Any) -> Any:
    """Numbers as an array of float64, for which their type is no matter; None for all else."""
    try:
        array = np.asarray(value)
        if array.dtype.kind == "O":
            array = np.array([float(item) for item in array.ravel()]).reshape(array.shape)
    except (TypeError, ValueError):
        return None
    if array.dtype.kind not in "iuf":
        return None
    return array if array.dtype.kind == "f" else array.astype(float)


# --- where they are -----------------------------------------------------------------------------


def _returned(
    backward: Callable[..., Any], result: Any, leaves: Mapping[Path, Any]
) -> Iterable[tuple[Path, Candidate]]:
    """The arrays that backward returned, with what the source calls them.

    An argument itself, as in `return w, x`, is the gradient of another one: its name says nothing.
    """
    labels = returned_names(backward)
    for path, value in walk(result):
        label = next((labels[path[:n]] for n in range(len(path), -1, -1) if path[:n] in labels), None)
        name, indices = words_of(path, None)
        if not name and label:
            covered = next(n for n in range(len(path), -1, -1) if path[:n] in labels)
            name, indices = label, tuple(path[covered:])
            if np.array_equal(value, leaves.get(("args", label, *indices), np.nan)):
                name = ""
        if "." not in (label or ""):  # `return self.dW`: it is found where it is left
            yield path, Candidate(name, indices, value, f"returned {place_of(path)}".strip())


def place_of(path: Path) -> str:
    """A path as text, which stands behind how a gradient was found."""
    return "".join(f"[{step!r}]" for step in path)


def _left(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterable[Candidate]:
    """Arrays that stand in objects, dicts and globals under the name of a gradient."""
    was = dict(walk(dict(before)))
    for path, value in walk(dict(after)):
        name, indices = words_of(path)
        holder = path[: len(path) - len(indices) - 1]
        above = next((str(step) for step in reversed(holder) if isinstance(step, str)), "")
        if is_gradient_name(name) or is_container(above):
            is_new = path not in was or not np.array_equal(was[path], value)
            yield Candidate(name, indices, value, f"left {place_of(path)}", holder, is_new)


# --- which array each is of ---------------------------------------------------------------------


class _Leaves:
    """Leaves of these shapes, or of any where they are None, to look up by what a gradient is called.

    A search for a wrong line matches again in each of its hundreds of runs: a gradient is never compared with
    all leaves, and the index is kept from one run to the next.
    """

    def __init__(self, shapes: Mapping[Path, Shape | None]) -> None:
        self._paths = list(shapes)
        self._numbers = _numbers_by_words(tuple(shapes.items()))

    def best(self, candidate: Candidate, taken: Container[Path]) -> Path | None:
        """The leaf that fits best by name, by what stands around it, and by shape; None where several do."""
        shape = np.shape(candidate.value)
        for keys in _words_that_fit(candidate):
            fitting: set[Path] = set()
            for path in self._of(candidate, keys, shape):
                if path not in taken:
                    fitting.add(path)
                if len(fitting) > 1:
                    return None
            if fitting:
                return fitting.pop()
        return None

    def of_same_name(self, candidate: Candidate) -> Iterator[Path]:
        """The leaves of any shape that have the very name of the gradient's array."""
        for keys in _words_that_fit(candidate):
            yield from self._of(candidate, [key for key in keys if key.likeness == SAME_NAME], None)

    def _of(self, candidate: Candidate, keys: Iterable[Words], shape: Shape | None) -> Iterator[Path]:
        """The leaves of these words, without the array itself that the gradient is."""
        for key in keys:
            for number in self._numbers.get((key, candidate.indices, shape), ()):
                path = self._paths[number]
                if candidate.parent is None or candidate.place != f"left {place_of(path)}":
                    yield path


@lru_cache(maxsize=8)
def _numbers_by_words(shapes: tuple[tuple[Path, Shape | None], ...]) -> dict[Any, list[int]]:
    """The numbers of leaves by their words, the indices behind these, and the shape.

    Numbers, for a path is equal to another one where an attribute and a key have the same name.
    """
    numbers: dict[Any, list[int]] = {}
    for number, (path, shape) in enumerate(shapes):
        name, indices = words_of(path)
        holder = path[: len(path) - len(indices) - 1]
        words = [Words(SAME_NAME, name, (BESIDE, *holder[:-1]))]
        for scope in (path[0] == "args", holder):
            words += [Words(fit, text, scope) for fit, text in spellings(name)]
        for key in words:
            numbers.setdefault((key, indices, shape), []).append(number)
    return numbers


def _words_that_fit(candidate: Candidate) -> Iterator[list[Words]]:
    """The words of leaves that a gradient may be of, the best first; those of one list fit equally well."""
    parent = candidate.parent
    if not candidate.name:
        return
    if parent and is_container(str(parent[-1])):
        # `grads["W1"]` is of `params["W1"]`: the same key beside it.
        yield [Words(SAME_NAME, candidate.name, (BESIDE, *parent[:-1]))]
        return
    # An argument is meant rather than a global variable or an attribute of the same name.
    scopes = (True, False) if parent is None else (parent,)
    for fit, texts in spellings_sought(candidate.name):
        for scope in scopes if fit or (parent is not None and candidate.is_new) else ():
            yield [Words(fit, text, scope) for text in texts]


def _one_each(
    pairs: Iterable[tuple[Path, Candidate]], leaves: Mapping[Path, Any], args: Sequence[str]
) -> Iterable[Found]:
    """As many results as arguments: each is of the argument in its place."""
    for path, candidate in pairs:
        leaf = ("args", list(args)[path[0]], *path[1:])
        if leaf in leaves and np.shape(leaves[leaf]) == np.shape(candidate.value):
            yield Found(leaf, candidate.value, candidate.place)


def _by_position(
    returned: Sequence[Candidate], leaves: Mapping[Path, Any], args: Sequence[str], taken: set[str]
) -> Iterable[Found]:
    """Gradients without names, in the order of the arguments that they fit by shape."""
    waiting = [candidate for candidate in returned if candidate.place not in taken]
    ordered = [path for path in leaves if path[0] == "args" and path[1] in args]
    ordered.sort(key=lambda path: list(args).index(path[1]))
    for path in ordered:
        if waiting and np.shape(waiting[0].value) == np.shape(leaves[path]):
            candidate = waiting.pop(0)
            yield Found(path, candidate.value, candidate.place)


def _steps(leaves: Mapping[Path, Any], after: Mapping[str, Any], taken: set[Path]) -> Iterable[Found]:
    """Weights that backward has moved, downwards by so much."""
    moved = dict(walk(dict(after)))
    for path, value in leaves.items():
        now = moved.get(path)
        name, _ = words_of(path)
        if (
            path in taken
            or now is None
            or (is_gradient_name(name) and len(name) > 1)
            or np.shape(now) != np.shape(value)
            or np.array_equal(now, value)
        ):
            continue
        yield Found(path, np.asarray(value) - np.asarray(now), f"step {place_of(path)}", rate=1.0)


def read_steps(
    gradients: Iterable[Found], steps: Mapping[Path, Reading | None], local: Mapping[str, Any]
) -> Iterator[Found]:
    """The gradients, those in steps as they are to be read; what is no weight has none."""
    for found in gradients:
        reading = steps.get(found.leaf, Reading())
        if found.rate is None:
            yield found
        elif reading is not None:
            rate = None if reading.variable else reading.rate
            yield found._replace(value=reading.gradient(found.value, local), rate=rate)
