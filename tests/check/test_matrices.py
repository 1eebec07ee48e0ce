"""Checks of graphs with inverses, determinants and Cholesky factors, and of claims for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from checking import in_float64_alone, spec
from rows_of_a_table import every

from bpx.check.gradcheck import gradcheck
from bpx.check.report.report import Report
from bpx.spec.reading.claims import read_claim, with_claims

RNG = np.random.default_rng(0)
A, C = RNG.normal(size=(3, 3)) + 2 * np.eye(3), RNG.normal(size=(3, 3))
B, D = RNG.normal(size=3), RNG.normal(size=3)
K = A @ A.T
KINDS_OF_MATRIX = {
    "plain": A,
    "badly scaled": np.diag([1e-6, 1.0, 1e5]) @ A,
    "ill-conditioned": 1.0 / (np.arange(3)[:, np.newaxis] + np.arange(3) + 1.0),
    "triangular": np.tril(A),
    "diagonal": np.diag([1e-4, 2.0, 3e5]),
}


def check(expression: str, claim: str | None = None, order: int = 1, **values: Any) -> Report:
    target = spec(expression, **values)
    return gradcheck(with_claims(target, [read_claim(claim)]) if claim else target, order=order)


def of_input(report: Report, name: str) -> list[float]:
    return [entry.claimed for entry in report.entries if entry.input == name]


@pytest.mark.parametrize(
    ("expression", "values"),
    [
        ("sum(inv(a) * c)", {"a": A, "c": C}),
        ("sum(solve(a, b) * d)", {"a": A, "b": B, "d": D}),
        ("det(a)", {"a": A}),
        ("det(a)", {"a": np.diag([1.0, 2.0, 3.0, 4.0]) + 0.5}),
        ("logdet(a)", {"a": A}),
        ("sum(cholesky(a)^2 * c)", {"a": K, "c": C}),
        ("trace(a @ a)", {"a": A}),
        ("sum(eigvalsh(a) * d)", {"a": K, "d": D}),
        ("eigvalsh(x @ x.T)[2]", {"x": A}),
        ("sum(diag(a)^3)", {"a": A}),
        ("sum(cumprod(b) * d)", {"b": np.array([2.0, 0.0, 3.0]), "d": D}),
        ("0.5 * b @ solve(a, b) + 0.5 * logdet(a)", {"a": K, "b": B}),
    ],
)
def test_right_to_second_order(expression: str, values: dict[str, Any]) -> None:
    assert check(expression, order=2, **values).verdict == "agree"


@every("kind", KINDS_OF_MATRIX)
@every(
    "expression, claim",
    [
        ("sum(inv(a) * c)", None),
        ("sum(inv(a) * c)", "a = -solve(a.T, c) @ inv(a).T"),
        ("sum(inv(a) * c)", "a = -(inv(a) @ c.T @ inv(a)).T"),
        ("sum(solve(a, b) * d)", "a = -outer(inv(a).T @ d, inv(a) @ b)"),
        ("sum(solve(a, b) * d)", "b = inv(a).T @ d"),
        ("det(a)", None),
        ("det(a)", "a = det(a) * inv(a).T"),
        ("logdet(a)", "a = cofactor(a) / det(a)"),
    ],
)
def test_right_formulas_of_other_forms_agree(expression: str, claim: str | None, kind: str) -> None:
    values = {name: value for name, value in {"b": B, "c": C, "d": D}.items() if f"{name})" in expression}
    values |= {"b": B} if "b" in expression and "solve" in expression else {}
    assert check(expression, claim, a=KINDS_OF_MATRIX[kind], **values).verdict == "agree"


@pytest.mark.parametrize("kind", KINDS_OF_MATRIX)
def test_no_right_claim_is_called_wrong_without_more_digits(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_float64_alone(monkeypatch)
    for expression, claim in [("logdet(a)", "a = cofactor(a) / det(a)"), ("det(a)", "a = det(a) * inv(a).T")]:
        assert check(expression, claim, a=KINDS_OF_MATRIX[kind]).verdict in ("agree", "cannot tell")


@pytest.mark.parametrize(
    ("expression", "claim", "mistake"),
    [
        ("sum(inv(a) * c)", "a = inv(a).T @ c @ inv(a).T", "sign"),
        ("sum(inv(a) * c)", "a = -inv(a) @ c @ inv(a)", "`inv(a)` should be `inv(a).T`"),
        ("logdet(a)", "a = inv(a)", "transposed"),
        ("det(a)", "a = det(a) * inv(a)", "transposed"),
        ("sum(inv(a) * c)", "a = -2 * inv(a).T @ c @ inv(a).T", "factor of 2"),
    ],
)
def test_wrong_claims_are_named(expression: str, claim: str, mistake: str) -> None:
    values = {"a": A, "c": C} if "c" in expression else {"a": A}
    report = check(expression, claim, **values)
    assert report.verdict == "disagree"
    assert mistake in next(line for line in str(report).splitlines() if "Mistake" in line)


def test_cholesky_is_a_function_of_the_lower_triangle() -> None:
    report = check("sum(cholesky(a) * c)", a=K, c=C)
    upper = [
        entry.claimed for entry in report.entries if entry.input == "a" and entry.index in ((0, 1), (1, 2))
    ]
    assert (report.verdict, upper) == ("agree", [0.0, 0.0])


def test_a_kernel_matrix_gives_what_it_is_made_of_the_same_gradient_either_way() -> None:
    by_lower = check("sum(cholesky(x @ x.T + e) * c)", x=A, e=np.eye(3), c=C)
    by_both = check("sum(cholesky((x @ x.T + (x @ x.T).T) / 2 + e) * c)", x=A, e=np.eye(3), c=C)
    gradients = [
        [entry.claimed for entry in one.entries if entry.input == "x"] for one in (by_lower, by_both)
    ]
    np.testing.assert_allclose(*gradients, rtol=1e-12)


def repeated_eigenvalue(rotated: bool) -> Any:
    basis = np.linalg.qr(C)[0] if rotated else np.eye(3)
    return basis @ np.diag([1.0, 1.0, 2.0]) @ basis.T


@every(
    "expression, matrix, verdict",
    [
        ("sum(eigvalsh(a))", np.eye(3), "agree"),
        ("sum(eigvalsh(a))", np.zeros((3, 3)), "agree"),
        ("sum(eigvalsh(a)^2)", np.eye(3), "agree"),
        ("sum(log(eigvalsh(a)))", repeated_eigenvalue(rotated=True), "agree"),
        ("eigvalsh(a)[2]", repeated_eigenvalue(rotated=True), "agree"),
        ("eigvalsh(a)[0]", np.eye(3), "cannot tell"),
        ("eigvalsh(a)[0]", np.zeros((2, 2)), "cannot tell"),
        ("eigvalsh(a)[1] * 2 + eigvalsh(a)[0]", repeated_eigenvalue(rotated=False), "cannot tell"),
    ],
)
def test_where_eigenvalues_are_equal_their_sum_alone_is_smooth(
    expression: str, matrix: Any, verdict: str
) -> None:
    assert check(expression, a=matrix).verdict == verdict


def test_the_gradient_of_an_eigenvalue_is_that_of_the_lower_triangle() -> None:
    vector = np.linalg.eigh(K)[1][:, 2]
    both = np.outer(vector, vector)
    lower = np.tril(both) + np.tril(both, -1)
    cases = [("eigvalsh(a)[2]", lower, "agree"), ("eigvalsh((a + a.T)/2)[2]", both, "agree")]
    for expression, gradient, verdict in [*cases, ("eigvalsh(a)[2]", both, "disagree")]:
        assert check(expression, f"a = {gradient.tolist()}", a=K).verdict == verdict


@pytest.mark.parametrize(
    ("expression", "matrix", "reason"),
    [
        ("sum(inv(a))", [[1.0, 2.0], [2.0, 4.0]], "singular"),
        ("logdet(a)", [[1.0, 2.0], [2.0, 4.0]], "singular"),
        ("sum(solve(a, [1, 2]))", [[1.0, 2.0], [2.0, 4.0]], "singular"),
        ("sum(cholesky(a))", [[1.0, 2.0], [2.0, 1.0]], "not positive definite"),
    ],
)
def test_a_matrix_without_a_value_is_outside_the_domain(expression: str, matrix: Any, reason: str) -> None:
    report = check(expression, a=np.array(matrix))
    assert report.verdict == "outside domain"
    assert reason in str(report)


@pytest.mark.parametrize("n", [2, 3, 4, 5])
def test_the_determinant_of_a_singular_matrix_is_smooth(n: int) -> None:
    assert check("det(a)", a=np.ones((n, n))).verdict == "agree"
