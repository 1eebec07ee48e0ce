"""The networks of the corpus are right, and each planted mistake is one. No part of bpx is used."""

from __future__ import annotations

import operator
from collections import Counter
from typing import Any

import numpy as np
from corpus import CONVENTIONS, Planted, network, networks, planted_bugs, source_of
from driving import DRIVERS, Driven
from rows_of_a_table import every

STEP = 1e-5  # of central differences; weights and activations are about 1
RIGHT = 1e-7  # relative: the truncation of such a step is about 1e-10, its rounding 1e-11
WRONG = 1e-4  # relative: the least a planted mistake changes
FEWEST = 6  # mistakes for each network
PLANTED = list(planted_bugs())

Arrays = dict[str, np.ndarray]


def driven(stem: str, text: str | None = None) -> Driven:
    return DRIVERS[stem](network(stem, text))


def by_differences(run: Driven) -> Arrays:
    """Central differences of the loss in every entry, with the scale of the network's convention."""
    slopes = {}
    for name, array in run.arrays().items():
        slopes[name] = np.zeros_like(array)
        for index in np.ndindex(array.shape):
            kept = array[index]
            array[index] = kept + STEP
            above = run.loss()
            array[index] = kept - STEP
            slopes[name][index] = (above - run.loss()) / (2 * STEP) * run.scale.get(name, 1.0)
            array[index] = kept
    return slopes


def by_hand(run: Driven) -> Arrays:
    """What the network says at its second call: what an earlier call leaves behind counts too."""
    kept = {name: array.copy() for name, array in run.arrays().items()}
    run.gradients()
    for name, array in run.arrays().items():
        array[...] = kept[name]
    return {name: np.array(gradient) for name, gradient in run.gradients().items()}


def gap(gradients: Arrays, reference: Arrays) -> float:
    """The largest difference, relative to the largest entry of its array."""
    return max(
        float(np.max(np.abs(gradients[name] - reference[name])) / np.max(np.abs(reference[name])))
        for name in reference
    )


def shapes(arrays: Arrays) -> dict[str, Any]:
    return {name: np.shape(array) for name, array in arrays.items()}


def label(bug: Planted) -> str:
    return f"{bug.network}: {bug.name}"


def test_every_network_is_driven_and_has_mistakes() -> None:
    counts = Counter(bug.network for bug in PLANTED)
    assert networks() == sorted(CONVENTIONS) == sorted(DRIVERS) == sorted(counts)
    assert min(counts.values()) >= FEWEST
    assert len({label(bug) for bug in PLANTED}) == len(PLANTED)


@every("stem", networks())
def test_what_a_network_is_called_by_is_in_it(stem: str) -> None:
    names, _ = CONVENTIONS[stem]
    module = network(stem)
    assert all(operator.attrgetter(name)(module) is not None for name in names.split(","))


@every("stem", networks())
def test_a_network_is_right(stem: str) -> None:
    run = driven(stem)
    gradients = by_hand(run)
    assert shapes(gradients) == shapes(run.arrays())
    assert gap(gradients, by_differences(driven(stem))) < RIGHT


@every("bug", PLANTED)
def test_a_mistake_stands_in_one_line(bug: Planted) -> None:
    assert source_of(bug.network).count(bug.text) == 1
    assert "\n" not in bug.text + bug.replacement
    before, after = source_of(bug.network).splitlines(), bug.source.splitlines()
    changed = [number for number, pair in enumerate(zip(before, after, strict=True), 1) if pair[0] != pair[1]]
    assert changed == [bug.line]


@every("bug", PLANTED)
def test_a_mistake_changes_the_gradient_and_nothing_else(bug: Planted) -> None:
    right, wrong = driven(bug.network), driven(bug.network, bug.source)
    assert wrong.loss() == right.loss()
    reference, gradients = by_hand(right), by_hand(wrong)
    assert shapes(gradients) == shapes(reference)
    assert gap(gradients, reference) > WRONG
