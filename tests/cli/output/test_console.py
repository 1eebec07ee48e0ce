"""The terminal as Rich sees it."""

from __future__ import annotations

import pytest

from bpx.cli.output.console import terminal


def test_a_dumb_terminal_is_as_wide_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TERM": "dumb", "COLUMNS": "57", "FORCE_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)
    console = terminal()
    assert console.is_dumb_terminal and console.width == 57
