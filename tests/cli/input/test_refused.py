"""Options that cannot be read are refused in bpx's own words, in both languages and as JSON."""

from __future__ import annotations

import pytest
from rows_of_a_table import every

import bpx
from bpx.cli.main import read_arguments, run

OPTIONS = {
    "gradcheck x --points two": "`--points` takes a whole number, not `two`",
    "gradcheck x -jtwo": "`--jobs` takes a whole number, not `two`",
    "gradcheck x --detect abc": "`--detect` takes a number, not `abc`",
    "gradcheck x --rtol 7": "`--rtol` takes a number from 0 to 1, not `7`",
    "gradcheck x --sort up": "`--sort` takes one of worst, input, not `up`",
    "explain x --digits 40": "`--digits` takes a whole number from 1 to 17, not `40`",
    "practice --seed -1": "`--seed` takes a whole number of at least 0, not `-1`",
    "explain x --json=1": "`--json` takes no value",
    "explain --help=1": "`--help` takes no value",
    "--version=3": "`--version` takes no value",
    "--foo": "`bpx` has no option `--foo` in front of the command",
    "--tree x": "write it behind the command, as in `bpx explain … --tree`",
    "--points 3 gradcheck x": "as in `bpx gradcheck … --points`",
    "explain": "the argument `target` is missing",
    "explain x --of y --of z": "`--of` takes one value and is given more than once",
    "nothing": "`nothing` is neither a command nor an example",
}


def refusal(line: str, capsys: pytest.CaptureFixture[str]) -> tuple[object, str, str]:
    try:
        code: object = run(read_arguments(line.split()))
    except SystemExit as end:
        code = end.code
    return code, *capsys.readouterr()


@every("line, text", OPTIONS.items())
def test_they_are_named_in_words_of_bpx(line: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, error = refusal(line, capsys)
    assert (code, out) == (2, "")
    assert text in error
    code, out, error = refusal(f"{line} --json", capsys)
    assert (code, error) == (2, "")
    assert text in out


@every("line", OPTIONS)
def test_nothing_of_it_is_english_in_chinese(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    with bpx.speaking("zh"):
        code, out, error = refusal(line, capsys)
    assert (code, out) == (2, "")
    assert not {"not", "takes", "option", "value", "should", "argument"} & set(error.split())
