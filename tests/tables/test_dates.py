"""Dates in a declared format are read strictly, in Python as in files."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import kanopt as ko
from kanopt.errors import ScenarioError
from kanopt.tables import read_table

ROWS = "start,km\n03/01/2024 6:05,5\n04/02/2024 16:30,7\n31/12/2024 23:59,9\n"


def table(folder: Path, text: str) -> Path:
    path = folder / "trips.csv"
    path.write_text(text)
    return path


def test_a_declared_format_makes_dates(tmp_path: Path) -> None:
    frame = read_table(table(tmp_path, ROWS), dates={"start": "%d/%m/%Y %H:%M"}, derive={"h": "hour(start)"})
    assert frame["start"].dt.month.tolist() == [1, 2, 12]
    assert frame["h"].tolist() == pytest.approx([6 + 5 / 60, 16.5, 23 + 59 / 60])


FORMATS = ["%d.%m.%Y %H:%M", "%m/%d/%Y %I:%M %p", "%d-%b-%Y %H:%M", "%Y%m%d%H%M", "%A %d %B %Y %H:%M"]


@given(
    format=st.sampled_from(FORMATS),
    moment=st.datetimes(datetime.datetime(1970, 1, 1), datetime.datetime(2068, 1, 1)),
    other=st.sampled_from(FORMATS),
)
def test_a_format_reads_what_it_writes_and_what_strptime_reads(
    tmp_path_factory: pytest.TempPathFactory, format: str, moment: datetime.datetime, other: str
) -> None:
    moment = moment.replace(second=0, microsecond=0)
    path = table(
        tmp_path_factory.mktemp("t"), f"k,start\n1,{moment.strftime(format)}\n2,{moment.strftime(other)}\n"
    )
    frame = read_table(path, dates={"start": format}, on_bad="missing")
    assert frame["start"].iloc[0].to_pydatetime() == moment
    try:
        wanted = datetime.datetime.strptime(moment.strftime(other), format)
    except ValueError:
        assert frame["start"].isna().iloc[1]
    else:
        assert frame["start"].iloc[1].to_pydatetime() == wanted


LAW = '[surrogates.km]\ntable = "trips"\ntarget = "km"\nfeatures = ["h"]\n'


def scenario(folder: Path, lines: str) -> Path:
    path = folder / "s.toml"
    derived = '[tables.trips.derive]\nh = "hour(start)"\n'
    path.write_text(f'[tables.trips]\npath = "trips.csv"\n{lines}\n{derived}{LAW}')
    return path


@pytest.mark.parametrize(
    ("lines", "key", "told"),
    [
        ('dates = { start = "%m/%d/%Y %H:%M" }', "tables.trips.path", "row 4: '31/12/2024 23:59'"),
        ('dates = { strat = "%d/%m/%Y" }', "tables.trips.dates.strat", "did you mean 'start'"),
        ('dates = { start = "dd/mm/yyyy" }', "tables.trips.dates.start", "such as '%d.%m.%Y'"),
        (
            'dates = { start = "%d/%m/%Y %H:%M" }\nminimum = { start = 0 }',
            "tables.trips.minimum.start",
            "holds dates",
        ),
    ],
)
def test_mistakes_stand_at_their_key(tmp_path: Path, lines: str, key: str, told: str) -> None:
    table(tmp_path, ROWS)
    with pytest.raises(ScenarioError) as raised:
        ko.load_scenario(scenario(tmp_path, lines))
    found = {issue.key: issue.message for issue in raised.value.issues}
    assert told in found[key]
