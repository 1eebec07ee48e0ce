"""Pages in Chromium: every example is stepped through, edited and checked, in one process.

All pages stand in frames of one file, which works them as a person would and writes down what came of it.
Skipped where there is no Chromium, and its accessibility part where there is no axe-core.
"""

from __future__ import annotations

import html
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from chromium import AXE, by_chromium, driven, needs_chromium
from rows_of_a_table import every

from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.explain.picture.picture import PictureOptions
from bpx.graph.numbers import array, number
from bpx.render.page import html as writing
from bpx.render.picture.choices import Pass, Style
from bpx.spec.reading.examples import example_names
from bpx.spec.reading.target import read_target, read_text
from bpx.words.diagnostic import Source

pytestmark = needs_chromium
# Axe-core takes a second for each page, and pages differ by their numbers.
ACCESSIBLE = ["square_of_sum", "mazur_network", "attention_three_tokens", "two_moons"]
DRIVER = Path(__file__).with_name("page_driver.js").read_text()


def explained(name: str, values: dict[str, Any] | None = None) -> Explanation:
    return explain(read_target(name, values or {}), check=False)


@cache
def explanation(name: str) -> Explanation:
    return explained(name)


@cache
def edits(name: str) -> list[tuple[str, Any]]:
    """The first two inputs of an example that can be edited, each with other numbers."""
    rows = [row for row in explanation(name).nodes if row.role and row.value.size <= 64]
    whole = [row for row in rows if np.all(row.value == np.round(row.value))]
    return [
        (row.name, row.value * 0.75 + 0.125) for row in rows if row not in whole or row.role == "parameter"
    ][:2]


def in_a_field(value: Any) -> str:
    return ", ".join(map(repr, np.ravel(value).tolist()))


@pytest.fixture(scope="session")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What each example's page gave, by the name of the example."""
    folder = tmp_path_factory.mktemp("pages")
    axe = Path(AXE).read_text() if AXE else ""
    engine, writing.engine = writing.engine, lambda: None  # the page's own layout: it is quick
    try:
        pages = {name: explanation(name).to_html() for name in example_names()}
    finally:
        writing.engine = engine
    ended = {}
    for name, page in pages.items():
        tried = json.dumps([[each, in_a_field(value)] for each, value in edits(name)])
        rules = axe if name in ACCESSIBLE else ""
        ended[name] = page, f"<script>{DRIVER};var tried={tried};</script><script>{rules}</script>"
    return driven(ended, folder)


def shown(value: Any) -> str:
    """A value as the tables of a page have it."""
    if np.ndim(value) and np.size(value) > 16:
        width, lines = np.shape(value)[-1], [number(each, 6) for each in np.ravel(value)[:2].tolist()]
        assert width
        text = f"[{', '.join(lines)}, …] norm {number(float(np.linalg.norm(value)), 6)}"
    else:
        text = array(np.asarray(value), 6)
    return text.replace("-", "−")


def nodes_of(explanation: Explanation) -> list[tuple[str, str, str]]:
    """Name, value and gradient of each row, as the page must show them."""
    return [
        (row.name, shown(row.value), "" if row.upstream is None else shown(row.upstream))
        for row in explanation.nodes
        if row.op != "constant" or row.shape
    ]


def rows_of(cells: list[list[str]]) -> list[tuple[str, str, str]]:
    return [(row[0], row[3], row[4]) for row in cells]


def numbers_in(text: str) -> list[float]:
    return [float(each) for each in re.findall(r"-?\d[\d.e-]*", text.replace("−", "-"))]


def almost(found: str, expected: str) -> bool:
    """The same text, or numbers that differ in the last digit, as V8 rounds otherwise than glibc."""
    if found == expected:
        return True
    numbers = [numbers_in(text) for text in (found, expected)]
    return len(numbers[0]) == len(numbers[1]) and np.allclose(*numbers, rtol=2e-5, atol=1e-12)


@every("name", example_names())
def test_every_number_is_that_of_bpx(findings: Any, name: str) -> None:
    found, expected = findings[name], nodes_of(explanation(name))
    assert [row[0] for row in found["nodes"]] == [row[0] for row in expected]
    for row, wanted in zip(rows_of(found["nodes"]), expected, strict=True):
        assert all(map(almost, row, wanted)), (row, wanted)
    assert found["again"] == found["nodes"] == found["reset"]
    for row, edge in zip(found["edges"], explanation(name).edges, strict=True):
        assert almost(row[1], shown(edge.upstream))
        assert almost(row[4], shown(edge.contribution))
        assert edge.local is None or almost(row[3], shown(edge.local))


@every("name", example_names())
def test_edits_compute_both_passes_again(findings: Any, name: str) -> None:
    values: dict[str, Any] = {}
    for (edited, value), tried in zip(edits(name), findings[name]["edits"], strict=True):
        assert tried is not None, edited
        stayed, cells, invalid = tried
        assert stayed, "an arrow key in a field moves the steps"
        assert invalid is None
        values[edited] = value.tolist()
        for row, wanted in zip(rows_of(cells), nodes_of(explained(name, values)), strict=True):
            assert all(map(almost, row, wanted)), (row, wanted)


@every("name", example_names())
def test_steps_and_keys(findings: Any, name: str) -> None:
    found = findings[name]
    assert found["atStart"] == ["0", True, ""]
    assert len(found["steps"]) == min(found["last"], 12)
    assert all(found["steps"])
    assert found["lit"] == 1
    assert found["back"] == str(found["last"] - 1)
    assert len(set(found["walked"])) > 1, "arrow keys lead along the edges"
    if "refused" in found:
        assert found["refused"][0] == "true"
        assert "numbers" in found["refused"][1]


@every("name", example_names())
def test_differences_beside_the_gradients(findings: Any, name: str) -> None:
    smooth = {"relu_at_kink", "max_and_where"}  # these have inputs at a kink
    for row in findings[name]["checked"]:
        if row[2] and row[3] and name not in smooth:
            numbers = [numbers_in(text) for text in row[2:4]]
            assert np.allclose(*numbers, rtol=1e-4, atol=1e-8), row


@every("name", example_names())
def test_nothing_goes_wrong_or_out(findings: Any, name: str) -> None:
    found = findings[name]
    assert found["faults"] == []
    assert found["requests"] == 0
    assert found["targets"] == 0, "targets of less than 24 pixels"
    assert not found["wide"], "a phone scrolls sideways"


@pytest.mark.skipif(not AXE, reason="needs axe-core, its file in BPX_AXE: accessibility is not checked")
@every("name", ACCESSIBLE)
def test_accessibility(findings: Any, name: str) -> None:
    assert findings[name]["axe"] == []


def test_a_link_opens_a_step(tmp_path: Path) -> None:
    file = tmp_path / "page.html"
    file.write_text(explanation("square_of_sum").to_html())
    dom = by_chromium([f"{file.as_uri()}#2"], tmp_path)
    assert 'id="sentence" role="status">Forward: ' in dom
    assert dom.count('class="now"') == 1


def in_browser(page: str, folder: Path, script: str = "") -> str:
    """The page after its script and another one, all texts of it unescaped."""
    file = folder / "page.html"
    file.write_text(page.replace("</html>", f"<script>{script}</script></html>"))
    return html.unescape(by_chromium([file.as_uri()], folder))


def labels(dom: str) -> list[str]:
    """The numbers on the edges, as they stand in the picture."""
    return re.findall(r'<text class="label [a-z]+"[^>]*>([^<]*)', dom)


def test_a_circuit_has_the_numbers_of_the_drawing_on_its_edges(tmp_path: Path) -> None:
    options = PictureOptions(style=Style.CIRCUIT)
    edit = 'const field = document.querySelector("#inputs input"); field.value = "0.75";'
    edit += 'field.dispatchEvent(new Event("input", { bubbles: true }));'
    for values, script in (({}, ""), ({"x1": 0.75}, edit)):
        picture = explained("logistic_regression_scalars", values).picture(options)
        expected = [text.replace("-", "−") for edge in picture.edges for text in edge.label]
        dom = in_browser(explanation("logistic_regression_scalars").page(options).to_html(), tmp_path, script)
        assert labels(dom) == expected
        inside = {text for card in picture.cards for text in card.value}
        assert re.findall(r'<text class="value"[^>]*>([^<]*)', dom) == list(inside)


def test_closed_layers_open_below_the_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "engine", lambda: None)
    layers = range(1, 40)
    steps = [f'"l{k}.z" = "l{k - 1}.a * w{k}"\n"l{k}.a" = "tanh(l{k}.z^2 + 1)"' for k in layers]
    inputs = [f"w{k} = 0.1" for k in layers]
    text = "\n".join(["bpx = 1", "[inputs]", "b = 0.2", *inputs, "[graph]", '"l0.a" = "tanh(b)"', *steps])
    page = explain(read_text(Source("<text>", text)), check=False).page()
    dom = in_browser(page.to_html(), tmp_path)
    titles = [picture.title for picture in page.content.pictures[1:]]
    assert re.findall(r"<summary>([^<]*)</summary><div [^>]*><svg", dom) == titles
    assert dom.count('class="card') == sum(len(picture.cards) for picture in page.content.pictures)


def test_descent_and_the_card_in_focus(findings: Any) -> None:
    found = findings["logistic_regression_scalars"]
    assert re.fullmatch(r"L after 10 descent steps: from 0\.139387 to 0\.0\d+", found["descended"])
    assert found["about"] == "a = sigmoid(z) = sigmoid(1.9) = 0.869892; ∂L/∂a = −1.14957"


def test_local_derivatives_have_their_own_shape(tmp_path: Path) -> None:
    values = {"x": [[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], "w": [[0.5], [2.0]], "c": [1.0, 2.0, 3.0]}
    explanation = explain(read_text(Source("<text>", "sum(x*w*c)"), values), check=False)
    dom = in_browser(explanation.to_html(), tmp_path)
    rows = dom.partition('<tbody id="edges">')[2].partition("</tbody>")[0].split("<tr")[1:]
    found = [re.findall(r"<td>([^<]*)", row)[2] for row in rows]
    assert found == ["" if edge.local is None else shown(edge.local) for edge in explanation.edges]


def test_the_forward_pass_alone(tmp_path: Path) -> None:
    options = PictureOptions(Pass.FORWARD)
    dom = in_browser(explanation("square_of_sum").page(options).to_html(), tmp_path)
    assert "Forward: z = t^2 = 5^2 = 25" in dom
    assert 'id="edges"' not in dom and 'class="gradient"' not in dom
