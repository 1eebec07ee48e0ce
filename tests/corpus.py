"""The files of `trace/textbook` and `code/networks`: NumPy as people write it, loaded fresh for each use.

People's code is not this project's: it keeps its own habits, and no linter tidies it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

TEXTBOOK = Path(__file__).parent / "trace" / "textbook"
NETWORKS = Path(__file__).parent / "code" / "networks"

# The functions of each textbook file that take the arrays of its `inputs()`, in that order.
# Most return one number or one array; `simulate` and `filtered_states` return a tuple of arrays.
TEXTBOOK_FUNCTIONS: dict[str, list[str]] = {
    "attention": ["decoder_attention"],
    "avg_pool": ["score"],
    "batchnorm": ["loss"],
    "conv_naive": ["loss"],
    "crf": ["neg_log_likelihood", "log_partition"],
    "dropout": ["noisy_forward"],
    "elman": ["forward", "perplexity"],
    "embedding_classifier": ["bag_of_words", "bag_of_words_loop"],
    "gaussian_process": ["nll", "nll_slogdet"],
    "gcn": ["masked_cross_entropy"],
    "gmm": ["gmm_nll"],
    "gru": ["last_state_loss"],
    "hmm": ["forward_algorithm", "scaled_log_likelihood"],
    "im2col": ["conv"],
    "kalman": ["negloglik", "filtered_states"],
    "kmeans": ["distortion", "pairwise_sq_dists", "pairwise_sq_dists_no_loop"],
    "label_smoothing": ["smoothed_xent", "smoothed_targets_xent"],
    "layernorm": ["block"],
    "logistic_regression": ["neg_log_likelihood"],
    "lstm_cell": ["unrolled"],
    "matrix_factorization": ["mf_loss"],
    "max_pool_loops": ["cost"],
    "max_pool_reshape": ["head"],
    "multihead_attention": ["self_attention"],
    "neural_ode": ["euler_loss", "rk4_loss"],
    "newton_while": ["distance_to_root"],
    "normal_equations": ["rss", "r_squared"],
    "pca": ["reconstruction_error", "explained_variance"],
    "pendulum": ["miss"],
    "planar_classifier": ["compute_cost"],
    "polyfit": ["sse", "sse_powers"],
    "rbf_network": ["rbf_net_mse"],
    "ridge": ["ridge_validation_error"],
    "robust_losses": ["huber", "pinball", "log_cosh"],
    "softmax_regression": ["softmax_loss_naive", "softmax_loss_vectorized"],
    "spring": ["final_energy", "simulate"],
    "svm": ["hinge_naive", "hinge_vectorized"],
    "triplet": ["triplet_loss"],
    "two_layer_net": ["loss"],
    "vae": ["elbo_loss"],
    "vanilla_rnn": ["loss"],
    "word2vec": ["skipgram"],
}
TEXTBOOK_CASES = [(stem, name) for stem, names in TEXTBOOK_FUNCTIONS.items() for name in names]

# What a reader would point at in each network, and the convention that its backward follows.
RETURNED = "backward(dout, *inputs)"
CACHED = "out, cache; backward(dout, cache)"
PARAMETERS = "dict of parameters; backward without an upstream gradient"
TOGETHER = "loss and gradients from one function"
ATTRIBUTES = "objects; gradients in self.d…"
LAYERS = "layers with params and grads; a network of them"
NABLA = "lists of gradients returned by a method"
OPTIMIZE = "one vector of parameters, as scipy.optimize takes it"
UPDATED = "weights updated by what finds the gradients"
STATES = "global weights; loss, gradients and state from one function"
ACCUMULATED = "gradients added up until they are set to zero"
BATCH_MEAN = "the mean over the batch in the backward only"

CONVENTIONS: dict[str, tuple[str, str]] = {
    "accumulating_layer": ("loss,gradients", ACCUMULATED),
    "affine_relu": ("affine_relu_forward,affine_relu_backward", CACHED),
    "attention_layer": ("attention_forward,attention_backward", CACHED),
    "batch_mean_layer": ("layer", BATCH_MEAN),
    "batchnorm": ("batchnorm_forward,batchnorm_backward", CACHED),
    "cbow": ("model", LAYERS),
    "char_rnn": ("lossFun", STATES),
    "conv_layer": ("conv_forward,conv_backward", CACHED),
    "deep_net": ("L_model_forward,compute_cost,L_model_backward", PARAMETERS),
    "dense_class": ("net", ATTRIBUTES),
    "digits_network": ("net.cost,net.backprop", NABLA),
    "dropout_class": ("net", ATTRIBUTES),
    "few_lines": ("step", UPDATED),
    "gru_cell": ("forward,backward", RETURNED),
    "im2col_layer": ("layer", ATTRIBUTES),
    "lstm_step": ("lstm_forward,lstm_backward", CACHED),
    "mlp_class": ("net.loss,net.backward", ATTRIBUTES),
    "optimize_fun": ("fun", OPTIMIZE),
    "optimize_logistic": ("f,grad", OPTIMIZE),
    "optimize_residuals": ("residuals,jac", OPTIMIZE),
    "params_and_grads": ("net", LAYERS),
    "planar_net": ("forward_propagation,compute_cost,backward_propagation", PARAMETERS),
    "pool_norm": ("net_forward,net_backward", CACHED),
    "rnn_layer": ("rnn_forward,rnn_backward", CACHED),
    "scratch_net": ("net.loss,net.gradient", LAYERS),
    "softmax_net": ("loss_and_grads", TOGETHER),
    "svm_loss": ("svm_loss", TOGETHER),
    "tanh_layer": ("forward,backward", RETURNED),
    "train_step": ("loss,train_step", UPDATED),
    "two_regressors": ("loss_and_grads", TOGETHER),
    "updating_layers": ("train_on", UPDATED),
    "word2vec_grads": ("neg_sampling", TOGETHER),
}


def load(path: Path, text: str | None = None) -> ModuleType:
    """A file of the corpus run anew, as it stands or with another text, with globals of its own."""
    module = ModuleType(path.stem)
    module.__file__ = str(path)
    source = path.read_text(encoding="utf-8") if text is None else text
    exec(compile(source, str(path), "exec"), module.__dict__)
    return module


def textbook(stem: str) -> ModuleType:
    return load(TEXTBOOK / f"{stem}.py")


def network(stem: str, text: str | None = None) -> ModuleType:
    return load(NETWORKS / f"{stem}.py", text)


class Planted(NamedTuple):
    """A mistake planted in a network: `kind` is what a reader would call it, `line` counts from 1."""

    network: str
    name: str
    kind: str
    line: int
    text: str
    replacement: str
    source: str  # the whole file with the mistake in it


def networks() -> list[str]:
    return sorted(path.stem for path in NETWORKS.glob("*.py"))


def source_of(stem: str) -> str:
    return (NETWORKS / f"{stem}.py").read_text(encoding="utf-8")


def planted_bugs(stem: str | None = None) -> Iterator[Planted]:
    """All mistakes of `code/planted.py`, or those of one network."""
    for network_name, bugs in load(NETWORKS.parent / "planted.py").BUGS.items():
        if stem is None or network_name == stem:
            yield from (_planted(network_name, *bug) for bug in bugs)


def _planted(stem: str, name: str, text: str, replacement: str, kind: str) -> Planted:
    source = source_of(stem)
    before, _, after = source.partition(text)
    line = before.count("\n") + 1
    return Planted(stem, name, kind, line, text, replacement, before + replacement + after)
