"""What cannot be traced is refused where it stands, with a way out; what looks like it can be is traced."""

from __future__ import annotations

import copy
import functools
import io
import itertools
import math
import operator
import pickle
import random
import threading
from collections.abc import Callable
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy import zeros
from rows_of_a_table import every
from tracing import assert_traced_right

from bpx.spec.trace import tape
from bpx.spec.trace.tape import TraceError
from bpx.spec.trace.trace import trace_function
from bpx.words.diagnostic import Diagnostic

V = np.array([0.3, 0.6, 0.9])
SQUARE = np.array([[0.3, -0.5, 0.8], [0.6, 0.2, -0.4], [0.1, 0.9, 0.7]])
Function = Callable[..., Any]


class Case(NamedTuple):
    function: Function
    code: str
    place: str | None  # the characters that the diagnostic points at
    help: str  # words of the advice


CASES: list[Case] = []
WORKING: list[Function] = []


def refused(code: str, place: str | None, help: str = "") -> Callable[[Function], Function]:
    """A function that is refused with this code, at these characters."""

    def note(function: Function) -> Function:
        CASES.append(Case(function, code, place, help))
        return function

    return note


def works(function: Function) -> Function:
    """A function that is traced, and right."""
    WORKING.append(function)
    return function


# --- made into plain numbers ----------------------------------------------------------------------


@refused("trace-float", "np.float64(x[0])", "float(…)")
def float64(x: Any) -> Any:
    return np.float64(x[0]) + x.sum()


@refused("trace-float", "np.fromiter((v * v for v in x), float)", "")
def from_iterator(x: Any) -> Any:
    return np.fromiter((v * v for v in x), float).sum()


@refused("trace-array", "np.nditer(x)", "functions of NumPy")
def numpys_iterator(x: Any) -> Any:
    return sum(v * v for v in np.nditer(x))


@refused("trace-float", '"%.3f" % x[0]', "f-strings")
def old_format(x: Any) -> Any:
    text = "%.3f" % x[0]  # noqa: UP031 - the old way is the case
    return x.sum() * len(text)


@refused("trace-array", "np.float32(x)", "functions of NumPy")
def float32(x: Any) -> Any:
    return np.float32(x).sum()


@refused("trace-array", "pickle.dumps(x)", "functions of NumPy")
def pickled(x: Any) -> Any:
    return pickle.loads(pickle.dumps(x)).sum()


ROWS = np.vectorize(lambda row: row.sum(), signature="(n)->()")


@refused("trace-inside", "ROWS(x)", "in a loop")
def vectorized_with_signature(x: Any) -> Any:
    return ROWS(x) + x.sum()


@refused("trace-inside", "np.ma.masked_array(x, x > 0.5)", "functions of NumPy")
def masked(x: Any) -> Any:
    return np.ma.masked_array(x, x > 0.5).sum()


@refused("trace-inside", "np.polynomial.polynomial.polyval(2.0, x)", "functions of NumPy")
def polynomial(x: Any) -> Any:
    return np.polynomial.polynomial.polyval(2.0, x)


@refused("untraceable", "return Decimal(x[0]) + 1", "operators and functions")
def decimal(x: Any) -> Any:
    return Decimal(x[0]) + 1


# --- written where it is lost -----------------------------------------------------------------------

HELD = {"buffer": np.zeros(3)}


@refused("trace-into-array", 'HELD["buffer"][0]', "np.zeros(…)")
def element_of_a_global(x: Any) -> Any:
    HELD["buffer"][0] = x[0]
    return HELD["buffer"].sum()


@refused("trace-into-array", "out[:]", "np.stack(parts)")
def default_arg(x: Any, out: Any = np.zeros(3)) -> Any:  # noqa: B008 - the mistake is the case
    out[:] = x
    return out.sum()


@refused("trace-into-array", "out[0]", "at the top of the file")
def imported_inside(x: Any) -> Any:
    import numpy as inner

    out = inner.zeros(3)
    out[0] = x[0]
    return out.sum()


@refused("trace-array", 'HELD["buffer"].dot(x)', "np.dot(a, b)")
def method_of_a_plain_array(x: Any) -> Any:
    return HELD["buffer"].dot(x)


@refused("trace-into-array", 'np.add(x, 1.0, out=HELD["buffer"])', "np.zeros(…)")
def out_is_a_global(x: Any) -> Any:
    np.add(x, 1.0, out=HELD["buffer"])
    return HELD["buffer"].sum()


@refused("trace-into-array", 'np.copyto(HELD["buffer"], x)', "np.zeros(…)")
def copied_into_a_global(x: Any) -> Any:
    np.copyto(HELD["buffer"], x)
    return HELD["buffer"].sum()


@refused("trace-into-array", 'np.add.at(HELD["buffer"], [0, 0, 1], x)', "np.zeros(…)")
def added_into_a_global(x: Any) -> Any:
    np.add.at(HELD["buffer"], [0, 0, 1], x)
    return HELD["buffer"].sum()


@refused("trace-into-array", 'table["a"]', "np.zeros(…)")
def structured(x: Any) -> Any:
    table = np.zeros(3, dtype=[("a", float)])
    table["a"] = x
    return table["a"].sum()


@refused("trace-into-array", "out[:]", "np.zeros(…)")
def in_a_thread(x: Any) -> Any:
    sums = []

    def work() -> None:
        out = np.zeros(3)
        try:
            out[:] = x
        except ValueError:
            return
        sums.append(out.sum())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return sum(sums)


@refused("trace-whole", "out[:]", "dtype=float")
def into_whole_numbers(x: Any) -> Any:
    out = np.zeros(3, dtype=int)
    out[:] = x * 3
    return out.sum() * x.sum()


@refused("trace-whole", "out[0]", "dtype=float")
def into_zeros_like_labels(x: Any) -> Any:
    labels = np.array([1, 2, 3])
    out = np.zeros_like(labels)
    out[0] = x[0]
    return out.sum() + x.sum()


@refused("trace-whole", "np.sum(x, dtype=int)", "dtype=int")
def sum_of_whole_numbers(x: Any) -> Any:
    return np.sum(x, dtype=int) + x.sum()


@refused("trace-set-shape", "y.shape", "x.reshape")
def shape_is_set(x: Any) -> Any:
    y = x * 1
    y.shape = (3, 1)
    return y.sum()


@refused("trace-write-into-number", "windows[0]", ".copy()")
def into_windows(x: Any) -> Any:
    windows = np.lib.stride_tricks.as_strided(x, (2, 2), (8, 8))
    windows[0] = 0.0
    return windows.sum()


# --- numbers of other kinds -------------------------------------------------------------------------


@refused("trace-complex", "x * 1j", "real numbers")
def complex_factor(x: Any) -> Any:
    return np.abs(x * 1j).sum()


@refused("trace-complex", "x.astype(complex)", "real numbers")
def complex_cast(x: Any) -> Any:
    return np.abs(x.astype(complex)).sum()


@refused("trace-complex", "complex(x[0], 1.0)", "real numbers")
def complex_number(x: Any) -> Any:
    return abs(complex(x[0], 1.0)) + x.sum()


@refused("trace-complex", "np.fft.fft(x)", "real numbers")
def fourier(x: Any) -> Any:
    return np.abs(np.fft.fft(x)).sum()


@refused("trace-objects", "np.array([x[0], x[1]], dtype=object)", "arrays of floats")
def objects(x: Any) -> Any:
    return np.array([x[0], x[1]], dtype=object).sum()


@refused("trace-objects", "np.array([x[0], None])", "arrays of floats")
def none_in_an_array(x: Any) -> Any:
    return np.array([x[0], None]) is not None and x.sum()


@refused("trace-objects", "x.astype(str)", "arrays of floats")
def strings(x: Any) -> Any:
    return x.astype(str).size * x.sum()


@refused("trace-objects", "np.frompyfunc(operator.neg, 1, 1)(x)", "arrays of floats")
def from_python_function(x: Any) -> Any:
    return np.frompyfunc(operator.neg, 1, 1)(x).sum()


# --- functions that bpx has no rule for ---------------------------------------------------------------


@refused("trace-function", "np.linalg.eigh(np.outer(x, x))", "np.linalg.solve")
def eigenvalues(x: Any) -> Any:
    return np.linalg.eigh(np.outer(x, x))[0].sum()


@refused("trace-function", "np.linalg.svd(SQUARE * x)", "np.linalg.solve")
def singular_values(x: Any) -> Any:
    return np.linalg.svd(SQUARE * x)[1].sum()


@refused("trace-function", "np.linalg.lstsq(SQUARE, x, rcond=None)", "A.T @ A")
def least_squares(x: Any) -> Any:
    return np.linalg.lstsq(SQUARE, x, rcond=None)[0].sum()


@refused("trace-function", "np.linalg.pinv(SQUARE * x)", "A.T @ A")
def pseudo_inverse(x: Any) -> Any:
    return (np.linalg.pinv(SQUARE * x) @ x).sum()


@refused("trace-function", "np.polyfit([1, 2, 3], x, 1)", "A.T @ A")
def fitted(x: Any) -> Any:
    return np.polyfit([1, 2, 3], x, 1).sum()


@refused("trace-function", "np.unique(x)", "outside the function")
def unique(x: Any) -> Any:
    return np.unique(x).sum()


@refused("trace-function", "np.histogram(x, bins=2, weights=x)", "outside the function")
def histogram(x: Any) -> Any:
    return np.histogram(x, bins=2, weights=x)[0].sum()


@refused("trace-function", "np.maximum.at(out, [0, 1, 1], x)", "np.add.at")
def maximum_at(x: Any) -> Any:
    out = np.zeros(2)
    np.maximum.at(out, [0, 1, 1], x)
    return out.sum()


@refused("trace-function", "np.add.reduceat(x, [0, 2])", "np.stack")
def sums_of_parts(x: Any) -> Any:
    return np.add.reduceat(x, [0, 2]).sum()


@refused("trace-function", "np.poly1d(x)", "operators and functions")
def polynomial_object(x: Any) -> Any:
    return np.poly1d(x)(2.0)


@refused("trace-method", "x.tobytes", "function of NumPy")
def bytes_of_it(x: Any) -> Any:
    return len(x.tobytes()) * x.sum()


@refused("trace-method", "x.view", "function of NumPy")
def other_view(x: Any) -> Any:
    return x.view(np.int64).sum() * x.sum()


@refused("trace-setting", 'np.quantile(x, 0.3, method="median_unbiased")', "leave `method` out")
def other_quantile(x: Any) -> Any:
    return np.quantile(x, 0.3, method="median_unbiased")


@refused("trace-setting", "np.std(x, where=x > 0.4)", "leave `where` out")
def marked_deviation(x: Any) -> Any:
    return np.std(x, where=x > 0.4)


@refused("trace-where", "np.log(x, where=x > 0.5)", "np.where(condition, value, other)")
def where_without_out(x: Any) -> Any:
    return np.log(x, where=x > 0.5)[2]


# --- as a whole -----------------------------------------------------------------------------------


@refused("trace-function", "np.linalg.eigh(np.outer(x, x))", "np.linalg.solve")
def caught(x: Any) -> Any:
    try:
        y = np.linalg.eigh(np.outer(x, x))[0]
    except Exception:
        y = x
    return y.sum()


@refused("trace-into-array", 'HELD["buffer"][0]', "np.zeros(…)")
def caught_and_raised_again(x: Any) -> Any:
    try:
        HELD["buffer"][0] = x[0]
    except ValueError as error:
        raise RuntimeError("no") from error
    return x.sum()


@refused("trace-unrepeatable", None, "seed")
def unseeded(x: Any) -> Any:
    return (x * np.random.default_rng().normal(size=3)).sum()


COUNTER = itertools.count()


@refused("trace-unrepeatable", None, "seed")
def counted_calls(x: Any) -> Any:
    return x.sum() * next(COUNTER)


@refused("trace-too-long", "x * 1.0", "smaller case")
def long_loop(x: Any) -> Any:
    for _ in range(600):
        x = x * 1.0
    return x.sum()


@refused("trace-too-long", "x * 1.0", "smaller case")
def long_recursion(x: Any, depth: int = 600) -> Any:
    return x.sum() if depth == 0 else long_recursion(x * 1.0, depth - 1)


@refused("trace-constant", None, "")
def of_nothing(x: Any) -> Any:
    return 3.0


# --- what works -----------------------------------------------------------------------------------

works(lambda x: float(np.sum(x)))
works(lambda x: float(x[0]) * x.sum())
works(lambda x: sum(map(float, x)) * float("2"))
works(lambda x: x * x[0].item() * x.item(1))
works(lambda x: np.sum(np.array(x.tolist()) * x))
works(lambda x: x.astype(float) @ np.zeros((3, 3), dtype=float) + x * isinstance(1.0, float))
works(lambda x: sum(math.exp(v) for v in x))
works(lambda x: sum(a * number for number, (a, _) in enumerate(itertools.pairwise(x))))
works(lambda x: functools.reduce(operator.mul, x))
works(lambda x: list(itertools.accumulate(x))[-1])
works(lambda x: sorted(x, key=lambda v: -v)[0] * max(x[0], x[1]) + min(x))
works(lambda x: x.sum() if 0 < x[0] < 1 else x.prod())
works(lambda x: x.sum() if x[0] in [0.4, 0.5] else x.prod())
works(lambda x: (x * np.random.default_rng(0).normal(size=3)).sum())
works(lambda x: (x * 3).astype(int).sum() * x.sum())
works(lambda x: sum(x[0] for _ in range(int(x[2] * 11))))
works(lambda x: np.array([[0.0, x[0]], [x[1], 1.0]]).sum())
works(lambda x: (y := x * 2).sum() + y.prod())
works(lambda x: {"a": x}["a"].sum() * len({x[0]: 1}))


BUFFER = np.zeros(3)


@works
def into_a_buffer_of_the_module(x: Any) -> Any:
    BUFFER[:] = x
    np.multiply(x, BUFFER, out=BUFFER)
    return BUFFER.dot(x) + SQUARE.dot(x).sum()


def with_a_buffer() -> Function:
    buffer, numbers = np.zeros(3), np.array([1, 2, 3])

    def into_a_closure(x: Any) -> Any:
        buffer[:] = x
        return buffer.sum() * numbers.sum()

    return into_a_closure


works(with_a_buffer())


@works
def into_a_global(x: Any) -> Any:
    global STATE
    STATE = x * 2
    return STATE.sum()


STATE = None


@works
def imported_zeros(x: Any) -> Any:
    out = zeros(3)
    out[:] = x
    return out.sum()


def with_cells() -> Function:
    from numpy import zeros as empty_buffer

    def zeros_of_a_closure(x: Any) -> Any:
        out = empty_buffer(3)
        out[:] = x
        return out.sum()

    return zeros_of_a_closure


works(with_cells())


@works
def lists_of_lists(x: Any) -> Any:
    rows = [[0.0, 0.0], [0.0, 0.0]]
    rows[0][1] = x[0]
    return np.array(rows).sum() + np.sum(rows[0])


@works
def copies(x: Any) -> Any:
    y, z = copy.deepcopy(x), copy.copy(x)
    y[0] = 0.0
    z[1] = 0.0
    return (x * y * z).sum() + (x * y).sum()


@works
def printed(x: Any) -> Any:
    print(x, f"{x[0]:.3f} {x}", str(x.sum()), repr(x), file=io.StringIO())
    return x.sum()


@works
def asserted(x: Any) -> Any:
    assert x.sum() > 0, "negative"
    assert isinstance(x, np.ndarray)
    assert isinstance(x.sum(), float)
    assert np.isscalar(x.sum())
    assert not np.isscalar(x)
    assert np.all(np.isfinite(x))
    with np.errstate(divide="ignore"):
        return np.log(x).sum()


@works
def computed_in_a_thread(x: Any) -> Any:
    sums = []
    thread = threading.Thread(target=lambda: sums.append(np.sin(x).sum()))
    thread.start()
    thread.join()
    return sums[0]


@works
def in_an_attribute(x: Any) -> Any:
    layer = type("Layer", (), {})()
    layer.w = x * 2
    layer.w[0] += 1
    return layer.w.prod()


# --- tests ----------------------------------------------------------------------------------------


def diagnostic_of(function: Function) -> Diagnostic:
    with pytest.raises(TraceError) as caught:
        trace_function(function, {"x": V})
    return caught.value.diagnostics[0]


@pytest.mark.filterwarnings("ignore:'where' used without 'out'")
@pytest.mark.filterwarnings("ignore:Setting the shape on a NumPy array:DeprecationWarning")  # NumPy 2.5
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.function.__name__)
def test_this_is_refused(case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tape, "MOST_NODES", 500)
    diagnostic = diagnostic_of(case.function)
    assert diagnostic.code == case.code
    assert case.help in (diagnostic.advice or "")
    assert diagnostic.to_text()
    if case.place is None:
        assert diagnostic.span is None
        return
    assert diagnostic.span is not None
    assert diagnostic.span.text == case.place
    line, _ = diagnostic.span.source.position(diagnostic.span.start)
    assert line >= case.function.__code__.co_firstlineno
    assert diagnostic.span.source.name.endswith("test_refusals.py")


@every("function", WORKING)
def test_this_is_traced(function: Function) -> None:
    assert_traced_right(function, {"x": V})


def test_random_numbers_are_kept() -> None:
    traced = trace_function(lambda x: (x * np.random.rand(3)).sum() * random.random(), {"x": V})
    assert traced.graph.graph.shapes[traced.graph.output] == ()


class Noise:
    def __init__(self) -> None:
        self.parts = [{"rng": np.random.default_rng()}]
        self.older, self.plain = np.random.RandomState(), random.Random()

    def __call__(self, x: Any) -> Any:
        return (x * self.parts[0]["rng"].normal(size=3)).sum() * self.older.rand() * self.plain.random()


NOISE = Noise()


def test_generators_that_objects_hold_are_kept() -> None:
    for function in (lambda x: NOISE(x), NOISE, Noise().__call__):
        assert trace_function(function, {"x": V}).graph.graph


def test_enough_is_refused() -> None:
    assert len(CASES) >= 50


def test_the_modules_are_themselves_again() -> None:
    trace_function(lambda x: np.zeros(3) + math.sin(x[0]) * x, {"x": V})
    diagnostic_of(eigenvalues)
    trace_function(into_a_global, {"x": V})
    assert type(STATE) is np.ndarray  # as the call on numbers left it
    assert type(BUFFER) is np.ndarray
    assert "float" not in globals()
    assert np.zeros(3).__class__ is np.ndarray
    assert np is __import__("numpy")
    assert math is __import__("math")
    assert zeros is np.zeros
