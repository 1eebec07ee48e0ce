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
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from fuzz import mutation, programs
from fuzz.calling import MEMORY, Failure, cpu, failure_of
from fuzz.minimising import minimised


def mutation_failure(seed: str) -> Failure | None:
    """What is wrong with a mutated input."""
    return failure_of(mutation.case(seed))


KINDS: dict[str, Callable[[str], Failure | None]] = {
    "mutation": mutation_failure,
    "programs": programs.failure_of,
}
SHARES = {"mutation": 0.6, "programs": 0.4}  # of the time


def shown(name: str, failure: Failure) -> str:
    """A failure with its smallest input, and the command that runs it again."""
    text = ""
    if name.startswith("mutation:"):
        alike = lambda case: (found := failure_of(case)) is not None and found.kind == failure.kind  # noqa: E731
        text = str(minimised(mutation.case(name), alike)) + "\n"
    return f"== {failure.kind}\npython -m tests.fuzz --case {name}\n{text}{failure.detail}"


def run(kind: str, seed: int, seconds: float, start: int = 0) -> tuple[int, Counter[str]]:
    """Inputs of one kind until so many seconds of CPU are over: how many, and failures by kind."""
    failures: Counter[str] = Counter()
    end, count = cpu() + seconds, start
    while cpu() < end:
        name = f"{kind}:{seed}:{count}"
        count += 1
        failure = KINDS[kind](name)
        if failure is not None:
            failures[failure.kind] += 1
            if failures[failure.kind] == 1:
                print(shown(name, failure), flush=True)
        if count % 500 == 0:
            gc.collect()
    return count - start, failures


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
            failure = KINDS[options.case.partition(":")[0]](options.case)
            print(shown(options.case, failure) if failure else "holds")
            raise SystemExit(failure is not None)
        print(f"seed {options.seed}", flush=True)
        kinds = [options.only] if options.only else list(KINDS)
        failed = 0
        for kind in kinds:
            count, failures = run(
                kind, options.seed, options.seconds * (SHARES[kind] if len(kinds) > 1 else 1)
            )
            failed += failures.total()
            print(f"{kind}: {count:,} inputs, {failures.total()} failures {dict(failures)}", flush=True)
    raise SystemExit(failed > 0)


if __name__ == "__main__":
    main()
