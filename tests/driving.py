"""How each network of the corpus is used by hand: where its arrays live, its loss, its gradients.

This knows nothing of bpx, so that what bpx says of a network can be held against it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray
Arrays = dict[str, Array]


class Driven(NamedTuple):
    """A loaded network. `arrays()` are the live arrays its gradients belong to; writing into them moves it.

    Some networks call the mean over a batch the gradient of the weights and hand on the gradient of the sum
    to their inputs: `scale` says, by array, what the gradient of `loss` is multiplied by.
    """

    arrays: Callable[[], Arrays]
    loss: Callable[[], float]
    gradients: Callable[[], Mapping[str, Array]]
    scale: Mapping[str, float] = {}


def floats(inputs: Mapping[str, Any]) -> Arrays:
    return {
        key: value for key, value in inputs.items() if isinstance(value, Array) and value.dtype.kind == "f"
    }


def upstream_of(outputs: Sequence[Array]) -> list[Array]:
    """One gradient from above for each output, the same at every call."""
    rng = np.random.default_rng(11)
    return [rng.normal(size=np.shape(output)) for output in outputs]


def weighted(outputs: Sequence[Array]) -> float:
    return float(sum(np.sum(g * output) for g, output in zip(upstream_of(outputs), outputs, strict=True)))


# --- functions ----------------------------------------------------------------------------------


def forward_backward(module: ModuleType) -> Driven:
    """`forward(*inputs)` and `backward(dout, *inputs)`."""
    inputs = module.inputs()

    def outputs() -> list[Array]:
        return [module.forward(**inputs)]

    def gradients() -> Arrays:
        return dict(zip(inputs, module.backward(*upstream_of(outputs()), **inputs), strict=True))

    return Driven(lambda: inputs, lambda: weighted(outputs()), gradients)


def with_cache(forward: str, backward: str) -> Callable[[ModuleType], Driven]:
    """`*outputs, cache = forward(*inputs)` and `backward(*douts, cache)`; settings have no gradient."""

    def driven(module: ModuleType) -> Driven:
        inputs = module.inputs()

        def run() -> tuple[list[Array], Any]:
            *outputs, cache = getattr(module, forward)(**inputs)
            return outputs, cache

        def gradients() -> Arrays:
            outputs, cache = run()
            returned = getattr(module, backward)(*upstream_of(outputs), cache)
            return dict(zip(floats(inputs), returned, strict=True))

        return Driven(lambda: floats(inputs), lambda: weighted(run()[0]), gradients)

    return driven


def planar_net(module: ModuleType) -> Driven:
    inputs = module.inputs()
    parameters, X, Y = inputs["parameters"], inputs["X"], inputs["Y"]

    def loss() -> float:
        return float(module.compute_cost(module.forward_propagation(X, parameters)[0], Y))

    def gradients() -> Arrays:
        _, cache = module.forward_propagation(X, parameters)
        grads = module.backward_propagation(parameters, cache, X, Y)
        return {key: grads["d" + key] for key in parameters}

    return Driven(lambda: parameters, loss, gradients)


def deep_net(module: ModuleType) -> Driven:
    inputs = module.inputs()
    parameters, X, Y = inputs["parameters"], inputs["X"], inputs["Y"]

    def loss() -> float:
        return float(module.compute_cost(module.L_model_forward(X, parameters)[0], Y))

    def gradients() -> Arrays:
        activations, caches = module.L_model_forward(X, parameters)
        grads = module.L_model_backward(activations, Y, caches)
        return {key: grads["d" + key] for key in parameters}

    return Driven(lambda: parameters, loss, gradients)


def loss_and_dict(module: ModuleType) -> Driven:
    inputs = module.inputs()
    return Driven(
        lambda: inputs["params"],
        lambda: float(module.loss_and_grads(**inputs)[0]),
        lambda: module.loss_and_grads(**inputs)[1],
    )


def loss_and_list(module: ModuleType) -> Driven:
    inputs = module.inputs()
    names = ["W1", "b1", "W2", "b2"]
    return Driven(
        lambda: dict(zip(names, inputs["params"], strict=True)),
        lambda: float(module.loss_and_grads(**inputs)[0]),
        lambda: dict(zip(names, module.loss_and_grads(**inputs)[1], strict=True)),
    )


def loss_and_rest(function: str, names: Sequence[str]) -> Callable[[ModuleType], Driven]:
    """`loss, gradient, … = f(*inputs)`: the gradients follow the loss, those of `names`."""

    def driven(module: ModuleType) -> Driven:
        inputs = module.inputs()

        def run() -> tuple[Any, ...]:
            return getattr(module, function)(**inputs)

        return Driven(
            lambda: {name: inputs[name] for name in names},
            lambda: float(run()[0]),
            lambda: dict(zip(names, run()[1:], strict=True)),
        )

    return driven


def value_and_slope(value: str, slope: str, name: str) -> Callable[[ModuleType], Driven]:
    """`f(*inputs)` and its gradient or Jacobian in the first input."""

    def driven(module: ModuleType) -> Driven:
        inputs = module.inputs()

        def output() -> Array:
            return np.asarray(getattr(module, value)(**inputs))

        def gradients() -> Arrays:
            jacobian = getattr(module, slope)(**inputs)
            return {name: np.tensordot(*upstream_of([output()]), jacobian, axes=output().ndim)}

        return Driven(lambda: {name: inputs[name]}, lambda: weighted([output()]), gradients)

    return driven


# --- globals ------------------------------------------------------------------------------------


def globals_of(module: ModuleType, names: Sequence[str]) -> Arrays:
    return {name: getattr(module, name) for name in names}


def stepped(module: ModuleType, names: Sequence[str], step: Callable[[], object], size: float) -> Arrays:
    """The gradient that a step of training used, from what it did to the weights."""
    before = {name: array.copy() for name, array in globals_of(module, names).items()}
    step()
    return {name: (before[name] - array) / size for name, array in globals_of(module, names).items()}


def few_lines(module: ModuleType) -> Driven:
    names = ["syn0", "syn1"]

    def loss() -> float:
        kept = {name: array.copy() for name, array in globals_of(module, names).items()}
        value = float(module.step())
        for name, array in globals_of(module, names).items():
            array[...] = kept[name]
        return value

    return Driven(
        lambda: globals_of(module, names),
        loss,
        lambda: stepped(module, names, module.step, 1.0),
    )


def train_step(module: ModuleType) -> Driven:
    names = ["W1", "b1", "W2", "b2"]
    return Driven(
        lambda: globals_of(module, names),
        lambda: float(module.loss()),
        lambda: stepped(module, names, module.train_step, module.step_size),
    )


def char_rnn(module: ModuleType) -> Driven:
    names = ["Wxh", "Whh", "Why", "bh", "by"]
    inputs = module.inputs()
    return Driven(
        lambda: globals_of(module, names),
        lambda: float(module.lossFun(**inputs)[0]),
        lambda: dict(zip(names, module.lossFun(**inputs)[1:-1], strict=True)),
    )


def accumulating_layer(module: ModuleType) -> Driven:
    inputs, first, second = module.inputs(), module.first, module.second
    arrays = {"first.W": first.W, "first.b": first.b, "second.W": second.W, "second.b": second.b}
    return Driven(
        lambda: arrays,
        lambda: float(module.loss(**inputs)),
        lambda: dict(zip(arrays, module.gradients(**inputs), strict=True)),
    )


# --- objects ------------------------------------------------------------------------------------


def with_gradients_kept(
    holder: str, attributes: Sequence[str], batch_mean: bool = False
) -> Callable[[ModuleType], Driven]:
    """An object whose `backward` returns the gradient of its input and keeps that of `W` in `dW`."""

    def driven(module: ModuleType) -> Driven:
        layer, inputs = getattr(module, holder), module.inputs()
        (key,) = inputs
        kept = {name: getattr(layer, name) for name in attributes}
        share = 1 / len(inputs[key]) if batch_mean else 1.0

        def gradients() -> Arrays:
            dx = layer.backward(*upstream_of([layer.forward(**inputs)]))
            return {key: dx, **{name: getattr(layer, "d" + name) for name in attributes}}

        return Driven(
            lambda: inputs | kept,
            lambda: weighted([layer.forward(**inputs)]),
            gradients,
            dict.fromkeys(attributes, share),
        )

    return driven


def dense_class(module: ModuleType) -> Driven:
    net, inputs = module.net, module.inputs()
    bottom, _, top = net.layers
    arrays = {"x": inputs["x"], "0.W": bottom.W, "0.b": bottom.b, "2.W": top.W, "2.b": top.b}

    def gradients() -> Arrays:
        dx = net.backward(*upstream_of([net.forward(**inputs)]))
        return dict(zip(arrays, (dx, bottom.dW, bottom.db, top.dW, top.db), strict=True))

    return Driven(lambda: arrays, lambda: weighted([net.forward(**inputs)]), gradients)


def params_and_grads(module: ModuleType) -> Driven:
    net, inputs = module.net, module.inputs()
    names = ["0.w", "0.b", "2.w", "2.b"]

    def gradients() -> Arrays:
        predicted = net.forward(inputs["inputs"])
        dinputs = net.backward(module.criterion.grad(predicted, inputs["targets"]))
        grads = [grad for _, grad in net.params_and_grads()]
        return {"inputs": dinputs, **dict(zip(names, grads, strict=True))}

    params = [layer.params[name] for layer in net.layers for name in layer.params]
    arrays = {"inputs": inputs["inputs"], **dict(zip(names, params, strict=True))}
    return Driven(
        lambda: arrays,
        lambda: float(module.criterion.loss(net.forward(inputs["inputs"]), inputs["targets"])),
        gradients,
    )


def updating_layers(module: ModuleType) -> Driven:
    inputs = module.inputs()
    bottom, _, top = module.layers
    arrays = {"0.W": bottom.weights, "0.b": bottom.bias, "2.W": top.weights, "2.b": top.bias}
    rate = 0.5

    def gradients() -> Arrays:
        before = {name: array.copy() for name, array in arrays.items()}
        module.train_on(**inputs, learning_rate=rate)
        return {name: (before[name] - array) / rate for name, array in arrays.items()}

    return Driven(
        lambda: arrays,
        lambda: float(module.mse(inputs["y"], module.predict(inputs["x"]))),
        gradients,
    )


def mlp_class(module: ModuleType) -> Driven:
    net, inputs = module.net, module.inputs()
    names = ["W1", "b1", "W2", "b2", "W3", "b3"]

    def gradients() -> Arrays:
        net.forward(inputs["X"])
        net.backward(inputs["y"])
        return {name: getattr(net, "d" + name) for name in names}

    return Driven(
        lambda: {name: getattr(net, name) for name in names},
        lambda: float(net.loss(**inputs)),
        gradients,
    )


def scratch_net(module: ModuleType) -> Driven:
    net, inputs = module.net, module.inputs()
    return Driven(
        lambda: net.params,
        lambda: float(net.loss(**inputs)),
        lambda: net.gradient(**inputs),
    )


def cbow(module: ModuleType) -> Driven:
    model, inputs = module.model, module.inputs()
    names = ["W_in", "W_out"]

    def gradients() -> Arrays:
        model.forward(**inputs)
        model.backward()
        return dict(zip(names, model.grads, strict=True))

    return Driven(
        lambda: dict(zip(names, model.params, strict=True)),
        lambda: float(model.forward(**inputs)),
        gradients,
    )


def digits_network(module: ModuleType) -> Driven:
    net, inputs = module.net, module.inputs()

    def named(biases: Sequence[Array], weights: Sequence[Array]) -> Arrays:
        return dict(named_pairs("b", biases)) | dict(named_pairs("w", weights))

    return Driven(
        lambda: named(net.biases, net.weights),
        lambda: float(net.cost(**inputs)),
        lambda: named(*net.backprop(**inputs)),
    )


def named_pairs(letter: str, arrays: Sequence[Array]) -> Iterator[tuple[str, Array]]:
    return ((f"{letter}{index}", array) for index, array in enumerate(arrays))


DRIVERS: dict[str, Callable[[ModuleType], Driven]] = {
    "accumulating_layer": accumulating_layer,
    "affine_relu": with_cache("affine_relu_forward", "affine_relu_backward"),
    "attention_layer": with_cache("attention_forward", "attention_backward"),
    "batch_mean_layer": with_gradients_kept("layer", ["W", "b"], batch_mean=True),
    "batchnorm": with_cache("batchnorm_forward", "batchnorm_backward"),
    "cbow": cbow,
    "char_rnn": char_rnn,
    "conv_layer": with_cache("conv_forward", "conv_backward"),
    "deep_net": deep_net,
    "dense_class": dense_class,
    "digits_network": digits_network,
    "dropout_class": with_gradients_kept("net", ["W", "v"]),
    "few_lines": few_lines,
    "gru_cell": forward_backward,
    "im2col_layer": with_gradients_kept("layer", ["W", "b"]),
    "lstm_step": with_cache("lstm_forward", "lstm_backward"),
    "mlp_class": mlp_class,
    "optimize_fun": loss_and_rest("fun", ["theta"]),
    "optimize_logistic": value_and_slope("f", "grad", "theta"),
    "optimize_residuals": value_and_slope("residuals", "jac", "p"),
    "params_and_grads": params_and_grads,
    "planar_net": planar_net,
    "pool_norm": with_cache("net_forward", "net_backward"),
    "rnn_layer": with_cache("rnn_forward", "rnn_backward"),
    "scratch_net": scratch_net,
    "softmax_net": loss_and_dict,
    "svm_loss": loss_and_rest("svm_loss", ["W"]),
    "tanh_layer": forward_backward,
    "train_step": train_step,
    "two_regressors": loss_and_list,
    "updating_layers": updating_layers,
    "word2vec_grads": loss_and_rest("neg_sampling", ["center", "U"]),
}
