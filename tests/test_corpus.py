"""No price, check, reason or table of the frozen corpus has changed.

Where a change is meant, ``python -m tests.corpus.write`` records it, and the diff of the golden files is what a reader
judges it by.
"""

from __future__ import annotations

import pytest

from tests.corpus.cases import CASES
from tests.corpus.write import compared


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_nothing_has_changed(name):
    told = compared(name)
    assert not told, f"tests/corpus/golden/{name}.txt says something else:\n{told}"
