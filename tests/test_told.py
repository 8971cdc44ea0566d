"""What is stored is compared by its words and by its figures, within what is claimed for them, and can fail."""

from __future__ import annotations

import pytest

from tests.cases.told import differences


@pytest.mark.parametrize(
    ("found", "same"),
    [
        ("costs 102.9 EUR (49 %)\nfor 12 clients", True),
        ("costs 97.1 EUR (49 %)\nfor 12 clients", True),
        ("costs 103.2 EUR (49 %)\nfor 12 clients", False),
        ("costs 100.0 EUR (48 %)\nfor 12 clients", True),
        ("costs 100.0 EUR (45 %)\nfor 12 clients", False),
        ("costs 100.0 EUR (49 %)\nfor 11 clients", False),
        ("cost 100.0 EUR (49 %)\nfor 12 clients", False),
        ("costs 100.0 EUR (49 %)", False),
        ("costs 100.0 EUR (49 %)\nfor 12 clients\nin all", False),
        ("costs -100.0 EUR (49 %)\nfor 12 clients", False),
    ],
)
def test_figures_may_differ_by_their_tolerance_and_words_not_at_all(found: str, same: bool) -> None:
    assert (not differences("costs 100.0 EUR (49 %)\nfor 12 clients", found, 0.03)) == same


def test_the_last_digit_that_is_shown_may_be_rounded_to_either_side() -> None:
    assert differences("R² 0.945", "R² 0.946", 1e-6)
    assert not differences("R² 0.945", "R² 0.946", 1e-6, last_digit=True)
    assert differences("R² 0.945", "R² 0.947", 1e-6, last_digit=True)
    assert not differences("49 % of 1,018", "50 % of 1,018", 1e-6, last_digit=True)
    assert differences("49 % of 1,018", "49 % of 1,019", 1e-6, last_digit=True)
