"""The Chinese catalogue: complete, with the facts of the English one, in Chinese words and punctuation.

A missing key is to be added to `bpx/words/zh.py`, at the place that it has in English, with the same facts.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterator

from rows_of_a_table import every

import bpx
from bpx.ops import rows
from bpx.render.blocks import Block, Table
from bpx.render.plain import plain
from bpx.render.table import table_text
from bpx.spec.reading.examples import example_names
from bpx.words.catalogue import Counted
from bpx.words.en import ENGLISH
from bpx.words.widths import cells, wrapped
from bpx.words.zh import CHINESE, TITLES

HAN = "一-鿿"
# Parts of sentences that are Chinese words themselves, so that no blank stands between.
PHRASES = {
    "where",
    "wanted",
    "found",
    "reason",
    "of",
    "args",
    "at",
    "notation",
    "which",
    "culprits",
    "mistake",
}
PHRASES |= {"heading", "value", "change", "sentence", "problem"}


def text_of(sentence: str | Counted) -> str:
    return sentence if isinstance(sentence, str) else sentence.forms["other"]


def facts_of(sentence: str | Counted) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text_of(sentence)) if name}


def test_every_sentence_has_its_chinese_one() -> None:
    assert [key for key in ENGLISH if key not in CHINESE] == []
    assert [key for key in CHINESE if key not in ENGLISH] == []


def test_the_order_is_that_of_the_english_catalogue() -> None:
    assert list(CHINESE) == list(ENGLISH)


def test_the_facts_are_the_same() -> None:
    shared = [key for key in ENGLISH if key in CHINESE]
    assert [key for key in shared if facts_of(ENGLISH[key]) != facts_of(CHINESE[key])] == []


def test_the_titles_are_those_of_the_examples() -> None:
    assert set(TITLES) == {bpx.load(name).title for name in example_names()}
    with bpx.speaking("zh"):
        assert str(bpx.load("sigmoid").explain(check=False)).startswith("sigmoid 作为一个算子")


def test_chinese_has_one_form_for_all_numbers() -> None:
    for key, sentence in CHINESE.items():
        english = ENGLISH[key]
        if isinstance(english, Counted):
            assert isinstance(sentence, Counted), key
            assert sentence.by == english.by, key
            assert list(sentence.forms) == ["other"], key
        else:
            assert isinstance(sentence, str), key


# --- Chinese words ------------------------------------------------------------------------------

CODE = re.compile(r"`[^`]*`|\"[^\"]*\"|'[^']*'|\{\{.*?\}\}|\{\w+\}|\[[a-z]+\]|--[\w-]+(?:[ =][A-Z]+)?|@\w+")
WORD = re.compile(r"(?<![\w.@/-])[A-Za-z]{2,}(?![\w.(=:/\[]|-\w)")
NAMES_AND_CODE = """
TikZ Markdown Mermaid HTML GB np
bpx NumPy Python PyTorch TOML JSON UTF LaTeX JavaScript Graphviz Cairo CairoSVG Schema ONNX onnx None autograd
np digamma pip install float64 float32 opset pickle dtype ddof axis ord inf true false none null True False
index
pi rows columns range seed name value args partials key file output gradients graph copy calls detect names
low high data mean stated weights kl div delta beta alpha scale eps var logits target floor padding
dilation stride groups width below std cos sin tan log exp max min dx dw grad bias upstream out spread
NAME FROM TO POINTS VALUE CHANGE
forward backward loss stdin KEY COMMAND LANG json en zh sgd momentum nesterov rmsprop adam adamw constant
step exponential linear cosine explain gradcheck check learn audit examples help ThreadPoolExecutor
ProcessPoolExecutor
"""
NAMES = {*NAMES_AND_CODE.split(), *(name for op in rows() for name in (op.name, *op.args))}


def latin_words(text: str) -> set[str]:
    return set(WORD.findall(CODE.sub(" ", text))) - NAMES


def test_no_english_words_are_left() -> None:
    found = {key: latin_words(text_of(sentence)) for key, sentence in CHINESE.items()}
    assert {key: words for key, words in found.items() if words} == {}


def test_an_english_word_would_be_seen() -> None:
    assert latin_words("`x` 的 gradient 有误") == {"gradient"}


def without_code(text: str) -> str:
    return re.sub(r"`[^`]*`", "`c`", text)


def test_punctuation_is_full_width_beside_chinese() -> None:
    odd = re.compile(rf"[{HAN}][,;:!?()]|[,;:!?(][{HAN}]|[，。；：？！（）、] | [，。；：？！（）、]")
    found = {key: odd.findall(without_code(text_of(sentence))) for key, sentence in CHINESE.items()}
    assert {key: marks for key, marks in found.items() if marks} == {}


def test_a_blank_stands_between_chinese_and_code() -> None:
    joined = re.compile(rf"[{HAN}][A-Za-z0-9`\[]|[A-Za-z0-9`\]][{HAN}]|[{HAN}]\{{(\w+)\}}|\{{(\w+)\}}[{HAN}]")
    for key, sentence in CHINESE.items():
        for match in joined.finditer(without_code(text_of(sentence))):
            assert (match[1] or match[2]) in PHRASES, (key, match[0])


def test_diagnostics_are_terse() -> None:
    for key, sentence in CHINESE.items():
        if key.startswith("diagnostic."):
            assert not text_of(sentence).endswith("。"), key
            assert cells(text_of(sentence)) <= 130, key


# --- wide characters in lines and columns -------------------------------------------------------


def width_of(text: str) -> int:
    """An oracle of its own for the characters that bpx writes."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def check_lines(text: str, width: int) -> None:
    """Every line fits, and no row of a table is wider than its rule."""
    rule = 0
    for line in text.split("\n"):
        assert width_of(line) <= width, line
        rule = width_of(line) if set(line) == {"─"} else rule if line else 0
        if rule and line.startswith(" ") and "  " in line.strip():
            assert width_of(line) <= max(rule, width), line


def check_columns(block: Table) -> None:
    """In plain text each cell stands at the place of its column, counted in cells."""
    grid_rows = [block.headers, *block.text_rows]
    widths = [max(map(width_of, column)) for column in zip(*grid_rows, strict=True)]
    for line, row in zip(plain([block]).split("\n"), grid_rows, strict=False):
        grid = "".join(char + "\0" * (width_of(char) - 1) for char in line)
        start = 2
        for cell, width in zip(row, widths, strict=True):
            assert grid[start : start + width].replace("\0", "").strip() == cell.strip()
            start += width + 2


def check_shown(blocks: list[Block]) -> None:
    from rich.console import Console

    for width in (80, 60):
        console = Console(width=width, no_color=True, force_terminal=False, legacy_windows=False)
        check_lines(table_text(blocks, console), width)
    for block in blocks:
        if isinstance(block, Table):
            check_columns(block)


def sentences(blocks: list[Block]) -> Iterator[str]:
    for block in blocks:
        yield from (str(text) for text in getattr(block, "texts", ()))


@every("name", example_names())
def test_examples_are_explained_in_aligned_columns(name: str) -> None:
    with bpx.speaking("zh"):
        blocks = bpx.load(name).explain(check=False).blocks()
        check_shown(blocks)
    assert any(re.search(f"[{HAN}]", text) for text in sentences(blocks))


@every("name", ["sigmoid", "relu_dead", "perceptron_2_2_1", "mlp_batch"])
def test_checks_are_shown_in_aligned_columns(name: str) -> None:
    if name in example_names():
        with bpx.speaking("zh"):
            check_shown(bpx.load(name).gradcheck().blocks())


@every(
    "text, width, lines",
    [
        ("one two", 20, ["one two"]),
        ("one two", 4, ["one", "two"]),
        ("正向传播", 4, ["正向", "传播"]),
        ("正向，传播", 4, ["正", "向，", "传播"]),
        ("值（见上）", 4, ["值", "（见", "上）"]),
        ("见 `bpx help`。", 12, ["见", "`bpx help`。"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("", 5, [""]),
    ],
)
def test_lines_are_broken_where_chinese_may_be(text: str, width: int, lines: list[str]) -> None:
    assert wrapped(text, width) == lines
