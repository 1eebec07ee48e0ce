"""NumPy on handles: every function and method is right, or refused."""

from __future__ import annotations

import inspect
import math  # noqa: F401 - the texts below use it
import re
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from rows_of_a_table import every
from tracing import assert_traced_right, refusal

import bpx
from bpx.graph.graph import OPS
from bpx.spec.trace.rules.building import add
from bpx.spec.trace.rules.ufuncs import UFUNCS
from bpx.spec.trace.tape import TraceError
from bpx.spec.trace.trace import trace_function

# ruff: noqa: E501

RNG = np.random.default_rng(0)
# Between 0.2 and 0.9 nearly every function is defined.
A, M = RNG.uniform(0.2, 0.9, (3, 4)), RNG.uniform(0.2, 0.9, (3, 4))
S, V = RNG.uniform(0.2, 0.9, (3, 3)), RNG.uniform(0.2, 0.9, 4)
W, T = RNG.uniform(0.2, 0.9, 4), RNG.uniform(0.2, 0.9, (2, 3, 4))
IDS = np.array([2, 0, 2])
MASK = np.array([[True, False, True, True], [False, True, False, True], [True, True, False, False]])

# --- what must be traced ------------------------------------------------------------------------

# Of: a (3, 4), s (3, 3), v (4,), t (2, 3, 4), c ().
TRACED = """
a + M; M - a; a * 2; 2 / a; a ** 2; a ** 2.5; 2 ** a; a // 0.17; -a; +a; abs(a - 0.5); a @ M.T; M.T @ a; a @ W
W @ a.T; a * a; a + a[0]; a * c; c - a; a - [1, 2, 3, 4]; [1.0, 2.0, 3.0, 4.0] * a; a * np.float32(2); a * np.int64(3)
a * True; a + np.array([1, 2, 3, 4]); a * MASK; 1 - (a > 0.5) * a; (a > 0.5) * 1.0 + a; ~(a > 0.5) * a
((a > 0.3) & (a < 0.7)) * a; ((a < 0.3) | (a > 0.7)) * a; a.T @ a; np.float64(3.0) * a; V * a; a / a.sum()
a ** np.arange(4); np.arange(12).reshape(3, 4) * a; c ** 3; c * c; abs(-c)
np.exp(a); np.log(a); np.sqrt(a); np.sin(a); np.cos(a); np.tan(a); np.sinh(a); np.cosh(a); np.tanh(a)
np.arcsin(a); np.arccos(a); np.arctan(a); np.expm1(a); np.log1p(a); np.log2(a); np.log10(a); np.square(a)
np.reciprocal(a); np.abs(a - 0.5); np.absolute(a - 0.5); np.fabs(a - 0.5); np.sign(a - 0.5) * a; np.floor(a * 3) * a
np.rint(a * 3) * a; np.trunc(a * 3) * a; np.fix(a * 3) * a; np.negative(a); np.positive(a); np.deg2rad(a); np.degrees(a)
np.arctan2(a, M); np.arctan2(M, a); np.power(a, M); np.power(M, a); np.float_power(a, 3); np.true_divide(a, M)
np.maximum(a, 0.5); np.minimum(0.5, a); np.maximum(a, M); np.fmax(a, M); np.fmin(a, M); np.maximum(a, a[0])
np.heaviside(a - 0.5, 0.5) * a; np.copysign(a, M - 0.5); np.copysign(M, a - 0.5) * a; np.fmod(a * 3, 0.7)
np.logaddexp2(a, M); np.sinc(a); np.sinc(a - a); np.conj(a); np.conjugate(a); np.real(a); np.nan_to_num(a)
np.add(a, M); np.subtract(M, a); np.multiply(a, 3); np.divide(a, M); np.add.reduce(a); np.add.reduce(a, axis=1)
np.multiply.reduce(a, axis=(0, 1)); np.maximum.reduce(a, axis=-1); np.minimum.reduce(a); np.add.accumulate(a, 1)
np.maximum.accumulate(a, axis=1); np.minimum.accumulate(v); np.multiply.outer(v, W); np.subtract.outer(W, v)
np.add(a, M, where=MASK, out=np.zeros((3, 4))); np.log(a, where=MASK, out=np.ones((3, 4)))
np.exp(a, out=np.empty((3, 4))); np.add(a, 1.0, dtype=np.float64)
np.sum(a); np.sum(a, 0); np.sum(a, axis=-1); np.sum(a, axis=(0, 1)); np.sum(t, axis=(0, -1)); np.sum(a, axis=1, keepdims=True)
np.sum(a, where=MASK); np.sum(a, 0, where=MASK); np.prod(a, 1, where=MASK); np.sum(a, out=np.zeros(()))
np.sum(a, axis=0, out=np.zeros(4)); np.sum([c, 2 * c, 3.0]); np.mean([a[0], a[1]]); np.sum([[c, 1], [2, c]], axis=0)
np.sum(a, dtype=float); a.sum(); a.sum(0); a.sum(axis=-1, keepdims=True); a.sum(np.int64(1)); c.sum()
np.mean(a); np.mean(a, 1); a.mean(); a.mean(0, keepdims=True); np.mean(t, axis=(1, 2)); np.prod(a, axis=1); a.prod()
np.max(a); np.max(a, axis=1); a.max(1, keepdims=True); np.amax(a, 0); np.amin(a); a.min(-1); np.ptp(a, axis=1)
np.max([c, 0.1, 2 * c]); np.var(a); np.var(a, 0, ddof=1); a.var(axis=1, ddof=1); np.std(a); np.std(a, axis=1, keepdims=True)
a.std(0, ddof=1); np.std(a, correction=1); np.median(a); np.median(a, axis=0); np.median(s, axis=1, keepdims=True)
np.median(t, axis=(0, 1)); np.percentile(a, 30); np.percentile(a, [25, 50, 75], axis=1); np.quantile(a, 0.3, axis=0)
np.quantile(a, [0.1, 0.6], keepdims=True); np.average(a); np.average(a, axis=1, weights=W); np.average(a, weights=M)
np.average(M, axis=0, weights=a); np.average(V, weights=v); np.cumsum(a); np.cumsum(a, axis=1); a.cumsum(0); np.cumulative_sum(v)
np.cumulative_sum(a, axis=1, include_initial=True); np.nansum(a, 0); np.nanmean(a, axis=1); np.nanmax(a); np.nanmin(a, 0)
np.nanstd(a); np.nanvar(a, axis=0); np.nanprod(v); np.nanmedian(a, axis=0); np.nanpercentile(v, 30); np.nancumsum(v)
np.nansum(np.where(MASK, a, np.nan), axis=0); np.nanmean(np.where(MASK, a, np.nan)); np.nanmax(np.where(MASK, a, np.nan))
np.cov(a); np.cov(v, W); np.cov(a, rowvar=False); np.cov(a, bias=True); np.cov(a, ddof=0); np.corrcoef(a); np.corrcoef(v, W)
np.diff(a); np.diff(a, 2, axis=0); np.diff(a, axis=0); np.diff(v, prepend=0.0); np.diff(v, prepend=c, append=[1, 2])
np.ediff1d(a); np.ediff1d(v, to_begin=0.0, to_end=1.0); np.gradient(v); np.gradient(a, axis=0); np.gradient(v, 0.5)
np.gradient(a)[1]; np.gradient(a, 0.1, axis=-1); np.trapezoid(v); np.trapezoid(v, dx=0.1); np.trapezoid(v, [0, 1, 3, 4])
np.trapezoid(W, v); np.trapezoid(a, axis=0); np.interp(v, [0.0, 0.5, 1.0], [1.0, 3.0, 2.0]); np.interp(0.4, [0, 1], v[:2])
np.interp([-1.0, 0.3, 2.0], [0.0, 0.5, 1.0], v[:3], left=7.0); np.interp(c, [0.0, 0.4, 1.0], v[:3]); np.interp(0.3, v.cumsum(), W)
np.clip(a, 0.3, 0.6); np.clip(a, None, 0.6); np.clip(a, 0.4, None); a.clip(0.3, 0.6); a.clip(min=0.4); np.clip(a, M, 1.0)
np.clip(M, a, 0.9); np.clip(a, min=0.3, max=0.5); np.clip(a, 0.6, 0.3) + a; np.round(a, 1) + a; a.round() + a
np.round(45 * a, -1) + a; a.round(-2) + a
np.where(a > 0.5, a, 0.0); np.where(MASK, a, M); np.where(MASK, 1, a); np.where(a > 0.5, a ** 2, -a); np.where(MASK, a, [1, 2, 3, 4])
np.select([a > 0.7, a > 0.4], [a, 2 * a], 0.0); np.select([MASK], [a]); np.choose(IDS, [a[0, :3], a[1, :3], a[2, :3]])
np.piecewise(v, [v < 0.5, v >= 0.5], [lambda x: x ** 2, lambda x: 3 * x]); np.piecewise(v, [v < 0.5], [0.0, lambda x: x])
np.dot(a, M.T); np.dot(M, a.T); np.dot(v, W); np.dot(v, v); np.dot(a, 2); np.dot(3.0, a); np.dot(t, a.T); np.dot(t, W); a.dot(W)
np.inner(a, M); np.inner(v, W); np.inner(a, 2.0); np.outer(v, W); np.outer(a, [1, 2]); np.vdot(a, M); np.matmul(a, M.T); np.matmul(t, a.T)
np.tensordot(a, M); np.tensordot(a, M, axes=([1], [1])); np.tensordot(t, M, axes=2); np.tensordot(v, W, axes=0); np.kron(s, M)
np.kron(v, W); np.kron(c, 2.0); np.cross(a[:, :3], M[:, :3]); np.cross(s, s[::-1]); np.cross(v[:3], [1, 2, 3]); np.cross(s, M[:, :3].T, axis=0)
np.einsum("ij,kj->ik", a, M); np.einsum("ij->j", a); np.einsum("ij->ji", a); np.einsum("ij", a); np.einsum("ij,ij", a, M)
np.einsum("...j,j->...", t, W); np.einsum("...ij->...ji", t); np.einsum("i,j,ij->", a[:, 0], v, M); np.einsum("ij,jk,kl->il", s, a, M.T)
np.einsum("...i,...i", a, v); np.einsum("ii", s); np.einsum("ii->i", s); np.einsum("ii,jk->jk", s, a); np.einsum("i,i,i", v, v, W); np.logaddexp.reduce(v); np.logaddexp.reduce(a, axis=1); np.einsum("bij,kj->bik", t, a, optimize=True); np.vecdot(a, M); np.matvec(a, W); np.vecmat(W[:3], a)
np.convolve(v, W); np.convolve(v, [1, 0, -1], "same"); np.convolve(v, [1, 2], mode="valid"); np.convolve([1, 2], v, "same")
np.convolve(W, v[:3], "valid"); np.correlate(v, W); np.correlate(v, [1, 2, 3], "same"); np.correlate([1.0, 2.0], v, "full")
np.correlate([1.0, 2.0, 3.0], v, "valid"); np.correlate([1.0, 2.0], v, "same"); np.polyval(v, 0.5); np.polyval([1, 2, 3], v); np.vander(v, 3)
np.vander(v, increasing=True); np.linspace(c, 2.0, 5); np.linspace(0, c, 4, endpoint=False); np.trace(s); s.trace(); np.trace(a, offset=1)
np.linalg.norm(a); np.linalg.norm(v); np.linalg.norm(v, 1); np.linalg.norm(v, np.inf); np.linalg.norm(a, axis=1); np.linalg.norm(a, "fro")
np.linalg.norm(a, axis=-1, keepdims=True); np.linalg.norm(a, 1); np.linalg.norm(a, np.inf); np.linalg.norm(t, axis=(1, 2)); np.linalg.norm(t)
np.linalg.norm(a, -1); np.linalg.norm(a, 1, axis=1); np.linalg.norm(a, keepdims=True); np.linalg.norm([c, 2.0])
np.linalg.matrix_norm(t); np.linalg.vector_norm(a); np.linalg.vector_norm(a, axis=1, ord=1); np.linalg.matrix_power(s, 3); np.linalg.matrix_power(s, 0) + s
np.linalg.multi_dot([s, a, M.T]); np.linalg.trace(t[:, :, :3]); np.linalg.outer(v, W); np.linalg.cross(s, M[:, :3]); np.linalg.vecdot(a, M)
np.linalg.matmul(a, M.T); np.linalg.tensordot(a, M); np.linalg.diagonal(t)
a[0]; a[1, 2]; a[:, 1]; a[::-1]; a[..., None]; a[1:, ::2]; a[-1]; a[IDS]; a[[0, 2]]; a[IDS, [1, 1, 3]]; a[MASK]; a[a > 0.5]; a[np.arange(3), IDS]
a[:, IDS]; a[np.ix_([0, 2], [1, 3])]; a[None]; a[np.newaxis, :, 0]; a[(0, 1)]; t[..., 0]; t[:, IDS, :]; t[1, IDS]; a[[True, False, True]]
a[np.int64(1)]; a[np.argmax(a[:, 0])]; v[np.argsort(v)]; a[1:1].sum() + a; c[()]; c[None]; v[-2:]; a[IDS][:, 0]; a.T[1:]; t[:, None, 1]
a.T; a.reshape(4, 3); a.reshape(-1); a.reshape((2, 6)); a.ravel(); a.flatten(); a.flatten("F"); a.ravel("F"); a.reshape(6, 2, order="F"); np.reshape(a, -1)
a.transpose(); a.transpose(1, 0); t.transpose(2, 0, 1); t.transpose((1, 0, 2)); np.transpose(t, (2, 1, 0)); t.swapaxes(0, 2); np.moveaxis(t, 0, -1)
np.rollaxis(t, 2); np.squeeze(a[None]); a[None].squeeze(0); np.expand_dims(a, (0, 2)); np.atleast_1d(c); np.atleast_2d(v); np.atleast_3d(a)
np.broadcast_to(v, (3, 4)); np.broadcast_arrays(v, M)[0] * M; np.flip(a); np.flip(a, 1); np.fliplr(a); np.flipud(a); np.rot90(a); np.rot90(a, k=3)
np.roll(a, 1); np.roll(a, 1, axis=1); np.roll(a, (1, 2), (0, 1)); np.repeat(a, 2); np.repeat(a, [1, 2, 0], axis=0); a.repeat(2, 1); np.tile(v, 3); np.tile(a, (2, 1))
np.take(a, IDS); np.take(a, IDS, axis=1); a.take([0, 1]); np.take_along_axis(a, np.argsort(a, 1), 1); np.resize(v, 6); np.resize(v, (2, 4))
np.diagonal(s); np.diag(s); np.diag(v); np.diag(v, 1); np.diagflat(v); s.diagonal(1); np.compress([1, 0, 1], a, axis=0); a.compress([True, False, True], axis=0)
np.extract(a > 0.5, a); np.delete(v, 1); np.delete(a, [0, 1], axis=1); np.insert(v, 1, 5.0); np.insert(v, [0, 2], c); np.insert(a, 1, V, axis=0)
np.insert(V, 1, c); np.insert(v, 2, [1, 2]); np.append(v, 1.0); np.append(v, [1, 2]); np.append(a, M, axis=0); np.append(V, v); np.append([1, 2], v)
np.tril(a); np.triu(a, 1); np.tril(s, -1); np.concatenate([a, M]); np.concatenate([a, M], axis=1); np.concatenate((v, [1, 2], [3.5])); np.concatenate([v, np.arange(3)])
np.concatenate([np.ones(2, dtype=int), v]); np.concatenate([v, v[:2], MASK[0]]); np.concatenate([a, a], axis=None); np.concatenate([a[None], [[[1, 2, 3, 4]]]], axis=1)
np.stack([v, W]); np.stack([v, W], axis=1); np.stack([c, 1.0, 2]); np.vstack([a, v]); np.vstack([v, np.arange(4)]); np.hstack([v, 1.0]); np.hstack([a, M])
np.dstack([a, M]); np.column_stack([v, W]); np.column_stack([np.ones(4), v]); np.block([[a, M], [M, a]]); np.block([[s, np.zeros((3, 1))], [np.ones((1, 4))]])
np.split(a, 2, axis=1)[1]; np.array_split(v, 3)[0]; np.hsplit(a, 2)[0]; np.vsplit(a, [1])[1]; np.unstack(a)[1]; np.meshgrid(v, W)[0]; np.meshgrid(v, [1, 2], indexing="ij")[0]
np.lib.stride_tricks.sliding_window_view(v, 2); np.lib.stride_tricks.sliding_window_view(a, (2, 2)).sum((2, 3)); np.lib.stride_tricks.as_strided(v, (3, 2), (8, 8))
np.fft.fftshift(v); np.fft.ifftshift(a, axes=1); np.pad(v, 1); np.pad(a, 1); np.pad(a, ((1, 0), (0, 2))); np.pad(v, 2, mode="edge"); np.pad(v, 2, mode="reflect"); np.pad(v, 1, "wrap")
np.pad(a, 1, constant_values=3.0); np.pad(a, 1, "symmetric"); np.sort(a); np.sort(a, axis=0); np.sort(a, axis=None); np.partition(v, 2)[:2].sum() + v; np.sort(v)[::-1]
np.r_[v, 1.0, W]; np.r_[1, v]; np.r_[v, 0:3]; np.c_[v, W]; np.c_[np.ones(4), v]; np.c_[a, a[:, 0]]; np.c_[a, [1, 2, 3]]; np.r_[a, M]
np.array([c, 2 * c]); np.array([v, W]); np.array(a); np.asarray(a); np.array([[c, 0], [0, c]]); np.array([v[0], 1, v[1] * v[2]]); np.array(v, dtype=float); np.array([c], ndmin=2)
np.asarray([a[0], a[1]]); np.copy(a); a.copy(); a.astype(float); a.astype(np.float64); np.array((c, c)); np.ascontiguousarray(a.T); np.array(c) * 2
np.zeros_like(a) + a; np.ones_like(a) * a; np.full_like(a, 2.0) * a; np.full(3, c); np.full((2, 2), 1.5) * c; np.empty_like(a) * 0 + a; np.eye(3) * s; np.full_like(M, c)
np.vectorize(lambda x: x * x)(v); np.vectorize(lambda x, y: x if x > y else y)(v, 0.5); np.apply_along_axis(lambda r: r / r.sum(), 1, a); np.apply_along_axis(np.sum, 0, a)
np.apply_along_axis(lambda r: r[:2] * 2, 0, a); np.modf(a * 3)[0]; math.exp(c); math.log(c); math.sqrt(c) * math.sin(c); math.erf(c); math.pow(c, 3); math.log(c, 2)
math.hypot(c, 2.0); math.fsum([c, c * c]); math.prod([c, c, 2.0]); math.floor(c * 3) * c; math.tanh(c); math.atan2(c, 1.0); math.dist([c, 0.0], [1.0, 2.0]); math.isnan(c) + c
sum([c, c * c]); max(c, 0.1); min([c, 0.9]); sum(v); sum(a); sorted([c, 0.1, 2 * c])[1]; max(v); abs(c - 2); pow(c, 2); round(c) + c; round(c, 2) + c
float(c) if False else c; len(a) * a; a.size * c; a.shape[1] * c; np.shape(a)[0] * c; np.size(a) * c; a.ndim * c; [x * x for x in v][2]; sum(x * y for x, y in zip(v, W))
np.sum(a, where=MASK, initial=2.0); np.mean(a, axis=0, where=MASK); np.max(a, initial=0.5); np.max(a, axis=1, where=MASK, initial=0.1); np.min(a, initial=0.5)
np.sum(v, initial=c); a.max(initial=0.4); np.prod(v, initial=2.0); np.bincount([0, 1, 1, 0], v); np.bincount([0, 2, 0, 1], weights=v, minlength=5)
sum(e * i[0] for i, e in np.ndenumerate(a)); {c: c}[c]; np.array(list(a.flat)); a.flat[3] * c; next(iter(a.flat))
np.linalg.norm(a - M) ** 2 / a.size; a.dtype.itemsize * c; np.isscalar(c) * c; (a.argmax() + 1) * c; np.allclose(a, a) * c; (0.5 in v) + c; np.finfo(a.dtype).eps + c; np.iterable(v) * c
np.count_nonzero(a > 0.5) * c; np.any(a > 0.8) * c; (a > 0.2).all() * c; np.isnan(a) * 1.0 + a; np.where(np.isfinite(a), a, 0.0); np.nonzero(a > 0.5)[0].sum() * c; np.argmax(a, axis=1) * c
"""
# The same where bpx has the op.
WITH_OP = {
    "mod": "np.divmod(a, 0.3)[1] * a; divmod(c, 0.3)[1] * c; a % 0.3; np.mod(a, M); np.remainder(a * 3, 0.7); divmod(1.0, c)[1]",
    "ceil": "np.ceil(a) * a; math.ceil(c) * c",
    "cbrt": "np.cbrt(a); math.cbrt(c)",
    "exp2": "np.exp2(a); math.exp2(c)",
    "asinh": "np.arcsinh(a); np.asinh(a)",
    "acosh": "np.arccosh(a + 1)",
    "atanh": "np.arctanh(a)",
    "hypot": "np.hypot(a, M); np.hypot(3, a)",
    "logaddexp": "np.logaddexp(a, M); np.logaddexp(0, a); np.logaddexp.outer(v, W)",
    "cumprod": "np.cumprod(v); np.cumprod(a, axis=1); a.cumprod(0); np.cumprod(a); np.cumulative_prod(v); np.nancumprod(v)",
    "inv": "np.linalg.inv(s); np.linalg.inv(s) @ a; np.linalg.matrix_power(s, -2)",
    "solve": "np.linalg.solve(s, a); np.linalg.solve(s, M[:, 0]); np.linalg.solve(S, a); np.linalg.solve(S, v[:3])",
    "det": "np.linalg.det(s)",
    "logdet": "np.linalg.slogdet(s @ s.T + np.eye(3))[1]; np.linalg.slogdet(s @ s.T + np.eye(3)).logabsdet",
    "cholesky": "np.linalg.cholesky(s @ s.T + np.eye(3))",
    "eigvalsh": "np.linalg.eigvalsh(s); np.linalg.eigvalsh(s, 'U')[0]; np.linalg.eigvalsh(a.T @ a, UPLO='L')",
}
# In here arrays stay plain while a function is traced; those that the module names become handles.
PLAIN = SimpleNamespace(M=M, W=W, V=V, S=S, IDS=IDS, MASK=MASK, turned=S[::-1] * 0.9)
ARGS = {"a": A, "s": S, "v": V, "t": T, "c": np.array(0.453)}


def texts() -> list[str]:
    lines = [*TRACED.strip().splitlines(), *(line for op, line in WITH_OP.items() if op in OPS)]
    return [text.strip() for line in lines for text in line.split(";") if numpy_has(text)]


def numpy_has(text: str) -> bool:
    """Whether the NumPy that is installed, which may be an old one, has what the text names."""
    if "np.clip(a, min=" in text and "min" not in inspect.signature(np.clip).parameters:
        return False
    return all(hasattr(np, name) for name in re.findall(r"\bnp\.(\w+)", text))


def function_of(text: str) -> tuple[Callable[..., Any], dict[str, Any]]:
    """The text as a function of those of a, s, v, t and c that it uses."""
    code = compile(text, "<text>", "eval")
    names = [name for name in ARGS if name in _names(code)]
    # In the globals of this module, where `np` is what tracing replaces.
    function = eval(f"lambda {', '.join(names)}: {text}", globals())
    return function, {name: ARGS[name] for name in names}


def _names(code: Any) -> set[str]:
    inner = (_names(const) for const in code.co_consts if inspect.iscode(const))
    return set(code.co_names) | set(code.co_freevars) | set().union(*inner)


@pytest.mark.filterwarnings("ignore:numpy.fix is deprecated:DeprecationWarning")  # NumPy 2.5
@every("text", texts())
def test_this_is_traced_and_right(text: str) -> None:
    function, inputs = function_of(text)
    assert_traced_right(function, inputs)


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
@every("decimals", [400, -400])
def test_a_power_of_ten_that_is_no_float_leaves_no_number_as_in_numpy(decimals: int) -> None:
    assert np.isnan(np.round(A, decimals)).all()
    with pytest.raises(bpx.BpxError) as caught:
        bpx.trace(lambda a: np.sum(np.round(a, decimals)), A).explain()
    assert caught.value.diagnostics[0].code == "not-finite"


@every("text", [text for text in texts() if re.search(r"\b[MWVS]\b", text)])
def test_plain_arrays_meet_handles(text: str) -> None:
    function, inputs = function_of(re.sub(r"\b(M|W|V|S|IDS|MASK)\b", r"PLAIN.\1", text))
    assert_traced_right(function, inputs)


# --- what must be right or refused --------------------------------------------------------------

# These open files, change settings of NumPy or print.
NOT_ABOUT_NUMBERS = {
    *["test", "info", "show_config", "show_runtime", "save", "savez", "savez_compressed", "savetxt", "load"],
    *["loadtxt", "genfromtxt", "fromfile", "memmap", "setbufsize", "seterr", "seterrcall", "get_include"],
    *["set_printoptions", "errstate", "printoptions", "from_dlpack", "bmat", "asmatrix", "matrix"],
}
NAMES = [
    *(f"np.{name}" for name in sorted(set(np.__all__) - NOT_ABOUT_NUMBERS)),
    *(f"np.linalg.{name}" for name in np.linalg.__all__),
    *(f"np.fft.{name}" for name in np.fft.__all__),
]
POINTS = {"square": S, "vector": V, "number": np.array(0.7)}


def patterns(f: Callable[..., Any]) -> Iterator[tuple[str, Callable[[Any], Any]]]:
    """Ways to call a function; constants are copied, for a third arg may be `out`."""
    m, w = PLAIN.turned, PLAIN.W
    yield "square", lambda x: f(x)
    yield "vector", lambda x: f(x)
    yield "number", lambda x: f(x)
    yield "square", lambda x: f(x, m.copy())
    yield "square", lambda x: f(m.copy(), x)
    yield "vector", lambda x: f(x, w.copy())
    yield "vector", lambda x: f(w.copy(), x)
    yield "vector", lambda x: f(x, x)
    yield "square", lambda x: f(x, 1)
    yield "vector", lambda x: f(x, 2)
    yield "number", lambda x: f(2.0, x)
    yield "square", lambda x: f(x, 0, 1)
    yield "square", lambda x: f(x, axis=0)
    yield "square", lambda x: f(x, axis=-1, keepdims=True)
    yield "square", lambda x: f(x, axis=(0, 1))
    yield "vector", lambda x: f([x, x])
    yield "vector", lambda x: f([x, 2 * x], axis=-1)
    yield "vector", lambda x: f(x, w.copy(), x + 1)
    yield "vector", lambda x: f(x, np.array([0, 1]))
    yield "vector", lambda x: f(x, [1, 2, 3, 4])
    yield "square", lambda x: f(x > 0.5, x, 0.0)
    yield "square", lambda x: f(x, dtype=np.float64)
    yield "square", lambda x: f(x, out=np.zeros((3, 3)))
    yield "square", lambda x: f(x, where=x > 0.5)


def as_array(result: Any) -> Any:
    """A number for lists of results."""
    if isinstance(result, list | tuple):
        return sum((number + 1.5) * np.sum(part * 1.0) for number, part in enumerate(result))
    return result


def usable(function: Callable[[Any], Any], x: Any) -> bool:
    """Whether NumPy itself returns numbers, the same ones twice."""
    try:
        with np.errstate(all="ignore"):
            first, second = (np.asarray(as_array(function(x.copy()[()]))) for _ in range(2))
    except Exception:
        return False
    if first.dtype.kind not in "fiub" or not 0 < first.size <= 200:
        return False
    return np.array_equal(first, second) and bool(np.all(np.isfinite(first.astype(float))))


@pytest.mark.filterwarnings("ignore")
@every("name", NAMES)
def test_a_function_is_right_or_refused(name: str) -> None:
    function = eval(name, {"np": np})
    if not callable(function):
        pytest.skip("no function")
    for point, pattern in patterns(function):
        x = POINTS[point]
        if usable(pattern, x):
            refusal(lambda x, pattern=pattern: as_array(pattern(x)), {"x": x})


METHODS = sorted(name for name in dir(np.ndarray) if not name.startswith("_"))


@pytest.mark.filterwarnings("ignore")
@every("name", METHODS)
def test_a_method_is_right_or_refused(name: str) -> None:
    if not callable(getattr(S, name, None)):
        pytest.skip("no method")
    for point, pattern in patterns(lambda x, *args, **settings: getattr(x, name)(*args, **settings)):
        if usable(pattern, POINTS[point]):
            refusal(lambda x, pattern=pattern: as_array(pattern(x)), {"x": POINTS[point]})


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_rule_that_is_wrong_is_refused(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sine = UFUNCS[np.sin]
    monkeypatch.setitem(UFUNCS, np.sin, lambda x: add("mul", sine(x), 1.001))
    with pytest.raises(TraceError) as caught:
        trace_function(lambda x: np.sin(x), {"x": V.astype(dtype)})
    assert caught.value.diagnostics[0].code == "trace-differs"


@pytest.mark.parametrize("dtype", [np.float32, np.float16])
def test_short_floats_are_traced(dtype: Any) -> None:
    def function(x: Any) -> Any:
        hidden = np.tanh(x @ x.T + np.ones(3, dtype=dtype)).astype(np.float32)
        return np.mean(hidden**2, axis=0) - np.log(x.sum())

    traced = trace_function(function, {"x": S.astype(dtype)})
    assert traced.graph.graph.shapes[traced.graph.output] == (3,)


def test_sinc_is_an_op_rather_than_a_quotient():
    assert "sinc(x)" in str(
        bpx.trace(lambda x: np.sum(np.sinc(x)), np.array([0.3, 0.0])).explain(check=False)
    )
