"""The lessons, in the order in which they build on each other."""

from __future__ import annotations

from bpx.check.report.options import HintLevel
from bpx.explain.sections.forward import Forward
from bpx.explain.sections.paths import Paths
from bpx.explain.sections.reverse import Reverse
from bpx.explain.sections.step import Step
from bpx.graph.numbers import array, number
from bpx.spec.lessons.parts import DIGITS, Checks, Facts, Lesson, Numbers, Says, Shows, products
from bpx.words.diagnostic import BpxError, Diagnostic

_FORWARD, _REVERSE = Shows(Forward), Shows(Reverse)


def _raised_by_one(numbers: Numbers) -> Facts:
    after = numbers.raised("x", 1.0)
    return {f"then_{name}": array(value, DIGITS) for name, value in after.items()}


def _nudged(numbers: Numbers) -> Facts:
    return numbers.nudged("x")


def _with_third_path(numbers: Numbers) -> Facts:
    return {"more": array(numbers.gradients["x"] + 1.0, DIGITS)}


def _steepest(numbers: Numbers) -> Facts:
    value = numbers.values["y"]
    at_zero = numbers.raised("x", -float(numbers.values["x"]))["y"]
    return {
        "rest": array(1 - value, DIGITS),
        "middle": array(at_zero, DIGITS),
        "steepest": array(at_zero * (1 - at_zero), DIGITS),
    }


def _of_first_elements(numbers: Numbers) -> Facts:
    """Elements of y and of the gradients of w and x, product by product."""
    x, w, upstream = (numbers.values[name][0, 0] for name in ("x", "w", "G"))
    height, width = upstream.shape
    gradient = numbers.gradients["w"][0, 0]
    return {
        **{f"map_{name}": array(numbers.values[name][0, 0], DIGITS) for name in ("x", "w", "y", "G")},
        "y_terms": products(w, x[: w.shape[0], : w.shape[1]]),
        "y_first": number(float(numbers.values["y"][0, 0, 0, 0]), DIGITS),
        "w_terms": products(upstream, x[:height, :width]),
        "w_first": number(float(gradient[0, 0]), DIGITS),
        "w_other": number(float(gradient[0, 1]), DIGITS),
        "w_other_terms": products(upstream, x[:height, 1 : width + 1]),
        "x_terms": products(w[::-1, ::-1], upstream[:2, :2]),
        "x_inner": number(float(numbers.gradients["x"][0, 0, 1, 1]), DIGITS),
    }


def _error_times_input(numbers: Numbers) -> Facts:
    error, inputs = numbers.gradients["z"], numbers.values["x"]
    return {"x_first": number(float(inputs[0])), "w_first": number(float(error * inputs[0]), DIGITS)}


def _both_sides(numbers: Numbers) -> Facts:
    bias = "b"
    up, down = (float(numbers.raised(bias, by)["L"]) for by in (0.001, -0.001))
    return {
        "up": number(up, 8),
        "down": number(down, 8),
        "slope": number((up - down) / 0.002, DIGITS),
        "nudge": number(0.001),
        "width": number(0.002),
    }


LESSONS: tuple[Lesson, ...] = (
    Lesson(
        "graph",
        "product_of_sum",
        ((Says("steps"), Says("nodes"), _FORWARD, Says("rows"), Says("ask")), (Says("answer"),)),
        "product_of_sum",
    ),
    Lesson(
        "forward",
        "square_of_sum",
        ((Says("order"), _FORWARD, Says("hand"), Says("keep"), Says("ask")), (Says("answer"),)),
        "square_of_sum",
        _raised_by_one,
    ),
    Lesson(
        "local-derivative",
        "square_of_sum",
        ((Says("slope"), Says("rules"), Says("try"), Says("ask")), (Says("answer"),)),
        "square_of_sum",
        _nudged,
    ),
    Lesson(
        "chain-rule",
        "chain",
        ((Says("speed"), Says("walk"), _REVERSE, Says("hand"), Says("name"), Says("ask")), (Says("answer"),)),
        "chain-rule",
    ),
    Lesson(
        "sum-over-paths",
        "two_paths",
        (
            (Says("twice"), Shows(Paths, {"paths": ["x"]}), Says("hand")),
            (Says("walk"), _REVERSE, Says("ask")),
            (Says("answer"),),
        ),
        "sum-of-paths",
        _with_third_path,
    ),
    Lesson(
        "sigmoid",
        "sigmoid_by_parts",
        (
            (Says("parts"), _FORWARD, Says("back"), _REVERSE),
            (Says("hand"), Says("whole"), Says("ask")),
            (Says("answer"),),
        ),
        "sigmoid-by-parts",
        _steepest,
    ),
    Lesson(
        "logistic-regression",
        "logistic_regression",
        (
            (Says("model"), Shows(Forward, {"named": True})),
            (Says("back"), Says("cancel"), Says("error"), Says("weights"), Says("ask")),
            (Says("answer"),),
        ),
        "logistic-regression",
        _error_times_input,
    ),
    Lesson(
        "network",
        "tiny_network",
        (
            (Says("layers"), Shows(Forward, {"named": True}), Shows(Reverse, {"named": True})),
            (Says("blame"), Says("update"), Shows(Step, {"step": 0.1}), Says("ask")),
            (Says("answer"),),
        ),
        "two-layer-network",
    ),
    Lesson(
        "convolution",
        "conv2d_4x4",
        (
            (Says("slide"), Says("first")),
            (Says("weight"), Says("input"), Says("paths"), Says("ask")),
            (Says("answer"),),
        ),
        "convolution",
        _of_first_elements,
    ),
    Lesson(
        "check",
        "logistic_regression",
        (
            (Says("doubt"), Says("nudge"), Says("limits")),
            (Says("claim"), Checks("z = y - a", HintLevel.KIND)),
            (Says("report"), Checks("z = y - a", HintLevel.NUMBERS)),
        ),
        "logistic-regression --plant 1",
        _both_sides,
    ),
)


def lesson_named(name: str) -> Lesson:
    """The lesson of that number or name. Raises `BpxError` where there is none."""
    key = name.strip().lower().replace("_", "-").replace(" ", "-")
    for number_of, lesson in enumerate(LESSONS, 1):
        if key in (str(number_of), lesson.name):
            return lesson
    names = [lesson.name for lesson in LESSONS]
    facts = {"name": name, "count": len(LESSONS)}
    raise BpxError([Diagnostic("unknown-lesson", None, facts, "lessons-are").suggesting(name, names)])
