"""A plugin of pytest: the fixture `gradcheck`, whose reports a failed test shows.

Nothing of bpx is loaded before a test asks for the fixture.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from bpx.check.report.report import Report

_REPORTS = pytest.StashKey[list[Any]]()


@pytest.fixture
def gradcheck(request: pytest.FixtureRequest) -> Callable[..., Report]:
    """`bpx.gradcheck`: write `assert gradcheck(forward, inputs, backward)`."""
    reports = request.node.stash.setdefault(_REPORTS, [])

    def check(*args: Any, **options: Any) -> Report:
        import bpx

        report = bpx.gradcheck(*args, **options)
        reports.append(report)
        return report

    return check


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the fixture found below the traceback of a test that failed."""
    result = yield
    if call.when == "call" and result.failed:
        odd = [report for report in item.stash.get(_REPORTS, []) if not report]
        result.sections.extend(("bpx gradcheck", report.short()) for report in odd)
    return result
