"""The shapes of inputs without values: the smallest for which all equations can be evaluated."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from bpx.graph.arrays import Shape
from bpx.spec.derivations.graph.model import Model
from bpx.spec.derivations.graph.sheet import Chain, Kind, Reader
from bpx.spec.derivations.text.dots import DOT
from bpx.spec.derivations.text.indices import lengths_of

_LENGTHS = (3, 2, 4, 5)
_MOST_TRIED = 600
_MOST_COMPLETE = 24
_MATRIX = 50  # what a matrix counts more than a step that fits
_CONTRADICTED = 10  # what a printed number counts that is another one in this reading
_ALIKE = 0.02, 0.01  # relative and absolute: printed numbers are rounded
_TRANSPOSED = r"{name}(?:_\{{?\w+\}}?)?\s*(?:\^\s*\{{?\s*(?:T|\\top|⊤|t)\s*\}}?|\.T\b|ᵀ|⊤)"
_REDUCED = re.compile(
    r"(?:softmax|sum|mean|norm|logsumexp|log_softmax|cumsum|mse)\s*\}?\s*\(\s*([^()]*(?:\([^()]*\)[^()]*)*)\)|\\?\|\\?\|?([^|]+)\|"
)
_ARRAYS = re.compile(
    r"\^\s*\{?\s*(?:T|\\top|⊤)(?![A-Za-z])|\.T\b|ᵀ|⊤|⊙|\\odot|@|∑|Σ|\\sum|softmax|sum\}?\s*\(|mean\}?\s*\(|norm|\\\||‖|\|\||outer|"
    r"\\(?:math)?bf|\\boldsymbol|\\bm|\\vec|conv|maxpool|diag|trace|layer_norm|layernorm|var\("
)


def best_model(reader: Reader) -> Model:
    """The model with the shapes that fit most of what is written, the smallest first."""
    best: tuple[int, Model, bool] | None = None
    for dots in (True, False) if _may_have_dots(reader) else (False,):
        reader.dots = dots
        for complete, shapes in enumerate(_assignments(reader)):
            model = Model(reader.sheet, shapes)
            score = _score(reader, model)
            if best is None or score > best[0]:
                best = score, model, dots
            if complete >= _MOST_COMPLETE or score == _perfect(reader):
                break
        if best and best[0] == _perfect(reader):
            break
    reader.dots = best is not None and best[2]
    return best[1] if best else Model(reader.sheet, _scalars(reader))


def _may_have_dots(reader: Reader) -> bool:
    """Is there a `·` that may be a dot product?"""
    return reader.axes is None and any(DOT.search(text) for row in reader.contents for text in row)


def _scalars(reader: Reader) -> dict[str, Shape]:
    values = reader.sheet.values
    return {name: values[name].shape if name in values else () for name in reader.sheet.inputs}


def _perfect(reader: Reader) -> int:
    return sum(_weight(chain) for chain in reader.chains) + _MATRIX * len(_capitals(reader))


def _capitals(reader: Reader) -> list[str]:
    """The inputs that are called as matrices are."""
    return [
        name
        for name in reader.sheet.inputs
        if name[0].isupper() and name[0] not in "LJEC" and name not in reader.sheet.values
    ]


def _weight(chain: Chain) -> int:
    if chain.kind is Kind.DERIVATIVE:
        return len(chain.statement.links)
    return 10 if chain.kind is Kind.EQUATION else 0


def _score(reader: Reader, model: Model) -> int:
    """How many equations and links can be built, and have the shape that they should."""
    score = 10 * (len(reader.sheet.equations) - len(model.problems))
    if not model.problems:  # what steps claim must not make scalars of matrices
        score += _MATRIX * sum(len(model.exprs[name].shape) == 2 for name in _capitals(reader))
    if model.output and model.exprs[model.output].shape:
        score -= 5
    for chain in reader.chains:
        if chain.kind is Kind.DERIVATIVE and chain.atom:
            target = model.gradient(chain.atom)
            for link in chain.statement.links:
                built = model.built(link.text)
                if built.expr is not None and target is not None and built.expr.shape == target.shape:
                    score += 1
    return score - _CONTRADICTED * _contradicted(reader, model)


def _contradicted(reader: Reader, model: Model) -> int:
    """How many equations with a `·` give other numbers than are printed behind them."""
    given, count = model.given, 0
    if given is None or not _may_have_dots(reader):
        return 0
    for chain in reader.chains:
        target = model.exprs.get(chain.name)
        if chain.kind not in (Kind.EQUATION, Kind.RESULT) or target is None:
            continue
        for link in chain.statement.links[chain.kind is Kind.EQUATION :]:
            expr = model.built(link.text).expr
            if expr is not None:
                value, truth = model.values([expr, target], given)
                count += value.shape != truth.shape or not np.allclose(value, truth, *_ALIKE)
    return count


def _assignments(reader: Reader) -> Iterator[dict[str, Shape]]:
    """Shapes for all inputs, those with few arrays first; where no equation has arrays, scalars alone."""
    if reader.axes is not None:
        lengths, reader.sheet.index_lengths = lengths_of(
            reader.contents, reader.axes.axes, alike=bool(reader.sheet.lengths)
        )
        ranks = reader.axes.ranks
        shapes = {
            name: tuple(lengths.get((name, at), 3) for at in range(ranks.get(name, 0)))
            for name in reader.sheet.inputs
        }
        yield {
            **shapes,
            **{name: value.shape for name, value in reader.sheet.values.items() if name in shapes},
        }
        return
    text = "\n".join(reader.texts)
    given = reader.sheet.values
    has_arrays = (
        reader.indexed
        or _ARRAYS.search(text)
        or any(given[name].ndim for name in given if name in reader.sheet.inputs)
    )
    if not has_arrays:
        yield _scalars(reader)
        return
    required = {name for name in reader.sheet.inputs if _is_array(name, text, reader)}
    order = list(reader.sheet.inputs)
    tried = 0

    def extended(shapes: dict[str, Shape], rest: Sequence[str]) -> Iterator[dict[str, Shape]]:
        nonlocal tried
        if not rest:
            yield shapes
            return
        name, *others = rest
        for shape in _shapes(name, shapes, required, reader):
            tried += 1
            if tried > _MOST_TRIED:
                return
            extension = {**shapes, name: shape}
            if _fits(reader, extension):
                yield from extended(extension, others)

    yield from extended({}, order)


def _is_array(name: str, text: str, reader: Reader) -> bool:
    if name in reader.sheet.values:
        return False
    if name in reader.indexed:
        return True
    pattern = re.escape(name).replace("_", r"_?\{?")
    if re.search(rf"(?<![A-Za-z]){_TRANSPOSED.format(name=pattern)}", text):
        return True
    inside = " ".join(match[1] or match[2] or "" for match in _REDUCED.finditer(text))
    return (
        len(name) == 1
        and bool(re.search(rf"(?<![A-Za-z\\]){pattern}(?![A-Za-z])", inside))
        and not re.search(rf"(?<![A-Za-z\\]){pattern}(?![A-Za-z])\s*\*?\*?\s*[\w\\]", inside)
    )


def _shapes(name: str, shapes: Mapping[str, Shape], required: set[str], reader: Reader) -> Iterator[Shape]:
    if name in reader.sheet.values:
        yield reader.sheet.values[name].shape
        return
    if name in reader.sheet.lengths:
        yield ()
        return
    used = list(dict.fromkeys(length for shape in shapes.values() for length in shape))
    fresh = next((length for length in _LENGTHS if length not in used), None)
    lengths = [*used, *([fresh] if fresh else [])]
    second = next((length for length in _LENGTHS if length not in (*used, fresh)), None)
    vectors: list[Shape] = [(length,) for length in lengths]
    matrices: list[Shape] = [(one, two) for one in lengths for two in lengths if one != two or not fresh]
    if second and fresh:
        matrices += [(fresh, second)]
        matrices += [(second, length) for length in used]
    first = name[0]
    if first.isupper() and first not in "LJEC":
        yield from sorted(matrices, key=lambda shape: sum(length not in used for length in shape))
        yield from ((length, length) for length in lengths if fresh)
        yield from vectors
        if name not in required:
            yield ()
    else:
        # Targets and biases have the shape of what they stand beside.
        is_like_others = first in "ytb" and used
        if name not in required and not is_like_others:
            yield ()
        yield from vectors
        if is_like_others:
            yield ()
        yield from matrices if name in required else ()


def _fits(reader: Reader, shapes: Mapping[str, Shape]) -> bool:
    """Can the equations be built whose inputs all have a shape?"""
    model = Model(reader.sheet, shapes)
    return all(
        any(problem.code == "unknown-name" for problem in problems) or not problems
        for problems in model.problems.values()
    )
