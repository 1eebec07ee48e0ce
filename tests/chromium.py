"""Chromium for the tests of pages: where it is, how it is started, what it writes down."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

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
