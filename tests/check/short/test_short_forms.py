"""Short forms: what is found, why it is equal, and what is not said."""

from __future__ import annotations

from pathlib import Path
from statistics import median

from checking import LOGISTIC, point_of, spec, toml
from rows_of_a_table import every

from bpx.check.blame.textbook import Textbook, textbook_form
from bpx.check.numeric.tolerances import PROOF_POINTS
from bpx.check.short.proof import ProofPoints, is_defined_at_zeros
from bpx.check.short.route import operations
from bpx.check.short.short_forms import GradientForms, ShortForms
from bpx.graph.formula import formula
from bpx.spec.reading.target import read_target

EXAMPLES = Path(__file__).parents[3] / "examples"


def forms_of(made) -> dict[str, GradientForms]:
    checked = point_of(made)
    search = ShortForms(checked)
    reached = [
        node for node in made.own_names if node in checked.by_own_rules.upstream and node != made.output
    ]
    return {made.names[node]: search.of(node) for node in reached}


def texts(gradient: GradientForms) -> list[str]:
    return [str(form.formula) for form in gradient.forms]


def test_a_logistic_unit():
    forms = forms_of(toml(LOGISTIC))
    assert {name: texts(gradient) for name, gradient in forms.items()} == {
        "x": ["∂L/∂z * w", "w * (a - y)"],
        "w": ["∂L/∂z * x", "x * (a - y)"],
        "b": ["∂L/∂z", "a - y"],
        "z": ["a - y"],
        "a": ["(a - y) / (a * (1 - a))"],
        "y": ["-z"],
    }
    methods = {name: [form.proof.method for form in gradient.forms] for name, gradient in forms.items()}
    assert methods["w"] == ["pass", "algebra"]
    assert methods["y"] == ["points"]  # a is sigmoid(z): no algebra knows that
    assert forms["z"].is_shorter


def test_every_gradient_of_scalar_examples_in_few_operations():
    names = ("leaky_relu", "sigmoid_by_parts", "two_paths", "tiny_network")
    examples = [forms_of(read_target(str(EXAMPLES / f"{name}.toml"), {})) for name in names]
    gradients = [gradient for forms in examples for gradient in forms.values()]
    assert median(gradient.forms[0].operations for gradient in gradients) <= 2
    for gradient in gradients:
        assert all(
            form.proof.method != "points" or form.proof.points == PROOF_POINTS for form in gradient.forms
        )
        assert gradient.forms[0].operations <= operations(gradient.long) if gradient.long else True


def test_the_same_twice():
    first, second = (forms_of(toml(LOGISTIC)) for _ in range(2))
    assert {name: texts(one) for name, one in first.items()} == {
        name: texts(one) for name, one in second.items()
    }


def test_points_tell_a_wrong_form_and_one_that_is_right_to_fewer_digits():
    made = toml(LOGISTIC)
    checked = point_of(made)
    node = made.nodes["w"]
    form = textbook_form(checked, node)
    assert form is not None
    assert ProofPoints(checked).equal_at(form, node) == PROOF_POINTS
    graph = form.graph
    for wrong in (graph[form.root] * 2, graph[form.root] * (1 + 1e-14), graph[form.root] + 1e-40):
        assert ProofPoints(checked).equal_at(form._replace(root=wrong.id), node) == 0


def test_a_target_that_adds_up_to_1_is_needed_and_said():
    made = toml(
        'bpx = 1\noutput = "L"\n[inputs]\nz = [0.5, -1.0]\ny = { value = [0, 1], role = "target" }\n'
        '[graph]\np = "softmax(z)"\nL = "-sum(y * log(p))"\n'
    )
    checked, node = point_of(made), made.nodes["z"]
    form = textbook_form(checked, node)
    assert form is not None and form.shares == (made.nodes["y"],)
    assert ProofPoints(checked).equal_at(form, node) == PROOF_POINTS
    assert ProofPoints(checked).equal_at(form._replace(shares=()), node) == 0
    (first, *_) = forms_of(made)["z"].forms
    assert list(map(str, first.proof.assumes)) == ["sum(y) = 1"]


def test_without_shares_there_is_no_assumption():
    made = toml(
        'bpx = 1\noutput = "L"\n[inputs]\nz = [0.5, -1.0]\ny = [0.5, 0.25]\n'
        '[graph]\np = "softmax(z)"\nL = "-sum(y * log(p))"\n'
    )
    forms = forms_of(made)["z"].forms
    assert all(not form.proof.assumes for form in forms)
    assert "p - y" not in map(str, (form.formula for form in forms))


def test_a_form_without_a_value_where_the_gradient_has_one():
    made = spec("x^3", x=2.0)
    checked, node = point_of(made), made.nodes["x"]
    graph = checked.graph.copy()
    x = graph[node]
    root = 3 * x * x * x / x
    form = Textbook(formula(graph, root.id, {node: "x"}), graph, root.id)
    assert not is_defined_at_zeros(checked, form, node)
    assert is_defined_at_zeros(checked, form._replace(root=(3 * x * x).id), node)


@every(
    "expression, name, wanted",
    [
        ("x^3", "x", "3 * x^2"),
        ("(x*y)^2/x", "x", "y^2"),
        ("sin(x) * sin(x)", "x", "2 * cos(x) * sin(x)"),
        ("(x - y)^2/7", "x", "2 * (x - y) / 7"),
        ("x/3", "x", "1 / 3"),
        ("relu(x) * y", "y", "relu(x)"),
    ],
)
def test_expressions(expression: str, name: str, wanted: str) -> None:
    made = spec(expression, **{of: at for of, at in (("x", 0.5), ("y", 1.5)) if of in expression})
    first = forms_of_inputs(made)[name]
    assert wanted in texts(first)


def forms_of_inputs(made) -> dict[str, GradientForms]:
    search = ShortForms(point_of(made))
    return {
        leaf.name: search.of(leaf.node)
        for leaf in made.inputs
        if leaf.node in search.checked.by_own_rules.upstream
    }
