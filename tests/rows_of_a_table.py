"""A table of cases in one test: for rows so cheap that starting a test for each costs more than the row."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any

import pytest

Test = Callable[..., None]


def every(names: str, cases: Iterable[Any]) -> Callable[[Test], Test]:
    """Like `pytest.mark.parametrize`, but all cases run in one test, which reports every failure among them.

    The cases share the other arguments of the test, so those must be no fixtures that a case changes.
    """
    rows = list(cases)
    args = [name.strip() for name in names.split(",")]

    def decorate(test: Test) -> Test:
        @functools.wraps(test)
        def run_all(**others: Any) -> None:
            failures = []
            for row in rows:
                case = dict(zip(args, row if len(args) > 1 else [row], strict=True))
                try:
                    test(**case, **others)
                except pytest.skip.Exception:
                    continue
                except (Exception, pytest.fail.Exception) as error:
                    error.add_note(f"case: {case!r:.500}")
                    failures.append(error)
            assert rows, "a table without rows tests nothing"
            if failures:
                raise BaseExceptionGroup(f"{len(failures)} of {len(rows)} cases fail", failures)

        parameters = inspect.signature(test).parameters.values()
        run_all.__signature__ = inspect.Signature([p for p in parameters if p.name not in args])  # type: ignore[attr-defined]
        return run_all

    return decorate
