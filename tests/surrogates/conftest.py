"""Searches for laws end sooner here, but where how long they search is looked at."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cases.patience import FEW_REFITS


@pytest.fixture(autouse=True, scope="module")
def _few_refits() -> Iterator[None]:
    """Search for laws of models in a quarter of the default's refits: what is found in so many is found in all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*FEW_REFITS)
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let tests of this room judge a law on the rows it was learned from, which saves half of their fits."""
    allowed = pytest.mark.filterwarnings("ignore:the .* rows that judge it are those it was learned from")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(allowed)
