"""Schemas: what they accept, and what they say about what they do not."""

from __future__ import annotations

from typing import Any

import pytest

from kanopt.errors import TableError
from kanopt.tables import Column, Schema


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "nmber"}, "column 'a': unknown kind 'nmber'; did you mean 'number'"),
        ({"kind": "text", "unit": "km"}, "only numbers have a unit"),
        ({"format": "%d.%m.%Y"}, "a format is for kind 'datetime'"),
        ({"kind": "text", "minimum": 3}, "minimum 3 does not go with kind 'text'"),
        ({"minimum": "2024-01-01"}, "does not go with kind 'number'"),
        ({"maximum": float("nan")}, "maximum nan"),
        ({"kind": "datetime", "maximum": "tomorrow or so"}, "maximum 'tomorrow or so'"),
        ({"kind": "datetime", "maximum": 3}, "maximum 3"),
    ],
)
def test_mistakes_are_named(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(TableError, match=message):
        Column("a", **settings)


def test_a_column_is_declared_once_and_a_key_exists() -> None:
    with pytest.raises(TableError, match="'a' is declared more than once"):
        Schema((Column("a"), Column("a", "text")))
    with pytest.raises(TableError, match="no column 'idd' for the key; did you mean 'id'"):
        Schema((Column("id", "text"),), key=("idd",))
