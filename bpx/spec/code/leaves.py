"""The arrays that can be derived by: arguments, what stands in lists and dicts of them, attributes, globals.

A leaf is one array of floats, at one place or at several that hold the very same array.
"""

from __future__ import annotations

import copy
import functools
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from bpx.spec.trace.tape import active
from bpx.spec.trace.user_source import is_users

Path = tuple[Any, ...]  # keys, indices and attributes that lead to a value


class Attribute(str):
    """The name of an attribute, in a path."""


class Leaf(NamedTuple):
    """An array of floats, where it stands, and what it is called."""

    name: str
    path: Path
    value: Any


def walk(value: Any, path: Path = (), seen: frozenset[int] = frozenset()) -> Iterator[tuple[Path, Any]]:
    """Every array of floats that a value holds, with the way to it, in the order it is written in."""
    if isinstance(value, np.ndarray | np.floating | float) and not isinstance(value, bool):
        if np.asarray(value).dtype.kind == "f":
            yield path, value
        return
    if id(value) in seen or len(path) > 6:
        return
    seen |= {id(value)}
    if isinstance(value, dict):
        for key, item in value.items():
            yield from walk(item, (*path, key), seen)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from walk(item, (*path, index), seen)
    elif is_users_object(value):
        for name, item in vars(value).items():
            yield from walk(item, (*path, Attribute(name)), seen)


def is_users_object(value: Any) -> bool:
    """An instance of a class of the user's, which keeps its state in attributes."""
    kind = type(value)
    module = sys.modules.get(kind.__module__)
    if module is None or not is_users(getattr(module, "__file__", None) or "<input>"):
        return False
    kinds = (type, types.ModuleType, types.FunctionType, types.MethodType, np.ndarray, np.random.Generator)
    return hasattr(value, "__dict__") and not isinstance(value, kinds)


def get(root: Any, path: Path) -> Any:
    """What stands at the end of a path."""
    for step in path:
        root = getattr(root, step) if isinstance(step, Attribute) else root[step]
    return root


def put(root: Any, path: Path, value: Any) -> Any:
    """The same structure with a value at the end of the path; tuples are made anew, all else is changed."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(step, Attribute):
        # A frozen dataclass refuses what `setattr` does; the copy is ours.
        object.__setattr__(root, step, put(getattr(root, step), rest, value))
    elif isinstance(root, tuple):
        items = list(root)
        items[step] = put(items[step], rest, value)
        return type(root)(*items) if hasattr(root, "_fields") else type(root)(items)
    else:
        root[step] = put(root[step], rest, value)
    return root


def named(paths: Mapping[Path, Any]) -> list[Leaf]:
    """Leaves with short names: the last word of the path, more where that does not tell them apart."""
    names = {path: _name(path, 1) for path in paths}
    for length in range(2, 7):
        taken = [name for name in names.values() if list(names.values()).count(name) > 1]
        if not taken:
            break
        names = {path: _name(path, length) if name in taken else name for path, name in names.items()}
    return [Leaf(names[path], path, value) for path, value in paths.items()]


def _name(path: Path, words: int) -> str:
    """`W1` of `params["W1"]`, `params_0` of `params[0]`."""
    parts: list[str] = []
    count = 0
    for step in reversed(path):
        parts.insert(0, str(step))
        count += isinstance(step, str)
        if count >= words:
            break
    name = "_".join(parts)
    name = "".join(letter if letter.isalnum() or letter == "_" else "_" for letter in name)
    return name if not name[:1].isdigit() else f"x_{name}"


def copied(value: Any) -> Any:
    """A copy of arguments or of an object with its state; what cannot be copied is used as it is."""
    try:
        return copy.deepcopy(value)
    except Exception:  # locks, files, modules: a stranger's object may hold anything
        return value


def underlying(function: Any) -> Any:
    """The function that runs when something is called: behind `functools.partial`, a method or an object."""
    while True:
        if isinstance(function, functools.partial):
            function = function.func
        elif isinstance(function, types.MethodType):
            function = function.__func__
        elif is_users_object(function) and isinstance(type(function).__call__, types.FunctionType):
            function = type(function).__call__
        else:
            return function


def names_in_use(users: Iterable[Any], variables: Mapping[str, Any]) -> set[str]:
    """The global variables that functions and methods of objects use, and those that what they call uses."""
    return {name for code in codes_in_use(users, variables) for name in {*code.co_names} & variables.keys()}


def codes_in_use(users: Iterable[Any], variables: Mapping[str, Any]) -> Iterator[types.CodeType]:
    """The code of functions and methods of objects, and of what they call of these global variables."""
    names: set[str] = set()
    todo = [function.__code__ for user in users for function in _functions_of(user)]
    while todo:
        code = todo.pop()
        yield code
        todo += [constant for constant in code.co_consts if isinstance(constant, types.CodeType)]
        for name in {*code.co_names} & variables.keys() - names:
            names.add(name)
            todo += [function.__code__ for function in _functions_of(variables[name])]


def _functions_of(value: Any) -> list[types.FunctionType]:
    """The function itself; of a class, and of each object in reach, the methods."""
    if isinstance(value, functools.partial | types.MethodType):
        value = underlying(value)
    if isinstance(value, types.FunctionType):
        return [value]
    if isinstance(value, type):
        return [item for item in vars(value).values() if isinstance(item, types.FunctionType)]
    if isinstance(value, list | tuple):
        return [function for item in value for function in _functions_of(item)]
    if is_users_object(value):
        inner = [item for item in vars(value).values() if item is not value and is_users_object(item)]
        return [*_functions_of(type(value)), *(each for item in inner for each in _functions_of(type(item)))]
    return []


class World:
    """Arguments, objects and global variables: copies of the originals for every run.

    `originals` holds `args` (by name), `globals` (of the module, what is data and one of `functions` uses),
    `self` and what `cells` hold that functions close over.
    """

    def __init__(
        self,
        args: Mapping[str, Any],
        module_globals: dict[str, Any],
        functions: Iterable[Any],
        owner: Any = None,
        cells: Sequence[types.CellType] = (),
    ) -> None:
        self._module_globals, self._cells = module_globals, cells
        # What nobody uses need not be copied: a notebook may hold much more than memory holds twice.
        used = names_in_use([*functions, owner], module_globals)
        data = {name: module_globals[name] for name in module_globals if name in used}
        data = {name: value for name, value in data.items() if _is_data(name, value) or value is owner}
        at_home = any(value is owner for value in data.values())
        self.originals: dict[str, Any] = {
            "args": _apart(args),
            "globals": data,
            "self": None if at_home else owner,
            "cells": [cell.cell_contents for cell in cells],
        }
        self._aliases: dict[int, list[Path]] = {}
        self.paths = {path for path, _ in walk(self.originals)}
        for path, value in walk(self.originals):
            if isinstance(value, np.ndarray):
                self._aliases.setdefault(id(value), []).append(path)

    def places(self, path: Path) -> list[Path]:
        """All places of the array at a path: a network and its layers may hold the same one."""
        return self._aliases.get(id(get(self.originals, path)), [path])

    def leaf(self, path: Path) -> Path:
        """The shortest of the places of an array: what it is called."""
        return min(self.places(path), key=len)

    @contextmanager
    def copy(self, values: Mapping[Path, Any]) -> Iterator[dict[str, Any]]:
        """A copy with these values in it, which the functions see as long as the block lasts."""
        world = copied(self.originals)
        for path, value in [*self._constants(world).items(), *values.items()]:
            for place in self.places(path):
                world = put(world, place, value)
        before = {name: self._module_globals[name] for name in world["globals"]}
        contents = [cell.cell_contents for cell in self._cells]
        self._module_globals.update(world["globals"])
        self._fill(world["cells"])
        try:
            yield world
        finally:
            self._module_globals.update(before)
            self._fill(contents)

    def _fill(self, contents: Sequence[Any]) -> None:
        for cell, content in zip(self._cells, contents, strict=True):
            cell.cell_contents = content

    def _constants(self, world: dict[str, Any]) -> dict[Path, Any]:
        """While a function is traced, handles for all arrays of floats: `X.dot(h)` of an array sees none."""
        tape = active.get()
        if tape is None:
            return {}
        return {
            path: tape.handle(value, None) for path, value in walk(world) if isinstance(value, np.ndarray)
        }

    def now(self, world: dict[str, Any]) -> dict[str, Any]:
        """The world as it is now: functions may have given globals new values."""
        names = world["globals"]
        cells = [cell.cell_contents for cell in self._cells]
        return {**world, "globals": {name: self._module_globals.get(name) for name in names}, "cells": cells}


def cells_in_reach(function: Callable[..., Any]) -> list[types.CellType]:
    """What a function, and those that it calls, close over and could put a value into: lists, dicts, objects.

    Only of these: what other modules of the program hold is none of its business.
    """
    cells: dict[int, types.CellType] = {}
    todo, seen = _functions_of(function), set[int]()
    while todo:
        user = todo.pop()
        if id(user) in seen:
            continue
        seen.add(id(user))
        held = [(cell, _content(cell)) for cell in user.__closure__ or ()]
        cells |= {id(cell): cell for cell, content in held if _may_change(content)}
        called = [user.__globals__.get(name) for name in user.__code__.co_names]
        values = [*called, *(content for _, content in held)]
        todo += [inner for value in values for inner in _functions_of(value)]
    return list(cells.values())


def _apart(args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments, each an array of its own: `forward(x, x)` has a derivative by each of the two."""
    apart: dict[str, Any] = {}
    for name, value in args.items():
        is_again = isinstance(value, np.ndarray) and any(value is other for other in apart.values())
        apart[name] = value.copy() if is_again else value
    return apart


def _content(cell: types.CellType) -> Any:
    try:
        return cell.cell_contents
    except ValueError:  # not filled yet
        return None


def _may_change(content: Any) -> bool:
    return isinstance(content, list | dict | set) or is_users_object(content)


def _is_data(name: str, value: Any) -> bool:
    if name.startswith("__"):
        return False
    return isinstance(value, np.ndarray | float | int | dict | list | tuple) or is_users_object(value)
