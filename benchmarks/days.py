"""How long a book of days takes, whether a kill loses any of it, and how its verdict on a variant errs.

Part "book": days of a city of `_example_city.py`, of which each has orders of --stops clients, planned on laws that are
learned before. Told are seconds, and what 100 days take where all take as long as these.

Part "kills": the same book is killed at random moments and gone on with to its end: days that are missing, and those
whose row is another one than without a kill.

Part "verdict": days of `parcel_month` are planned as they are and with variants. What each variant costs more on a day
is drawn again, (a) shifted so that it costs nothing in the mean, and (b) so that it saves 2 % in the mean. Told is the
share of books in which it is accepted: of (a) ever within 250 days, judged after every one of them, of (b) within 40.
"normal" are differences without the skew of the real ones, with a spread of 2.5 % of the price of a day.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _bench import asked, footer, print_table
from _example_city import make_city
from joblib.externals.loky import get_reusable_executor

import kanopt as ko
from kanopt.questions.days_tables import acceptance

SCENARIOS = Path(__file__).parents[1] / "scenarios"
YEAR, SOON, BETTER = 250, 40, 0.02
VARIANTS = {
    "one small van fewer": ("vehicles.num_available", 1.0, {"name": "small van"}),
    "an hour later": ("vehicles.shift_end_h", 18.0, None),
    "fuel at 2 EUR": ("vehicles.fuel_price", 2.0, None),
}


def book_of(seed: int, days: int, stops: int, seconds: float) -> tuple[ko.Scenario, pd.DataFrame]:
    """Return a scenario whose searches take so long, and orders of a city's clients."""
    rng, city = np.random.default_rng([seed, 5]), make_city(seed)
    base = ko.load_scenario(SCENARIOS / "parcel_month.toml").set("solver.time_limit", seconds)
    rows = []
    for day in pd.bdate_range("2026-01-05", periods=days):
        some = city.clients.iloc[np.sort(rng.permutation(len(city.clients))[:stops])]
        amounts = (some["demand_t"] * rng.uniform(0.8, 1.2, len(some))).round(2)
        rows.append(some.assign(date=day, demand_t=amounts).rename(columns={"name": "client"}))
    return base, pd.concat(rows, ignore_index=True)


def book(given: argparse.Namespace) -> None:
    """Measure a book of days."""
    base, orders = book_of(given.seed, given.days, given.stops, given.seconds)
    ko.plan_days(base, orders[orders["date"] == orders["date"].min()])  # laws are kept on disk
    start, work = time.perf_counter(), sum(os.times()[:4])
    found = ko.plan_days(base, orders, options=ko.SweepOptions(workers=given.workers))
    wall = time.perf_counter() - start
    get_reusable_executor().shutdown(wait=True)  # what workers have done counts once they have ended
    spent = sum(os.times()[:4]) - work
    planned = len(found.rows_of("planned"))
    print(
        f"{planned} of {given.days} days × {given.stops} stops planned by {given.workers} workers: {wall:.0f} wall s, "
        f"{spent:.0f} CPU s; 100 days: {100 * wall / given.days / 60:.1f} wall min, "
        f"{100 * spent / given.days / 60:.1f} CPU min\n"
    )


def kills(given: argparse.Namespace) -> None:
    """Kill a book at random moments, and go on with it."""
    rng = np.random.default_rng(given.seed)
    base, orders = book_of(given.seed, given.days, given.stops, given.seconds)
    start = time.perf_counter()
    whole = ko.plan_days(base, orders).frame
    longest = time.perf_counter() - start
    missing = other = ended = 0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(given.kills):
            out = Path(folder) / f"book{number}"
            words = [sys.executable, __file__, "child", "--out", str(out), "--seed", str(given.seed)]
            words += ["--days", str(given.days), "--stops", str(given.stops), "--seconds", str(given.seconds)]
            child = subprocess.Popen(words, start_new_session=True)
            try:
                child.wait(rng.uniform(0.2, 1.0) * longest)
                ended += 1
            except subprocess.TimeoutExpired:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
            again = ko.plan_days(base, orders, options=ko.SweepOptions(out=out)).frame
            missing += len(whole) - len(again)
            both = again.merge(whole, on=["day", "plan"], suffixes=("", " before"))
            other += int((both["cost"] - both["cost before"]).abs().gt(1e-9).sum())
    print(
        f"{given.kills} kills ({ended} came too late), {given.days} days: {missing} missing, {other} other\n"
    )


def child(given: argparse.Namespace) -> None:
    """Plan a book that is to be killed."""
    base, orders = book_of(given.seed, given.days, given.stops, given.seconds)
    ko.plan_days(base, orders, options=ko.SweepOptions(out=given.out))


def verdict(given: argparse.Namespace) -> None:
    """Draw books of days whose differences are those of real variants, shifted."""
    base = ko.load_scenario(SCENARIOS / "parcel_month.toml").set("solver.time_limit", given.seconds)
    rng, changes = np.random.default_rng(given.seed), {}
    orders = base.tables["orders"]
    orders = orders[orders["date"].isin(sorted(orders["date"].unique())[: given.days])]
    for name, (path, value, where) in VARIANTS.items():
        found = ko.plan_days(base, orders, variant=base.set(path, value, where=where))
        planned, varied = (found.rows_of(plan)["cost"] for plan in ("planned", "variant"))
        changes[name] = ((varied - planned) / planned.mean()).dropna().to_numpy()
    changes["normal"] = 0.025 * rng.standard_normal(10_000)
    rows = []
    for name, known in changes.items():
        level = known - known.mean()
        drawn = rng.choice(level, (given.books, YEAR))
        nothing = [acceptance(each, 1.0).word == "accept" for each in drawn]
        better = [acceptance(each[:SOON] - BETTER, 1.0).word == "accept" for each in drawn]
        rows.append(
            {
                "variant": name,
                "change": f"{known.mean():.2%}",
                "spread of days": f"{known.std():.2%}",
                f"no effect, accepted in {YEAR} days": f"{np.mean(nothing):.1%}",
                f"2 % better, accepted in {SOON} days": f"{np.mean(better):.1%}",
            }
        )
    print_table(rows)


def main() -> None:
    given = asked(
        __doc__,
        ("part", "what is measured", ("book", "kills", "verdict", "child")),
        days=(100, "days of a book; verdict has 20 at most"),
        stops=(60, "clients that order each day"),
        seconds=(5.0, "counted seconds a search"),
        workers=(2, "processes"),
        kills=(10, "kills"),
        books=(400, "books that are drawn"),
        seed=(600, ""),
        out=(str, "folder of a book that is to be killed"),
    )
    {"book": book, "kills": kills, "verdict": verdict, "child": child}[given.part](given)
    if given.part != "child":
        print(footer(["pyvrp"], given.seed))


if __name__ == "__main__":
    main()
