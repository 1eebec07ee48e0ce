"""Command lines as people type them: read, answered or refused with the line that helps, no traceback."""

from __future__ import annotations

import os
import re
import shlex
from pathlib import Path

import pytest
from invoking import RUNNER
from typed_commands import COMMANDS, FILES, VALUES
from typed_files import write_files

from bpx.cli.main import app, with_command

PROPOSED = re.compile(r"bpx (?:explain |gradcheck )?\".*")


@pytest.fixture(scope="module", autouse=True)
def _directory(tmp_path_factory):
    """A directory with files of many kinds, in which the commands are typed."""
    before, folder = Path.cwd(), tmp_path_factory.mktemp("typed")
    write_files(folder)
    os.chdir(folder)
    yield
    os.chdir(before)


def run(line, capsys):
    """Exit code, standard output and standard error of a command line."""
    try:
        args = with_command(shlex.split(line))
    except SystemExit as end:
        return end.code, "", capsys.readouterr().err
    if args[0] == "explain":  # how a command is read does not depend on the check
        args.insert(1, "--no-check")
    result = RUNNER.invoke(app, args, input="", env={"COLUMNS": "100"})
    assert result.exception is None or isinstance(result.exception, SystemExit), (line, result.exception)
    return result.exit_code, result.stdout, result.stderr


def outcome(line, capsys):
    code, out, err = run(line, capsys)
    assert code in (0, 1, 2) and "Traceback" not in out + err, line
    if code == 2:
        problem = re.search(r"^error\[([\w-]+)\]", err, re.MULTILINE)
        helps = re.findall(r"^(?:help: )(.*)", err, re.MULTILINE) or re.findall("Try '(.*)' for help", err)
        assert helps, f"no advice: {line}"
        return f"! {problem[1] if problem else 'usage'}: {helps[-1]}"
    gradients = [" ".join(row.split()) for row in out.splitlines() if row.startswith(" ∂")]
    return " | ".join(filter(None, [" ".join(out.splitlines()[0].split()), "; ".join(gradients[:4])]))


@pytest.mark.parametrize("table", [VALUES, FILES, COMMANDS], ids=["values", "files", "commands"])
def test_typed_commands(table, capsys):
    assert {line: outcome(line, capsys) for line in table} == table


def test_commands_that_are_proposed_work_when_typed(capsys):
    """A whole command in a help is right; where values are missing, it says so, as nobody gave them."""
    proposed = [
        match
        for table in (VALUES, FILES, COMMANDS)
        for expected in table.values()
        for match in PROPOSED.findall(expected)
    ]
    assert len(proposed) > 5
    for command in proposed:
        code, _, err = run(command.removeprefix("bpx "), capsys)
        assert code == 0 or "[missing-value]" in err, command
