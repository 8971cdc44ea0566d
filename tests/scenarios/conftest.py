import json
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.cases.scenario_files import files_of

TABLES = files_of("tiny")
TINY = TABLES.pop("tiny.toml")


def write_tiny(folder: Path) -> Path:
    for name, text in TABLES.items():
        (folder / name).write_text(text)
    path = folder / "tiny.toml"
    path.write_text(TINY)
    return path


GIVEN = '[surrogates.minutes]\nformula = "2 * km"\ninputs = { km = "km" }\nunit = "min"'
LEARNED = """[tables.trips]
path = "trips.csv"
units = { km = "km", minutes = "min" }

[surrogates.minutes]
table = "trips"
target = "minutes"
features = ["km"]
network = { hidden = [], log_target = false, starts = 1, grid_size = 4 }"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A routing scenario of four clients with laws written by hand."""
    return write_tiny(tmp_path)


@pytest.fixture
def learned(tiny):
    """The tiny scenario with its law of travel time learned from 80 trips of up to 30 km."""
    rng = np.random.default_rng(0)
    km = rng.uniform(0.5, 30, 80).round(2)
    pd.DataFrame({"km": km, "minutes": (2 * km * rng.normal(1, 0.02, 80)).round(3)}).to_csv(
        tiny.parent / "trips.csv", index=False
    )
    tiny.write_text(tiny.read_text().replace(GIVEN, LEARNED))
    return tiny


@pytest.fixture(scope="module")
def shared_tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, for tests that do not change it."""
    return write_tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def edited(tiny: Path):
    """Return a function that replaces one text of the tiny scenario, which must stand in it once, by another."""

    def edit(old: str, new: str) -> Path:
        text = tiny.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the scenario"
        tiny.write_text(text.replace(old, new))
        return tiny

    return edit


@pytest.fixture
def variant(tiny: Path):
    """Return a function that writes a what-if file over the tiny scenario."""

    def write(text: str, base: str = "tiny.toml", name: str = "variant.toml") -> Path:
        path = tiny.parent / name
        path.write_text(f"[scenario]\nbase = {json.dumps(base)}\n" + textwrap.dedent(text))
        return path

    return write
