"""What a user names as a graph: an expression, a spec file, standard input, or a bundled example."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn, TextIO

import numpy as np

from bpx.graph.graph import OPS
from bpx.graph.named.named_graph import NamedGraph
from bpx.graph.numbers import CONSTANTS, number
from bpx.spec.reading.examples import example_names, example_path
from bpx.spec.reading.read import read_expression, read_spec, read_statements
from bpx.words.diagnostic import BpxError, Diagnostic, Source
from bpx.words.files import exists, is_folder, keep_from_writing, mebibytes, opened, reason_of
from bpx.words.spelling import nearest

if TYPE_CHECKING:
    from bpx.spec.reading.documents.document import Format

LARGEST_SPEC = 64 * 2**20  # bytes
STDIN = "-"
FORMATS: dict[str, Format] = {".toml": "toml", ".json": "json"}

# Files that people have beside specs, and what bpx can do with each.
_TABLES = (".csv", ".tsv", ".npz", ".npy", ".safetensors")
_OTHER_FILES = {
    ".ipynb": "save-as-code",
    ".yaml": "write-as-toml",
    ".yml": "write-as-toml",
    ".md": "copy-formula",
    ".tex": "copy-formula",
    **dict.fromkeys(_TABLES, "use-table"),
}
_EXPRESSION = "<expression>"
_MOST_NEIGHBOURS = 1000  # files of a directory that are looked at
LONGEST_PATH = 4096  # characters: Linux opens no file by more; the patterns take the square of the length
_LIKE_A_PATH = re.compile(r"[.~]{0,2}/[^()*^+]*|[\w./-]*\w\.(?!T\b)[A-Za-z]\w*")
# A file is named by its ending or by where it is: `y/z` is a quotient, whatever lies in the folder `y`.
_NAMES_A_FILE = re.compile(
    r"(?:\.{0,2}|~)/.*|\.{1,2}\\.*|.*[^\W\d]\w*\.(?!T\b)[A-Za-z]\w*|.*\.(?!T\b|[Ee]\d)[A-Za-z]\w+", re.DOTALL
)
_FIRST_LINE_OF_TOML = re.compile(
    r"""\s* (?: \# | \[ \s* [A-Za-z_"'\[] [^\n]* \] \s* (?:\#|\n|$) | [\w"'.-]+ \s* = (?!=) )""", re.VERBOSE
)

_BEGINS_AS_JSON = re.compile(r"""\s*\{\s*(?:["'}]|$|\w+\s*:)""")  # and not as `{x}_1`

# A spec in TOML has texts or sections; `y = x^2` alone is a statement.
_ONLY_IN_TOML = re.compile(
    r"""["'#]|^\s*(?:bpx|[\w-]+\.[\w.-]+)\s*=|^\s*\[{1,2}[\w.\s-]+\]{1,2}\s*$""", re.MULTILINE
)

_DERIVATIVE = re.compile(
    r"\s*(?:(?:d|∂)\w*\s*/\s*(?:d|∂)(?P<by>[^\W\d]\w*?)|\\frac\{[^{}]*\}\{(?:d|\\partial)\s*(?P<latex>\w+)\})"
    r"(?:\s+of\s+|\s*(?=[(\[|])|\s+(?=[\w\\]))(?P<formula>.+)"
    r"|(?:[^\W\d]+[\s,]+){0,6}(?:derivative|gradient|slope|grad)\s+of\s+(?P<words>.+)",
    re.DOTALL | re.IGNORECASE,
)

# `x^2 at x = 2, y = 3`, `x^2 |_{x=2}`: values where people say them, behind the formula.
_VALUES_BEHIND = re.compile(
    r"(?P<formula>[^\n#;]*\S)\s*(?:\s(?:evaluated\s+)?(?:at|for|where|when|with)\s+|@|\|\s*_?\s*\{?)\s*"
    r"(?P<values>[^\W\d]\w*\s*=(?!=)[^\n;#]*?)\s*\}?\s*"
)


def read_target(
    target: str, values: Mapping[str, Any] | None = None, notation: str | None = None
) -> NamedGraph:
    """The spec that `target` names, with `values` in place of its inputs'. Raises `BpxError`.

    An expression is read in `notation`, or in the one that it shows to be in.
    """
    if target == STDIN:
        return read_text(_all_of(sys.stdin), values, notation)
    if not target.strip():
        return read_expression(Source(_EXPRESSION, target), values, notation)
    path = Path(target)
    if path.suffix.lower() in FORMATS:
        return read_spec(read_file(path), FORMATS[path.suffix.lower()], values)
    if target in example_names():
        return read_spec(read_file(example_path(target)), "toml", values)
    if names_file(target) or target in (os.curdir, os.pardir):
        if is_folder(path):
            _fail("is-a-directory", "directory", name=target)
        if exists(path):
            _refuse_other_files(path)
            return read_text(read_file(path), values, notation)
    if len(target) <= LONGEST_PATH and _LIKE_A_PATH.fullmatch(target):
        _fail("missing-file", None, name=target)
    _refuse_bare_name(target, values or {})
    _refuse_derivative(target, values or {})
    _refuse_values_behind(target, values or {})
    return read_formulas(Source(_EXPRESSION, target), values, notation)


def names_file(target: str) -> bool:
    """Does a target name a file, by an ending or by the folder in front? Nothing else is ever read as one."""
    return len(target) <= LONGEST_PATH and _NAMES_A_FILE.fullmatch(target) is not None


@lru_cache(maxsize=1)
def _all_of(stream: TextIO) -> Source:
    """The text of a stream, which can be read once, and is asked for again where values are missing."""
    name = getattr(stream, "name", "<stdin>")  # what a program put in its place may have none
    with suppress(OSError, AttributeError):  # nor need it be a file
        keep_from_writing(stream.fileno(), name)
    return Source(name, decoded_text(name, stream.buffer.read(LARGEST_SPEC + 1)))


def _refuse_other_files(path: Path) -> None:
    """A file of another kind by its name, unless a spec stands in it."""
    help = _OTHER_FILES.get(path.suffix.lower())
    if help is None:
        return
    with opened(path) as file:
        text = file.read(LARGEST_SPEC).decode("utf-8", "ignore")
        if format_of(text) is None or "bpx" not in text:
            _fail("other-file", help, name=str(path), stem=path.stem)


def _refuse_bare_name(target: str, values: Mapping[str, Any]) -> None:
    """A name alone, without a value, is more likely a slip than an expression."""
    if not re.fullmatch(r"[\w-]+", target) or target in values or target in CONSTANTS:
        return
    guess = nearest(target, example_names())
    if guess:
        _fail("unknown-target", "did-you-mean", name=target, guess=guess)
    if target.isidentifier() and target not in OPS:
        _fail("unknown-target", "list-examples", name=target)


def _refuse_derivative(target: str, values: Mapping[str, Any]) -> None:
    """`d/dx x^2` asks for what bpx does by itself."""
    match = _DERIVATIVE.match(target)
    by = (match["by"] or match["latex"] or "") if match else ""
    if match and not any(name in values for name in ("d", f"d{by}")):
        formula, stated = _formula_and_values((match["formula"] or match["words"]).strip())
        if formula.startswith("(") and formula.endswith(")") and ")" not in formula[:-1]:
            formula = formula[1:-1]
        given = " ".join([f'"{formula}"', *stated, *_typed_anew(values, stated)])
        help = "take-derivative" if by else "take-gradient"
        _fail("derivative-as-target", help, command="explain", formula=given, by=by)


def _refuse_values_behind(target: str, values: Mapping[str, Any]) -> None:
    """`x^2 at x = 2` has a value where only a formula is read."""
    formula, stated = _formula_and_values(target)
    if stated and not {"at", "for", "where", "when", "with"} & set(values):
        name = stated[0].partition("=")[0]
        _fail("value-in-formula", "values-follow", name=name, formula=formula, values=" ".join(stated))


def _formula_and_values(text: str) -> tuple[str, list[str]]:
    """`x^2` and `x=2`, `y=3` for `x^2 at x = 2, y = 3`, as they are typed."""
    from bpx.spec.reading.statements import split_assignments

    match = _VALUES_BEHIND.fullmatch(text)
    if not match:
        return text, []
    parts = split_assignments(re.sub(r"\s+and\s+(?=[^\W\d]\w*\s*=)", ", ", match["values"]))
    pairs = [part.partition("=") for part in parts]
    return match["formula"], [f"{name.strip()}={_quoted(value.strip())}" for name, _, value in pairs]


def _quoted(value: str) -> str:
    return value if re.fullmatch(r"[\w.+−-]+", value) else f'"{value}"'


def _typed_anew(values: Mapping[str, Any], stated: Sequence[str]) -> list[str]:
    """The values given beside a formula, but for those `stated` in it."""
    there = {part.partition("=")[0] for part in stated}
    return [f"{name}={_typed(value)}" for name, value in values.items() if name not in there]


def _typed(value: Any) -> str:
    """A value as it may be typed; dots for one that could not be read."""
    try:
        array = np.asarray(value, dtype=np.float64)
    except (TypeError, ValueError):
        return "…"
    if array.ndim == 0:
        return number(float(array)) if np.isfinite(array) else "…"
    import json  # only what is said of a slip needs it

    return _quoted(json.dumps(array.tolist()))


def read_text(
    source: Source, values: Mapping[str, Any] | None = None, notation: str | None = None
) -> NamedGraph:
    """The spec in a text whose format is seen from how it begins. Raises `BpxError`."""
    format = format_of(source.text)
    if format is None:
        return read_formulas(source, values, notation)
    return read_spec(source, format, values)


def read_formulas(source: Source, values: Mapping[str, Any] | None, notation: str | None) -> NamedGraph:
    """The spec of an expression, or of several statements. Raises `BpxError`."""
    from bpx.spec.reading.statements import is_statements

    return (read_statements if is_statements(source.text) else read_expression)(source, values, notation)


def format_of(text: str) -> Format | None:
    """`json`, `toml`, or None for an expression."""
    if _BEGINS_AS_JSON.match(text):
        return "json"
    if text.strip() and not _FIRST_LINE_OF_TOML.match(text):
        return None
    return "toml" if not text.strip() or _ONLY_IN_TOML.search(text) else None


def source_of_notes(target: str) -> Source:
    """The text of a file of notes, or of standard input. Raises `BpxError`."""
    if target == STDIN:
        return _all_of(sys.stdin)
    path = Path(target)
    if not path.suffix and not exists(path):  # what can be read as a file would have an ending
        _fail("missing-file", "notes-are-a-file", name=target)
    return read_file(path)


def read_file(path: Path) -> Source:
    """The text of a file. Raises `BpxError` where it cannot be had."""
    name = str(path)
    try:
        with opened(path) as file:
            return Source(name, decoded_text(name, file.read(LARGEST_SPEC + 1)))
    except FileNotFoundError:
        guess = nearest(path.stem, example_names()) or neighbour(path)
        _fail("missing-file", "did-you-mean" if guess else None, name=name, guess=guess)
    except IsADirectoryError:
        _fail("is-a-directory", "directory", name=name)
    except BpxError:
        raise
    except (OSError, ValueError) as error:  # a NUL in the name is a ValueError
        _fail("unreadable", None, name=name, reason=reason_of(error))


def neighbour(path: Path) -> str | None:
    """The file beside a missing one whose name is most like it."""
    beside = path.parent.iterdir() if is_folder(path.parent) else ()
    guess = nearest(path.name, [other.name for other in islice(beside, _MOST_NEIGHBOURS)])
    return str(path.with_name(guess)) if guess else None


def decoded_text(name: str, data: bytes) -> str:
    """The text in the bytes of a file. Raises `BpxError` where they are too many, or no UTF-8."""
    if len(data) > LARGEST_SPEC:
        _fail("too-big", None, name=name, most=mebibytes(LARGEST_SPEC))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _fail("not-utf-8", None, name=name, byte=f"0x{data[error.start]:02x}", offset=error.start)
    return text.replace("\r\n", "\n")


def _fail(code: str, help: str | None, **facts: Any) -> NoReturn:
    raise BpxError([Diagnostic(code, None, facts, help)])
