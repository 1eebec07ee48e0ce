"""Sheets as files: written in TOML, Markdown, LaTeX, HTML or as a notebook.

What a program needs to grade a sheet, its `plan`, stands in the file too: the graph and the cells that are
asked for, never what belongs into them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

from bpx.graph.numbers import SHOWN_DIGITS, array
from bpx.render.json import json_text
from bpx.render.latex import latex
from bpx.render.markdown import markdown
from bpx.render.notebook import fragment
from bpx.render.plain import plain
from bpx.spec.practice.cells.spec_text import SHEET_VERSION, text_of_spec
from bpx.spec.practice.sheet import Sheet
from bpx.spec.writing.write import toml_text
from bpx.words.diagnostic import BpxError
from bpx.words.say import say, spoken

FENCE = "```toml bpx-sheet"
ENDINGS = (".toml", ".md", ".tex", ".html", ".ipynb", ".txt", ".json")

_PAGE = """<!doctype html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }}
table {{ border-collapse: collapse; margin: 0.5em 0 1.5em; }}
td, th {{ border: 1px solid #999; padding: 0.3em 0.7em !important; font-variant-numeric: tabular-nums; }}
th {{ background: #eee; }}
.answers td:last-child {{ min-width: 14em; height: 2em; }}
@media (prefers-color-scheme: dark) {{
  body {{ background: #16181d; color: #e6e6e6; }}
  th {{ background: #2a2e37; }}
}}
@media print {{ body {{ margin: 0; max-width: none; }} }}
</style>
</head>
<body>
{tables}
<div class="answers">
{answers}
</div>
</body>
</html>
"""


def sheet_text(sheet: Sheet, file: str) -> str:
    """The sheet as the ending of a file's name asks for. Raises `BpxError` for another ending."""
    ending = Path(file).suffix.lower()
    writers: dict[str, Callable[[Sheet], str]] = {
        ".toml": to_toml,
        ".md": to_markdown,
        ".tex": lambda sheet: latex(replace(sheet, on_paper=True).blocks()),
        ".html": to_html,
        ".ipynb": to_notebook,
        ".txt": lambda sheet: plain(replace(sheet, on_paper=True).blocks()),
        ".json": lambda sheet: json_text(sheet.to_dict()),
    }
    if ending not in writers:
        from bpx.render.forms import unknown_ending

        raise BpxError([unknown_ending(file, ENDINGS)])
    return writers[ending](sheet)


def plan(sheet: Sheet) -> dict[str, Any]:
    """What a program needs to know of a sheet to grade it."""
    exercise = sheet.exercise
    document: dict[str, Any] = {"bpx-sheet": SHEET_VERSION, "digits": exercise.digits}
    if exercise.topic:
        document |= {"topic": exercise.topic}
    document |= {"seed": exercise.seed}
    if exercise.workings.rate is not None:
        document |= {"rate": exercise.workings.rate}
    if not exercise.finds_mistakes:
        document |= {"asked": list(exercise.asked)}
        document |= {"ask": "gradients"} if exercise.ends_alone else {}
    document |= {"spec": text_of_spec(exercise.workings.spec)}
    if exercise.finds_mistakes:
        document |= {"shown": {key: _plain(value) for key, value in exercise.shown.items()}}
    return document


def _plain(value: Any) -> Any:
    return json.loads(array(value, SHOWN_DIGITS))


def to_toml(sheet: Sheet) -> str:
    """With both tables as comments, and a line for each answer."""
    exercise = sheet.exercise
    shown = plain([block for block in sheet.blocks() if block not in [*sheet.answer_blocks()]])
    comments = "".join(f"# {line}".rstrip() + "\n" for line in shown.splitlines())
    answers = {key: text for key, text in sheet.answers.items() if text or not exercise.finds_mistakes}
    hint = say("practice.toml-find" if exercise.finds_mistakes else "practice.toml-fill")
    body = toml_text({"answers": answers}).strip("\n")
    return f"{comments}\n# {hint}\n{body}\n\n# {say('practice.plan')}\n{_plan_text(sheet)}"


def _plan_text(sheet: Sheet) -> str:
    document = plan(sheet)
    return toml_text({"sheet": document} if "shown" not in document else _nested(document))


def _nested(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sheet": {key: value for key, value in document.items() if key != "shown"},
        "shown": document["shown"],
    }


def to_markdown(sheet: Sheet) -> str:
    """Tables to fill in, and the plan in a fence below them."""
    return (
        f"{markdown(sheet.blocks())}\n{say('practice.plan')}\n\n{FENCE}\n{_plan_text(sheet).strip()}\n```\n"
    )


def to_html(sheet: Sheet) -> str:
    """A page to print."""
    answers = [*sheet.answer_blocks()]
    tables = [block for block in sheet.blocks() if block not in answers]
    return _PAGE.format(
        language=spoken().language,
        title=escape(sheet.title),
        tables=fragment(tables),
        answers=fragment(answers),
    )


def to_notebook(sheet: Sheet) -> str:
    """A notebook: the tables, a cell for the answers, and one that judges them."""
    answers = [*sheet.answer_blocks()]
    tables = [block for block in sheet.blocks() if block not in answers]
    filled = {key: text for key, text in sheet.answers.items() if text or not sheet.exercise.finds_mistakes}
    lines = [
        f"    {json.dumps(key, ensure_ascii=False)}: {json.dumps(text, ensure_ascii=False)},"
        for key, text in filled.items()
    ]
    hint = say("practice.notebook-find" if sheet.exercise.finds_mistakes else "practice.notebook-fill")
    typed = "\n".join([f"# {hint}", "answers = {", *lines, "}"])
    plan_as_text = f"sheet = {_python_text(_plan_text(sheet))}"
    judged = "\n".join(
        ["import bpx", "", f"# {say('practice.plan')}", plan_as_text, "bpx.grade(sheet, answers)"]
    )
    cells = [
        {"cell_type": "markdown", "id": "tables", "metadata": {}, "source": markdown(tables)},
        _code("answers", typed),
        _code("grade", judged),
    ]
    metadata = {"language_info": {"name": "python"}, "bpx": {"sheet": _plan_text(sheet)}}
    return (
        json.dumps(
            {"cells": cells, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5},
            ensure_ascii=False,
            indent=1,
        )
        + "\n"
    )


def _code(id: str, source: str) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": id,
        "metadata": {},
        "source": source,
        "outputs": [],
        "execution_count": None,
    }


def _python_text(text: str) -> str:
    return "(\n" + "".join(f"    {line!r}\n" for line in text.splitlines(keepends=True)) + ")"
