"""Lines of `bpx …`, and programs, run inside this process as a shell would, where it adds nothing."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

from bpx.cli.main import main
from bpx.words.en import CATALOGUE as ENGLISH
from bpx.words.say import speak

_QUOTED = re.compile(r"'[^']*'|\"[^\"$`\\]*\"")
_OF_A_SHELL = re.compile(r"[|<>$;&\\`*?~#(){}\"']")


def are_plain(lines: str) -> bool:
    """Is every line a command of bpx and its arguments, without anything that only a shell understands?"""
    commands = lines.strip().splitlines()
    return all(line.startswith("bpx ") and not _OF_A_SHELL.search(_QUOTED.sub("", line)) for line in commands)


def run_lines(lines: str, folder: Path, merged: bool) -> subprocess.CompletedProcess[str]:
    """Run plain lines in a folder until one fails; with `merged`, errors go where the output goes."""
    output = _stream()
    errors = output if merged else _stream()
    code = 0
    with _shell(folder), contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        for line in lines.strip().splitlines():
            code = code or _run(shlex.split(line))
    texts = [stream.buffer.getvalue().decode() for stream in (output, errors)]  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(lines, code, texts[0], "" if merged else texts[1])


def run_program(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program of Python in a folder as `python -c` does; what it raises is raised."""
    output, errors = _stream(), _stream()
    with _shell(folder), contextlib.redirect_stdout(output), contextlib.redirect_stderr(errors):
        exec(compile(code, "<string>", "exec"), {"__name__": "__main__"})
    texts = [stream.buffer.getvalue().decode() for stream in (output, errors)]  # type: ignore[attr-defined]
    return subprocess.CompletedProcess(code, 0, *texts)


def _stream() -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)


@contextlib.contextmanager
def _shell(folder: Path) -> Iterator[None]:
    """The working folder, the environment and the standard input of a shell without a terminal."""
    kept = {name: value for name, value in os.environ.items() if name not in ("FORCE_COLOR", "NO_COLOR")}
    environment = mock.patch.dict(os.environ, {**kept, "COLUMNS": "80"}, clear=True)
    with contextlib.chdir(folder), environment, mock.patch.object(sys, "stdin", io.StringIO()):
        yield


def _run(words: list[str]) -> int:
    with mock.patch.object(sys, "argv", words), mock.patch.object(gc, "disable"):
        try:
            main()
        except SystemExit as end:
            return int(end.code or 0)
        finally:
            speak(ENGLISH)  # a command speaks its language until the process ends
    return 0
