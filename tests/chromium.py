"""Chromium for the tests of pages: where it is, how it is started, what it writes down."""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
AXE = os.environ.get("BPX_AXE")  # the file axe.min.js of the package axe-core
needs_chromium = pytest.mark.skipif(not CHROMIUM, reason="needs Chromium: pages are not tried in a browser")

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--virtual-time-budget=20000",
    "--window-size=400,900",
]
WATCH = "<script>var faults=[];onerror=m=>{faults.push(m)};console.error=m=>{faults.push(''+m)}</script>"


def by_chromium(arguments: list[str], folder: Path) -> str:
    """The elements of a page once its scripts have run."""
    assert CHROMIUM
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", "--dump-dom", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


_RUN = """
onload = async () => {
  const all = {};
  for (const frame of document.querySelectorAll("iframe")) {
    const page = frame.contentWindow, found = page.drive(page.tried);
    found.faults = page.faults;
    const rules = { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"] };
    if (page.axe) {
      const { violations } = await page.axe.run(page.document, rules);
      found.axe = violations.map((each) => `${each.id}: ${each.nodes.map((node) => node.html)}`);
    }
    all[frame.id] = found;
  }
  document.body.innerHTML = "";
  const results = document.createElement("pre");
  results.textContent = JSON.stringify(all);
  document.body.append(results);
};
"""


def driven(pages: Mapping[str, tuple[str, str]], folder: Path, *flags: str) -> dict[str, Any]:
    """What `drive(tried)` gives in each page, and its faults, by name; a page has scripts put at its end.

    One browser runs all of them, in frames; those that bring axe-core along are looked through by it.
    """
    frames = []
    for name, (page, scripts) in pages.items():
        page = page.replace("<title>", f"{WATCH}<title>", 1).replace("</html>", f"{scripts}</html>")
        frames.append(f'<iframe id="{name}" width="400" height="900" srcdoc="{html.escape(page)}"></iframe>')
    file = folder / "all.html"
    file.write_text(f'<!DOCTYPE html><meta charset="utf-8"><body>{"".join(frames)}<script>{_RUN}</script>')
    dom = by_chromium([*flags, file.as_uri()], folder)
    results = re.search(r"<pre>(.*)</pre>", dom, re.DOTALL)
    assert results, dom[-2000:]
    found: dict[str, Any] = json.loads(html.unescape(results[1]))
    return found
