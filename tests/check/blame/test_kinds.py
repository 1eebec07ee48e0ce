"""Kinds of mistake in the layers that people write by hand, planted in several sizes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from checking import spec, toml
from rows_of_a_table import every

from bpx.check.gradcheck import gradcheck
from bpx.spec.reading.claims import read_claim, with_claims
from bpx.spec.reading.syntax import ClaimSyntax


def said(made, *claims) -> list[str]:
    """What is said of the one blamed claim; a pair of a name and an array is a claim in numbers."""
    written = [
        read_claim(claim)
        if isinstance(claim, str)
        else ClaimSyntax(claim[0], None, np.asarray(claim[1]).tolist(), None)
        for claim in claims
    ]
    (blame,) = gradcheck(with_claims(made, written)).blame
    return [mistake.text for mistake in blame.mistakes]


def normal(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).round(2)


# --- a forgotten target -------------------------------------------------------------------------


def softmax_loss(rows: int, classes: int, mean: bool):
    y = np.eye(classes)[np.arange(rows) % classes].tolist()
    return toml(
        f'bpx = 1\noutput = "L"\n[inputs]\nz = {normal(rows, classes).tolist()}\n'
        f'y = {{ value = {y}, role = "target" }}\n[graph]\np = "softmax(z)"\n'
        f'L = "-sum(y*log(p)){f" / {rows}" if mean else ""}"\n'
    )


FORGOTTEN = "`{}` is missing: the target is forgotten"


@pytest.mark.parametrize(("rows", "classes"), [(1, 3), (4, 3), (5, 10)])
def test_the_target_of_a_softmax_written_out(rows, classes):
    assert said(softmax_loss(rows, classes, False), "z = p") == [FORGOTTEN.format("y")]
    assert said(softmax_loss(rows, classes, True), f"z = p/{rows}") == [FORGOTTEN.format("y")]


@pytest.mark.parametrize(("rows", "classes"), [(2, 3), (4, 3), (5, 10)])
def test_the_target_of_a_cross_entropy(rows, classes):
    z, labels = normal(rows, classes), np.arange(rows) % classes
    made = spec("cross_entropy(z, y)", z=z.tolist(), y=labels.tolist())
    forgotten = FORGOTTEN.format(f"one_hot(y, n={classes})")
    assert said(made, f"z = softmax(z)/{rows}") == [forgotten]
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    assert said(made, ("z", p / rows)) == [forgotten]
    if rows > 2:
        (both,) = said(made, "z = softmax(z)")
        assert (
            both
            == f"two mistakes at once: {forgotten}; not divided by {rows}: the 1/{rows} of a mean is missing"
        )
    layer = spec("cross_entropy(x @ w, y)", x=z.tolist(), w=normal(classes, 5).tolist(), y=labels.tolist())
    (text,) = said(layer, f"w = x.T @ softmax(x @ w)/{rows}")
    assert text == FORGOTTEN.format("one_hot(y, n=5)")


def test_the_textbook_form_holds_for_targets_that_are_shares():
    """p - y is right where the rows of y add up to 1."""
    made = softmax_loss(4, 3, True)
    (blame,) = gradcheck(with_claims(made, [read_claim("z = p")])).blame
    assert str(blame.correction).startswith("∂L/∂z = (p - y) / 4 = ")
    assert gradcheck(with_claims(made, [read_claim("z = (p - y) / 4")])).verdict == "agree"


# --- the pre-activation in the place of the activation ------------------------------------------


def layers(activation: str, rows: int, inputs: int, hidden: int):
    arrays = {"X": (rows, inputs), "W1": (inputs, hidden), "b1": (hidden,), "W2": (hidden, 2), "T": (rows, 2)}
    values = "".join(
        f"{name} = {normal(*shape, seed=i).tolist()}\n" for i, (name, shape) in enumerate(arrays.items())
    )
    steps = f'z = "X @ W1 + b1"\na = "{activation}(z)"\no = "a @ W2"\nL = "mean((o - T)^2)"\n'
    return toml(f'bpx = 1\noutput = "L"\n[inputs]\n{values}[graph]\n{steps}')


@every("rows, inputs, hidden", [(1, 2, 3), (3, 2, 4), (5, 3, 2)])
@every("activation, slope", [("tanh", "(1 - z^2)"), ("sigmoid", "z*(1 - z)")])
def test_z_for_a(activation, slope, rows, inputs, hidden):
    made = layers(activation, rows, inputs, hidden)
    do = f"(2*(o - T)/{2 * rows})"
    assert said(made, f"W2 = z.T @ {do}") == ["`z` is used in place of `a`"]
    dz = f"({do} @ W2.T*{slope})"
    at_input = f"the derivative of `{activation}` is written for its output, but evaluated at its input"
    assert said(made, f"z = {dz}") == [at_input]
    assert said(made, f"W1 = X.T @ {dz}", f"b1 = sum({dz}, axis=0)") == [
        f"on the path through `a`: {at_input}"
    ]


def test_z_for_an_activation_without_a_name():
    made = spec("sum(w*tanh(z))", w=normal(3).tolist(), z=normal(3, seed=1).tolist())
    assert said(made, "w = z") == ["`z` is used in place of `tanh(z)`"]


# --- layer norm ---------------------------------------------------------------------------------

SIZES = [(1, 4), (3, 5), (2, 8)]


def norm_slips(x_hat: str, variance: str) -> dict[str, str]:
    mean = "mean({}, axis=1, keepdims=true)".format
    both, deviation = f"u*g - {mean('u*g')} - {x_hat}*{mean(f'u*g*{x_hat}')}", f"sqrt({variance} + 0.01)"
    return {
        "sqrt": f"({both})/({variance} + 0.01)",
        "eps": f"({both})/sqrt({variance})",
        "deviation": both,
        "mean": f"(u*g - {x_hat}*{mean(f'u*g*{x_hat}')})/{deviation}",
        "variance": f"(u*g - {mean('u*g')})/{deviation}",
        "both": f"u*g/{deviation}",
    }


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_slips_in_a_layer_norm_written_out(rows, columns):
    made = toml(
        f'bpx = 1\noutput = "L"\n[inputs]\nx = {normal(rows, columns).tolist()}\n'
        f"g = {normal(columns, seed=1).tolist()}\nu = {normal(rows, columns, seed=2).tolist()}\n"
        '[graph]\nmu = "mean(x, axis=1, keepdims=true)"\nv = "mean((x - mu)^2, axis=1, keepdims=true)"\n'
        'xh = "(x - mu)/sqrt(v + 0.01)"\nL = "sum(u*g*xh)"\n'
    )
    texts = {
        "sqrt": "divided by `sqrt(v + 0.01)` once too often, or not multiplied by it",
        "eps": "`sqrt(v)` is used in place of `sqrt(v + 0.01)`",
        "deviation": "multiplied by `sqrt(v + 0.01)` once too often, or not divided by it",
        "mean": "on the path through `mu`: the contribution is missing",
        "variance": "on the path through `x - mu` (by `x`) (occurrence 1 of 2): the contribution is missing",
    }
    slips = norm_slips("xh", "v")
    for what, text in texts.items():
        assert said(made, f"x = {slips[what]}") == [text]
    (text,) = said(made, f"x = {slips['both']}")
    assert text.startswith("`∂L/∂xh / sqrt(v + 0.01)` should be ")


@pytest.mark.parametrize(("rows", "columns"), SIZES)
def test_slips_in_the_rule_of_layer_norm(rows, columns):
    u, x, g = normal(rows, columns, seed=2), normal(rows, columns), normal(columns, seed=1)
    made = spec("sum(u*layer_norm(x, g, eps=0.01))", u=u.tolist(), x=x.tolist(), g=g.tolist())
    variance = "var(x, axis=1, keepdims=true)"
    slips = norm_slips(f"((x - mean(x, axis=1, keepdims=true))/sqrt({variance} + 0.01))", variance)
    texts = {
        "sqrt": f"divided by `sqrt({variance} + 0.01)` once too often, or not multiplied by it",
        "eps": f"`sqrt({variance})` is used in place of `sqrt({variance} + 0.01)`",
        "deviation": f"multiplied by `sqrt({variance} + 0.01)` once too often, or not divided by it",
        "mean": "on the path through `mean(x, axis=1, keepdims=true)`: the contribution is missing",
    }
    for what, text in texts.items():
        assert said(made, f"x = {slips[what]}") == [text]
    (text,) = said(made, f"x = {slips['both']}")
    assert text.startswith("`u * g` should be `u * g - mean(u * g")
    assert said(made, "g = sum(u*x, axis=0)") == ["`x` should be `layer_norm(x, eps=0.01)`"]


# --- masks --------------------------------------------------------------------------------------


@every("x", [-0.6, [0.5, -1.2], [[0.3, -0.4, 1.2], [-2.0, 0.7, -0.1]]])
@every("op", ["selu", "elu", "leaky_relu"])
def test_a_flipped_mask(op, x):
    scale, alpha = (1.0507009873554805, 1.6732632423543772) if op == "selu" else (1.0, 1.0)
    x = np.array(x)
    above, below = scale, 0.01 if op == "leaky_relu" else scale * alpha * np.exp(x)
    made = spec(f"sum(u*{op}(x))", u=normal(*x.shape, seed=1).tolist(), x=x.tolist())
    right, u = np.where(x > 0, below, above), normal(*x.shape, seed=1)
    assert "the mask is inverted" in said(made, ("x", u * right))


# --- convolutions -------------------------------------------------------------------------------


def correlated(x, w, up, stride):
    """The gradients by x and w of a two-dimensional correlation."""
    dx, dw = np.zeros_like(x), np.zeros_like(w)
    places, size = up.shape[-2:], w.shape[-2:]
    for (p, q), (a, b) in itertools.product(np.ndindex(places), np.ndindex(size)):
        at = (..., p * stride + a, q * stride + b)
        dx[at] += up[..., p, q] @ w[..., a, b]
        dw[..., a, b] += up[..., p, q].T @ x[at]
    return dx, dw


@pytest.mark.parametrize(("channels", "length", "size", "stride"), [(1, 5, 2, 2), (2, 5, 3, 2), (2, 7, 2, 3)])
def test_slips_in_a_convolution(channels, length, size, stride):
    x, w = normal(2, channels, length, length), normal(channels, channels, size, size, seed=1)
    places = (length - size) // stride + 1
    up = normal(2, channels, places, places, seed=2)
    made = spec(f"sum(u*conv2d(x, w, stride={stride}))", u=up.tolist(), x=x.tolist(), w=w.tolist())
    dx, dw = correlated(x, w, up, 1)
    forgotten = [f"the stride {stride} is forgotten: these are the numbers of stride 1"]
    assert said(made, ("x", dx)) == forgotten
    assert said(made, ("w", dw)) == forgotten
    _, dw = correlated(x, w, up, stride)
    turned = "turned by 180 degrees in the plane of the axes 2, 3"
    assert said(made, ("w", np.flip(dw, (-2, -1))))[0] == turned
    assert said(made, ("w", dw.swapaxes(-1, -2)))[0] == "the result is transposed"
    kernels = {
        "the kernel `w` is used the wrong way round: turned by 180 degrees": np.flip(w, (-2, -1)),
        "the kernel `w` is transposed": w.swapaxes(-1, -2),
    }
    if channels > 1:
        assert said(made, ("w", dw.swapaxes(0, 1)))[0] == "the axes 0 and 1 are exchanged"
        text = "the kernel `w` has its channels of input and output exchanged"
        kernels[text] = w.swapaxes(0, 1)
    for text, kernel in kernels.items():
        assert text in said(made, ("x", correlated(x, kernel, up, stride)[0]))
