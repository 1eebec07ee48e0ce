"""Help, exit codes, processes, encodings of the terminal."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from typing import Any

import pytest
from invoking import RUNNER, SIMPLE, invoke, plain_json, process
from rows_of_a_table import every

import bpx
from bpx.cli.command import command_named
from bpx.cli.main import COMMANDS, app
from bpx.words.guards import faults


def parameters() -> list[Any]:
    import typer.main

    commands = [typer.main.get_command(app), *map(command_named, COMMANDS)]
    return [parameter for command in commands for parameter in command.params]


@every("parameter", parameters())
def test_every_option_has_help(parameter: Any) -> None:
    assert parameter.help
    assert parameter.help[0].isupper()
    assert parameter.help.endswith(".")


@every("command", COMMANDS)
def test_every_command_has_help(command: str) -> None:
    first = invoke(command, "--help").stdout.split("\n\n")[1]
    assert re.match(r"\s+[A-Z]", first)
    assert first.rstrip().endswith(".")


def test_the_commands_are_these() -> None:
    import typer.main

    assert sorted(typer.main.get_command(app).commands) == sorted(COMMANDS)  # type: ignore[attr-defined]
    found = invoke("--help").stdout
    assert all(command in found for command in COMMANDS)


def test_without_arguments_the_help_says_where_to_begin() -> None:
    assert "Usage" in invoke("--help").stdout
    assert "bpx COMMAND --help" in invoke().stdout


def test_version() -> None:
    assert invoke("--version").stdout == f"bpx {bpx.__version__}\n"


# What Typer itself imports of Rich, if anything, is Typer's business; tables are ours.
@pytest.mark.parametrize("args", [["--version"], ["--help"], ["explain", "--help"]], ids=" ".join)
def test_version_and_help_do_without_numpy_and_tables(args: list[str]) -> None:
    code = (
        "import sys, typer\nbefore = set(sys.modules)\nfrom bpx.cli.main import app\n"
        f"try:\n    app({args!r})\nexcept SystemExit:\n    pass\n"
        "print(*(one for one in ('numpy', 'rich.table', 'bpx.graph.graph') if one in sys.modules),"
        "file=sys.stderr)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert found.returncode == 0
    assert found.stderr.strip() == ""


def test_a_small_run_loads_only_what_it_needs() -> None:
    heavy = ("pydantic", "tomllib", "bpx.cli.train", "bpx.train", "bpx.spec.code", "bpx.spec.trace")
    heavy += (
        "bpx.check.blame.last_resort",
        "bpx.check.blame.blame_claims",
        "bpx.check.function",
        "bpx.spec.writing",
        "bpx.render.picture",
        "scipy",
    )
    for command in ("explain", "gradcheck"):
        code = (
            f"import sys\nsys.argv = ['bpx', {command!r}, '(x+y)^2', 'x=3', 'y=-1']\n"
            "from bpx.cli.main import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
            f"print(*(module for module in {heavy!r} if module in sys.modules), file=sys.stderr)"
        )
        run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert "checked" in run.stdout.lower() or "agree" in run.stdout
        assert run.stderr.split() == [], command


def test_a_bug_is_exit_3_and_says_what_to_send(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from bpx.cli import main as cli

    def broken(args: list[str]) -> int:
        raise RuntimeError("a bug")

    monkeypatch.setattr(cli, "run", broken)
    monkeypatch.setattr(sys, "argv", ["bpx", "ops"])
    with pytest.raises(SystemExit) as caught:
        cli.main()
    assert caught.value.code == 3
    message = capsys.readouterr().err
    assert "RuntimeError: a bug, test_main.py:" in message
    assert f"bpx {bpx.__version__}" in message
    assert message.count("\n") == 1
    monkeypatch.setattr(sys, "argv", ["bpx", "ops", "--traceback"])
    monkeypatch.setattr(faults, "raised", False)
    with pytest.raises(RuntimeError):
        cli.main()
    assert faults.raised  # those of helpers, which cost no verdict, are shown too


def test_as_a_module() -> None:
    found = process(*SIMPLE)
    assert found.returncode == 0
    assert found.stdout.decode().replace(os.linesep, "\n") == invoke(*SIMPLE).stdout
    assert found.stderr == b""


def test_exit_codes() -> None:
    assert process("explain", "x").returncode == 2
    for args in (["explain"], ["nosuch"], ["explain", ""]):
        invoke(*args, exit=2)


EVERY_SECTION = ["--paths", "--second", "--step", "0.5", "--expand", "all"]
HARD = ["explain", "perceptron_2_2_1", *EVERY_SECTION]
TOO_LARGE_FOR_SECOND = ["iris_softmax", "two_moons"]


@pytest.mark.timeout(1800)  # it runs every example in processes of their own
def test_output_is_the_same_for_every_hash_seed_and_number_of_threads() -> None:
    """All examples, all sections, in one process a seed: each explained once, in both of the forms."""
    code = (
        "import sys, bpx\nfrom bpx.cli.main import app\n"
        "from bpx.spec.reading.examples import example_names\n"
        f"large = {TOO_LARGE_FOR_SECOND!r}\n"
        "for name in example_names():\n"
        "    explanation = bpx.load(name).explain(\n"
        "        paths=[], second=name not in large, step=0.5, expand='all')\n"
        "    print(explanation.to_json(), explanation.to_plain())\n"
        f"for args in ({HARD!r}, ['ops'], ['schema'], ['examples']):\n"
        "    try:\n        app(args)\n    except SystemExit as error:\n        assert not error.code\n"
    )
    outputs = [
        subprocess.run(
            [sys.executable, "-X", "utf8", "-c", code],
            capture_output=True,
            env={
                **os.environ,
                "PYTHONHASHSEED": seed,
                "OMP_NUM_THREADS": threads,
                "OPENBLAS_NUM_THREADS": threads,
            },
            check=True,
        ).stdout
        for seed, threads in (("0", "1"), ("1", "2"))
    ]
    assert len(outputs[0]) > 50_000
    assert outputs[0] == outputs[1]


# Their products of matrices end in other bits by another kernel of OpenBLAS.
SHOWN_BY_ANY_KERNEL = """
import bpx
for name in ("attention_three_tokens", "perceptron_2_2_1", "softmax_cross_entropy", "xor"):
    spec = bpx.load(name)
    print(spec.explain().to_plain(), spec.gradcheck().to_plain(), spec.gradcheck().to_json())
"""


def test_no_kernel_shows_in_accounts_and_verdicts() -> None:
    """As by the oldest processor; kernels that OpenBLAS does not know or use leave all as it is."""
    with redirect_stdout(io.StringIO()) as here:
        exec(SHOWN_BY_ANY_KERNEL)
    command = [sys.executable, "-X", "utf8", "-c", SHOWN_BY_ANY_KERNEL]
    env = {**os.environ, "OPENBLAS_CORETYPE": "Prescott"}
    there = subprocess.run(command, capture_output=True, check=True, encoding="utf-8", env=env).stdout
    assert there == here.getvalue()


TEXTS = [HARD, [*HARD, "--json"], ["ops"], ["explain", "--help"], ["explain", "學 + ∂"], ["examples"]]
PROGRAM = """
import sys
from contextlib import redirect_stdout
from bpx.cli.main import main
for args in {calls!r}:
    sys.argv = ["bpx", *args]
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    print("\\nends with", code, flush=True)
"""


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "latin-1", "ascii:strict", "utf-8", "utf-16"])
def test_any_encoding_of_the_terminal(encoding: str) -> None:
    """One process for each encoding; of the rarer ones one command says it."""
    calls = [HARD] if encoding in ("latin-1", "utf-16", "ascii:strict") else TEXTS
    found = subprocess.run(
        [sys.executable, "-c", PROGRAM.format(calls=calls)],
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
        check=False,
    )
    assert found.returncode == 0, found.stderr
    assert b"Traceback" not in found.stderr
    text = found.stdout.decode(encoding.partition(":")[0])
    *shown, rest = re.split(r"\s*ends with (\d)\s*", text)
    assert rest == ""
    codes = shown[1::2]
    assert codes == ["2" if "學 + ∂" in args else "0" for args in calls]
    assert all(part for part, code in zip(shown[::2], codes, strict=True) if code == "0")
    assert found.stderr or "2" not in codes
    if encoding in ("ascii", "cp1252"):
        assert "?" not in shown[0]
        assert "dL/dW1" in shown[0]


def test_json_survives_an_ascii_terminal() -> None:
    plain = json.loads(process(*HARD, "--json", PYTHONIOENCODING="ascii").stdout.decode("ascii"))
    assert plain["gradients"] == plain_json(*HARD)["gradients"]


def test_names_survive_json_on_an_ascii_terminal() -> None:
    found = process("explain", "β^2", "--set", "β=3", "--json", PYTHONIOENCODING="ascii")
    assert list(json.loads(found.stdout.decode("ascii"))["gradients"]) == ["β"]


@every("name", ["mazur_network", "perceptron_2_2_1", "broadcast_bias"])
@every("columns", ["80", "60"])
def test_the_table_keeps_to_the_width(name: str, columns: str) -> None:
    from rich.cells import cell_len

    found = RUNNER.invoke(app, ["explain", name, *EVERY_SECTION], env={"COLUMNS": columns}).stdout
    assert int(columns) - 10 < max(map(cell_len, found.splitlines())) <= int(columns)


@pytest.mark.parametrize(
    ("env", "coloured"),
    [
        ({}, False),
        ({"FORCE_COLOR": "1"}, True),
        ({"FORCE_COLOR": "0"}, False),
        ({"TERM": "dumb"}, False),
        ({"TERM": "dumb", "FORCE_COLOR": "1"}, None),
    ],
    ids=str,
)
def test_colour(env: dict[str, str], coloured: bool | None) -> None:
    found = process(*SIMPLE, **env)
    assert found.returncode == 0
    if coloured is not None:
        assert (b"\x1b[" in found.stdout) == coloured


def test_no_color_wins() -> None:
    found = process(*SIMPLE, NO_COLOR="1", FORCE_COLOR="1")
    assert not re.search(rb"\x1b\[[\d;]*3\d", found.stdout)


def test_a_reader_that_has_seen_enough() -> None:
    graph = {"s0": "x + 1"} | {f"s{i}": f"s{i - 1} + 1" for i in range(1, 2000)}
    document = json.dumps({"bpx": 1, "inputs": {"x": 1}, "graph": graph}).encode()
    running = subprocess.Popen(
        [sys.executable, "-m", "bpx", "explain", "-", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert running.stdin and running.stdout and running.stderr
    running.stdin.write(document)
    running.stdin.close()
    running.stdout.read(10)
    running.stdout.close()
    errors = running.stderr.read()
    running.stderr.close()
    assert (running.wait(timeout=60), errors) == (0, b"")


@pytest.mark.parametrize(
    ("args", "env", "commands"),
    [
        (["(x+y)^2", "x=3", "y=-1"], {}, ["explain"]),
        (["--help"], {}, []),
        ([], {"_BPX_COMPLETE": "complete_bash", "COMP_WORDS": "bpx ex", "COMP_CWORD": "1"}, []),
        ([], {"_BPX_COMPLETE": "complete_bash", "COMP_WORDS": "bpx draw --s", "COMP_CWORD": "2"}, ["draw"]),
    ],
)
def test_only_the_command_that_is_called_is_loaded(
    args: list[str], env: dict[str, str], commands: list[str]
) -> None:
    code = (
        f"import sys\nsys.argv = ['bpx', *{args!r}]\n"
        "from bpx.cli.main import main\ntry:\n    main()\nexcept SystemExit:\n    pass\n"
        f"print(*(name for name in {COMMANDS!r} if f'bpx.cli.{{name}}' in sys.modules), file=sys.stderr)\n"
        f"assert not {bool(env)} or not {{'numpy', 'pydantic'}} & set(sys.modules)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env={**os.environ, **env}
    )
    assert run.stdout
    assert run.stderr.split() == commands
