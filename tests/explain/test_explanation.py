"""An explanation as people see it, and the promise that every number shown stands in the JSON."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest
from accounts import NAMES, expanded_account, full_account
from rich.console import Console
from rows_of_a_table import every

from bpx.explain.explain import explain
from bpx.explain.explanation import Explanation
from bpx.graph.numbers import LARGEST_SHOWN
from bpx.render.blocks import MOST_ROWS, Heading, Headline, Lines, Table
from bpx.render.markdown import markdown
from bpx.render.plain import plain
from bpx.render.table import renderables
from bpx.spec.reading.read import read_expression
from bpx.words.diagnostic import Source
from bpx.words.en import ENGLISH
from bpx.words.say import say


def account(expression: str, options: Any = None, **values: Any) -> Explanation:
    return explain(read_expression(Source("<expression>", expression), values), **(options or {}))


def tables(account: Explanation) -> list[Table]:
    return [block for block in account.blocks() if isinstance(block, Table)]


def headings(account: Explanation) -> list[str]:
    return [block.text for block in account.blocks() if isinstance(block, Heading)]


def lines(account: Explanation) -> list[str]:
    return [str(text) for block in account.blocks() if isinstance(block, Lines) for text in block.texts]


def table_text(account: Explanation) -> str:
    console = Console(file=io.StringIO(), width=4000, color_system=None)
    for renderable in renderables(account.blocks()):
        console.print(renderable)
    return console.file.getvalue()  # type: ignore[attr-defined]


def plain_text(account: Explanation) -> str:
    return plain(account.blocks())


def markdown_text(account: Explanation) -> str:
    return markdown(account.blocks()).replace("\\", "")


RENDERERS = {"table": table_text, "plain": plain_text, "markdown": markdown_text}


# --- every number stands in the JSON ------------------------------------------------------------

NUMBER = re.compile(r"(?<![\w.])-?(?:\d{1,3}(?:,\d{3})+|\d+(?:\.\d+)?(?:e-?\d+)?|inf|nan)(?![\w.]*\w)")
FORMULAS = {"formula", "local_formula", "local_formulas", "title", "message", "help"}


def numbers_in(text: str) -> Iterator[str]:
    for match in NUMBER.finditer(text):
        yield match.group().replace(",", "")


def numbers_of(plain: Any, key: str = "") -> Iterator[float]:
    """Every number of the JSON, also of its formulas and sentences, and `digits` cut to whole ones."""
    if isinstance(plain, dict):
        for name, value in plain.items():
            yield from numbers_of(value, "formula" if key == "ops" else name)
    elif isinstance(plain, list):
        for value in plain:
            yield from numbers_of(value, key)
    elif isinstance(plain, str):
        if plain in ("inf", "-inf", "nan") or key in FORMULAS:
            yield from map(float, numbers_in(plain))
    elif isinstance(plain, int | float) and not isinstance(plain, bool):
        yield float(plain)
        if key == "digits":
            yield float(int(plain))


def shown(number: float) -> str:
    """A number to six significant digits, in one spelling."""
    return f"{number:.6g}"


def exact_numbers(account: Explanation) -> set[str]:
    """The numbers of the JSON, to six digits and to all that floats are sure of."""
    known = set(numbers_of(account.to_dict()))
    return {shown(number) for number in known} | {f"{number:.15g}" for number in known}


PATTERNS = [say(key) for key in ENGLISH if key.startswith("pattern.")]


def unaccounted(text: str, exact: set[str]) -> list[str]:
    """The numbers of a rendering that do not stand among those of the JSON, to six digits."""
    for pattern in PATTERNS:
        text = text.replace(pattern, "")
    return [
        one
        for one in numbers_in(text)
        if shown(float(one)) not in exact and f"{float(one):.15g}" not in exact
    ]


@cache
def renderings(name: str) -> list[str]:
    """The account in each form for people."""
    return [render(full_account(name)) for render in RENDERERS.values()]


@every("name", NAMES)
def test_every_number_stands_in_the_json(name: str) -> None:
    exact = exact_numbers(full_account(name))
    for text in renderings(name):
        assert len(list(numbers_in(text))) > 1
        assert unaccounted(text, exact) == []


@every("name", NAMES)
def test_every_number_of_an_expanded_account_stands_in_the_json(name: str) -> None:
    one = expanded_account(name)
    if one is None:
        pytest.skip("an example only")
    assert unaccounted(plain_text(one), exact_numbers(one)) == []


@every("name", NAMES)
def test_every_formula_with_numbers_has_the_values_of_its_args(name: str) -> None:
    one = full_account(name).to_dict()
    by_id = {node["id"]: node for node in one["nodes"]}
    for node in one["nodes"]:
        if node["with_numbers"]:
            known = [number for arg in node["args"] for number in numbers_of(by_id[arg]["value"])]
            known += numbers_of(node["formula"], "formula")
            signless = {shown(abs(number)) for number in known}
            for text in numbers_in(node["with_numbers"]):
                assert shown(abs(float(text))) in signless, node


def test_a_number_that_is_not_in_the_json_would_be_found() -> None:
    exact = exact_numbers(account("x^2", x=3))
    assert unaccounted("out = 9.00001, 6 and 3", exact) == ["9.00001"]
    assert unaccounted("the other 1,048,556 paths", exact) == ["1048556"]


@every("name", NAMES)
def test_renderings_say_the_same(name: str) -> None:
    spoken = [re.findall(r"[^\s|*─-]+", text) for text in renderings(name)]
    signs = {"#", "##", "###", ":"}
    table, plain, in_markdown = ({word for word in words if word not in signs} for words in spoken)
    assert plain == in_markdown
    assert plain <= table | {word for word in plain if "[" in word or "]" in word}


# --- sections -----------------------------------------------------------------------------------


def test_the_answer_comes_first() -> None:
    one = account("x^2", x=3)
    assert one.blocks()[0] == Headline("out = 9")
    titled = full_account("sigmoid")
    assert titled.blocks()[0] == Headline("The sigmoid as one op — y = 0.622459")


def test_sections_in_order() -> None:
    one = account("relu(x) * y", {"paths": [], "second": True, "step": 0.1, "expand": ["all"]}, x=0, y=2)
    assert headings(one) == [
        say("account.forward"),
        say("account.reverse", seed="∂out/∂out = 1"),
        say("account.gradients"),
        say("account.paths", output="out", input="x"),
        say("account.paths", output="out", input="y"),
        say("account.second"),
        say("account.step", rate="0.1"),
        say("account.patterns"),
        say("account.notes"),
    ]


def test_sections_that_have_nothing_to_say_are_left_out() -> None:
    assert headings(account("2 + 3")) == [say("account.forward")]


def test_one_forward_row_a_node_but_none_for_constants() -> None:
    (forward, *_) = tables(account("2 * x + 3", x=1))
    assert [row[0] for row in forward.text_rows] == ["x", "v1", "out"]


def test_one_reverse_row_an_edge_and_one_a_sum() -> None:
    (_, reverse, *_) = tables(account("x^2 + 3*x", x=2))
    assert [row[0] for row in reverse.text_rows] == ["out → v1", "out → v2", "v2 → x", "v1 → x", "∂out/∂x"]
    assert reverse.text_rows[-1][1:] == ("", "3 + 4", "7")
    assert reverse.strong == {4}


def test_negative_contributions_are_bracketed_in_the_sum() -> None:
    (_, reverse, *_) = tables(account("-x - x^2 - x", x=2))
    assert reverse.text_rows[-1][2] == "-1 + (-4) + (-1)"


def test_of_many_contributions_the_first_and_the_last_are_written() -> None:
    (_, reverse, *_) = tables(account("+".join(["x"] * 30), x=2))
    assert reverse.text_rows[-1][2:] == ("1 + 1 + 1 + … + 1", "30")


def test_locals_stand_as_formula_and_number() -> None:
    (_, reverse, *_) = tables(account("x * y", x=2, y=3))
    assert [row[2] for row in reverse.text_rows] == ["y = 3", "x = 2"]


def test_a_local_that_is_a_number_is_written_once() -> None:
    (_, reverse, *_) = tables(account("x - y", x=2, y=3))
    assert [row[2] for row in reverse.text_rows] == ["1", "-1"]


def test_axes_that_were_summed_are_named() -> None:
    (_, reverse, *_) = tables(account("sum(x + b)", x=[[1, 2], [3, 4]], b=[1, 2]))
    cells = [cell for row in reverse.text_rows for cell in row]
    assert f"1; {say('account.summed', count=1, axes='0')}" in cells


def test_independence_is_said_in_words() -> None:
    one = account("x + 0 * y", {"of": "x"}, x=1, y=2)
    (*_, gradients) = tables(one)
    assert gradients.text_rows[1] == ("∂x/∂y", say("account.independent"))


def test_each_pattern_is_said_once() -> None:
    one = account("sin(x) * sin(y)", x=1, y=2)
    assert lines(one)[:2] == [say("pattern.mul"), say("pattern.sin")]
    assert len([text for text in lines(one) if text in ENGLISH.values()]) == 3  # and that numbers are rounded


@every("name", NAMES)
def test_every_row_has_a_cell_a_column(name: str) -> None:
    for table in tables(full_account(name)):
        assert {len(row) for row in table.text_rows} == {len(table.headers)}
        assert all(column < len(table.headers) for column in table.right)
        assert all(row < len(table.text_rows) for row in table.strong)


def test_many_paths_are_counted_with_commas() -> None:
    one = full_account("many paths")
    (paths,) = one.paths
    assert paths.path_count > 1000
    text = plain_text(one)
    assert f"{paths.path_count:,}" in text
    assert say("account.rest", count=paths.path_count - len(paths.shown)) in text


def test_no_path() -> None:
    one = account("x^2 + y", {"of": "v1", "paths": ["y"]}, x=1, y=2)
    assert say("account.no-path", input="y") in lines(one)


def test_long_paths_are_cut_in_the_middle() -> None:
    expression = "x"
    for _ in range(40):
        expression = f"sin({expression})"
    (path,) = [
        table for table in tables(account(expression, {"paths": []}, x=1)) if "→ … →" in str(table.text_rows)
    ]
    shown = path.text_rows[0][0].split(" → ")
    assert shown == [
        "out",
        *(f"v{i}" for i in range(39, 28, -1)),
        "…",
        *(f"v{i}" for i in range(11, 0, -1)),
        "x",
    ]


@pytest.mark.parametrize(
    ("digits", "key"), [(float("inf"), "agree-exactly"), (15.3, "agree"), (6.0, "agree"), (2.9, "disagree")]
)
def test_how_well_the_expanded_form_agrees(digits: float, key: str) -> None:
    from dataclasses import replace

    from bpx.explain.sections.expansion import Expansion

    plain = account("x^2", x=3)
    one = replace(plain, sections=(*plain.sections, Expansion(("out",), digits)))
    wanted = say(f"account.{key}", digits="" if digits == float("inf") else int(digits))
    assert wanted in lines(one)


# --- large things -------------------------------------------------------------------------------


@pytest.mark.parametrize("render", RENDERERS.values(), ids=RENDERERS)
def test_large_arrays_are_abbreviated_everywhere(render: Callable[[Explanation], str]) -> None:
    text = render(full_account("large arrays"))
    assert all(row.count(",") < LARGEST_SHOWN for row in text.splitlines())
    assert "(40) 0 … 5.57143, mean 2.78571, norm 20.474" in text


def test_of_many_rows_the_first_and_the_last_are_shown() -> None:
    one = account("+".join(["x"] * 1000), x=1)
    forward, reverse, _ = tables(one)
    assert len(forward.text_rows) == len(reverse.text_rows) == MOST_ROWS + 1
    half = MOST_ROWS // 2
    assert forward.text_rows[0][0] == "x"
    assert forward.text_rows[-1][0] == "out"
    assert forward.text_rows[half][0] == say("account.left-out", count=1000 - MOST_ROWS)
    assert reverse.text_rows[half][0] == say("account.left-out", count=1999 - MOST_ROWS)
    assert reverse.strong == {MOST_ROWS}
    assert reverse.text_rows[-1][0] == "∂out/∂x"


def test_long_formulas_with_numbers_make_way() -> None:
    (forward, *_) = tables(account("x * y * z * u * v * w * p * q * r + M @ x", **many_values()))
    texts = [row[2] for row in forward.text_rows if row[0] != "out"]
    assert "…" in texts
    assert all(len(text) <= 44 and "[[" not in text for text in texts)


def many_values() -> dict[str, Any]:
    return {name: [0.123456, 0.654321] for name in "xyzuvwpqr"} | {"M": [[1, 2], [3, 4]]}
