"""Rows at random settings against PyTorch's own functions: gradients and all second derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import oracle
import pytest
from rows_of_a_table import every

from bpx.graph.graph import OPS, Graph
from bpx.graph.run import run
from bpx.passes.reverse import grad

Draw = tuple[
    list[Any], dict[str, Any], Callable[..., Any]
]  # args, settings, and torch's function of the args
DRAWS_OF_EACH = 2


def _int(rng: Any, low: int, high: int) -> int:
    return int(rng.integers(low, high + 1))


def _flag(rng: Any) -> bool:
    return bool(rng.random() < 0.5)


def _reduction(rng: Any) -> str:
    return str(rng.choice(["mean", "sum", "none"]))


def _max_pool(rng: Any, f: Any) -> Draw:
    settings = _windows(rng) | {"dilation": _int(rng, 1, 2)}
    x = rng.permutation(2 * 7 * 6).reshape(1, 2, 7, 6) / 10.0
    return [x], settings, lambda x: f.max_pool2d(x, settings["size"], *_rest(settings, "dilation"))


def _windows(rng: Any) -> dict[str, Any]:
    size = [_int(rng, 1, 3), _int(rng, 1, 3)]
    return {
        "size": size,
        "stride": _int(rng, 1, 3),
        "padding": [_int(rng, 0, k // 2) for k in size],
        "ceil_mode": _flag(rng),
    }


def _rest(settings: dict[str, Any], *between: str) -> list[Any]:
    return [settings[name] for name in ("stride", "padding", *between, "ceil_mode")]


def _avg_pool(rng: Any, f: Any) -> Draw:
    settings = _windows(rng) | {"count_include_pad": _flag(rng)}
    theirs = [settings["size"], *_rest(settings), settings["count_include_pad"]]
    return [rng.normal(size=(1, 2, 7, 6))], settings, lambda x: f.avg_pool2d(x, *theirs)


def _adaptive(name: str) -> Callable[[Any, Any], Draw]:
    def draw(rng: Any, f: Any) -> Draw:
        size = [_int(rng, 1, 5), _int(rng, 1, 5)]
        theirs = getattr(f, f"{name}2d")
        return [rng.normal(size=(2, 1, 5, 6))], {"size": size}, lambda x: theirs(x, size)

    return draw


def _transposed(axes: int) -> Callable[[Any, Any], Draw]:
    def draw(rng: Any, f: Any) -> Draw:
        groups, stride, dilation = _int(rng, 1, 2), _int(rng, 1, 3), _int(rng, 1, 2)
        kernel = [_int(rng, 1, 3) for _ in range(axes)]
        settings = {
            "stride": stride,
            "padding": min(_int(rng, 0, 1), min(dilation * (k - 1) for k in kernel)),
            "output_padding": _int(rng, 0, max(stride, dilation) - 1),
            "groups": groups,
            "dilation": dilation,
        }
        per_group = _int(rng, 1, 2)
        x = rng.normal(size=(2, 2 * groups, *[3] * axes))
        w = rng.normal(size=(2 * groups, per_group, *kernel))
        theirs = getattr(f, f"conv_transpose{axes}d")
        return [x, w, rng.normal(size=per_group * groups)], settings, lambda *args: theirs(*args, **settings)

    return draw


def _resize(rng: Any, f: Any) -> Draw:
    size, mode = [_int(rng, 1, 7), _int(rng, 1, 7)], str(rng.choice(["bilinear", "nearest"]))
    corners = mode == "bilinear" and _flag(rng)
    theirs = {"size": size, "mode": mode, **({"align_corners": corners} if mode == "bilinear" else {})}
    settings = {"size": size, "mode": mode, "align_corners": corners}
    return [rng.normal(size=(1, 2, 4, 3))], settings, lambda x: f.interpolate(x, **theirs)


def _pad(rng: Any, f: Any) -> Draw:
    mode = str(rng.choice(["reflect", "edge", "wrap"]))
    first, second = ([_int(rng, 0, 2), _int(rng, 0, 2)] for _ in range(2))
    settings = {"width": [[0, 0], [0, 0], first, second], "mode": mode}
    theirs = {"reflect": "reflect", "edge": "replicate", "wrap": "circular"}[mode]
    return [rng.normal(size=(1, 2, 4, 3))], settings, lambda x: f.pad(x, [*second, *first], mode=theirs)


def _normal(rng: Any, *shape: int) -> Any:
    return rng.normal(size=shape)


def _group_norm(rng: Any, f: Any) -> Draw:
    settings = {"groups": int(rng.choice([1, 2, 4])), "eps": float(rng.choice([1e-5, 0.1]))}
    args = [_normal(rng, 2, 4, 3), _normal(rng, 4), _normal(rng, 4)]
    return args, settings, lambda x, g, b: f.group_norm(x, settings["groups"], g, b, settings["eps"])


def _instance_norm(rng: Any, f: Any) -> Draw:
    args = [_normal(rng, 2, 3, 4), _normal(rng, 3), _normal(rng, 3)]
    return args, {"eps": 0.01}, lambda x, g, b: f.instance_norm(x, weight=g, bias=b, eps=0.01)


def _rms_norm(rng: Any, f: Any) -> Draw:
    return [_normal(rng, 3, 4), _normal(rng, 4)], {"eps": 0.01}, lambda x, g: f.rms_norm(x, (4,), g, 0.01)


def _batch_norm(rng: Any, f: Any) -> Draw:
    args = [_normal(rng, 2, 3, 4), _normal(rng, 3), rng.uniform(0.5, 2, 3), _normal(rng, 3), _normal(rng, 3)]
    return (
        args,
        {"eps": 0.01},
        lambda x, m, v, g, b: (
            (x - _channels(m)) / (_channels(v) + 0.01).sqrt() * (_channels(g)) + _channels(b)
        ),
    )  # torch's own takes no gradient of the statistics


def _channels(x: Any) -> Any:
    return x.reshape(1, -1, 1)


def _classes(name: str) -> Callable[[Any, Any], Draw]:
    def draw(rng: Any, f: Any) -> Draw:
        classes = _int(rng, 2, 4)
        target = rng.integers(0, classes, 3).astype(float)
        weight = rng.uniform(0.2, 2, classes)
        settings: dict[str, Any] = {"reduction": _reduction(rng)}
        settings |= {"label_smoothing": float(rng.choice([0, 0.1, 1]))} if name == "cross_entropy" else {}
        if _flag(rng) and len(set(target)) > 1:
            settings["ignore_index"] = int(target[0])
        theirs = f.cross_entropy if name == "cross_entropy" else f.nll_loss
        numbers, weights = (oracle.torch().tensor(one) for one in (target, weight))
        return (
            [_normal(rng, 3, classes), target, weight],
            settings,
            lambda x, *_: theirs(x, numbers.long(), weight=weights, **settings),
        )

    return draw


def _logits(rng: Any, f: Any) -> Draw:
    weights = [rng.uniform(0.2, 2, 3), rng.uniform(0.2, 2, 3)]
    weight, pos_weight = map(oracle.torch().tensor, weights)
    reduction = _reduction(rng)
    args = [_normal(rng, 2, 3), rng.uniform(0, 1, (2, 3)), *weights]
    return (
        args,
        {"reduction": reduction},
        lambda z, target, *_: f.binary_cross_entropy_with_logits(
            z, target, weight, pos_weight=pos_weight, reduction=reduction
        ),
    )


def _gaussian(rng: Any, f: Any) -> Draw:
    settings = {"full": _flag(rng), "reduction": _reduction(rng)}
    args = [_normal(rng, 2, 3), _normal(rng, 2, 3), rng.uniform(0.5, 2, (2, 3))]
    return args, settings, lambda *args: f.gaussian_nll_loss(*args, **settings)


def _poisson(rng: Any, f: Any) -> Draw:
    settings = {"log_input": _flag(rng), "full": _flag(rng), "reduction": _reduction(rng)}
    args = [rng.uniform(0.5, 2, (2, 3)), rng.uniform(0.1, 4, (2, 3))]
    return args, settings, lambda *args: f.poisson_nll_loss(*args, **settings)


def _triplet(rng: Any, f: Any) -> Draw:
    settings = {
        "margin": float(rng.uniform(0.5, 3)),
        "p": int(rng.choice([1, 2])),
        "reduction": _reduction(rng),
    }
    return (
        [_normal(rng, 3, 4) for _ in range(3)],
        settings,
        lambda *args: f.triplet_margin_loss(*args, **settings),
    )


def _cosine(rng: Any, f: Any) -> Draw:
    settings = {"margin": float(rng.uniform(-0.5, 0.5)), "reduction": _reduction(rng)}
    args = [_normal(rng, 3, 4), _normal(rng, 3, 4), rng.choice([-1.0, 1.0], 3)]
    return args, settings, lambda *args: f.cosine_embedding_loss(*args, **settings)


def _huber(name: str, setting: str) -> Callable[[Any, Any], Draw]:
    def draw(rng: Any, f: Any) -> Draw:
        settings = {setting: float(rng.uniform(0.3, 2)), "reduction": _reduction(rng)}
        theirs = getattr(f, "huber_loss" if name == "huber" else "smooth_l1_loss")
        return [_normal(rng, 2, 3), _normal(rng, 2, 3)], settings, lambda *args: theirs(*args, **settings)

    return draw


def _take_along(rng: Any, f: Any) -> Draw:
    axis = _int(rng, 0, 2)
    shape = [2, 3, 4]
    shape[axis] = 5
    ids = rng.integers(0, [2, 3, 4][axis], shape)
    numbers = oracle.torch().tensor(ids)
    return [_normal(rng, 2, 3, 4), ids.astype(float)], {"axis": axis}, lambda x, _: x.gather(axis, numbers)


ROWS: dict[str, Callable[[Any, Any], Draw]] = {
    "max_pool": _max_pool,
    "avg_pool": _avg_pool,
    "adaptive_max_pool": _adaptive("adaptive_max_pool"),
    "adaptive_avg_pool": _adaptive("adaptive_avg_pool"),
    "conv_transpose1d": _transposed(1),
    "conv_transpose2d": _transposed(2),
    "resize": _resize,
    "pad": _pad,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "rms_norm": _rms_norm,
    "batch_norm_inference": _batch_norm,
    "cross_entropy": _classes("cross_entropy"),
    "nll": _classes("nll"),
    "bce_with_logits": _logits,
    "gaussian_nll": _gaussian,
    "poisson_nll": _poisson,
    "triplet": _triplet,
    "cosine_embedding": _cosine,
    "huber": _huber("huber", "delta"),
    "smooth_l1": _huber("smooth_l1", "beta"),
    "take_along": _take_along,
}


@every("name, seed", [(name, seed) for name in ROWS for seed in range(DRAWS_OF_EACH)])
def test_a_row_is_torchs_at_random_settings(name: str, seed: int) -> None:
    t = oracle.torch()
    rng = np.random.default_rng([seed, *name.encode()])
    args, settings, theirs = ROWS[name](rng, t.nn.functional)
    graph = Graph()
    inputs = [graph.input(np.shape(arg)) for arg in args]
    out = graph.add(OPS[name], *inputs, **settings)
    leaves = [t.tensor(arg, dtype=t.float64, requires_grad=True) for arg in args]
    their_out = theirs(*leaves)
    assert out.shape == tuple(their_out.shape)
    weights = rng.normal(size=out.shape)
    their_first = t.autograd.grad(
        (their_out**2 * t.tensor(weights)).sum(), leaves, create_graph=True, allow_unused=True
    )
    by = [at for at, one in enumerate(their_first) if one is not None]
    first = grad(OPS["sum"](out * out * weights), [inputs[at] for at in by])
    along = [rng.normal(size=np.shape(args[at])) for at in by]
    slope = sum(OPS["sum"](one * direction) for one, direction in zip(first, along, strict=True))
    their_slope = sum(
        (their_first[at] * t.tensor(direction)).sum() for at, direction in zip(by, along, strict=True)
    )
    second = grad(slope, [inputs[at] for at in by])
    their_second = t.autograd.grad(their_slope, [leaves[at] for at in by], allow_unused=True)
    given = {one.id: np.asarray(arg, dtype=float) for one, arg in zip(inputs, args, strict=True)}
    found = run(graph, given, [one.id for one in (out, *first, *second)])
    expected = [their_out, *(their_first[at] for at in by), *their_second]
    for ours, wanted in zip((out, *first, *second), expected, strict=True):
        truth = np.zeros(ours.shape) if wanted is None else wanted.detach().numpy()
        np.testing.assert_allclose(found[ours.id], truth, 1e-8, 1e-9, err_msg=f"{name} {settings}")


@pytest.mark.parametrize("name", ["lgamma", "digamma", "sinc"])
def test_special_functions_are_torchs(name: str) -> None:
    t = oracle.torch()
    points = np.array([-2.3, -0.4, 0.2, 1.7, 6.5, 40.0])
    leaf = t.tensor(points, requires_grad=True)
    out = getattr(t, name)(leaf)
    (first,) = t.autograd.grad(out.sum(), leaf)
    graph = Graph()
    x = graph.input(points.shape)
    ours = graph.add(OPS[name], x)
    (slope,) = grad(OPS["sum"](ours), [x])
    found = run(graph, {x.id: points}, [ours.id, slope.id])
    np.testing.assert_allclose(found[ours.id], out.detach().numpy(), 1e-12, 1e-13)
    np.testing.assert_allclose(found[slope.id], first.numpy(), 1e-8)  # its trigamma has nine digits
