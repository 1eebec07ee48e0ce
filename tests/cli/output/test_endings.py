"""Whatever ends a run is an exit code and at most one line: signals, broken pipes, full disks."""

from __future__ import annotations

import errno
import io
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NoReturn

import pytest
from invoking import invoke, plain_json

from bpx import __main__ as process
from bpx.check.tasks.processes import processes
from bpx.cli import main as cli
from bpx.cli.output import signals
from bpx.train.train import _Run

TRAIN = ["train", "logistic_regression", "--steps", "50"]


@pytest.fixture(autouse=True)
def kept_handlers() -> Iterator[None]:
    numbers = (signal.SIGINT, signal.SIGTERM)
    before, hook = {number: signal.getsignal(number) for number in numbers}, sys.unraisablehook
    yield
    sys.unraisablehook = hook
    signals._received.clear()
    for number, handler in before.items():
        signal.signal(number, handler)


def ended(monkeypatch: pytest.MonkeyPatch, run: Callable[..., Any]) -> int:
    """The exit code of the process where running the command does this."""
    monkeypatch.setattr(cli, "run", run)
    monkeypatch.setattr(sys, "argv", ["bpx", "ops"])
    monkeypatch.setattr(process.gc, "disable", lambda: None)
    monkeypatch.setattr(process.atexit, "register", lambda _: None)
    with pytest.raises(SystemExit) as end:
        process.main()
    return int(end.value.code or 0)


def hear(number: int) -> None:
    signal.raise_signal(number)


def break_an_import(*_: object) -> NoReturn:
    try:
        hear(signal.SIGINT)
    except KeyboardInterrupt:
        raise ImportError("half a module") from None
    raise AssertionError


def answer(*_: object) -> int:
    try:
        hear(signal.SIGINT)
    except KeyboardInterrupt:
        signals.answered()
    return 0


def fail_with(error: BaseException) -> Callable[..., NoReturn]:
    def run(*_: object) -> NoReturn:
        raise error

    return run


@pytest.mark.parametrize(
    ("run", "code", "said"),
    [
        (lambda _: hear(signal.SIGINT), 130, "Interrupted."),
        (lambda _: hear(signal.SIGTERM), 143, "Interrupted."),
        (break_an_import, 130, "Interrupted."),
        (answer, 0, ""),
        (lambda _: 1, 1, ""),
        (fail_with(BrokenPipeError(errno.EPIPE, "Broken pipe")), 0, ""),
        (
            fail_with(OSError(errno.ENOSPC, "No space left on device")),
            2,
            "bpx had to stop: no space left on device",
        ),
        (fail_with(MemoryError()), 2, "bpx had to stop: memoryerror"),
    ],
)
def test_how_a_run_ends(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    run: Callable[..., Any],
    code: int,
    said: str,
) -> None:
    assert ended(monkeypatch, run) == code
    found = capsys.readouterr()
    assert (found.out, found.err.strip()) == ("", said)


class Full(io.StringIO):
    """A stream on a full disk."""

    def flush(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_standard_error_that_is_full_changes_no_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Full())
    assert ended(monkeypatch, fail_with(MemoryError())) == 2
    assert ended(monkeypatch, fail_with(ValueError("a bug"))) == 3
    monkeypatch.undo()
    monkeypatch.setattr(sys, "stderr", Full())
    monkeypatch.setattr(sys, "argv", ["bpx", "explain", "nosuch.toml"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    assert end.value.code == 2


# --- a training ---------------------------------------------------------------------------------


@pytest.fixture
def interrupted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C in the third step of each training."""
    move = _Run.move

    def moved(run: Any, *args: Any) -> None:
        move(run, *args)
        if run.taken == 3:
            hear(signal.SIGINT)

    monkeypatch.setattr(_Run, "move", moved)


def test_a_training_keeps_what_it_has(tmp_path: Path, request: pytest.FixtureRequest) -> None:
    file, other = tmp_path / "a.toml", tmp_path / "b.toml"
    invoke("train", "logistic_regression", "--steps", "3", "-o", str(other))
    request.getfixturevalue("interrupted")
    found = invoke(*TRAIN, "-o", str(file), exit=130)
    kept = f"`{file}` has the parameters after step 3 of 50; go on with `bpx train {file} --steps 47`"
    assert "".join(kept.split()) in "".join(found.stdout.split())  # lines are broken anywhere in a path
    assert file.read_bytes() == other.read_bytes()
    plain = plain_json(*TRAIN, exit=130)
    assert (plain["stopped"], plain["steps"], len(plain["history"])) == (
        "interrupted",
        {"asked": 50, "taken": 3},
        4,
    )
    assert "`--steps 3 -o trained.toml`" in plain["diagnostics"][-1]["help"]
    scheduled = plain_json(*TRAIN, "--schedule", "cosine", exit=130)
    assert "--steps 3" not in scheduled["diagnostics"][-1]["help"]


def test_a_second_signal_ends_a_training_at_once() -> None:
    with pytest.raises(KeyboardInterrupt), signals.HeldBack() as held:
        hear(signal.SIGTERM)
        assert held.exit_code == 143
        hear(signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("lost", ["bpx.cli.train.Session.show", "bpx.cli.train.write_file"])
def test_of_file_and_report_one_is_left_where_the_other_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    from invoking import RUNNER, app

    file = tmp_path / "a.toml"
    monkeypatch.setattr(lost, fail_with(BrokenPipeError(errno.EPIPE, "Broken pipe")))
    found = RUNNER.invoke(app, ["train", "logistic_regression", "--steps", "2", "-o", str(file)])
    assert found.exit_code
    assert file.exists() == lost.endswith("show")
    assert ("Parameters" in found.stdout) == lost.endswith("file")


# --- processes ----------------------------------------------------------------------------------


def test_workers_do_not_hear_ctrl_c() -> None:
    with processes(1) as executor:
        blocked = executor.submit(signal.pthread_sigmask, signal.SIG_BLOCK, []).result()
    assert signal.SIGINT in blocked
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_ctrl_c_while_modules_load() -> None:
    """The signal comes when a module is asked for that is imported early, and one that is late."""
    for module in ("typer", "numpy"):
        code = (
            "import signal, sys\n"
            "class Finder:\n"
            "    def find_spec(self, name, path=None, target=None):\n"
            f"        if name == {module!r}: signal.raise_signal(signal.SIGINT)\n"
            "sys.meta_path.insert(0, Finder())\n"
            "sys.argv = ['bpx', 'explain', 'sigmoid']\n"
            "from bpx.__main__ import main\nmain()\n"
        )
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert (found.returncode, found.stdout, found.stderr) == (130, "", "Interrupted.\n")


@pytest.mark.parametrize(
    ("line", "codes"),
    [
        ("$bpx ops | true; echo ${PIPESTATUS[0]} >&2", "0"),
        ("$bpx explain nosuch.toml 2>/dev/full; echo $? >&2", "2"),
        ("$bpx explain - <&- >&-; echo $? >&2", "2"),
        ("$bpx explain sigmoid -o /dev/stdout | head -1 >&2; echo ${PIPESTATUS[0]} >&2", "0"),
    ],
)
def test_in_a_shell(line: str, codes: str, tmp_path: Path) -> None:
    environment = {**os.environ, "bpx": f"{sys.executable} -m bpx"}
    found = subprocess.run(
        ["bash", "-c", line], env=environment, capture_output=True, text=True, cwd=tmp_path
    )
    assert found.stderr.splitlines()[-1] == codes
    assert "Traceback" not in found.stderr
    assert "Exception" not in found.stderr
