"""Texts of the command line as values: specs, inputs' values, claims, lists of names.

All that is wrong with them is reported together, so the functions collect diagnostics or raise `BpxError`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from bpx.spec.reading.endings import is_code, is_model

if TYPE_CHECKING:
    from bpx.spec.reading.syntax import ClaimSyntax
    from bpx.spec.tables.table import Table
    from bpx.words.diagnostic import Diagnostic


# `-2..2` and `-2..2:9`, as `bpx sweep --over` takes them.
_RANGE = re.compile(r"\s*[+-]?\.?\d[\d.e+-]*?\s*\.\.\s*[+-]?\.?\d[\d.e+-]*(?:\s*:\s*\d+)?\s*", re.IGNORECASE)


class CodeOptions(NamedTuple):
    """What the command line says of the arguments of a Python function."""

    inputs: str | None = None
    random: str | None = None
    seed: int = 0


def spec_argument(
    target: str,
    assignments: Sequence[str] | None,
    earlier: Sequence[Diagnostic] = (),
    code: CodeOptions | None = None,
    notation: str | None = None,
    where_missing: Mapping[str, float] = MappingProxyType({}),
) -> Any:
    """The spec of a target; its problems, those of `--set` and the `earlier` ones are reported together.

    A Python function is traced. An input of a formula or a spec without a value has that of `where_missing`.
    """
    options = code or CodeOptions()

    def read(values: dict[str, Any], problems: list[Diagnostic]) -> Any:
        if is_code(target):
            from bpx.spec.code.target import graph_of

            return graph_of(_read_code(target, values, options))
        if is_model(target):
            from bpx.spec.models.target import graph_of_file

            return graph_of_file(target, values, **options._asdict())
        from bpx.cli.input.missing import read_with_missing
        from bpx.spec.reading.target import read_target

        problems += _of_no_use(options)
        return read_with_missing(
            lambda values: read_target(target, values, notation),
            values,
            lambda name, text: read_value(name, text, name),
            options.random,
            options.seed,
            where_missing,
        )

    return _read(assignments, earlier, read)


def values_given(assignments: Sequence[str] | None) -> dict[str, Any]:
    """The values of `--set`, by name. Raises `BpxError` with all that is wrong with them."""
    return _read(assignments, (), lambda values, _: values)  # type: ignore[no-any-return]


def code_argument(
    target: str, assignments: Sequence[str] | None, earlier: Sequence[Diagnostic], code: CodeOptions
) -> Any:
    """The functions that a target names in a Python file. Raises `BpxError`."""
    return _read(assignments, earlier, lambda values, _: _read_code(target, values, code))


def _read(
    assignments: Sequence[str] | None,
    earlier: Sequence[Diagnostic],
    read: Callable[[dict[str, Any], list[Diagnostic]], Any],
) -> Any:
    """What `read` makes of the values of `--set`; all problems are reported together."""
    from bpx.words.diagnostic import BpxError

    problems = list(earlier)
    values = _assigned(assignments, problems)
    try:
        result = read(values, problems)
    except BpxError as error:
        problems += error.diagnostics
    if problems:
        raise BpxError(problems)
    return result


def _read_code(target: str, values: dict[str, Any], code: CodeOptions) -> Any:
    from bpx.cli.input.missing import EVERY
    from bpx.spec.code.target import read_code

    random = None if code.random == EVERY else code.random  # of arrays whose shapes are not known
    return read_code(target, values, inputs=code.inputs, random=random, seed=code.seed)


def _of_no_use(code: CodeOptions) -> list[Diagnostic]:
    from bpx.words.diagnostic import Diagnostic

    return [Diagnostic("only-for-code", None, {"option": "--inputs"})] if code.inputs else []


def _assigned(assignments: Sequence[str] | None, problems: list[Diagnostic]) -> dict[str, Any]:
    """The values that `--set` gives, by name."""
    if not assignments:
        return {}
    from bpx.spec.reading.statements import split_assignments
    from bpx.words.diagnostic import BpxError, Diagnostic

    values: dict[str, Any] = {}
    for assignment in (part for text in assignments or () for part in split_assignments(text)):
        name, equals, text = assignment.partition("=")
        if not (name.strip() and equals):
            problems.append(Diagnostic("bad-assignment", None, {"text": assignment}))
            continue
        if name.strip() in values:
            problems.append(Diagnostic("stated-twice", None, {"name": name.strip()}, "leave-one-out"))
        try:
            values[name.strip()] = read_value(name.strip(), text, f"--set {name.strip()}")
        except BpxError as error:
            problems += error.diagnostics
            values[name.strip()] = None  # there is one, only not to be read
    return values


def read_value(name: str, text: str, place: str) -> Any:
    """A value that is written at a `place` of the command line."""
    if text.strip().startswith("@"):
        from bpx.spec.tables.value_in_file import value_in_file

        return value_in_file(name, text.strip()[1:])
    from bpx.spec.reading.read import read_value as read
    from bpx.words.diagnostic import BpxError, Diagnostic, Source, Span
    from bpx.words.files import is_file

    if _RANGE.fullmatch(text):
        span = Span(Source(place, text), 0, len(text))
        raise BpxError([Diagnostic("range-as-value", span, {"name": name, "range": text}, "sweep-over")])
    try:
        return read(name, Source(place, text))
    except BpxError:
        if not is_file(text.strip()):
            raise
    raise BpxError([Diagnostic("value-is-file", None, {"name": name, "file": text.strip()}, "read-file")])


def read_upstream(text: str | None) -> Any:
    """The gradient that arrives at the output."""
    return None if text is None else read_value("upstream", text, "--upstream")


def read_claims(
    texts: Sequence[str], notation: str | None = None
) -> tuple[list[ClaimSyntax], list[Diagnostic]]:
    """The claims, and what is wrong with those that cannot be read."""
    from bpx.spec.reading.claims import read_claim
    from bpx.words.diagnostic import BpxError

    claims: list[ClaimSyntax] = []
    problems: list[Diagnostic] = []
    for number, text in enumerate(texts, 1):
        try:
            claims.append(read_claim(text, f"--claim {number}" if len(texts) > 1 else "--claim", notation))
        except BpxError as error:
            problems += error.diagnostics
    return claims, problems


def read_tables(files: Sequence[str]) -> tuple[list[Table], list[Diagnostic]]:
    """Tables of gradients, and what is wrong with those that cannot be read.

    `NAME=@FILE` is the one array of a file that is the gradient of NAME.
    """
    from bpx.spec.tables.read_table import read_table
    from bpx.words.diagnostic import BpxError

    tables: list[Table] = []
    problems: list[Diagnostic] = []
    for file in files:
        name, equals, reference = file.partition("=@")
        try:
            tables.append(_one_row(name.strip(), reference) if equals else read_table(file))
        except BpxError as error:
            problems += error.diagnostics
    return tables, problems


def _one_row(name: str, reference: str) -> Table:
    from bpx.spec.tables.table import Table
    from bpx.spec.tables.value_in_file import row_in_file

    return Table(reference, [row_in_file(name, reference)])


def read_names(text: str | None) -> list[str] | None:
    """Names with commas between them."""
    return None if text is None else [name.strip() for name in text.split(",") if name.strip()]
