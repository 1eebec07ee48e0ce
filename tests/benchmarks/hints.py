"""Do hints give the answer away? Mistakes planted in functions, networks and claims, in every form.

For each report and each level below 4: does a right number, to three digits, or a right formula stand in it?
What the reader has anyway does not count: what was claimed, the problem's own numbers and formulas, and whole
numbers, which may be counts. A report of more than 60 entries is left out: of many numbers some are alike by
chance.

Run: python tests/benchmarks/hints.py [functions | lines | claims]
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "check"))

import numpy as np
from backward_files import program_of
from corpus import planted_bugs
from planted_code import CASES, cases, check
from test_hints import HIDING, answers, claimed, formulas, tells, texts
from wrong_claims import drawn_specs

from bpx.check.gradcheck import gradcheck
from bpx.check.report.report import Report
from bpx.graph.formula import formula
from bpx.graph.run import run
from bpx.spec.code.check import check_program
from bpx.words.diagnostic import BpxError

MOST_ENTRIES = 60
NETWORKS = ("tanh_layer", "affine_relu", "gru_cell", "dense_class", "rnn_layer")
Found = Iterator[tuple[str, Report, list[float]]]  # what the problem is, and the numbers in it


def functions() -> Found:
    for case in cases(CASES, 1):
        known = np.concatenate([np.ravel(value) for value in case.inputs.values()]).astype(float).tolist()
        for slip in case.slips:
            yield f"{case.name}: {slip.title}", check(case, slip.backward), known


def lines() -> Found:
    for network in NETWORKS:
        for bug in planted_bugs(network):
            with TemporaryDirectory() as folder:
                yield f"{network}: {bug.name}", check_program(program_of(Path(folder), bug)), []


def claims() -> Found:
    for spec in drawn_specs(np.random.default_rng(5), 150):
        values = run(spec.graph, spec.input_values, list(range(len(spec.graph.ops)))).values()
        known = np.concatenate([*map(np.ravel, values)]).tolist()
        try:
            yield str(formula(spec.graph, spec.output, spec.own_names)), gradcheck(spec), known
        except BpxError:  # a claim of another shape
            continue


def given_away(problem: str, report: Report, known: list[float]) -> list[str]:
    """What a hint tells, with its level and its form."""
    right = [one for one in answers(report) if abs(one - round(one)) > 1e-3 * abs(one)]
    sides = list(formulas(report))
    places = [np.ravel(value) for inputs in report.places.values() for value in inputs.values()]
    known = [*known, *claimed(report), *np.concatenate([np.zeros(1), *places])]
    stated = problem + " ".join(culprit.span.source.text for culprit in report.blame if culprit.span)
    sides = [side for side in sides if side not in stated and len(side) > 4]
    found = []
    for level in HIDING:
        for form, text in texts(report.hint(level)):
            told: list[object] = [*tells(text, right, known)] if right else []
            found += [
                f"{level.name} {form}: {one}" for one in (*told, *(side for side in sides if side in text))
            ]
    return found


def main(kinds: list[str]) -> None:
    start = time.process_time()
    for kind in kinds:
        total, twins, patterns, leaks = 0, 0, 0, []
        for title, report, known in globals()[kind]():
            if report.verdict != "disagree" or report.total > MOST_ENTRIES:
                continue
            total += 1
            named = [one for one in report.blame if one.mistakes and one.mistakes[0].code != "unknown"]
            patterns += len(named)
            twins += sum(one.twin is not None for one in report.hint(3).blame)
            leaks += [f"{title}: {one}" for one in given_away(title, report, known)]
        seconds = time.process_time() - start
        print(
            f"{kind}: {total} reports, {len(leaks)} numbers or formulas given away, "
            f"twins for {twins} of {patterns} named mistakes ({seconds:.0f} s)"
        )
        for leak in leaks[:12]:
            print("   ", leak)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1:] or ["functions", "lines", "claims"])
