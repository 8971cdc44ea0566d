"""Intervals are computed where numpy's floating-point warnings are silenced, as whoever calls does."""

import numpy as np
import pytest


@pytest.fixture(autouse=True)
def _silent():
    with np.errstate(all="ignore"):
        yield
