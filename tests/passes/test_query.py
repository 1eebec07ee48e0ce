"""What a derivative is asked for: of which node, by which nodes, weighted by what."""

from __future__ import annotations

import numpy as np
import pytest
from checking import toml

from bpx.passes.query import as_list, query_nodes, seed_of
from bpx.words.diagnostic import BpxError

SPEC = toml("""bpx = 1
output = "y"
[inputs]
x = 1.0
w = { value = 2.0, role = "parameter" }
t = { value = 3.0, role = "target" }
c = { value = 4.0, role = "constant" }
[graph]
u = "x * w"
y = "u - t * c"
""")


def problems(function, *args):
    with pytest.raises(BpxError) as caught:
        function(*args)
    return [(one.code, one.facts) for one in caught.value.diagnostics]


@pytest.mark.parametrize(
    ("names", "found"),
    [(None, None), ("w", ["w"]), (["w", "x"], ["w", "x"]), (iter("ab"), ["a", "b"]), ([], [])],
)
def test_names_may_be_one_or_many(names, found):
    assert as_list(names) == found


def test_by_default_the_output_is_derived_by_data_and_parameters():
    output, wrt = query_nodes(SPEC, None, None)
    assert output == SPEC.output
    assert wrt == {"x": SPEC.nodes["x"], "w": SPEC.nodes["w"]}


def test_other_nodes_by_name_in_the_order_asked():
    output, wrt = query_nodes(SPEC, "u", ["t", "u", "x"])
    assert output == SPEC.nodes["u"]
    assert list(wrt) == ["t", "u", "x"]
    assert wrt["t"] == SPEC.nodes["t"]
    assert query_nodes(SPEC, None, "c")[1] == {"c": SPEC.nodes["c"]}
    assert query_nodes(SPEC, None, [])[1] == {}


def test_every_unknown_name_is_reported():
    found = problems(query_nodes, SPEC, "uu", ["x", "nobody"])
    assert [(code, facts["name"]) for code, facts in found] == [
        ("unknown-node", "uu"),
        ("unknown-node", "nobody"),
    ]
    assert found[0][1]["guess"] == "u"


def test_ones_arrive_unless_somebody_says_more():
    weights, notes = seed_of((), None)
    assert (weights.shape, float(weights), notes) == ((), 1.0, [])
    weights, notes = seed_of((2, 3), None)
    assert weights.tolist() == [[1, 1, 1], [1, 1, 1]]
    assert [(note.code, note.severity) for note in notes] == [("summed-output", "note")]


def test_what_arrives_has_the_shape_of_the_output():
    weights, notes = seed_of((2,), [1, -2])
    assert (weights.tolist(), notes) == ([1, -2], [])
    assert problems(seed_of, (2,), [1, 2, 3])[0][0] == "upstream-shape"
    assert problems(seed_of, (2,), 1.0)[0][0] == "upstream-shape"


@pytest.mark.parametrize(
    ("given", "code"), [("one", "not-a-number"), ([1, np.nan], "not-finite-input"), ([], "empty-array")]
)
def test_what_arrives_must_be_numbers(given, code):
    assert [found for found, _ in problems(seed_of, (2,), given)] == [code]
