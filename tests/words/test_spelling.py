"""Misspelt names: which known name is meant."""

from rows_of_a_table import every

from bpx.words.spelling import MOST_GUESSES, nearest


@every(
    "name, known, guess",
    [
        ("hiden", ["x", "hidden", "output"], "hidden"),
        ("sigmod", ["sin", "sigmoid", "sum"], "sigmoid"),
        ("Sigmoid", ["sigmoid"], "sigmoid"),
        ("lr", ["LR"], "LR"),
        ("wieght", ["weight", "height"], "weight"),
        ("gradeints", ["value", "gradients"], "gradients"),
        ("学习绿", ["学习率", "x"], "学习率"),
        ("w1", ["w2"], None),
        ("log3", ["log2"], None),  # another digit is another thing
        ("conv3d", ["conv1d", "conv2d"], None),
        ("sec", ["mse", "sech"], None),
        ("cot", ["cos"], None),
        ("sinc", ["sin"], None),
        ("asinh", ["asin", "sinh"], None),
        ("arccot", ["arccos"], None),
        ("tahn", ["tan", "tanh"], "tanh"),
        ("input", ["inputs", "output"], "inputs"),
        ("rol", ["role", "range"], "role"),
        ("axs", ["axis", "keepdims"], "axis"),
        ("weught", ["weight"], "weight"),
        ("crossentropy", ["cross_entropy"], "cross_entropy"),
        ("hidden_laier_norn", ["hidden_layer_norm"], None),  # its end differs
        ("loss", ["x", "y", "banana"], None),
        ("x", [], None),
        ("", ["x"], None),
    ],
)
def test_nearest(name, known, guess):
    assert nearest(name, known) == guess


def test_a_name_too_long_to_be_typed_is_not_guessed():
    assert nearest("z" * 100_000, ["z" * 100_000 + "y"]) is None


def test_of_very_many_names_only_some_are_compared():
    compared = iter(f"hidden_layer{i}" for i in range(200_000))
    assert nearest("hidden_layers", compared) is None
    assert next(compared) == f"hidden_layer{MOST_GUESSES}"
