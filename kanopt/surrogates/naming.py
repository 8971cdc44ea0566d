"""Resolve columns as named by the user: by label, or by position if labels are not numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral
from typing import Any, TypeVar

from kanopt.errors import FitError, nearest
from kanopt.surrogates.encoding import Feature, FeatureEncoding

Value = TypeVar("Value")


def column_of(name: Any, encoding: FeatureEncoding, where: str) -> Feature:
    """Return the column with a label, else that at a position.

    If columns are numbered, a number is a label, so that its meaning does not depend on their order.

    Raises
    ------
    FitError
        If there is no such column.

    Examples
    --------
    >>> numbered = FeatureEncoding((Feature("1", "number"), Feature("2", "number")))
    >>> named = FeatureEncoding((Feature("km", "number"), Feature("load_t", "number")))
    >>> column_of(1, numbered, "monotone").name, column_of(1, named, "monotone").name
    ('1', 'load_t')
    """
    whole = isinstance(name, Integral) and not isinstance(name, bool)
    wanted = str(int(name)) if whole else name
    for feature in encoding.features:
        if feature.name == wanted:
            return feature
    numbered = any(_is_whole(feature.name) for feature in encoding.features)
    if whole and not numbered and 0 <= int(name) < len(encoding.features):
        return encoding.features[int(name)]
    raise FitError(f"{where}: there is no column {name!r}; {nearest(str(name), encoding.names)}")


def by_name(given: Mapping[Any, Value], encoding: FeatureEncoding, where: str) -> dict[str, Value]:
    """Return a mapping by label or position with the columns' names as keys."""
    return {column_of(name, encoding, where).name: value for name, value in given.items()}


def _is_whole(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


def hidden_text(hidden: Sequence[int]) -> str:
    """Return the hidden layers of a network in words.

    Examples
    --------
    >>> hidden_text((1,)), hidden_text((2, 1))
    ('1 hidden node', '2 + 1 hidden nodes')
    """
    return f"{' + '.join(map(str, hidden))} hidden {'node' if sum(hidden) == 1 else 'nodes'}"
