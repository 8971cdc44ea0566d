"""Schemas: what they accept, and what they say about what they do not."""

from __future__ import annotations

from typing import Any

import pytest

from kanopt.errors import TableError
from kanopt.tables import Column, Schema


@pytest.mark.parametrize(
    ("plain", "message"),
    [
        ({"a": "nmber"}, "column 'a': unknown kind 'nmber'; did you mean 'number'"),
        ({"a": {"units": "km"}}, "unknown setting 'units'; did you mean 'unit'"),
        ({"a": 3}, "wants a kind or settings, not 3"),
        ({"a": {"kind": "text", "unit": "km"}}, "only numbers have a unit"),
        ({"a": {"format": "%d.%m.%Y"}}, "a format is for kind 'datetime'"),
        ({"a": {"kind": "text", "minimum": 3}}, "minimum 3 does not go with kind 'text'"),
        ({"a": {"minimum": "2024-01-01"}}, "does not go with kind 'number'"),
        ({"a": {"maximum": float("nan")}}, "maximum nan"),
        ({"a": {"kind": "datetime", "maximum": "tomorrow or so"}}, "maximum 'tomorrow or so'"),
        ({"a": {"kind": "datetime", "maximum": 3}}, "maximum 3"),
    ],
)
def test_mistakes_are_named(plain: dict[str, Any], message: str) -> None:
    with pytest.raises(TableError, match=message):
        Schema.from_dict(plain)


def test_a_column_is_declared_once_and_a_key_exists() -> None:
    with pytest.raises(TableError, match="'a' is declared more than once"):
        Schema((Column("a"), Column("a", "text")))
    with pytest.raises(TableError, match="no column 'idd' for the key; did you mean 'id'"):
        Schema((Column("id", "text"),), key=("idd",))
