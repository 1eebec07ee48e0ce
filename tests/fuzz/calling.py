"""One fuzzed input, what happens when bpx gets it, and what counts as a failure."""

from __future__ import annotations

import json
import re
import resource
import signal
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from invoking import RUNNER

import bpx
from bpx.cli.main import app
from bpx.ops import rows
from bpx.spec.reading.read import read_spec
from bpx.spec.writing.write import write_spec
from bpx.words.diagnostic import Source

REFUSAL = 2.0  # seconds of CPU that a refused input may take
REFUSAL_MEMORY = 500_000_000  # bytes by which a refused input may raise the peak
REPORTING = {"check", "sweep", "practice"}  # commands whose report may end in 2, on standard output
LIMIT = 20.0  # seconds of CPU after which an input is stopped
MEMORY = 4_000_000_000  # bytes that a run may take


class Case(NamedTuple):
    """An input: a command line with the files beside it, or, where the first word is `@load` or such, a call.

    The files of a call hold its text.
    """

    args: tuple[str, ...]
    files: tuple[tuple[str, bytes], ...] = ()
    stdin: bytes = b""

    def __str__(self) -> str:
        lines = ["bpx " + " ".join(repr(arg) for arg in self.args)]
        lines += [f"{name}: {data!r:.2000}" for name, data in self.files]
        return "\n".join([*lines, *([f"stdin: {self.stdin!r}"] if self.stdin else [])])


class Failure(NamedTuple):
    """What went wrong: `kind` is the same for two inputs that fail alike."""

    kind: str
    detail: str = ""


class TooLong(BaseException):
    """An input takes more than `LIMIT` seconds."""


@contextmanager
def limited(seconds: float = LIMIT) -> Iterator[None]:
    """Stop what is inside after so many seconds of CPU."""

    def stop(*ignored: Any) -> NoReturn:
        raise TooLong

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def cpu() -> float:
    """Seconds of CPU of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def peak() -> int:
    """Bytes that this process has taken at most."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def resident() -> int:
    """Bytes that this process takes now; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    except OSError:
        return 0


def failure_of(case: Case) -> Failure | None:
    """What is wrong with how bpx takes an input, in the current folder; None where nothing is."""
    outcome = outcome_of(case)
    return None if isinstance(outcome, str) else outcome


def outcome_of(case: Case) -> Failure | str | None:
    """What is wrong with how bpx takes an input, `refused` where nothing is, None where it is accepted."""
    for name, data in case.files:
        Path(name).write_bytes(data)
    start, before = cpu(), peak()
    try:
        with limited():
            outcome = _called(case) if case.args[0] in CALLS else _invoked(case)
    except TooLong as stopped:
        return Failure("hangs", "".join(traceback.format_tb(stopped.__traceback__)[-3:]))
    if outcome == "refused" and (taken := cpu() - start) > REFUSAL:
        return Failure("refused slowly", f"{taken:.1f} s of CPU")
    if outcome == "refused" and (more := peak() - before) > REFUSAL_MEMORY:
        return Failure("refused in much memory", f"{more:,} bytes")
    return outcome


def _invoked(case: Case) -> Failure | str | None:
    """Run a command line: a failure, `refused`, or None."""
    result = RUNNER.invoke(app, list(case.args), input=case.stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        if isinstance(result.exception, TooLong):
            raise result.exception
        return crash(result.exception)
    if result.exit_code not in (0, 1, 2):
        return Failure(f"exit {result.exit_code}", result.stderr[-500:])
    if "Traceback (most" in result.output:
        return Failure("traceback", result.output[-500:])
    if "--json" in case.args and result.stdout.startswith("{") and (problem := not_json(result.stdout)):
        return Failure("no JSON", problem)
    said = result.output if REPORTING & {*case.args[:1]} else result.stderr
    if result.exit_code == 2 and not said and not {"--json", "json", "--format=json"} & {*case.args}:
        return Failure("silent refusal", result.output)
    return "refused" if result.exit_code == 2 else None


def not_json(text: str) -> str | None:
    """Why a text is no JSON of finite numbers; None where it is."""
    try:
        json.loads(text, parse_constant=_refuse)
    except ValueError as error:
        return str(error)
    return None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"the constant {constant}")


def crash(error: BaseException) -> Failure:
    """The failure of an exception: alike are those that leave the same function of bpx."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if "/bpx/" in frame.filename]
    place = f"{Path(frames[-1].filename).name}:{frames[-1].name}" if frames else "?"
    return Failure(f"{type(error).__name__} in {place}", "".join(traceback.format_exception(error)[-6:]))


# --- calls --------------------------------------------------------------------------------------


def _called(case: Case) -> Failure | str | None:
    """Call a function of bpx with the text of the first file: a failure, `refused`, or None."""
    text = case.files[0][1].decode("utf-8", "replace")
    try:
        return CALLS[case.args[0]](text)
    except bpx.BpxError:
        return "refused"
    except Exception as error:
        return crash(error)


def _load(text: str) -> Failure | None:
    return written_and_read(bpx.load(text + "\n"))


def _parse(text: str) -> Failure | None:
    return written_and_read(bpx.parse(text, **values_for(text)))


def values_for(text: str) -> dict[str, Any]:
    """Values for the names of a formula: matrices for capitals, vectors for u, v and w, else numbers."""
    names = sorted({*re.findall(r"[A-Za-z_]\w*", text)} - {op.name for op in rows()} - {"pi", "e"})
    shapes = {True: [[1.0, 2.0], [0.5, 3.0]], False: 0.7}
    return {name: [1.5, 0.5] if name in ("u", "v", "w") else shapes[name[0].isupper()] for name in names[:12]}


def _claim(text: str) -> None:
    bpx.parse("sum((w*x)^2)*y", x=0.7, y=-1.3, w=[1.5, 0.5]).gradcheck(claims={"w": text})


def _check_notes(text: str) -> None:
    bpx.check_notes(text + "\n")


CALLS: dict[str, Any] = {
    "@load": _load,
    "@parse": _parse,
    "@claim": _claim,
    "@check_notes": _check_notes,
}


def written_and_read(spec: bpx.Spec) -> Failure | None:
    """Is a spec the same after it was written as TOML, read, written as JSON and read?"""
    before = numbers_of(spec)
    for form in ("toml", "json", "toml"):
        text = write_spec(spec, form)
        try:
            again = bpx.Spec.of(read_spec(Source(f"written.{form}", text), form))
        except bpx.BpxError as error:
            return Failure(f"{form} that bpx wrote is refused", f"{error}\n{text:.2000}")
        if write_spec(again, form) != text:
            return Failure(f"{form} is not stable", f"{text:.1000}\n---\n{write_spec(again, form):.1000}")
        spec = again
    after = numbers_of(spec)
    if before.keys() != after.keys() or not all(same(before[name], after[name]) for name in before):
        return Failure("other numbers after convert", f"{before}\n{after}\n{text:.2000}")
    return None


def numbers_of(spec: bpx.Spec) -> dict[str, Any]:
    """The value of the output and the gradients; nothing where there are none."""
    try:
        value, gradients = spec.value_and_gradients()
    except bpx.BpxError as error:
        return {"": ",".join(one.code for one in error.diagnostics)}
    return {"": value, **gradients}


def same(a: Any, b: Any) -> bool:
    """The same codes of diagnostics, or the same numbers, up to the order of sums."""
    if isinstance(a, str) or isinstance(b, str):
        return bool(a == b)
    return bool(np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=1e-9, atol=1e-12, equal_nan=True))
