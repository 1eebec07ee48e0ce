"""Cases for layers: linear, normalised, dropped out, attention."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from oracle import elementwise, mp, torch

CASES = [  # op, shapes of its args, settings
    *[
        ("linear", [(*lead, n), (n, m), (m,) if with_bias else ()], {})
        for lead in [(), (2,), (4,), (2, 3), (2, 1, 2)]
        for n, m in [(1, 1), (3, 2), (4, 4)]  # sides as long as the batches
        for with_bias in (True, False)
    ],
    *[
        ("batch_norm", [shape, shape[1:2] if at != 1 else (), shape[1:2] if at != 2 else ()], settings)
        for shape in [(3, 1), (3, 2), (4, 4), (2, 2, 3), (1, 2, 3), (2, 3, 2, 2), (4, 1, 1, 1)]
        for at, settings in enumerate([{}, {"eps": 0.1}, {"eps": 1e-3}])
    ],
    *[
        ("layer_norm", [shape, shape[-1:] if at != 1 else (), shape[-1:] if at != 2 else ()], settings)
        for shape in [(3,), (1, 4), (2, 3), (4, 4), (2, 2, 3), (1, 3, 3), (2, 1, 2, 3)]
        for at, settings in enumerate([{}, {"eps": 0.1}, {"eps": 1e-3}])
    ],
    *[
        ("rms_norm", [shape, shape[-1:] if at else ()], settings)
        for shape in [(3,), (1, 2), (2, 3), (4, 4), (2, 1, 2, 3)]
        for at, settings in enumerate([{}, {"eps": 0.1}])
    ],
    *[
        ("group_norm", [shape, shape[1:2] if at != 1 else (), shape[1:2] if at != 2 else ()], settings)
        for shape in [(2, 4), (1, 2, 3), (4, 4, 4), (2, 4, 2, 2)]
        for at, settings in enumerate([{"groups": 1}, {"groups": 2, "eps": 0.1}, {"groups": 2}])
    ],
    *[
        ("instance_norm", [shape, shape[1:2] if at != 1 else (), shape[1:2] if at != 2 else ()], settings)
        for shape in [(1, 2, 3), (4, 4, 4), (2, 3, 2, 2)]
        for at, settings in enumerate([{}, {"eps": 0.1}, {"eps": 1e-3}])
    ],
    *[
        (
            "batch_norm_inference",
            [shape, *[shape[1:2]] * 2, shape[1:2] if at else (), shape[1:2] if at != 1 else ()],
            settings,
        )
        for shape in [(3, 2), (4, 4), (1, 2, 3), (2, 3, 2, 2)]
        for at, settings in enumerate([{}, {"eps": 0.1}, {"eps": 1e-3}])
    ],
    *[
        ("dropout", [shape, shape[start:]], settings)
        for shape, start in [
            ((), 0),
            ((3,), 0),
            ((2, 3), 0),
            ((2, 3), 1),
            ((4, 4), 0),
            ((2, 3, 4), 1),
            ((2, 3), 2),
        ]
        for settings in [{}, {"p": 0.25}, {"p": 0}]
    ],
    *[
        (
            "attention",
            [(*lead, length, width), (*lead, others, width), (*lead, others, out)],
            {"causal": causal},
        )
        for lead, causal in [((), False), ((), True), ((2,), True), ((2, 1), False)]
        for length, others, width, out in [
            (1, 1, 1, 1),
            (2, 3, 2, 1),
            (3, 2, 1, 2),
            (3, 3, 3, 3),
            (4, 4, 4, 4),
        ]
    ],
    ("attention", [(2, 2), (3, 2), (3, 4)], {}),
]


def _draw_dropout(rng: Any, shapes: Any) -> list[Any]:
    return [rng.normal(size=shapes[0]), rng.integers(0, 2, shapes[1]) * 1.0]


def _draw_statistics(rng: Any, shapes: Any) -> list[Any]:
    x, mean, var, *others = shapes
    drawn = [rng.normal(size=x), rng.normal(size=mean), rng.uniform(0.3, 2, var)]
    return [*drawn, *(rng.uniform(0.3, 2, shape) for shape in others)]


DRAWS = {"dropout": _draw_dropout, "batch_norm_inference": _draw_statistics}


_exp, _sqrt = elementwise(np.exp, mp.exp), elementwise(np.sqrt, mp.sqrt)


def _normalised(x: Any, axes: tuple[int, ...], eps: float) -> Any:
    deviations = x - np.mean(x, axis=axes, keepdims=True)
    return deviations / _sqrt(np.mean(deviations * deviations, axis=axes, keepdims=True) + eps)


def _batch_norm(x: Any, g: Any, b: Any, eps: float = 1e-5) -> Any:
    g, b = (np.reshape(one, (-1, *[1] * (x.ndim - 2))) for one in (g, b))
    return g * _normalised(x, (0, *range(2, x.ndim)), eps) + b


def _rms_norm(x: Any, g: Any, eps: float = float(np.finfo(float).eps)) -> Any:
    return g * x / _sqrt(np.mean(x * x, axis=-1, keepdims=True) + eps)


def _group_norm(x: Any, g: Any, b: Any, groups: int, eps: float = 1e-5) -> Any:
    rows = np.reshape(x, (len(x), groups, -1))
    g, b = (np.reshape(one, (-1, *[1] * (x.ndim - 2))) for one in (g, b))
    return g * np.reshape(_normalised(rows, (2,), eps), x.shape) + b


def _batch_norm_inference(x: Any, mean: Any, var: Any, g: Any, b: Any, eps: float = 1e-5) -> Any:
    mean, var, g, b = (np.reshape(one, (-1, *[1] * (x.ndim - 2))) for one in (mean, var, g, b))
    return g * (x - mean) / _sqrt(var + eps) + b


def _attention(q: Any, k: Any, v: Any, causal: bool = False) -> Any:
    root = _sqrt(np.asarray(q.shape[-1]).astype(q.dtype))
    weights = _exp(q @ np.swapaxes(k, -1, -2) / root)
    if causal:
        weights = weights * np.tri(*weights.shape[-2:])
    return weights / np.sum(weights, axis=-1, keepdims=True) @ v


TENSORS: dict[str, Callable[..., Any]] = {
    "linear": lambda x, W, b: x @ W + b,
    "batch_norm": _batch_norm,
    "layer_norm": lambda x, g, b, eps=1e-5: g * _normalised(x, (-1,), eps) + b,
    "rms_norm": _rms_norm,
    "group_norm": _group_norm,
    "instance_norm": lambda x, g, b, eps=1e-5: _group_norm(x, g, b, x.shape[1], eps),
    "batch_norm_inference": _batch_norm_inference,
    "dropout": lambda x, mask, p=0.5: x * mask / (1 - p),
    "attention": _attention,
}


# --- as torch functions -------------------------------------------------------------------------


def torch_functions() -> dict[str, Callable[..., Any]]:
    """Op name → torch function."""
    functional = torch().nn.functional
    return {
        "linear": lambda x, W, b: functional.linear(x, W.T, b.expand(W.shape[1])),
        "batch_norm": lambda x, g, b, eps=1e-5: functional.batch_norm(
            x, None, None, _for_each_channel(g, x), _for_each_channel(b, x), training=True, eps=eps
        ),
        "layer_norm": lambda x, g, b, eps=1e-5: functional.layer_norm(
            x, x.shape[-1:], g.expand(x.shape[-1]), b.expand(x.shape[-1]), eps
        ),
        "rms_norm": lambda x, g, eps=None: functional.rms_norm(x, x.shape[-1:], g.expand(x.shape[-1]), eps),
        "group_norm": lambda x, g, b, groups, eps=1e-5: functional.group_norm(
            x, groups, _for_each_channel(g, x), _for_each_channel(b, x), eps
        ),
        "instance_norm": lambda x, g, b, eps=1e-5: functional.instance_norm(
            x, None, None, _for_each_channel(g, x), _for_each_channel(b, x), eps=eps
        ),
        "batch_norm_inference": _torch_batch_norm_inference,
        "dropout": lambda x, mask, p=0.5: x * mask / (1 - p),  # torch's own draws its masks itself
        "attention": _torch_attention,
    }


def _for_each_channel(parameter: Any, x: Any) -> Any:
    # Not a view: batch_norm reads past the end of an expanded number.
    return parameter.expand(x.shape[1]).contiguous()


def _torch_attention(q: Any, k: Any, v: Any, causal: bool = False) -> Any:
    attention = torch().nn.attention
    with attention.sdpa_kernel(attention.SDPBackend.MATH):  # the others have no second derivatives
        return torch().nn.functional.scaled_dot_product_attention(q, k, v, is_causal=causal)


def _torch_batch_norm_inference(x: Any, mean: Any, var: Any, g: Any, b: Any, eps: float = 1e-5) -> Any:
    # torch's own takes no gradient of the statistics.
    mean, var, g, b = (one.reshape(-1, *[1] * (x.ndim - 2)) for one in (mean, var, g, b))
    return g * (x - mean) / (var + eps).sqrt() + b
