"""200 random graphs of 5 to 66 nodes: no faults, no more crossings than Graphviz has, and the time it takes."""

from __future__ import annotations

import time

import pytest
from random_pictures import faults, random_picture

from bpx.explain.explain import explain
from bpx.render.picture.layout import GAPS, arrows_of, card_sizes, layout
from bpx.render.picture.placing.engines import by_graphviz
from bpx.render.picture.placing.geometry import Route, crossings
from bpx.spec.reading.examples import example_names
from bpx.spec.reading.target import read_target

pytest.importorskip("graphlay")
PICTURES = [random_picture(seed, 5 + seed * 61 // 199) for seed in range(200)]


def test_random_graphs_have_no_faults() -> None:
    assert {p.title: found for p in PICTURES if (found := faults(p, layout(p)))} == {}


def test_examples_have_no_faults() -> None:
    pictures = {name: explain(read_target(name), check=False).picture() for name in example_names()}
    assert {name: found for name, p in pictures.items() if (found := faults(p, layout(p)))} == {}


def test_crossings_are_no_more_than_those_of_graphviz() -> None:
    pytest.importorskip("pygraphviz")
    ours = theirs = 0
    for picture in PICTURES[::5]:
        ours += crossings(layout(picture).routes)
        placement = next(by_graphviz(card_sizes(picture), arrows_of(picture), GAPS))
        theirs += crossings([Route(tuple(line)) for line in placement.lines])
    assert ours <= theirs


def test_66_nodes_take_half_a_second() -> None:
    start = time.process_time()
    layout(random_picture(7, 66))
    assert time.process_time() - start < 0.5
