"""Every number in every form is one of the JSON, to the digits that are shown."""

from __future__ import annotations

import importlib.util
import math
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

from accounts import full_account
from rows_of_a_table import every

from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.graph.numbers import SHOWN_DIGITS
from bpx.spec.reading.examples import example_names
from bpx.spec.reading.target import read_target

# What is not whole: counts, sizes, indices and names have whole numbers that no row has.
_NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+(?:e-?\d+)?|e-?\d+)(?![\w.])")
_DRAWN = ("dot", "mermaid", *(("svg", "tikz") if importlib.util.find_spec("graphlay") else ()))
FORMS = ("table", "plain", "markdown", "latex", "notebook", "html", *_DRAWN)


WITH_EVERY_SECTION = ("square of a sum", "a sum in parts", "a bias", "kinks", "not finite", "small numbers")


def numbers_of(plain: Any) -> Iterator[float]:
    """All numbers in JSON, those in formulas and sentences too, and the norm of every array."""
    if isinstance(plain, dict):
        for part in plain.values():
            yield from numbers_of(part)
    elif isinstance(plain, list):
        leaves = list(_leaves(plain))
        yield from leaves
        yield math.sqrt(sum(number**2 for number in leaves))
    else:
        yield from _leaves(plain)


def _leaves(plain: Any) -> Iterator[float]:
    if isinstance(plain, str):
        yield from map(float, _NUMBER.findall(plain))
    elif isinstance(plain, list):
        for part in plain:
            yield from numbers_of(part) if isinstance(part, dict) else _leaves(part)
    elif isinstance(plain, float | int):
        yield float(plain)


def text_in(form: str, explanation: Explanation) -> str:
    """What a form says to people: no coordinates, styles or scripts."""
    if form == "notebook":
        text = str(explanation._repr_html_())
    else:
        text = (explanation.picture() if form == "tikz" else explanation).to(form)
    if form in ("svg", "html", "notebook"):
        text = re.sub(r"<(style|script).*?</\1>", "", text, flags=re.DOTALL)
        labels = re.findall(r'aria-label="([^"]*)"', text)
        text = unescape(" | ".join([*re.sub(r"<[^>]*>", " | ", text).split("\n"), *labels]))
    if form == "tikz":
        text = "\n".join(re.findall(r"^\\node.*? at \([^)]*\) \{(.*)\};$", text, re.MULTILINE))
    if form == "latex":
        text = text.partition("\\footnotesize")[2]
    text = re.sub(r"(\d) \\cdot 10\^\{(-?\d+)\}", r"\1e\2", text)
    for written, plain in (("{-}", "-"), ("−", "-"), ("$-$", "-")):
        text = text.replace(written, plain)
    return text


@every("name", [*example_names(), *WITH_EVERY_SECTION])
def test_every_number_in_every_form_is_in_the_json(name: str) -> None:
    is_full = name in WITH_EVERY_SECTION
    explanation = full_account(name) if is_full else explain(read_target(name), check=False)
    exact = {abs(number) for number in numbers_of(explanation.to_dict())}
    shown = {float(f"{number:.{digits}g}") for number in exact for digits in range(1, SHOWN_DIGITS + 1)}
    for form in FORMS:
        text = text_in(form, explanation)
        strangers = [found for found in _NUMBER.findall(text) if abs(float(found)) not in shown | exact]
        assert not strangers, (form, strangers[:9])
        assert not re.search(r"(?<!\w)-0(?![\w.])", text), form


def test_what_is_read_of_a_form_has_numbers() -> None:
    explanation = explain(read_target("logistic_regression_scalars"), check=False)
    for form in FORMS:  # a page computes its numbers, which is tested in a browser
        assert ("-0.130108" in text_in(form, explanation)) == (form != "html"), form
    assert {5.0, 3.0, 4.0, 0.5} == {*numbers_of({"a": [3, 4], "b": "x - 0.5"})}
