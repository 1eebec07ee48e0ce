from types import SimpleNamespace
from typing import Any

from invoking import invoke

from bpx.cli.input.text_params import keep_texts


def test_numbers_are_converted_and_refused() -> None:
    invoke("explain", "x^3", "x=2", "--order", "3")
    for option, value in [("--order", "two"), ("--step", "fast")]:
        assert f"`{option}` takes a" in invoke("explain", "x^3", "x=2", option, value, exit=2).stderr


def test_a_target_must_be_given() -> None:
    assert "the argument `target` is missing" in invoke("explain", exit=2).stderr
    assert "missing-argument" in invoke("gradcheck", "--json", exit=2).stdout


def test_a_choice_is_one_of_its_own() -> None:
    invoke("gradcheck", "x*y", "x=1", "y=2", "--sort", "worst")
    assert (
        "takes one of worst, input, not `best`"
        in invoke("gradcheck", "x*y", "x=1", "--sort", "best", exit=2).stderr
    )


class _Param:
    """A parameter of a Typer that knows no descriptors of types."""

    required, default, callback = False, None, None

    def process_value(self, _: Any, value: str | None) -> tuple[str, str | None]:
        return "converted", value


def test_an_older_typer_converts_by_itself() -> None:
    param = _Param()
    keep_texts([param])
    context: Any = SimpleNamespace(resilient_parsing=False)
    assert param.process_value(context, "3") == ("converted", "3")
    assert param.process_value(context, None) is None
