"""Layers: headings where a network is shown in full, one row each where it is large, one opened alone."""

from __future__ import annotations

import re

import pytest
from checking import toml

from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.explain.query.layers import layers_of
from bpx.render.blocks import Heading, Lines, Table
from bpx.render.plain import plain
from bpx.words.diagnostic import BpxError

SMALL, LARGE = 2, 20
NETWORK = """
bpx = 1
[inputs]
X = {{ normal = [{n}, 3], seed = 1 }}
W1 = {{ normal = [3, {n}], seed = 2, role = "parameter" }}
W2 = {{ normal = [{n}, 1], seed = 3, role = "parameter" }}
[graph]
"first.z" = "X @ W1"
first = "tanh(first.z)"
"second.z" = "first @ W2"
second = "tanh(second.z)"
L = "mean(second)"
"""


def account(n: int, **options: str) -> Explanation:
    return explain(toml(NETWORK.format(n=n)), check=False, **options)


def text(n: int, **options: str) -> str:
    return plain(account(n, **options).blocks())


def headings(n: int, **options: str) -> list[str]:
    return [one.text for one in account(n, **options).blocks() if isinstance(one, Heading)]


def test_a_layer_is_what_a_name_begins_with() -> None:
    names = ["x", "h", "h.z", "net.one.z", "net.one", "net", "z.w"]
    assert layers_of(dict(enumerate(names))) == {
        0: "",
        1: "h",
        2: "h",
        3: "net.one",
        4: "net.one",
        5: "net",
        6: "z",
    }


def test_a_small_network_has_a_heading_for_each_layer_on_the_way_up_and_down() -> None:
    assert headings(SMALL)[:10] == [
        "Forward: the value of every node",
        "Outside the layers",
        "Layer first",
        "Layer second",
        "Outside the layers",
        "Reverse: from ∂L/∂L = 1 back to the inputs",
        "Outside the layers",
        "Layer second",
        "Layer first",
        "Gradients",
    ]


def test_a_network_without_layers_has_none() -> None:
    assert "Layer" not in plain(explain(toml('bpx = 1\n[graph]\nL = "2 * 3"')).blocks())


def rows_of(n: int, header: str) -> list[tuple[str, ...]]:
    tables = [one for one in account(n).blocks() if isinstance(one, Table)]
    return list(next(one for one in tables if one.headers[0] == header).text_rows)


def test_a_large_network_has_a_row_for_each_layer() -> None:
    assert [row[:2] for row in rows_of(LARGE, "layer")] == [
        ("X", "input"),
        ("W1", "parameter"),
        ("W2", "parameter"),
        ("first", "2 nodes"),
        ("second", "2 nodes"),
        ("L", "mean(second)"),
    ]


def test_a_large_network_shows_what_goes_back_from_layer_to_layer_alone() -> None:
    edges = [row[0] for row in rows_of(LARGE, "edge")]
    assert edges == ["L → second", "second → first", "second → W2", "first → X", "first → W1"]


def test_a_row_has_range_mean_and_norm_of_what_the_layer_hands_on() -> None:
    value = next(row for row in rows_of(LARGE, "layer") if row[0] == "first")[2]
    assert re.fullmatch(r"\(20×20\) -?[\d.]+ … [\d.]+, mean -?[\d.]+, norm [\d.]+", value)


def test_the_account_says_how_to_open_a_layer() -> None:
    lines = [line for one in account(LARGE).blocks() if isinstance(one, Lines) for line in one.texts]
    assert "Each layer is shown as one row; `--node first` opens it." in lines


def test_an_opened_layer_stands_alone_in_full() -> None:
    shown = text(LARGE, node="first")
    assert "first.z → W1" in shown
    assert "X.T @ ∂L/∂first.z" in shown
    assert "second" not in shown.replace("∂L/∂second", "")


def test_what_arrives_from_outside_an_opened_layer_is_shown_by_its_value() -> None:
    edges = [line for line in text(LARGE, node="first").splitlines() if "upstream  " in line]
    assert len(edges) == 3
    assert "(20×20)" in edges[0]
    assert edges[1].endswith("∂L/∂first.z (see above)")


def test_a_single_node_can_be_opened() -> None:
    one = account(LARGE, node="second.z")
    assert [row.name for row in one.shown_nodes] == ["second.z"]
    assert [one.names[edge.arg] for edge in one.shown_edges] == ["first", "W2"]


def test_json_holds_what_is_opened_and_the_output() -> None:
    found = account(LARGE, node="first").to_dict()
    assert found["opened"] == "first"
    assert [(node["name"], node["layer"]) for node in found["nodes"]] == [
        ("first.z", "first"),
        ("first", "first"),
    ]
    assert found["output"]["name"] == "L"
    assert "opened" not in account(LARGE).to_dict()


def test_an_unknown_layer_is_refused_with_the_nearest() -> None:
    with pytest.raises(BpxError) as caught:
        account(SMALL, node="frist")
    (problem,) = caught.value.diagnostics
    assert (problem.code, problem.facts["guess"]) == ("unknown-node", "first")
