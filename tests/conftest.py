"""Hypothesis profiles (the same examples on every run in CI, fresh ones at home), and a small graph.

Tracing looks through the user's modules: of the files of tests, through that of the test alone.
"""

import gc
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

os.environ["BPX_LANG"] = "en"  # the tests know what bpx says in English, whatever their user speaks

# Each worker has a core for itself, and so does what it starts: read when NumPy is first imported, whose
# import takes half the time where no other threads are started.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import bpx.ops  # noqa: F401 — fills the op table
from bpx.graph.graph import Graph
from bpx.spec.trace import stand_ins
from bpx.words.guards import faults

# Without byte code each worker rewrites all tests anew, and each process that a test starts compiles bpx.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

settings.register_profile("ci", derandomize=True, deadline=None)
settings.register_profile("home", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "home")

faults.raised = True

# A shell has what runs in its background ignore Ctrl-C, and what a test starts would ignore it, too.
signal.signal(signal.SIGINT, signal.default_int_handler)

_user_modules = stand_ins._modules
_TESTS = f"{Path(__file__).parent}{os.sep}"


def _modules_of_this_test() -> Iterator[dict[str, Any]]:
    """As in a program of a user's: hundreds of other files of tests are no part of it.

    What this file uses of them is reached through its names.
    """
    current = os.environ.get("PYTEST_CURRENT_TEST", "").split("::")[0].replace("/", os.sep)
    for variables in _user_modules():
        file = variables.get("__file__") or ""
        if not file.startswith(_TESTS) or file.endswith(current):
            yield variables


stand_ins._modules = _modules_of_this_test


# Python looks for cycles whenever 700 objects are new, and time and again through those of 14,000 tests too.
gc.set_threshold(100_000, 50, 100)


@pytest.fixture
def graph():
    return Graph()


@pytest.fixture
def x(graph):
    return graph.input()


@pytest.fixture
def y(graph):
    return graph.input()
