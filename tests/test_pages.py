"""What the README and the pages of `bpx help` say is what happens: code runs, outputs are the real ones."""

from __future__ import annotations

import re
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import pytest
from pages import (
    LANGUAGES,
    PAGES,
    PICTURE,
    README,
    Example,
    drawn,
    examples,
    fences,
    new_folder,
    renewed,
    text_of,
    without_noise,
)
from rows_of_a_table import every

import bpx

EXAMPLES = [example for page in PAGES for example in examples(page)]
SPECS = [fence.text for page in PAGES for fence in fences(text_of(page)) if fence.language == "toml"]
every_page = every("page", PAGES)


def name_of(example: Example) -> str:
    return f"{example.page.stem}: {example.code.splitlines()[0]}"


@pytest.mark.parametrize("example", EXAMPLES, ids=name_of)
def test_code_runs_and_prints_what_is_shown(example: Example, tmp_path: Path) -> None:
    done = example.run(new_folder(tmp_path))
    assert done.returncode in example.exits, done.stderr
    assert not done.stderr
    if example.output is not None:
        hint = "`python tests/pages.py` writes the real outputs into the pages"
        assert without_noise(done.stdout) == without_noise(example.output), hint


@pytest.mark.parametrize("spec", SPECS)
def test_specs_hold(spec: str) -> None:
    assert not bpx.load(spec).explain().unmet


@pytest.mark.skipif(not find_spec("graphlay"), reason="needs the extra `draw`, which has graphlay")
def test_the_picture_is_what_bpx_draws() -> None:
    assert text_of(PICTURE) == drawn(), "`python tests/pages.py` draws it anew"


def test_pictures_are_shown_and_small() -> None:
    for picture in PICTURE.parent.iterdir():
        assert picture.name in text_of(README)
        assert picture.stat().st_size < 60_000


@every_page
def test_every_fence_is_of_a_kind_that_is_tested(page: Path) -> None:
    languages = [fence.language for fence in fences(text_of(page))]
    assert set(languages) <= LANGUAGES
    assert 2 * len(languages) == len(re.findall("^```", text_of(page), re.MULTILINE))
    for before, after in pairwise(["", *languages]):
        assert after != "text" or before in ("sh", "python")


def anchors(page: Path) -> set[str]:
    """The headings of a page as GitHub makes anchors of them."""
    headings = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    for link in re.findall(r"\]\((?!https?:)(.*?)\)", text_of(page)):
        name, _, anchor = link.partition("#")
        goal = page.parent / name if name else page
        assert goal.is_file(), link
        assert not anchor or anchor in anchors(goal), link


def test_other_outputs_are_renewed(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nprint('now')\n```\n\n```text\nbefore\n```\n\n"
        "```python\nprint('1 ± 2e-16')\n```\n\n```text\n1 ± 1e-16\n```\n"
    )
    assert renewed(page) == text_of(page).replace("before", "now")
