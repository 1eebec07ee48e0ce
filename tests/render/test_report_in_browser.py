"""Pages of reports in Chromium: sorted by a click, on a phone, in light and dark; accessible by axe-core."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from chromium import AXE, driven, needs_chromium
from reports import MAKERS, report
from rows_of_a_table import every

import bpx
from bpx.check.report.report import Report
from bpx.render.page import report as writing

pytestmark = needs_chromium
CODE = Path(__file__).parents[2] / "examples" / "code" / "two_layer_net.py"
DARK = "--blink-settings=preferredColorScheme=0"
DRIVER = """
var drive = () => {
  const found = { orders: [] }, text = (element) => element.textContent;
  for (const table of document.querySelectorAll("table")) {
    for (const button of table.querySelectorAll("th button")) {
      const at = button.parentElement.cellIndex, orders = [];
      for (let times = 0; times < 2; times++) {
        button.click();
        const cells = [...table.tBodies[0].rows].map((row) => text(row.cells[at]));
        orders.push([button.parentElement.ariaSort, cells]);
      }
      found.orders.push(orders);
    }
  }
  const small = (box) => box.height && (box.height < 24 || box.width < 24);
  const boxes = [...document.querySelectorAll("button")].map((one) => one.getBoundingClientRect());
  found.targets = boxes.filter(small).length;
  found.requests = performance.getEntriesByType("resource").length;
  found.wide = document.documentElement.scrollWidth > innerWidth;
  return found;
};
"""
NAMES = ["code", "ladder", *MAKERS]
LIGHTS = ("light", "dark")


@cache
def shown(name: str) -> Report:
    if name == "code":
        return bpx.gradcheck(f"{CODE}:forward,backward")
    if name == "ladder":
        return bpx.load("logistic_regression").gradcheck(claims={"z": "y - a"}, why="w[0]")
    return report(name)


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each page gave, in light and in dark, by the name of the report."""
    folder = tmp_path_factory.mktemp("reports")
    rules = Path(AXE).read_text() if AXE else ""
    engine, writing.engine = writing.engine, lambda: None  # the page's own layout: it is quick
    try:
        pages = {name: shown(name).to_html() for name in NAMES}
    finally:
        writing.engine = engine
    scripts = f"<script>{DRIVER}</script><script>{rules}</script>"
    ended = {name: (page, scripts) for name, page in pages.items()}
    lights = LIGHTS if AXE else LIGHTS[:1]
    return {light: driven(ended, folder, *([DARK] if light == "dark" else [])) for light in lights}


def size(text: str) -> float | None:
    number = re.match(r"[<\s]*(-?[\d.]+(?:e[+-]?\d+)?)", text)
    return float(number[1]) if number else None


@every("name", NAMES)
def test_a_click_on_a_header_sorts_and_another_turns_the_order(findings: Any, name: str) -> None:
    for (up, rising), (down, falling) in findings["light"][name]["orders"]:
        assert (up, down) == ("ascending", "descending")
        assert sorted(rising) == sorted(falling)
        rising, falling = ([cell for cell in cells if cell] for cells in (rising, falling))
        sizes = [size(cell) for cell in rising]
        if None not in sizes:
            assert sizes == sorted(sizes)
            assert [size(cell) for cell in falling] == sorted(sizes, reverse=True)


@every("name", NAMES)
def test_nothing_goes_wrong_or_out(findings: Any, name: str) -> None:
    found = findings["light"][name]
    assert found["faults"] == []
    assert found["requests"] == 0
    assert found["targets"] == 0, "targets of less than 24 pixels"
    assert not found["wide"], "a phone scrolls sideways"


@pytest.mark.skipif(not AXE, reason="needs axe-core, its file in BPX_AXE: accessibility is not checked")
@every("light", LIGHTS)
def test_accessibility(findings: Any, light: str) -> None:
    assert {name: found["axe"] for name, found in findings[light].items() if found["axe"]} == {}
