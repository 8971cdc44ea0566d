"""Nothing that kanopt says of the frozen corpus has changed: prices, checks, reasons, texts, reports, messages.

Where a change is meant, ``python -m tests.corpus.write --write`` records it, and the diff of the golden files is what a
reader judges it by.
"""

from __future__ import annotations

import pytest

from tests.corpus.cases import CASES
from tests.corpus.messages import MESSAGES
from tests.corpus.recording import differences
from tests.corpus.write import compared

EVERYTHING = {**CASES, **MESSAGES}


@pytest.mark.slow
@pytest.mark.parametrize("name", EVERYTHING)
def test_nothing_has_changed(name):
    told = compared(name, EVERYTHING[name]())
    assert not told, f"tests/corpus/golden/{name}.txt says something else:\n{told}"


@pytest.mark.parametrize(
    ("golden", "found", "same"),
    [
        ("fuel | 33.881234567", "fuel | 33.881234568", True),
        ("fuel | 33.881234", "fuel | 33.881235", False),
        ("fuel | 3", "fuel | 3.0000000001", True),
        ("client c3", "client c03", False),
        ("one\ntwo", "one", False),
        ("took # s", "took 1.5 s", False),
        ("a 0.5\nb", "c\na 0.50000000001\nb", False),
    ],
)
def test_only_the_noise_of_floating_point_is_no_difference(golden, found, same):
    told = differences(golden, found)
    assert (not told) == same
    assert "+a" not in told
