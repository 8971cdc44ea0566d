"""The laws of the example city, as its scenario learns them: once for all tests of a session, and all workers of it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from kanopt.formulas import Formula
from kanopt.scenarios import load_scenario
from kanopt.scenarios.events import ignore_event
from kanopt.scenarios.files.sections import LearnedSpec
from kanopt.scenarios.learn import LawCache, learn_law
from tests.cases.patience import in_all_refits

__all__ = ["city_law"]

_FILE = Path(__file__).parents[2] / "scenarios" / "parcel_city.toml"


@cache
def city_law(name: str) -> Formula:
    """Return "travel_time" or "fuel" of the city with seed 7, learned on 16 of its 20 weeks."""
    scenario = load_scenario(_FILE)
    spec = scenario.laws[name]
    assert isinstance(spec, LearnedSpec)
    trips = scenario.tables[spec.table]
    with in_all_refits():
        return learn_law(name, spec, trips, scenario.seed, ignore_event, LawCache()).formula
