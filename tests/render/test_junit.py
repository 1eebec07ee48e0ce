"""JUnit XML, also for streams without Unicode."""

from __future__ import annotations

from xml.etree import ElementTree as xml

from reports import MAKERS, report
from rows_of_a_table import every

from bpx.render.junit import Case, Suite, in_ascii, junit


@every("name", MAKERS)
def test_in_ascii_it_says_the_same(name: str) -> None:
    text = report(name).to_junit()
    assert in_ascii(text).isascii()
    assert xml.canonicalize(in_ascii(text)) == xml.canonicalize(text)


def test_what_passed_has_no_message() -> None:
    cases = [
        Case("g", "a", "passed"),
        Case("g", "b", "failure", "why", "more"),
        Case("g", "c", "skipped", "?"),
    ]
    (suite,) = xml.fromstring(junit(Suite("all", cases)).encode())
    assert [len(case) for case in suite] == [0, 1, 1]
    assert (suite.get("tests"), suite.get("failures"), suite.get("skipped")) == ("3", "1", "1")
    assert (suite[1][0].get("message"), suite[1][0].text) == ("why", "more")
