"""Which leaf a gradient is of: looked up by words, and the same as if each were compared with each."""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from pathlib import Path as Path_
from typing import Any

import numpy as np
import pytest

from bpx.spec.code import blamed_lines, gradients
from bpx.spec.code.gradients import Candidate, claimed_gradients, place_of
from bpx.spec.code.leaves import Path
from bpx.spec.code.target import check_code, read_code
from bpx.spec.code.words_of_code import is_container, stems, words_of

NAMES = ["W", "w", "W1", "w_1", "W11", "weights", "dW", "dW1", "grad_W", "b", "db", "_b", "bias", "delta", ""]
HOLDERS: list[Path] = [
    ("args",),
    ("globals",),
    ("globals", "P"),
    ("globals", "grads"),
    ("self", "layers", 0),
    ("self", "layers", 1),
]


def _likeness(gradient: str, leaf: str) -> int:
    """3 the same, 2 but for case and underscores, 1 the first letters, 0 not at all."""

    def bare(name: str) -> str:
        return name.replace("_", "").lower()

    best, other = 0, leaf.strip("_")
    for plain in (stem.strip("_") for stem in stems(gradient)):
        starts = bool(plain) and other.lower().startswith(plain.lower())
        best = max(best, 3 if plain == other else 2 if bare(plain) == bare(other) else int(starts))
    return best


def _fit(candidate: Candidate, path: Path) -> float:
    name, indices = words_of(path)
    if not candidate.name or indices != candidate.indices or candidate.place == f"left {place_of(path)}":
        return 0
    holder, parent = path[: len(path) - len(indices) - 1], candidate.parent
    if parent and is_container(str(parent[-1])):
        return 4 * (name == candidate.name and holder[:-1] == parent[:-1] and holder != parent)
    score = float(_likeness(candidate.name, name))
    if parent is not None:
        return score + 1 if holder == parent else 0
    return score + 0.5 * (path[0] == "args") if score else 0


def _best(candidate: Candidate, taken: Iterable[Path], shapes: Mapping[Path, Any]) -> Path | None:
    """By comparing with all."""
    free = [path for path in shapes if path not in taken and shapes[path] == np.shape(candidate.value)]
    scores = {path: _fit(candidate, path) for path in free}
    best = [path for path in free if scores[path] > 0 and scores[path] == max(scores.values())]
    return best[0] if len(best) == 1 else None


def test_the_index_finds_what_comparing_with_all_finds() -> None:
    draw = random.Random(0)
    met = 0
    for _ in range(150):
        paths = [(*draw.choice(HOLDERS), draw.choice(NAMES), *draw.choice([(), (), (0,)])) for _ in range(9)]
        shapes = {path: draw.choice([(), (), (2,)]) for path in paths}
        index = gradients._Leaves(shapes)
        for _ in range(20):
            holder, name, indices = draw.choice(HOLDERS), draw.choice(NAMES), draw.choice([(), (), (0,)])
            value = np.zeros(draw.choice([(), (), (2,)]))
            left = (f"left {place_of((*holder, name, *indices))}", holder)
            place, parent = draw.choice([left, ("returned", None)])
            candidate = Candidate(name, indices, value, place, parent)
            taken = draw.sample(paths, 2)
            path = _best(candidate, taken, shapes)
            assert index.best(candidate, taken) == path
            met += path is not None
    assert met > 300


@pytest.mark.parametrize("count", [50, 400])
def test_each_gradient_is_compared_with_few_leaves(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at = 0
    of = gradients._Leaves._of

    def counted(*args: Any) -> Any:
        nonlocal looked_at
        for path in of(*args):
            looked_at += 1
            yield path

    monkeypatch.setattr(gradients._Leaves, "_of", counted)
    weights = {f"w{number}": 1.0 for number in range(count)}
    world = {"args": {"x": 1.0}, "globals": {"P": weights}}
    known = {("globals", "P", name) for name in weights}
    found = claimed_gradients(lambda x: None, dict(weights), world, world, ["x"], known)
    assert {one.leaf for one in found} == known
    assert looked_at <= 2 * count


def test_names_are_indexed_once_for_all_runs() -> None:
    gradients._numbers_by_words.cache_clear()
    for value in (1.0, 2.0):
        world = {"args": {"x": value}, "globals": {}}
        claimed_gradients(lambda x: None, {"dx": value}, world, world, ["x"], {("args", "x")})
    assert gradients._numbers_by_words.cache_info()[:2] == (1, 1)


def _checked(count: int, term: str, tmp_path: Path_, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, int]:
    """The report on a dict of so many gradients, each `term`, and how often backward ran."""
    weights = ", ".join(f'"w{number}": {0.1 + number / 100}' for number in range(count))
    file = tmp_path / f"net{count}.py"
    file.write_text(
        f"import numpy as np\nP = {{{weights}}}\n\n"
        "def forward(x):\n    total = 0.0\n    for k in P:\n        total = total + P[k] * x\n"
        f"    return total\n\ndef backward(up, x):\n    return {{k: {term} for k in P}}\n"
    )
    runs = 0
    run_backward = blamed_lines.run_backward

    def counted(*args: Any, **options: Any) -> Any:
        nonlocal runs
        runs += 1
        return run_backward(*args, **options)

    monkeypatch.setattr(blamed_lines, "run_backward", counted)
    return check_code(read_code(f"{file}:forward,backward", {"x": 0.7})), runs


def test_up_is_an_upstream_gradient(tmp_path: Path_, monkeypatch: pytest.MonkeyPatch) -> None:
    report, runs = _checked(20, "up * x", tmp_path, monkeypatch)
    assert report.verdict == "agree" and runs == 0


@pytest.mark.parametrize(
    ("term", "right"),
    [("up * x * x", "return {k: up * x for k in P}"), ("up * np.sin(len(k) * 1.3 + P[k])", None)],
)
def test_one_line_that_makes_many_gradients_is_searched_once(
    term: str, right: str | None, tmp_path: Path_, monkeypatch: pytest.MonkeyPatch
) -> None:
    report, runs = _checked(20, term, tmp_path, monkeypatch)
    [cause] = report.blame
    assert len(cause.code.wrong) == 20 and cause.code.right == right and cause.code.time is None
    assert cause.mistakes if right else not cause.mistakes
    more, as_often = _checked(40, term, tmp_path, monkeypatch)
    assert len(more.blame) == 1 and as_often <= 1.5 * runs
