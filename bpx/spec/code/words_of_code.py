"""What names in people's code mean: which array a gradient is of, what an upstream gradient is called.

The patterns are those of 35 public repositories with hand-written backward passes.
"""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from bpx.spec.code.leaves import Path, underlying

_PREFIXES = (
    r"(?:d|D|g|del|delta|nabla|nabla_|delta_nabla|grad|grads|gradient|dL_d|dL|dJ_d|dJd|dloss_d|dE_d|dLd)"
)
_GRADIENT = re.compile(rf"{_PREFIXES}_?(?P<stem>\w+)|(?P<ahead>\w+?)_?(?:grad|grads|gradient|error|delta)")
_UPSTREAM = re.compile(
    r"g|up|d?upstream\w*|cotangents?|d_?out\w*|d_?y|grad(?:_?out\w*|ient)?|grad_\w*output\w*|output_(?:error|gradient|grad)|delta|dL|dA|dZ|dO"
    r"|dL_?d\w+|d_?h\w*|d_?c\w*|dnext\w*|dnew\w*|error|err|d_?values?|dvalues|d_?scores?|d_?loss|dprev\w*|top_diff|gy"
)
_CACHE = re.compile(r"caches?|ctx|context|saved?|memory|mem|tape|stash|store|fwd|state|res|residuals?")
_LOSS = re.compile(
    r"(?:compute_|calc_|calculate_|get_|total_|mean_)?(?:loss|cost|objective|error|nll|energy)(?:_function|_fn|_value)?|J|L"
)
_OUTPUT = re.compile(
    r"out\w*|outputs?|y|y_?hat|y_?pred\w*|pred\w*|probs?|logits?|scores?|results?|values?|activations?|loss"
)
_CONTAINERS = frozenset({"grads", "grad", "gradients", "g", "d", "derivatives"})  # of gradients, by name
SAME_NAME = 3  # the best that a name can fit
MOST_LETTERS = 64  # of a name that is looked up by its first letters: keys of dicts may be whole texts
MOST_NAMES = 16_384  # remembered; fewer than a program has would each be forgotten before they are met again


def is_upstream(name: str) -> bool:
    """Whether an argument of a backward function is called as the gradient that arrives from above is."""
    return _UPSTREAM.fullmatch(name.rstrip("0123456789_")) is not None


def is_cache(name: str) -> bool:
    """Whether an argument is called as what the forward pass keeps is."""
    return _CACHE.fullmatch(name) is not None


def is_output(name: str) -> bool:
    """Whether an argument of a backward function is called as what the forward pass returns is."""
    return _OUTPUT.fullmatch(name.rstrip("0123456789_")) is not None


def is_loss(name: str) -> bool:
    """Whether a function is called as a loss is."""
    return _LOSS.fullmatch(name) is not None


def is_container(name: str) -> bool:
    """Whether a dict, a list or an object is called as one that gradients are kept in."""
    return name.lower().strip("_") in _CONTAINERS


@lru_cache(maxsize=MOST_NAMES)
def stems(name: str) -> list[str]:
    """The names of arrays that a gradient of this name may be of: `W1` for `dW1`, `grad_W1`, `W1_grad`."""
    found = [name]
    ahead = (re.fullmatch(rf"{prefix}_?(?P<stem>\w+)", name) for prefix in _each(_PREFIXES))
    found += [match["stem"] for match in ahead if match]
    match = re.fullmatch(r"(?P<stem>\w+?)_?(?:grads?|gradients?|errors?|delta)", name)
    if match:
        found.append(match["stem"])
    return list(dict.fromkeys(found))


def _each(alternatives: str) -> list[str]:
    return alternatives.removeprefix("(?:").removesuffix(")").split("|")


@lru_cache(maxsize=MOST_NAMES)
def is_gradient_name(name: str) -> bool:
    """Whether a name says that it is a gradient."""
    return _GRADIENT.fullmatch(name) is not None


def is_gradient_of(variable: str, name: str) -> bool:
    """Whether a variable is called as the gradient of this array is, but for case: `dW` of `W`."""
    wanted = {text for fit, text in spellings(name) if fit == SAME_NAME - 1}
    sought = {text for fit, texts in spellings_sought(variable) if fit == SAME_NAME - 1 for text in texts}
    return variable != name and is_gradient_name(variable) and not wanted.isdisjoint(sought)


# How well a gradient's name fits an array: 3 the same, 2 but for case and underscores, 1 the first letters,
# 0 not at all. Both sides spell their names in each of these ways, so that dicts find what fits.


def spellings(leaf: str) -> Iterator[tuple[int, str]]:
    """The ways in which an array's name is looked up, with how well a gradient fits that asks for them."""
    plain = leaf.strip("_")
    yield from ((SAME_NAME, plain), (2, _bare(plain)), (0, ""))
    first = plain.lower()[:MOST_LETTERS]
    yield from ((1, first[:length]) for length in range(1, len(first) + 1))


@lru_cache(maxsize=MOST_NAMES)
def spellings_sought(gradient: str) -> list[tuple[int, list[str]]]:
    """The ways in which a gradient's name looks for its array, the best first."""
    plain = [stem.strip("_") for stem in stems(gradient)]
    lower = [text.lower() for text in plain if text]
    return [(SAME_NAME, plain), (2, [_bare(text) for text in plain]), (1, lower), (0, [""])]


def _bare(name: str) -> str:
    return name.replace("_", "").lower()


@lru_cache(maxsize=256)
def parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """The arguments that a function takes; nothing for one whose signature nobody knows."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return []
    stars = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)
    return [parameter for parameter in signature.parameters.values() if parameter.kind not in stars]


@lru_cache(maxsize=256)
def star_of(function: Callable[..., Any]) -> str | None:
    """The name of `*args`, where a function has it; "" for a function whose signature nobody knows."""
    try:
        every = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return ""
    return next((parameter.name for parameter in every if parameter.kind is parameter.VAR_POSITIONAL), None)


@lru_cache(maxsize=256)
def returned_names(function: Callable[..., Any]) -> dict[Path, str]:
    """What a function calls the things that it returns, by the way to them in what it returns.

    `return loss, {"W": dW}, [a, b]` gives (0,) → loss, (1, "W") → dW, (2, 0) → a, (2, 1) → b.
    """
    tree = function_tree(function)
    returns = [] if tree is None else [node for node in _own_nodes(tree) if isinstance(node, ast.Return)]
    names: dict[Path, str] = {}
    for node in returns[-1:]:
        if node.value is not None:
            names.update(_names_in(node.value, ()))
    return names


def function_tree(function: Callable[..., Any]) -> ast.FunctionDef | None:
    """The function as its source says it; None where the source is not at hand."""
    try:
        text = textwrap.dedent(inspect.getsource(underlying(function)))
        tree = ast.parse(text).body[0]
    except (OSError, TypeError, SyntaxError, IndexError):
        return None
    return tree if isinstance(tree, ast.FunctionDef) else None


def _own_nodes(tree: ast.FunctionDef) -> Iterable[ast.AST]:
    """The nodes of a function, without those of functions inside of it."""
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop(0)
        yield node
        if not isinstance(node, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            waiting[:0] = list(ast.iter_child_nodes(node))


def _names_in(node: ast.expr, path: Path) -> Iterable[tuple[Path, str]]:
    if isinstance(node, ast.Name):
        yield path, node.id
    elif isinstance(node, ast.Attribute):
        yield path, ast.unparse(node)
    elif isinstance(node, ast.Tuple | ast.List):
        for index, item in enumerate(node.elts):
            yield from _names_in(item, (*path, index))
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant):
                yield from _names_in(value, (*path, key.value))


def words_of(path: Sequence[Any], label: str | None = None) -> tuple[str, tuple[Any, ...]]:
    """The last word of a path, and the indices behind it: `nabla_w` and (0,)."""
    tail: list[Any] = []
    for step in reversed(path):
        if isinstance(step, str):
            return label or str(step), tuple(tail)
        tail.insert(0, step)
    return label or "", tuple(tail)
