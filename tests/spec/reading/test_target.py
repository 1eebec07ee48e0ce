"""How a graph is named: an expression, a file, standard input, an example; and what may go wrong."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from rows_of_a_table import every

from bpx.explain.explain import explain
from bpx.graph.named.named_graph import NamedGraph
from bpx.spec.reading import target
from bpx.spec.reading.examples import example_names, example_path, examples_folder
from bpx.spec.reading.target import LARGEST_SPEC, format_of, read_file, read_target, read_text
from bpx.words.diagnostic import BpxError, Diagnostic, Source

TOML = 'bpx = 1\n[inputs]\nx = 3\n[graph]\ny = "x^2 + 1"\n'
JSON = json.dumps({"bpx": 1, "inputs": {"x": 3}, "graph": {"y": "x^2 + 1"}})
EXPRESSION = "x^2 + 1"


def value_of(spec: NamedGraph) -> float:
    return float(explain(spec).value)


def problem(name: str, **values: Any) -> Diagnostic:
    with pytest.raises(BpxError) as caught:
        read_target(name, values)
    (one,) = caught.value.diagnostics
    return one


def as_stdin(monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(data)))


@pytest.mark.parametrize(
    ("file", "help"),
    [
        ("net.ipynb", "bpx explain net.py:loss"),
        ("net.yaml", "bpx help spec"),
        ("notes.md", "copy one of its formulas"),
        ("gradients.csv", "bpx audit TARGET"),
        ("gradients.NPZ", "bpx audit TARGET"),
    ],
)
def test_other_files_are_known(tmp_path: Path, file: str, help: str) -> None:
    (tmp_path / file).write_text("x^2")
    refused = problem(str(tmp_path / file))
    assert refused.code == "other-file"
    assert help in (refused.advice or "")


# --- four ways ----------------------------------------------------------------------------------


def test_an_expression() -> None:
    assert value_of(read_target(EXPRESSION, {"x": 3})) == 10


@pytest.mark.parametrize(
    ("file", "text"),
    [("a.toml", TOML), ("a.json", JSON), ("A.TOML", TOML), ("a b.Json", JSON), ("ä.toml", TOML)],
)
def test_a_file(tmp_path: Path, file: str, text: str) -> None:
    path = tmp_path / file
    path.write_text(text, encoding="utf-8")
    assert value_of(read_target(str(path))) == 10
    assert value_of(read_target(str(path), {"x": 4})) == 17


@pytest.mark.parametrize(
    ("text", "values"), [(TOML, {}), (JSON, {}), (EXPRESSION, {"x": 3}), (f"\n  {JSON}", {})]
)
def test_standard_input(monkeypatch: pytest.MonkeyPatch, text: str, values: dict[str, Any]) -> None:
    as_stdin(monkeypatch, text.encode())
    assert value_of(read_target("-", values)) == 10


def test_an_example_by_name() -> None:
    assert value_of(read_target("sum_times_sum")) == 6
    assert value_of(read_target("sum_times_sum", {"a": 3})) == 8


@every("name", example_names())
def test_every_example_by_name(name: str) -> None:
    assert read_target(name).title


def test_examples_are_those_of_the_folder() -> None:
    assert example_names() == sorted(path.stem for path in examples_folder().glob("*.toml"))
    assert all(example_path(name).is_file() for name in example_names())


def test_an_example_goes_before_an_expression_and_a_file_of_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sigmoid").write_text("x", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert read_target("sigmoid").title == "The sigmoid as one op"


# --- which format -------------------------------------------------------------------------------


@every(
    "text, format",
    [
        ("bpx = 1", "toml"),
        ("bpx=1", "toml"),
        ("# a comment\nbpx = 1", "toml"),
        ("\n\n  bpx = 1", "toml"),
        ("[inputs]\nx = 1", "toml"),
        ('"bpx" = 1', "toml"),
        ("inputs.x = 1", "toml"),
        ("", "toml"),
        (" \n ", "toml"),
        ("{", "json"),
        (' \n{"bpx": 1}', "json"),
        ("x + 1", None),
        ("x == 1", None),
        ("x==1", None),
        ("x <= 1", None),
        ("[1, 2] @ x", None),
        ("[[1, 2], [3, 4]] @ x", None),
        ("(x)", None),
        ("-x", None),
        ("|x|", None),
        ("1 / x", None),
        ("σ(x)", None),
    ],
)
def test_the_format_of_a_text_is_seen_from_how_it_begins(text: str, format: str | None) -> None:
    assert format_of(text) == format


@pytest.mark.parametrize("text", ["[1, 2] @ x", "[[1, 2], [3, 4]] @ x", "[-1, 2] @ x", "[ 1, 2 ] @ x"])
def test_an_expression_that_begins_with_a_list(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    as_stdin(monkeypatch, text.encode())
    assert len(explain(read_target("-", {"x": [1, 2]})).edges) == 1


# --- bytes --------------------------------------------------------------------------------------

ENCODED = {
    "plain": TOML.encode(),
    "with a byte order mark": b"\xef\xbb\xbf" + TOML.encode(),
    "with the line ends of Windows": TOML.replace("\n", "\r\n").encode(),
    "with both": b"\xef\xbb\xbf" + TOML.replace("\n", "\r\n").encode(),
    "without a last line end": TOML.rstrip().encode(),
}


@pytest.mark.parametrize("data", ENCODED.values(), ids=list(ENCODED))
def test_spellings_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(data)
    as_stdin(monkeypatch, data)
    assert value_of(read_target(str(path))) == value_of(read_target("-")) == 10


def test_line_ends_of_windows_do_not_move_spans(tmp_path: Path) -> None:
    text = TOML.replace("x^2", "x + nosuch")
    places = []
    for name, data in (("unix.toml", text), ("windows.toml", text.replace("\n", "\r\n"))):
        path = tmp_path / name
        path.write_bytes(data.encode())
        found = problem(str(path)).to_dict()
        places.append((found["line"], found["column"], found["end_column"]))
    assert places[0] == places[1] == (5, 10, 16)


@pytest.mark.parametrize(
    ("data", "byte", "offset"),
    [(b"\xff\xfeb\x00", "0xff", 0), (b"bpx = 1 # \xe4\n", "0xe4", 10), (b"a\x80", "0x80", 1)],
)
def test_not_utf_8(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes, byte: str, offset: int
) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(data)
    as_stdin(monkeypatch, data)
    for name in (str(path), "-"):
        found = problem(name)
        assert (found.code, found.facts["byte"], found.facts["offset"]) == ("not-utf-8", byte, offset)


@pytest.mark.parametrize("data", [b"", b"\n \n", b"\xef\xbb\xbf"])
def test_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: bytes) -> None:
    for suffix in ("toml", "json"):
        path = tmp_path / f"a.{suffix}"
        path.write_bytes(data)
        assert problem(str(path)).code == "empty-input"
    as_stdin(monkeypatch, data)
    assert problem("-").code == "empty-input"


@pytest.mark.parametrize("text", ["", " ", "\n", "\t"])
def test_an_empty_expression(text: str) -> None:
    assert problem(text).code == "empty-expression"


def test_too_big(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LARGEST_SPEC >= 2**20
    path = tmp_path / "a.toml"
    path.write_text(TOML, encoding="utf-8")
    monkeypatch.setattr(target, "LARGEST_SPEC", len(TOML))
    assert value_of(read_target(str(path))) == 10
    monkeypatch.setattr(target, "LARGEST_SPEC", len(TOML) - 1)
    as_stdin(monkeypatch, TOML.encode())
    assert problem(str(path)).code == "too-big"
    assert problem("-").code == "too-big"


# --- what is no graph ---------------------------------------------------------------------------


def test_a_missing_file(tmp_path: Path) -> None:
    found = problem(str(tmp_path / "zzzzzz.toml"))
    assert found.code == "missing-file"
    assert found.advice.startswith("a path starts from the current directory")


@pytest.mark.parametrize("name", ["sigmod.toml", "sigmoid.json", "somewhere/sigmoid.toml"])
def test_a_missing_file_like_an_example(name: str) -> None:
    found = problem(name)
    assert (found.code, found.advice) == ("missing-file", "did you mean `sigmoid`?")


def test_a_missing_file_like_its_neighbour(tmp_path: Path) -> None:
    (tmp_path / "network.toml").write_text(TOML, encoding="utf-8")
    found = problem(str(tmp_path / "netwrok.toml"))
    assert found.code == "missing-file"
    assert found.advice == f"did you mean `{tmp_path / 'network.toml'}`?"


@pytest.mark.parametrize("name", ["folder", "folder.toml", "folder.json"])
def test_a_directory(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    found = problem(str(tmp_path / name))
    assert found.code == "is-a-directory"
    assert found.advice


@pytest.mark.parametrize("name", ["a.txt", "a", "a.yaml", "a.toml.bak"])
def test_a_file_that_ends_in_something_else_is_read_as_what_it_holds(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(TOML, encoding="utf-8")
    assert read_target(str(tmp_path / name)).title == read_text(Source("a", TOML)).title


def test_a_file_below_a_file(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("", encoding="utf-8")
    found = problem(str(tmp_path / "a" / "b.toml"))
    assert (found.code, found.facts["reason"]) == ("unreadable", "not a directory")


@pytest.mark.parametrize("name", ["a\0.toml", "x" * 300 + ".toml", "\0.json"])
def test_a_path_that_cannot_be(name: str) -> None:
    assert problem(name).code in ("missing-file", "unreadable")


def test_a_misspelt_example_is_not_silently_an_input() -> None:
    """A lone word is read as an expression; the example it is like should be proposed."""
    found = problem("logistic_regresion")
    assert "logistic_regression" in str(found.advice)


# --- expressions that no path could be ----------------------------------------------------------


def test_an_expression_longer_than_a_path_may_be() -> None:
    assert value_of(read_target("+".join(["x"] * 5000), {"x": 1})) == 5000


def test_an_expression_with_slashes_and_dots() -> None:
    assert value_of(read_target("x/2.0/y", {"x": 8, "y": 2})) == 2


def test_an_expression_with_a_zero_byte() -> None:
    assert problem("x\0y", x=1).code == "unexpected-character"


# --- by hand ------------------------------------------------------------------------------------


def test_a_text_keeps_its_name_in_diagnostics() -> None:
    with pytest.raises(BpxError) as caught:
        read_text(Source("<text>", "x +"))
    assert caught.value.diagnostics[0].to_dict()["file"] == "<text>"


@pytest.mark.parametrize(("name", "shown"), [("-", "<stdin>"), (EXPRESSION, "<expression>")])
def test_places_name_their_source(monkeypatch: pytest.MonkeyPatch, name: str, shown: str) -> None:
    as_stdin(monkeypatch, EXPRESSION.encode())
    assert problem(name).to_dict()["file"] == shown


def test_a_file_is_read_as_text_with_its_path(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_bytes(b"\xef\xbb\xbfa\r\nb\rc")
    found = read_file(path)
    assert (found.name, found.text) == (str(path), "a\nb\rc")
