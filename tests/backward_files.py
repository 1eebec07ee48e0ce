"""Functions written to a file, run and recorded: source lines are read from the file."""

from __future__ import annotations

import sys
import textwrap
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from corpus import CONVENTIONS, Planted, load

from bpx.spec.code.blamed_lines import WrongLine, wrong_lines
from bpx.spec.code.habits import with_steps
from bpx.spec.code.lines.recorder import Key, Recorder
from bpx.spec.code.program import Program
from bpx.spec.code.traced_program import random_upstream, run_backward, trace_program
from bpx.spec.code.understand import understood


def written(folder: Path, text: str, name: str = "user") -> ModuleType:
    path = folder / f"{name}.py"
    path.write_text("import numpy as np\n" + textwrap.dedent(text), encoding="utf-8")
    return load(path)


def recorded(function: Any, *args: Any) -> Recorder:
    recorder = Recorder()
    with recorder.recording():
        function(*args)
    return recorder


class Instead:
    """Other values for a line: all of its times, or one."""

    def __init__(self, key: Key, value: Any, time: int | None = None) -> None:
        self.key, self._value, self._time = key, value, time

    def replace(self, time: int, value: Any) -> Any:
        return self._value if self._time in (None, time) else None


def replaced(function: Any, instead: Instead, *args: Any) -> Any:
    with Recorder(instead).recording():
        return function(*args)


def program_of(
    folder: Path, bug: Planted, target: str | None = None, inputs: dict[str, Any] | None = None
) -> Program:
    """A network with a mistake in it, in a file of its own: the lines of the right one would mislead.

    `target` and `inputs` are another way to run it than the usual one of this network.
    """
    path = folder / f"{bug.network}.py"
    path.write_text(bug.source, encoding="utf-8")
    module = sys.modules[bug.network] = load(path)
    named = []
    for name in (target or CONVENTIONS[bug.network][0]).split(","):
        value: Any = module
        owner: Any = None
        for part in name.split("."):
            owner, value = value, getattr(value, part)
        named.append((name, value, None if owner is module else owner))
    usual = module.inputs() if inputs is None and hasattr(module, "inputs") else {}
    return understood(named, inputs or usual, vars(module))


def lines_of(folder: Path, bug: Planted) -> list[WrongLine]:
    program = program_of(folder, bug)
    output = np.asarray(program.run({}))
    free = program.upstream or program.jacobian
    upstream = random_upstream(output.shape, 0) if free else np.ones(output.shape)
    recorder = Recorder()
    run = run_backward(program, upstream, recorder)
    traced = trace_program(program, [found.leaf for found in run.gradients], upstream)
    return wrong_lines(with_steps(traced, run, recorder)[0])


def is_named(folder: Path, bug: Planted) -> bool:
    """Whether one line is blamed, and the right one; where a line was deleted, one beside it."""
    statements = [line.culprit.setting.statement for line in lines_of(folder, bug)]
    lines = {statement.line for statement in statements if statement is not None}
    room = 1 if bug.replacement == "pass" else 0
    return len(lines) == 1 and abs(min(lines) - bug.line) <= room
