"""Nothing that kanopt says of the frozen corpus has changed: prices, checks, reasons, texts, reports, messages.

Where a change is meant, ``python -m tests.corpus.write --write`` records it, and the diff of the golden files is what a
reader judges it by.
"""

from __future__ import annotations

import pytest

from tests.corpus.cases import CASES
from tests.corpus.messages import MESSAGES
from tests.corpus.write import compared

EVERYTHING = {**CASES, **MESSAGES}


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERYTHING)
def test_nothing_has_changed(name):
    told = compared(name, EVERYTHING[name]())
    assert not told, f"tests/corpus/golden/{name}.txt says something else:\n{told}"
