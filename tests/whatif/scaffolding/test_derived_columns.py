"""Columns of dates: how long, at which hour and on which weekday, where a law reads them."""

from __future__ import annotations

import tomllib

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt.whatif.scaffolding.derived_columns import propose_columns
from kanopt.whatif.scenario_files.load import check_scenario

ROWS = 500


def trips() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    hour = rng.uniform(5, 22, ROWS)
    start = pd.Timestamp("2024-03-01") + pd.to_timedelta(rng.integers(0, 60, ROWS) * 24 + hour, "h")
    km = rng.uniform(1, 30, ROWS)
    minutes = 2 * km * (1 + 0.6 * np.exp(-(((hour - 8) / 2) ** 2))) * rng.uniform(0.95, 1.05, ROWS)
    end = start + pd.to_timedelta(minutes, "min")
    return pd.DataFrame({"distance_km": km, "in at": end.round("s"), "out at": start.round("s")})


def test_a_log_of_two_times_gives_the_law_of_the_time_between(tmp_path):
    trips().to_csv(tmp_path / "trips.csv", index=False)
    made = ko.scaffold([tmp_path / "trips.csv"])
    path = made.write(tmp_path / "first.toml")
    scenario = check_scenario(path)
    scenario.check()
    data = tomllib.loads(path.read_text("utf-8"))
    assert data["tables"]["trips"]["derive"] == {
        "minutes": "minutes_between(`out at`, `in at`)",
        "out_at_hour": "hour(`out at`)",
    }
    law = data["surrogates"]["minutes"]
    assert law["features"] == ["distance_km", "out_at_hour"]
    assert law["periodic"] == {"out_at_hour": 24}
    between = (trips()["in at"] - trips()["out at"]).dt.total_seconds() / 60
    np.testing.assert_allclose(scenario.tables["trips"]["minutes"], between)


def test_what_no_law_reads_is_not_derived(tmp_path):
    frame = trips().assign(cost=lambda f: 3 + 0.5 * f["distance_km"] + np.tile([0, 0.2], ROWS // 2))
    frame.drop(columns="in at").to_csv(tmp_path / "trips.csv", index=False)
    made = ko.scaffold([tmp_path / "trips.csv"])
    data = tomllib.loads(made.write(tmp_path / "first.toml").read_text("utf-8"))
    assert data["surrogates"]["cost"]["features"] == ["distance_km"]
    assert "derive" not in data["tables"]["trips"]
    assert not made.guesses["column"].str.startswith("out_at").any()


def test_nothing_is_proposed_that_is_there_or_cannot_be():
    frame = trips()
    assert "out_at_hour" not in propose_columns(frame.assign(hour=1))
    assert "out_at_weekday" not in propose_columns(frame.assign(weekday="Mon"))
    days = frame.assign(**{"out at": frame["out at"].dt.normalize()}).drop(columns="in at")
    assert propose_columns(days) == {"out_at_weekday": "weekday(`out at`)"}
    assert propose_columns(frame.drop(columns=["out at", "in at"])) == {}
    # years between two dates are no duration of a trip
    far = frame.assign(**{"in at": frame["in at"] + pd.Timedelta(days=900)})
    assert not any("between" in text for text in propose_columns(far).values())


@pytest.mark.parametrize(
    "name", ["pick`up", "\x1b[31mred", "left\x7f", "\u202eleft", "`", "hour(left)", "x" * 400]
)
def test_dates_that_no_text_can_name_are_left_alone(name: str) -> None:
    start = pd.Series(pd.date_range("2024-03-01 06:00", periods=60, freq="7h"))
    odd = f"{name} at" if name != "hour(left)" else "left"
    frame = pd.DataFrame({odd: start, "back": start + pd.to_timedelta(range(20, 80), "min"), name: 1.0})
    found = propose_columns(frame)
    assert not any(text.startswith("hour(") for text in found.values())
    assert set(found) <= set(ko.read_table(frame, derive=found))
