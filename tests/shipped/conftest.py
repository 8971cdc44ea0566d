from pathlib import Path

import pytest

SCENARIOS = Path(__file__).parents[2] / "scenarios"


@pytest.fixture(scope="session")
def scenarios() -> Path:
    """The folder of the scenarios that ship."""
    return SCENARIOS
