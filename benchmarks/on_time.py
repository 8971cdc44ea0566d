"""Whether what is promised of a plan holds, what a promise costs, and whether chosen plans turn out worse than told.

Part "promises": a plan is made on travel times learned from the log of a made city, and for each stop it is said by
when the van is there with a probability of 90, 95 and 99 %. Then the plan is driven on fresh days of the true laws, by
code that shares nothing with the referee. "realised" is the share of the days on which that holds, the mean over stops;
"inside" in how many cities it lies within the binomial error of so many days (1.96 standard errors; stops of a day are
not independent). The peer, "alone", takes the errors of legs for independent. "best" knows the true law and the noise
of a trip, and of good and bad days those of the log, one by one, and that they are log-normal: what it misses 100 days
do not tell. It is expected inside in 70, 74 and 82 % of the cities (Student's t with 99 degrees of freedom, judged on
400 days). "between" is the standard deviation of the realised share between cities.

Part "trips": the same of single trips of real rows (New York taxis), from which nothing was learned; --data names the
folder that holds tables/. The peer is gradient boosting of quantiles, on all rows that ours was learned from or judged
by.

Part "curse": plans are chosen where laws are too hopeful. What the laws say the chosen plan costs, beside what it costs
on the true laws; and the same for a plan that was chosen on laws of another log, of which these laws do not know. The
difference is the optimiser's curse, free of what the laws are wrong by everywhere; --rows of the log, few or all.

Gross errors of the log (1 % of its rows) are faults of the record: they do not happen on days.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from _bench import asked, footer, print_table, tell
from _city_days import NOISE, day_problem, learned_minutes, told, true_days
from _example_city import make_city
from scipy.stats import t as student
from value_of_laws import true_laws

import kanopt as ko
from kanopt import Uncertainty
from kanopt.formulas import ErrorModel
from kanopt.formulas.error_model import Noise

LEVELS = (0.90, 0.95, 0.99)
HAPPENS = Uncertainty(gross_errors=False)


def promises(arguments: argparse.Namespace) -> pd.DataFrame:
    """Return a line for each city, effect of the day and level."""
    rows = []
    for effect in arguments.effects:
        for seed in arguments.cities:
            city = make_city(seed, day_effect=effect)
            problem = day_problem(city, learned_minutes(city, seed))
            how = {"time_limit": arguments.time_limit / 4, "seed": seed, "deterministic": True}
            plan = ko.solve(problem, days_in_time=None, **how)
            result = told(problem, plan)
            how = {"draws": 4000, "seed": seed}
            ours = ko.risk(result, HAPPENS, **how)
            alone = ko.risk(result, Uncertainty(gross_errors=False, shared=0.0), **how)
            best = ko.risk(ko.evaluate(day_problem(city, _best_known(city)), result.plan), **how)
            days = true_days(city, problem, result.plan, arguments.days, seed)
            for level in LEVELS:
                error = 1.96 * np.sqrt(level * (1.0 - level) / arguments.days)
                held, peer, most = (
                    (days.arrive <= np.quantile(each.days.arrive, level, axis=0)).mean(axis=0)
                    for each in (ours, alone, best)
                )
                rows.append(
                    {
                        "day effect": effect,
                        "promise": level,
                        "city": seed,
                        "realised": held.mean(),
                        "inside": float(abs(held.mean() - level) <= error),
                        "stops inside": (np.abs(held - level) <= error).mean(),
                        "alone": peer.mean(),
                        "inside, alone": float(abs(peer.mean() - level) <= error),
                        "best": most.mean(),
                        "inside, best": float(abs(most.mean() - level) <= error),
                    }
                )
            tell(f"effect {effect:g}, city {seed}: {rows[-2]['realised']:.3f} of 0.95")
    return pd.DataFrame(rows)


def _best_known(city: object) -> ko.Formula:
    """Return the true law of minutes, with what the days of the log tell of good and bad days."""
    law, log = true_laws(city.strength).minutes, city.trips
    mean, spread, noise = 1.0, 0.0, Noise()
    if city.day_effect:
        # fifty trips tell the factor of their day to 1 %, a fifteenth of what it varies by
        ratio = np.log(log["minutes"] / city.true_minutes(log["distance_km"], log["hour"]))
        days = ratio.groupby(log["day"]).median()
        mean, spread = float(np.exp(days.mean() + days.var() / 2.0)), float(np.sqrt(np.expm1(days.var())))
        share = spread**2 / (spread**2 + NOISE**2)
        noise = Noise(share, "day", len(days))
    known = (0.0, 0.0, mean**2 * spread**2 / noise.groups) if noise.groups else (0.0, 0.0, 0.0)
    errors = ErrorModel(0.0, mean, known, mean * float(np.hypot(spread, NOISE)), 1.0, 1.0, len(log), noise)
    return replace(law, fit=ko.Fit(1.0, 0.0, 0.0, 1.0, len(log), len(log), errors=errors))


def trips(arguments: argparse.Namespace) -> pd.DataFrame:
    """Return a line for each split and level of real trips."""
    from _real_data import cases
    from sklearn.ensemble import HistGradientBoostingRegressor

    (case,) = cases(["taxi minutes"], arguments.data, 0, 0)
    features = case.features[["distance_mi", "hour", "weekday"]]
    table = features.assign(minutes=case.target)
    rows = []
    for seed in arguments.cities:
        order = np.random.default_rng(seed).permutation(len(table))
        train, judged, fresh = (
            table.iloc[part] for part in np.split(order, [len(order) * 3 // 5, len(order) * 4 // 5])
        )
        names = list(features)
        model = ko.KANRegressor(monotone={"distance_mi": 1}, seed=seed).fit(train[names], train["minutes"])
        law = model.to_formula(judged, "minutes", min_r2=-1.0)
        said = np.broadcast_to(law.evaluate(fresh), len(fresh))
        far = said > np.median(said)
        known = pd.concat([train, judged])
        for level in LEVELS:
            tick = time.process_time()
            peer = HistGradientBoostingRegressor(loss="quantile", quantile=level, random_state=seed)
            theirs = peer.fit(known[names], known["minutes"]).predict(fresh[names])
            ours = law.fit.error_model.quantile(said, level)
            actual = fresh["minutes"].to_numpy()
            held, other = actual <= ours, actual <= theirs
            error = 1.96 * np.sqrt(level * (1.0 - level) / len(fresh))
            rows.append(
                {
                    "promise": level,
                    "split": seed,
                    "realised": held.mean(),
                    "inside": float(abs(held.mean() - level) <= error),
                    "short trips": held[~far].mean(),
                    "long trips": held[far].mean(),
                    "promised, mean min": ours.mean(),
                    "boosting": other.mean(),
                    "inside, boosting": float(abs(other.mean() - level) <= error),
                    "boosting, mean min": theirs.mean(),
                    "boosting CPU s": time.process_time() - tick,
                }
            )
        tell(f"split {seed}: {rows[-2]['realised']:.3f} of 0.95")
    return pd.DataFrame(rows)


def curse(arguments: argparse.Namespace) -> pd.DataFrame:
    """Return a line for each city: told and realised, of the plan chosen on these laws and of another's."""
    rows = []
    for seed in arguments.cities:
        cities = [make_city(one, day_effect=0.0) for one in (seed, seed + 1000)]
        laws = [learned_minutes(one, seed, arguments.rows) for one in cities]
        problems = [day_problem(cities[0], law) for law in laws]
        how = {"time_limit": arguments.time_limit / 2, "seed": seed, "deterministic": True}
        own, other = (told(problem, ko.solve(problem, **how)) for problem in problems)
        seen = ko.evaluate(problems[0], other.plan)
        found = {"city": seed}
        for name, result in (("own", own), ("other", seen)):
            risky = ko.risk(result, HAPPENS, draws=2000)
            days = true_days(cities[0], problems[0], result.plan, arguments.days, seed)
            found |= {
                f"{name}: told": risky.cost.mean(),
                f"{name}: realised": days.cost.mean(),
                f"{name}: on time, told": risky.on_time,
                f"{name}: on time": float((days.begin <= days.latest + 1e-6).all(axis=1).mean()),
            }
        found["worse than told, %"] = 100.0 * (found["own: realised"] / found["own: told"] - 1.0)
        found["other's, %"] = 100.0 * (found["other: realised"] / found["other: told"] - 1.0)
        found["curse, %"] = found["worse than told, %"] - found["other's, %"]
        hoped = [found[f"{name}: on time, told"] - found[f"{name}: on time"] for name in ("own", "other")]
        found["curse of on time, points"] = 100.0 * (hoped[0] - hoped[1])
        rows.append(found)
        tell(f"city {seed}: curse {found['curse, %']:+.2f} %")
    return pd.DataFrame(rows)


def table_of(part: str, lines: pd.DataFrame) -> pd.DataFrame:
    """Return means over cities, and of the main figures the error of the mean."""
    if part == "curse":
        figures = lines.drop(columns="city")
        half = student.ppf(0.975, max(len(lines) - 1, 1)) * figures.std(ddof=1) / np.sqrt(len(lines))
        return pd.DataFrame({"mean": figures.mean(), "± 95 %": half})
    keys, what = (["promise"], "split") if part == "trips" else (["day effect", "promise"], "city")
    grouped = lines.groupby(keys, sort=False)
    found = grouped.mean(numeric_only=True).drop(columns=what)
    found.insert(0, "cases", grouped.size())
    found.insert(2, "± (2 errors)", 2.0 * grouped["realised"].sem())
    found.insert(3, "between", grouped["realised"].std())
    return found


PARTS = {"promises": promises, "trips": trips, "curse": curse}


def main() -> None:
    given = asked(
        __doc__,
        ("part", "what is measured", PARTS),
        cities=([*range(100, 108)], "seeds of cities, or of splits"),
        effects=([0.0, 0.15], "day effects"),
        days=(400, "days on which plans are driven"),
        time_limit=(20.0, "seconds' worth of search"),
        rows=(int, "rows of the log (curse); else all 5,000"),
        data=(Path, "folder that holds tables/ (trips)"),
    )
    tick, clock = time.process_time(), time.perf_counter()
    print_table(table_of(given.part, PARTS[given.part](given)), ".4f", index=True)
    spent = f"{time.process_time() - tick:.0f} CPU s, {time.perf_counter() - clock:.0f} s by the clock"
    print(f"\n{spent}; {footer(['pyvrp'], ' '.join(map(str, given.cities)))}")


if __name__ == "__main__":
    main()
