"""How dates are written is told from all cells of a column; what may be day or month is said to be doubtful."""

from __future__ import annotations

import datetime
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

import kanopt as ko
from kanopt.whatif.scaffolding.date_formats import DateFormat, date_formats


@pytest.mark.parametrize(
    ("cells", "format", "rival"),
    [
        (["31/12/2024", "01/02/2025"], "%d/%m/%Y", ""),
        (["12/31/2024 6:05", "1/2/2025 23:59"], "%m/%d/%Y %H:%M", ""),
        (["12.31.2024", "01.02.2025"], "%m.%d.%Y", ""),
        (["2-Jun-06", "14-Nov-06"], "%d-%b-%y", ""),
        (["March 4, 2019", "June 5, 2020"], "%B %d, %Y", ""),
        (["2024/12/31", "2025/01/02"], "%Y/%m/%d", ""),
        (["04/03/2024", "01/02/2025"], "%d/%m/%Y", "%m/%d/%Y"),
        (["04/03/2024 1:05 PM", "01/02/2025 2:00 AM"], "%m/%d/%Y %I:%M %p", "%d/%m/%Y %I:%M %p"),
        (["01/02/2024", "02/02/2024", "01/03/2024", "02/03/2024"], "%d/%m/%Y", ""),  # in order, the day first
        (
            ["01/11/2024", "01/12/2024", "02/01/2024", "02/02/2024"],
            "%m/%d/%Y",
            "",
        ),  # in order, the month first
    ],
)
def test_formats(cells: list[str], format: str, rival: str) -> None:
    assert date_formats(pd.DataFrame({"day": cells})) == {"day": DateFormat(format, rival)}


@pytest.mark.parametrize(
    "cells", [["31/12/2024", "2025-01-02"], ["a b 2024"], ["08:30", "9:15"], ["1 May street 20"]]
)
def test_what_no_format_reads_throughout_is_none(cells: list[str]) -> None:
    assert date_formats(pd.DataFrame({"day": cells, "km": 1.0})) == {}


@given(
    st.lists(
        st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2068, 1, 1)), min_size=1, max_size=20
    )
)
def test_the_format_reads_every_cell_and_errs_only_where_it_says_that_it_may(
    days: list[datetime.datetime],
) -> None:
    days = [day.replace(hour=0, minute=0, second=0, microsecond=0) for day in days]
    for written in ("%d/%m/%Y", "%m/%d/%Y"):
        found = date_formats(pd.DataFrame({"day": [day.strftime(written) for day in days]}))["day"]
        read = [datetime.datetime.strptime(day.strftime(written), found.format) for day in days]
        in_order = sorted(read) == read and len({*read}) > 2
        assert read == days or found.rival == written or in_order


def test_a_scenario_says_how_dates_are_written(tmp_path: Path) -> None:
    start = pd.date_range("2024-01-01 06:00", periods=200, freq="397min")
    km = [1 + k % 17 for k in range(200)]
    end = start + pd.to_timedelta([3 * each for each in km], "min")
    frame = pd.DataFrame({"pickup": start, "dropoff": end, "km": km})
    for name, form in (("us", "%m/%d/%Y %H:%M"), ("eu", "%d/%m/%Y %H:%M")):
        path = tmp_path / name / "trips.csv"
        path.parent.mkdir()
        frame.to_csv(path, index=False, date_format=form)
        made = ko.scaffold([path])
        scenario = ko.load_scenario(made.write(path.parent / "scenario.toml"))
        text = made.toml(path.parent / "scenario.toml")
        assert f'dates = {{ pickup = "{form}", dropoff = "{form}" }}\n' in text
        trips = scenario.tables["trips"]
        assert trips["minutes"].tolist() == [3 * each for each in km]


def test_a_doubtful_format_is_marked(tmp_path: Path) -> None:
    hours = [11 * k % 24 for k in range(200)]
    days = [f"{1 + 5 * k % 12:02}/{1 + 7 * k % 12:02}/2024 {hour}:15" for k, hour in enumerate(hours)]
    frame = pd.DataFrame({"day": days, "minutes": [20 + hour for hour in hours]})
    frame.to_csv(tmp_path / "trips.csv", index=False)
    text = ko.scaffold([tmp_path / "trips.csv"]).toml(tmp_path / "scenario.toml")
    assert 'dates = { day = "%d/%m/%Y %H:%M" } # check: day may as well be %m/%d/%Y %H:%M\n' in text
