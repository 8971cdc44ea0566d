"""Searches for laws end sooner here, but where how long they search is looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cases.patience import FEW_REFITS


@pytest.fixture(autouse=True, scope="module")
def _few_refits() -> Iterator[None]:
    """Search for laws of models in a quarter of the default's refits: what is found in so many is found in all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(*FEW_REFITS)
        yield
