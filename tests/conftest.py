"""Settings for every test: no timing decides, and random examples are the same on every run."""

from __future__ import annotations

import matplotlib as mpl
import pytest
import torch
from hypothesis import HealthCheck, settings

from kanopt.interrupt import Interrupt

settings.register_profile(
    "kanopt", deadline=None, derandomize=True, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("kanopt")
mpl.use("Agg")
_LONG = ("test_notebooks.py", "test_docs.py")
# Small matrices gain nothing from threads, and on a busy machine they lose much.
torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def _no_ctrl_c_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Forget the Ctrl-C of the test before, after which the next would count as the second."""
    monkeypatch.setattr(Interrupt, "_last_asked", float("-inf"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the longest tests, so that no worker is still at one when the others have finished."""
    items.sort(key=lambda item: item.path.name not in _LONG)
