"""Hypothesis profiles (the same examples on every run in CI, fresh ones at home), and a small graph."""

import os

import pytest
from hypothesis import settings

import bpx.ops  # noqa: F401 — fills the op table
from bpx.graph.graph import Graph

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("home", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "home")


@pytest.fixture
def graph():
    return Graph()


@pytest.fixture
def x(graph):
    return graph.input()


@pytest.fixture
def y(graph):
    return graph.input()
