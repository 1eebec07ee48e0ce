"""`bpx ops`."""

from __future__ import annotations

from invoking import error_codes, invoke, plain_json
from rows_of_a_table import every

from bpx.ops import rows
from bpx.spec.text.cells import CELLS


def test_ops() -> None:
    assert [one["name"] for one in plain_json("ops")["ops"]] == [op.name for op in rows()]
    assert [one["name"] for one in plain_json("ops", "ln")["ops"]] == ["log"]
    assert invoke("ops", "relu").stdout.startswith("relu: relu(x)\n")


def test_an_unknown_op() -> None:
    assert error_codes("ops", "sigmod") == ["unknown-op"]
    assert "did you mean `sigmoid`?" in invoke("ops", "sigmod", exit=2).stderr


# What people look for, by the names that NumPy, PyTorch and textbooks have for it.
ASKED_FOR = """
det logdet inv solve cholesky trace diag eigh eigvalsh kron cross matrix_inverse
lgamma gammaln digamma psi erfc logaddexp sinc sec csc cot ceil mod remainder hypot cbrt
rms_norm layer_norm group_norm instance_norm batch_norm batch_norm_inference
conv1d conv2d conv_transpose1d conv_transpose2d
max_pool max_pool1d max_pool2d avg_pool avg_pool1d avg_pool2d global_max_pool global_avg_pool
adaptive_max_pool adaptive_avg_pool adaptive_avg_pool1d adaptive_avg_pool2d adaptive_max_pool2d
pad gather take_along take_along_axis tile repeat repeat_interleave roll sort topk resize interpolate upsample
mse mse_loss mae l1_loss huber huber_loss smooth_l1_loss bce binary_cross_entropy bce_with_logits
cross_entropy CrossEntropyLoss nll nll_loss kl_div hinge focal triplet triplet_margin_loss
cosine_embedding cosine_embedding_loss gaussian_nll gaussian_nll_loss poisson_nll poisson_nll_loss
torch.linalg.det np.maximum F.max_pool2d clamp expit permute concatenate
"""


@every("name", ASKED_FOR.split())
def test_an_op_is_found_under_the_name_that_people_know(name: str) -> None:
    assert plain_json("ops", name)["ops"][0]["rule"]


@every("name", CELLS)
def test_a_block_is_told_from_an_op(name: str) -> None:
    assert error_codes("ops", name) == ["op-is-block"]
