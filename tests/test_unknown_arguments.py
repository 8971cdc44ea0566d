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
    ],
)
def test_a_keyword_that_there_is_not_is_told_with_the_nearest(name: str, word: str, told: str) -> None:
    with pytest.raises(ArgumentError) as raised:
        getattr(ko, name)(**{word: 3})
    assert str(raised.value) == f"{name} has no {word!r}; {told}"


@pytest.mark.parametrize(
    "name", ["explain", "read_table", "solve", "load_scenario", "grid", "scaffold", "split"]
)
def test_public_functions_go_to_other_processes(name: str) -> None:
    function = getattr(ko, name)
    assert pickle.loads(pickle.dumps(function)) is function
