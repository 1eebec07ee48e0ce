"""Parameters of commands that are text, and those not given, without Typer's conversion of values.

Typer 0.29 converts every value by Pydantic, which it loads for that: a quarter of the time of a small run.
A text is what it is, and a default is what its function takes; Typer converts the numbers.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import typer


def keep_texts(params: Iterable[Any]) -> None:
    """Let the parameters of a Typer command take texts, and their own defaults, as they are."""
    for param in params:
        if "process_value" not in vars(param):
            param.process_value = _processing(param)


def _processing(param: Any) -> Any:
    """What Typer does with a value, with the conversion only where a value needs one."""
    convert, callback = param.process_value, getattr(param, "callback", None)
    annotation = getattr(getattr(param, "type_descriptor", None), "annotation", None)  # since Typer 0.29

    def process_value(ctx: Any, value: Any) -> Any:
        is_default = value is None or (annotation is not None and value is param.default)
        if ctx.resilient_parsing or (is_default and not param.required):  # resilient: for a shell's Tab
            pass
        elif annotation == list[str] and isinstance(value, list | tuple):
            value = list(value)
        elif annotation is not str or not isinstance(value, str):
            value = _converted(convert, ctx, value)
        return value if callback is None else callback(ctx, param, value)

    return process_value


def _converted(convert: Any, ctx: Any, value: Any) -> Any:
    try:
        return convert(ctx, value)
    except typer.BadParameter as error:
        error.found = value  # type: ignore[attr-defined]  # Typer keeps it only in a sentence
        raise
