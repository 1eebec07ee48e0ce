"""Fuzz bpx: mutated texts and random programs, until the time is over; what fails is minimised and shown.

Run: python -m tests.fuzz --seconds 600 --seed 1 [--only mutation|programs]
Again: python -m tests.fuzz --case mutation:1:4711
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import os
import resource
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fuzz import mutation, programs
from fuzz.calling import MEMORY, Case, Failure, cpu, crash, failure_of, outcome_of, resident
from fuzz.minimising import minimised

REPORTED = 60.0  # seconds from one line of counts to the next


def mutation_outcome(seed: str) -> Failure | str | None:
    """What is wrong with a mutated input."""
    return outcome_of(mutation.case(seed))


KINDS: dict[str, Callable[[str], Failure | str | None]] = {
    "mutation": mutation_outcome,
    "programs": programs.outcome_of,
}
SHARES = {"mutation": 0.6, "programs": 0.4}  # of the time


class Run:
    """Inputs of one kind, one after the other, and how many of them ended how."""

    def __init__(self, kind: str, seed: int) -> None:
        self.kind, self.seed, self.started = kind, seed, cpu()
        self.outcomes: Counter[str] = Counter()
        self.failures: Counter[str] = Counter()
        self.longest = (0.0, "")  # seconds of CPU, and of which input
        self.reported = time.monotonic()

    def until(self, end: float) -> None:
        """Go on until so much CPU is used."""
        while cpu() < end:
            self.next()
            if time.monotonic() > self.reported + REPORTED:
                self.reported = time.monotonic()
                gc.collect()
                print(self, flush=True)

    def next(self) -> None:
        """The next input; the first failure of each kind is shown."""
        name = f"{self.kind}:{self.seed}:{self.outcomes.total()}"
        start = cpu()
        outcome = guarded(name)
        self.longest = max(self.longest, (cpu() - start, name))
        self.outcomes[outcome if isinstance(outcome, str) else "failed" if outcome else "accepted"] += 1
        if isinstance(outcome, Failure):
            self.failures[outcome.kind] += 1
            print(
                shown(name, outcome) if self.failures[outcome.kind] == 1 else f"as above: {name}", flush=True
            )

    def __str__(self) -> str:
        taken, count = cpu() - self.started, self.outcomes.total()
        ended = ", ".join(f"{number:,} {word}" for word, number in self.outcomes.most_common())
        return (
            f"{self.kind}, seed {self.seed}: {count:,} inputs in {taken:.0f} s of CPU: {ended}; "
            f"{self.failures.total()} failures {dict(self.failures)}; {resident() / 1e6:.0f} MB; "
            f"longest: {self.longest[0]:.1f} s, {self.longest[1]}"
        )


def guarded(name: str) -> Failure | str | None:
    """How an input ends; what the fuzzer itself cannot cope with is a failure too."""
    try:
        return KINDS[name.partition(":")[0]](name)
    except Exception as error:
        return crash(error)


def shown(name: str, failure: Failure) -> str:
    """A failure with its smallest input, and the command that runs it again."""
    text = ""
    if name.startswith("mutation:"):

        def fails_alike(case: Case) -> bool:
            other = failure_of(case)
            return other is not None and other.kind == failure.kind

        try:
            text = f"{minimised(mutation.case(name), fails_alike)}\n"
        except Exception:
            text = f"(not minimised: {traceback.format_exc(1)})\n"
    return f"== {failure.kind}\npython -m tests.fuzz --case {name}\n{text}{failure.detail}"


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=list(KINDS))
    parser.add_argument("--case")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        os.environ["HOME"] = folder
        if options.case:
            outcome = guarded(options.case)
            print(shown(options.case, outcome) if isinstance(outcome, Failure) else "holds")
            raise SystemExit(isinstance(outcome, Failure))
        raise SystemExit(
            fuzzed([options.only] if options.only else list(KINDS), options.seed, options.seconds)
        )


def fuzzed(kinds: list[str], seed: int, seconds: float) -> bool:
    """Run the kinds one after the other: did anything fail?"""
    print(f"seed {seed}", flush=True)
    shares = {kind: SHARES[kind] / sum(SHARES[kind] for kind in kinds) for kind in kinds}
    runs = [Run(kind, seed) for kind in kinds]
    for run in runs:
        run.started = cpu()
        run.until(cpu() + seconds * shares[run.kind])
        print(run, flush=True)
    return any(run.failures for run in runs)


if __name__ == "__main__":
    main()
