"""A keyword that a public function or class does not have is told in a sentence, wherever the name is taken from."""

import pickle

import pytest

import kanopt as ko
from kanopt.errors import ArgumentError


@pytest.mark.parametrize(
    ("name", "word", "told"),
    [
        ("explain", "reslt", "did you mean 'result'?"),
        ("load_scenario", "lenent", "did you mean 'lenient'?"),
        ("Uncertainty", "shard", "did you mean 'shared'?"),
        ("read_table", "untis", "did you mean 'units'?"),
        ("KANRegressor", "hiden", "did you mean 'hidden'?"),
        ("solve", "tim_limit", "did you mean 'time_limit'?"),
        ("RoutingProblem", "depos", "did you mean 'depots'?"),
        ("Variable", "unt", "did you mean 'unit'?"),
    ],
)
def test_a_keyword_that_there_is_not_is_told_with_the_nearest(name: str, word: str, told: str) -> None:
    with pytest.raises(ArgumentError) as raised:
        getattr(ko, name)(**{word: 3})
    assert str(raised.value) == f"{name} has no {word!r}; {told}"


def test_what_is_missing_is_told_by_python_and_functions_go_to_other_processes() -> None:
    with pytest.raises(TypeError, match="missing 1 required positional argument: 'name'"):
        ko.Variable()  # type: ignore[call-arg]
    assert pickle.loads(pickle.dumps(ko.explain)) is ko.explain
