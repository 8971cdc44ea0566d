"""An argument of a record that is none of its fields is told as a column is."""

import pytest

from kanopt.errors import ProblemError
from kanopt.routing import Client
from kanopt.scheduling import Task
from kanopt.supply import Market


@pytest.mark.parametrize(
    ("kind", "word", "meant"),
    [
        (Client, "delivery", "did you mean 'demand'"),
        (Market, "latitude", "did you mean 'lat'"),
        (Task, "predecessor", "did you mean 'after'"),
    ],
)
def test_an_argument_that_is_no_field_is_told_as_a_column_is(kind: type, word: str, meant: str) -> None:
    with pytest.raises(ProblemError, match=f"no '{word}'; {meant}") as raised:
        kind("a", **{word: 3})
    assert isinstance(raised.value, TypeError)
    with pytest.raises(TypeError, match="required positional"):
        kind()
