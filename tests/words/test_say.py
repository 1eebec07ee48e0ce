"""The catalogue of sentences: every key that is used exists, every key that exists is used."""

from __future__ import annotations

import ast
import re
import string
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rows_of_a_table import every

import bpx
from bpx.check.numeric.differences import DerivativeStatus
from bpx.ops import rows
from bpx.spec.reading.documents.document import type_key
from bpx.words.catalogue import Catalogue, Counted
from bpx.words.diagnostic import Diagnostic
from bpx.words.en import ENGLISH
from bpx.words.languages import catalogue_of
from bpx.words.say import has_sentence, in_encoding, say, speaking

PACKAGE = Path(bpx.__file__).parent
SOURCES = {
    path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py")
}


@cache
def nodes() -> dict[str, list[ast.AST]]:
    """All nodes of every module, in the order of `ast.walk`: each file is parsed once, for all tests."""
    return {name: list(ast.walk(ast.parse(text))) for name, text in SOURCES.items()}


def forms(key: str) -> list[str]:
    """The sentence of a key, in each form it has."""
    sentence = ENGLISH[key]
    return [sentence] if isinstance(sentence, str) else list(sentence.forms.values())


def calls(module: str) -> Iterator[ast.Call]:
    return (node for node in nodes()[module] if isinstance(node, ast.Call))


def name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def texts(module: str) -> Iterator[str]:
    """Every text that stands in the code, docstrings left out; of f-strings each constant part."""
    docstrings = {id(doc) for doc in docstring_nodes(module)}
    for node in nodes()[module]:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node.value


def docstring_nodes(module: str) -> Iterator[ast.AST]:
    for node in nodes()[module]:
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            yield body[0].value


# --- every key that is used exists --------------------------------------------------------------


def pattern_of(key: ast.AST) -> str | None:
    """The keys that an argument may stand for, as a regular expression; None for a plain name."""
    if isinstance(key, ast.Constant):
        return re.escape(str(key.value))
    if isinstance(key, ast.JoinedStr):
        return "".join(
            re.escape(str(part.value)) if isinstance(part, ast.Constant) else ".+" for part in key.values
        )
    return None


def said(module: str) -> Iterator[ast.expr]:
    """The keys given to `say`; of a choice both."""
    waiting = [call.args[0] for call in calls(module) if name_of(call) == "say"]
    while waiting:
        key = waiting.pop()
        if isinstance(key, ast.IfExp):
            waiting += [key.body, key.orelse]
        else:
            yield key


# All modules in one test each: some hundred tests of a millisecond would take seconds to be started.
def test_what_is_said_is_in_the_catalogue() -> None:
    keys = [(module, pattern_of(key)) for module in SOURCES for key in said(module)]
    known = "\n".join(ENGLISH)
    assert [
        (module, key)
        for module, key in keys
        if key is not None and not re.search(f"^(?:{key})$", known, re.MULTILINE)
    ] == []


# The functions that take the code of a diagnostic, and where: `Diagnostic(code, …)`, `self.problem(code, …)`.
MAKERS = {"Diagnostic": (0, 3), "problem": (0, 2), "stop": (0, 2), "_fail": (0, 1), "SettingError": (0, None)}


def constants(node: ast.AST | None) -> Iterator[str]:
    """The texts an expression may come to: itself, or the branches of a choice."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from constants(node.body)
        yield from constants(node.orelse)


def argument(call: ast.Call, position: int | None, name: str) -> ast.AST | None:
    for keyword in call.keywords:
        if keyword.arg == name:
            return keyword.value
    return call.args[position] if position is not None and position < len(call.args) else None


def keys_of_diagnostics(module: str) -> Iterator[str]:
    for call in calls(module):
        if name_of(call) in MAKERS:
            code_at, help_at = MAKERS[name_of(call)]
            yield from (f"diagnostic.{code}" for code in constants(argument(call, code_at, "code")))
            yield from (f"help.{help}" for help in constants(argument(call, help_at, "help")))


def test_diagnostics_have_their_sentences() -> None:
    keys = [(module, key) for module in SOURCES for key in keys_of_diagnostics(module)]
    assert len(keys) > 100
    assert [(module, key) for module, key in keys if key not in ENGLISH] == []


def test_a_pattern_is_that_of_an_op_or_of_one_of_its_args() -> None:
    patterns = {key.removeprefix("pattern.") for key in ENGLISH if key.startswith("pattern.")}
    args = {f"{op.name}.{arg}" for op in rows() for arg in op.args}
    assert patterns <= {op.name for op in rows()} | args


def test_every_op_of_bpx_has_a_pattern_in_words() -> None:
    said = {key.split(".")[1] for key in ENGLISH if key.startswith("pattern.")}
    assert said == {op.name for op in rows()}


def test_an_unknown_key_is_an_error() -> None:
    with pytest.raises(KeyError):
        say("no.such.key")


def test_facts_are_put_in() -> None:
    assert say("diagnostic.unknown-name", name="x") == "`x` is not defined"
    assert say("help.step-written-out") == 'write it as { op = "add", args = ["x", "y"] }'


def test_braces_in_facts_are_left_alone() -> None:
    assert say("diagnostic.unknown-name", name="{x}") == "`{x}` is not defined"


# --- one and many -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "sentence"),
    [(0, "0 disagree"), (1, "1 disagrees"), (2, "2 disagree"), (12345, "12,345 disagree")],
)
def test_a_number_chooses_the_form(count: int, sentence: str) -> None:
    assert say("check.count-disagree", count=count) == sentence


def test_a_number_too_long_to_be_written_out_is_many() -> None:
    assert say("account.rest", count="1.3e30") == "sum of the other 1.3e30 paths"


@every("key", [key for key, text in ENGLISH.items() if isinstance(text, Counted)])
def test_all_forms_of_a_sentence_differ(key: str) -> None:
    assert len(set(forms(key))) == len(forms(key))


OF_MANY = re.compile(r"of \{(\w+)\} (?:gradient )?(?:entries|values|examples|steps)\b")
ALWAYS_MANY = {"diagnostic.looked-at-in-part", "diagnostic.batch-remainder"}


@every("key", [key for key in ENGLISH if OF_MANY.search(" ".join(forms(key)))])
def test_nobody_counts_one_of_one(key: str) -> None:
    """A sentence that says `of {total} entries` has another one for a single entry."""
    sentence = ENGLISH[key]
    if key not in ALWAYS_MANY:
        assert isinstance(sentence, Counted)
        assert sentence.by in OF_MANY.findall(sentence.forms["other"])
        assert not OF_MANY.search(sentence.forms["one"])


# --- other languages ----------------------------------------------------------------------------

POLISH = Catalogue(
    "pl",
    {"n": Counted("n", one="{n} plik", few="{n} pliki", other="{n} plików"), "hello": "cześć {name}"},
    lambda n: "one" if n == 1 else "few" if n % 10 in (2, 3, 4) and n // 10 % 10 != 1 else "many",
)


@pytest.mark.parametrize(("n", "sentence"), [(1, "1 plik"), (3, "3 pliki"), (13, "13 plików")])
def test_a_language_has_the_forms_it_has(n: int, sentence: str) -> None:
    with speaking(POLISH):
        assert say("n", n=n) == sentence


def test_a_language_is_spoken_inside_its_context_alone() -> None:
    with speaking(POLISH):
        assert say("hello", name="x") == "cześć x"
        assert not has_sentence("word.and")
    assert has_sentence("word.and")
    with pytest.raises(KeyError):
        say("hello", name="x")


def test_a_language_is_left_after_an_error() -> None:
    with pytest.raises(KeyError), speaking(POLISH):
        say("word.and")
    assert say("word.and") == " and "


# --- every key that exists is used --------------------------------------------------------------


CATALOGUES = ("words/en.py", "words/zh.py")


@cache
def every_text() -> set[str]:
    """What stands in the code outside the catalogues, with the names of what keys are put together from.

    Those are the names of arguments, of functions that exported code needs, and of what differences come to.
    """
    code = [module for module in SOURCES if module not in CATALOGUES]
    helpers = re.findall(r"^def (\w+)", SOURCES["spec/writing/code/helpers.py"], re.MULTILINE)
    members = {status.name.lower().replace("_", "-") for status in DerivativeStatus}
    keywords = {keyword.arg or "" for module in code for call in calls(module) for keyword in call.keywords}
    return {text for module in code for text in texts(module)} | members | keywords | set(helpers)


@cache
def families() -> list[re.Pattern[str]]:
    """What the f-strings of the package may come to, those with a word in them; each group is computed."""
    patterns = {
        str(pattern_of(node)).replace(".+", "(.+)")
        for module in SOURCES
        for node in nodes()[module]
        if isinstance(node, ast.JoinedStr)
    }
    return [re.compile(pattern) for pattern in patterns if re.search(r"[a-z]{2}", pattern)]


def is_used(key: str) -> bool:
    """By its whole key, or by an f-string such as `check.right-{…}` whose other parts stand in the code too.

    What is computed in turn, `shape-…` from the name of an op, is an f-string again.
    """
    if key in every_text() or key.replace("-", " ") in every_text():
        return True
    if key.partition(".")[0] in ("pattern", "type"):
        return key in COMPUTED
    found = [match for pattern in families() if (match := pattern.fullmatch(key))]
    return any(all(is_used(part) for part in match.groups()) for match in found)


COMPUTED = {f"pattern.{op.name}" for op in rows()}
COMPUTED |= {f"pattern.{op.name}.{arg}" for op in rows() for arg in op.args}
COMPUTED |= {type_key(value) for value in (None, True, "", 1, 1.5, [], {}, date(2000, 1, 1))}


# All keys in one test each: thousands of tests of a microsecond would take seconds to be started.
def test_every_sentence_is_used() -> None:
    assert [key for key in ENGLISH if not is_used(key)] == []
    assert not any(map(is_used, ("check.right-sometimes", "diagnostic.bad-weather", "note.hello")))


def test_a_sentence_names_its_facts() -> None:
    for key in ENGLISH:
        for sentence in forms(key):
            for _, name, spec, conversion in string.Formatter().parse(sentence):
                assert name is None or (name.isidentifier() and not spec and not conversion), key


def test_a_diagnostic_is_terse_and_lower_case() -> None:
    for key in ENGLISH:
        for sentence in forms(key) if key.startswith("diagnostic.") else ():
            assert sentence[0] in "`[{" or sentence[0].islower(), key
            assert not sentence.endswith("."), key
            assert len(sentence) <= 110, key


# --- no sentence elsewhere ----------------------------------------------------------------------

SENTENCE = re.compile(r"[A-Za-z]{2,} [a-z]{2,}")
CODES = {"other part", "bpx spec", "not finite", '<?xml version="1.0" encoding="UTF-8"?>\n'}
CODES |= {'<math xmlns="http://www.w3.org/1998/Math/MathML"><mrow>'}


# They write markup or Python, in which much looks like words.
CODE = (*(f"render/picture/{name}.py" for name in ("svg", "dot", "mermaid", "tikz")), "spec/writing/code/")
CODE += ("render/page/html.py", "render/page/report.py", "render/page/minified.py")
CODE += ("render/notebook.py", "render/latex.py", "render/chart/svg.py", "spec/practice/sheet_files.py")


def is_sentence(text: str) -> bool:
    commands_and_patterns = ("bpx ", "(?P<")
    return bool(SENTENCE.search(text)) and not any(part in text for part in commands_and_patterns)


def test_no_sentence_stands_outside_the_catalogue() -> None:
    assert [
        (module, text)
        for module in SOURCES
        if module not in CATALOGUES and not module.startswith(CODE)
        for text in texts(module)
        if is_sentence(text) and text not in ENGLISH and text not in CODES
    ] == []


def test_only_the_command_line_prints() -> None:
    printing = [
        (module, ast.unparse(call))
        for module in SOURCES
        if not module.startswith("cli/")
        for call in calls(module)
        if name_of(call) in ("print", "echo")
    ]
    # Rich lays out what it prints, into a capture.
    assert printing == [("render/table.py", "console.print(renderable)")]
    assert "console.capture()" in SOURCES["render/table.py"]


def test_only_the_command_line_reads_and_writes_streams() -> None:
    naming = [module for module in SOURCES if "sys.std" in SOURCES[module] and not module.startswith("cli/")]
    assert naming == ["spec/reading/target.py"]


# --- encodings that lack a sign -----------------------------------------------------------------


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
def test_an_encoding_that_has_every_sign_changes_nothing(encoding: str) -> None:
    text = "∂L/∂w = 1·2 → … ≥ ≠ √ π 漢 😀"
    assert in_encoding(text, encoding) == text


@every(
    "text, ascii",
    [
        ("plain", "plain"),
        ("∂y/∂x", "dy/dx"),
        ("a → b", "a -> b"),
        ("…", "..."),
        ("2×3", "2x3"),
        ("1 · 2", "1 * 2"),
        ("x ≥ 0 ≠ 1", "x >= 0 != 1"),
        ("σ漢", "??"),
    ],
)
def test_bpxs_own_signs_in_ascii(text: str, ascii: str) -> None:
    assert in_encoding(text, "ascii") == ascii


@pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "cp437", "koi8-r", "ascii"])
def test_every_sentence_can_be_shown(encoding: str) -> None:
    """A Greek letter given as an example is all that may be lost."""
    for sentence in (text.replace("σ", "s") for key in ENGLISH for text in forms(key)):
        shown = in_encoding(sentence, encoding)
        assert shown.encode(encoding).decode(encoding) == shown
        assert shown.count("?") == sentence.count("?")


@given(st.text(), st.sampled_from(["ascii", "cp1252", "utf-8", "shift_jis"]))
def test_any_text_comes_out_encodable(text: str, encoding: str) -> None:
    assert in_encoding(text, encoding).encode(encoding) is not None


def test_an_encoding_nobody_knows_is_taken_for_ascii() -> None:
    assert in_encoding("∂y", "no-such-encoding") == "dy"


def test_diagnostics_show_in_any_encoding() -> None:
    diagnostic = Diagnostic("at-kink", None, {"node": "r", "op": "relu", "guard": "x", "local": "0"})
    assert in_encoding(diagnostic.message, "ascii").isascii()


@pytest.mark.parametrize("language", ["en", "zh"])
def test_amounts_are_grouped_in_every_sentence_and_seeds_in_none(language: str) -> None:
    with speaking(catalogue_of(language)):
        assert "2,501" in say("diagnostic.picture-too-many", count=2501, most=2000)
        assert "2,000" in say("diagnostic.picture-too-many", count=2501, most=2000)
        assert "2,501" in say("picture.nodes", count=2501)
        assert "--steps 2501" in say("help.train-on", name="a", left=2501)
