"""Views, writes and aliases: random programs do the same to handles as to arrays."""

from __future__ import annotations

import copy
import dis
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tracing import assert_traced_right

from bpx.spec.trace.tape import TraceError

X = np.array([[0.31, -0.52, 0.87, 0.14], [-0.76, 0.45, 0.23, -0.68], [0.59, 0.95, -0.37, 0.72]])
Y = np.array([0.64, -0.29, 0.81])

# NumPy 2.0 reads an array that is written into itself, by numbers, where it has been written before.
OVERWRITTEN = np.array([0.0, 1.0, 2.0])
OVERWRITTEN[[1, 0, 1]] = OVERWRITTEN
READS_FIRST = OVERWRITTEN[0] == 1
REFUSED = {"trace-write-into-number"} | (set() if READS_FIRST else {"trace-differs", "trace-unrepeatable"})

Variables = list[Any]
Numbers = tuple[int, ...]
Step = tuple[str, int, int, Numbers]  # what, on which variable, with which other, details


def basic_index(shape: tuple[int, ...], numbers: Numbers) -> Any:
    """A basic index, of slices, whole numbers, `None` and `...`."""
    entries: list[Any] = []
    for length, number in zip(shape, numbers, strict=False):
        choice = number % 9
        if choice == 0 and length:
            entries.append(number // 9 % length)
        elif choice == 1:
            entries.append(None)
            entries.append(slice(None))
        elif choice == 2:
            return (..., *entries[:1])
        else:
            parts = [
                slice(None),
                slice(1, None),
                slice(None, -1),
                slice(None, None, -1),
                slice(None, None, 2),
            ]
            entries.append([*parts, slice(-2, None)][choice - 3])
    return tuple(entries)


def fancy_index(shape: tuple[int, ...], numbers: Numbers) -> Any:
    """An array of whole numbers, in which one may stand twice, or a mask."""
    if not shape or not shape[0]:
        return ...
    ids = np.array([number % shape[0] for number in numbers])
    choice = numbers[0] % 4
    if choice == 0:
        return np.resize(np.array([number % 2 == 0 for number in numbers]), shape)
    if choice == 1 and len(shape) > 1:
        return ids, np.array([number // 3 % shape[1] for number in numbers])
    if choice == 2 and len(shape) > 1:
        return slice(None), np.array([number % shape[1] for number in numbers])
    return ids


VIEWS: dict[str, Callable[[Any, Any, Numbers], Any]] = {
    "index": lambda u, w, n: u[basic_index(u.shape, n)],
    "fancy": lambda u, w, n: u[fancy_index(u.shape, n)],
    "transpose": lambda u, w, n: u.T,
    "ravel": lambda u, w, n: u.ravel(),
    "flatten": lambda u, w, n: u.flatten(),
    "reshape": lambda u, w, n: u.reshape(u.size // 2, 2) if n[0] % 2 else u.reshape(2, -1),
    "swapaxes": lambda u, w, n: np.swapaxes(u, 0, -1),
    "flip": lambda u, w, n: np.flip(u, 0),
    "diagonal": lambda u, w, n: np.diagonal(u),
    "expand": lambda u, w, n: u[:, None],
    "squeeze": lambda u, w, n: np.squeeze(u),
    "alias": lambda u, w, n: u,
    "number": lambda u, w, n: u.reshape(-1)[n[0] % u.size],
    "copy": lambda u, w, n: u.copy(),
    "deepcopy": lambda u, w, n: copy.deepcopy(u),
    "array": lambda u, w, n: np.array(u),
    "asarray": lambda u, w, n: np.asarray(u),
    "zeros_like": lambda u, w, n: np.zeros_like(u),
    "zeros": lambda u, w, n: np.zeros(u.shape),
    "product": lambda u, w, n: u * 0.7 + w,
    "sine": lambda u, w, n: np.sin(u),
    "sum": lambda u, w, n: u.sum(n[0] % u.ndim),
    "stack": lambda u, w, n: np.stack([u, u * 0.5]),
    "concatenate": lambda u, w, n: np.concatenate([u, w]),
    "atleast": lambda u, w, n: np.atleast_2d(u),
    "row": lambda u, w, n: list(u)[n[0] % len(u)],
}


def add_in_place(u: Any, w: Any, n: Numbers) -> None:
    u += w


def subtract_transpose(u: Any, w: Any, n: Numbers) -> None:
    u -= u.T


def scale_in_place(u: Any, w: Any, n: Numbers) -> None:
    u *= 0.5


def write(u: Any, w: Any, n: Numbers) -> None:
    u[basic_index(u.shape, n)] = w


def write_number(u: Any, w: Any, n: Numbers) -> None:
    u[basic_index(u.shape, n)] = 0.25


def write_fancy(u: Any, w: Any, n: Numbers) -> None:
    u[fancy_index(u.shape, n)] = w


def write_fancy_row(u: Any, w: Any, n: Numbers) -> None:
    u[fancy_index(u.shape, n)] = np.arange(len(n)) * 0.3


def add_to_fancy(u: Any, w: Any, n: Numbers) -> None:
    u[fancy_index(u.shape, n)] += w


def add_to_part(u: Any, w: Any, n: Numbers) -> None:
    u[basic_index(u.shape, n)] += w


def shift(u: Any, w: Any, n: Numbers) -> None:
    if n[0] % 2:
        u[1:] = u[:-1]
    else:
        u[:-1] = u[1:]


def turn_around(u: Any, w: Any, n: Numbers) -> None:
    u[...] = u[::-1]


def write_into_view(u: Any, w: Any, n: Numbers) -> None:
    u.T[0] = w


def write_into_reshaped(u: Any, w: Any, n: Numbers) -> None:
    u.reshape(-1)[::2] = w


def write_into_raveled(u: Any, w: Any, n: Numbers) -> None:
    u.ravel()[1] = 0.5


def add_at(u: Any, w: Any, n: Numbers) -> None:
    np.add.at(u, fancy_index(u.shape, n), w)


def copy_to(u: Any, w: Any, n: Numbers) -> None:
    np.copyto(u, w)


def fill(u: Any, w: Any, n: Numbers) -> None:
    u.fill(0.1)


def into_out(u: Any, w: Any, n: Numbers) -> None:
    np.multiply(u, w, out=u)


def mask_out(u: Any, w: Any, n: Numbers) -> None:
    u[u < 0] = 0.0


def loop(u: Any, w: Any, n: Numbers) -> None:
    for number in range(1, len(u)):
        u[number] = u[number - 1] * 0.5 + u[number]


def loop_over_rows(u: Any, w: Any, n: Numbers) -> None:
    for row in u:
        row *= 0.9


def swap(u: Any, w: Any, n: Numbers) -> None:
    u[0], u[1] = u[1], u[0]  # of rows, both are views, and one row is lost


def fill_diagonal(u: Any, w: Any, n: Numbers) -> None:
    np.fill_diagonal(u, 0.3)


WRITES = [
    *[add_in_place, subtract_transpose, scale_in_place, write, write_number, write_fancy, write_fancy_row],
    *[add_to_fancy, add_to_part, shift, turn_around, write_into_view, write_into_reshaped],
    *[
        write_into_raveled,
        add_at,
        copy_to,
        fill,
        into_out,
        mask_out,
        loop,
        loop_over_rows,
        swap,
        fill_diagonal,
    ],
]
EFFECTS = {function.__name__: function for function in WRITES}
STEPS = [*VIEWS, *EFFECTS]


def take(step: Step, variables: Variables) -> None:
    """Do one step: add a variable, or write into one."""
    name, own, other, numbers = step
    u, w = variables[own % len(variables)], variables[other % len(variables)]
    if name in VIEWS:
        variables.append(VIEWS[name](u, w, numbers))
    else:
        EFFECTS[name](u, w, numbers)


def program(steps: list[Step]) -> Callable[..., Any]:
    """A function of x and y that takes the steps, and depends on all that they leave behind."""

    def function(x: Any, y: Any) -> Any:
        variables = [x * 1.0, y * 1.0, x, y]
        for step in steps:
            take(step, variables)
        return sum(np.sum(np.sin(variable * (0.3 + 0.1 * at))) for at, variable in enumerate(variables))

    return function


def possible(steps: list[Step]) -> list[Step]:
    """The steps that NumPy can take, on arrays that stay small."""
    variables: Variables = [X.copy(), Y.copy(), X.copy(), Y.copy()]
    taken = []
    for step in steps:
        try:
            take(step, variables)
        except (ValueError, IndexError, TypeError, ZeroDivisionError):
            # What a step wrote before it failed is undone, with the aliases: begin again.
            variables = [X.copy(), Y.copy(), X.copy(), Y.copy()]
            for earlier in taken:
                take(earlier, variables)
            continue
        if any(np.size(variable) > 60 or np.max(np.abs(variable), initial=0) > 20 for variable in variables):
            return taken
        taken.append(step)
    return taken


steps = st.lists(
    st.tuples(
        st.sampled_from(STEPS),
        st.integers(0, 9),
        st.integers(0, 9),
        st.lists(st.integers(0, 80), min_size=3, max_size=3).map(tuple),
    ),
    min_size=1,
    max_size=9,
)


DETAILS = [(3, 4, 5), (0, 1, 2), (9, 3, 6), (5, 2, 8), (8, 5, 4), (1, 0, 3), (6, 7, 7)]


def details_of(name: str) -> list[Numbers]:
    """Details that make a difference to the step: most do not look at any."""
    function = {**VIEWS, **EFFECTS}[name]
    return DETAILS if any(each.argval == "n" for each in dis.get_instructions(function)) else DETAILS[:1]


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("own", [0, 1])
def test_each_step_is_right(name: str, own: int) -> None:
    for numbers in details_of(name):
        step = (name, own, 1 - own, numbers)
        for program_steps in ([step], [("transpose", 0, 0, (0,)), (name, 4, own, numbers)], [step, step]):
            taken = possible(program_steps)
            if taken:
                assert_traced_right(program(taken), {"x": X, "y": Y})


@settings(max_examples=150, deadline=None)
@given(steps)
@example([("alias", 0, 0, (0, 0, 0)), ("shift", 4, 0, (1, 0, 0)), ("add_in_place", 0, 4, (0, 0, 0))])
@example([("index", 0, 0, (0, 0, 0)), ("copy", 4, 0, (0, 0, 0)), ("add_in_place", 5, 0, (0, 0, 0))])
@example([("number", 0, 0, (0, 0, 0)), ("fill", 0, 0, (0, 0, 0))])
@example([("reshape", 0, 0, (0, 0, 0)), ("transpose", 4, 0, (0, 0, 0)), ("write_number", 5, 0, (0, 4, 4))])
def test_a_program_is_right(steps: list[Step]) -> None:
    taken = possible(steps)
    try:
        assert_traced_right(program(taken), {"x": X, "y": Y})
    except TraceError as error:
        # A number of NumPy takes `fill`, and nothing happens.
        if error.diagnostics[0].code not in REFUSED:
            raise AssertionError(f"{taken}\n{error}") from error
