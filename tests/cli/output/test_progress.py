"""The progress bar: late, only where a person looks, and gone at the end."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bpx.cli.output.progress import ProgressBar

CODE = """
import sys
from bpx.cli.output.progress import ProgressBar
with ProgressBar(patience={patience}) as progress:
    for step in range(5):
        progress(step / 4{more})
print("loaded" if "rich.progress" in sys.modules else "not loaded")
"""


def on_a_terminal(patience: float, more: str = "", **env: str) -> tuple[str, str]:
    """Standard output and what a terminal at standard error was sent."""
    pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")
    reader, writer = pty.openpty()
    kept = {name: value for name, value in os.environ.items() if name not in ("NO_COLOR", "FORCE_COLOR")}
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(patience=patience, more=more)],
        stdout=subprocess.PIPE,
        stderr=writer,
        env={**kept, "TERM": "xterm", **env},
        check=True,
        text=True,
    )
    os.write(writer, b"\n")
    sent = os.read(reader, 100_000).decode()
    os.close(reader)
    os.close(writer)
    return done.stdout.strip(), sent.strip()


def test_a_terminal_sees_it_come_and_go() -> None:
    out, sent = on_a_terminal(0)
    assert out == "loaded"
    assert "100%" in sent
    assert sent.endswith("\x1b[2K")  # the line is cleared


def test_the_loss_of_a_training_stands_beside_it() -> None:
    _, sent = on_a_terminal(0, more=", 1 / 3 + step")
    assert "loss 4.33333" in sent


@pytest.mark.parametrize(("patience", "env"), [(60, {}), (0, {"TERM": "dumb"})])
def test_it_keeps_out_of_the_way(patience: float, env: dict[str, str]) -> None:
    out, sent = on_a_terminal(patience, **env)
    assert (out, sent) == ("not loaded" if patience else "loaded", "")


@pytest.mark.parametrize("force", ["", "1"])
def test_no_terminal_no_bar(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, force: str
) -> None:
    monkeypatch.setenv("FORCE_COLOR", force)
    with ProgressBar(patience=0) as progress:
        progress(0.5)
    assert capfd.readouterr() == ("", "")
