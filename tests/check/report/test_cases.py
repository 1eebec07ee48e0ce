"""A report as test cases: valid XML whatever the names, with the outcomes that CI systems count."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as xml

import pytest
from reports import MAKERS, report

every_report = pytest.mark.parametrize("name", MAKERS)


def suite(name: str, strict: bool = False) -> Any:
    root = xml.fromstring(report(name).to_junit(strict).encode())
    assert (root.tag, [child.tag for child in root]) == ("testsuites", ["testsuite"])
    return root[0]


def outcomes(name: str, strict: bool = False) -> dict[str, str]:
    return {case.get("name"): case[0].tag if len(case) else "" for case in suite(name, strict)}


@every_report
@pytest.mark.parametrize("strict", [False, True])
def test_it_reads_back_and_counts_right(name: str, strict: bool) -> None:
    found = suite(name, strict)
    tags = [case[0].tag for case in found if len(case)]
    assert found.get("name")
    assert int(found.get("tests")) == len(found)
    assert int(found.get("failures")) == tags.count("failure")
    assert int(found.get("skipped")) == tags.count("skipped")


def test_disagreement_is_a_failure_a_kink_is_skipped() -> None:
    assert outcomes("kink") == {"x[0]": "skipped", "x[1]": "", "x[2]": "failure"}
    assert outcomes("kink", strict=True) == {"x[0]": "failure", "x[1]": "", "x[2]": "failure"}


@pytest.mark.parametrize("name", ["only_a_kink", "outside_domain", "cannot_tell"])
def test_what_is_skipped_says_why(name: str) -> None:
    case = next(case for case in suite(name) if len(case))
    first = report(name).entries[0]
    assert first.reason
    assert case[0].get("message") == f"{first.verdict.word}: {first.reason.text}"


def test_a_failure_tells_the_numbers_and_the_culprit() -> None:
    failure = next(case for case in suite("wrong_rule") if case.get("name") == "w[0]")[0]
    assert failure.get("message").startswith("claimed 0.731058, reference 0.92767 ± 3e-12")
    assert "`gated`" in failure.text
    assert "Correct: sigmoid(x) + " in failure.text


def test_a_culprit_is_a_failure_of_its_own() -> None:
    assert outcomes("harmless_culprit") == {"a": "failure", "w": ""}


def test_large_tensors_are_a_case_each() -> None:
    assert outcomes("network") == {"W1": "failure", "b1": "", "W2": "", "b2": ""}
    assert suite("network")[0][0].get("message") == "11 disagree"


def test_control_characters_do_not_come_through() -> None:
    found = suite("hostile_names")
    assert found.get("name") == "A �[1m<title> & �"
    assert found[0].get("name") == "a<b>&�|*[0]"
