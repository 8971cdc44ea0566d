"""How often the recommended plan is in time, and what that costs beside the plan that is cheapest on typical times.

Two searches a city, deterministic: for the plan that costs least on typical times ("cheapest"), and for one in which
everyone is in time on --target of the days, by departures, and by other routes where these are not enough ("held").
Then both are driven on days that neither search nor choice has seen:

- "told" is the share of days that the plan itself tells (1,000 days of learned errors, one seed for all plans);
- "learned" is that of --days days of learned errors, drawn with another seed;
- "true" is that of --days days of the city's true laws, driven by code that shares nothing with the referee, without
  the gross errors of the log.

"extra" is what the held plan costs more than the cheapest one on typical times, "extra true" on the mean of the true
days. "rerouted" says whether its routes are others than the cheapest ones. "CPU s" are those of its search.

Part "shops": schedules of scenarios/workshop.toml and of made shops (--shops), whose durations are stated and truly of
a gamma distribution with --error; true days are run by code that shares nothing with the referee's. Of the workshop
there is no "true": its law is the learned one. "mean" is the price of the average day, a true one where there are such.

Part "parcel": scenarios/parcel_city, once for each of --seeds. Part "cities": cities of make_city, without and with an
error that all trips of a day share (--effects). The constants of the choice were set on city 300 and the
example; the default cities are others.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _bench import asked, footer, print_table, tell
from _city_days import day_problem, learned_minutes, told, true_days
from _example_city import DrawnCity, make_city
from _shops import priced_shop

import kanopt as ko
from kanopt import Uncertainty
from kanopt.scenarios.events import ignore_event
from kanopt.scenarios.learn import laws_of, learn
from kanopt.scenarios.run import build


def parcel(arguments: argparse.Namespace) -> pd.DataFrame:
    """Return a line for each seed of the example city of the repository."""
    root = Path(__file__).resolve().parents[1]
    scenario = ko.load_scenario(root / "scenarios" / "parcel_city.toml")
    problem = build(scenario, laws_of(scenario, learn(scenario, scenario.seed, ignore_event)))
    city = make_city(7)
    return pd.DataFrame([_line(problem, city, seed, arguments) for seed in arguments.seeds])


def cities(arguments: argparse.Namespace) -> pd.DataFrame:
    """Return a line for each city and effect of the day."""
    rows = []
    for effect in arguments.effects:
        for seed in arguments.cities:
            city = make_city(seed, day_effect=effect)
            rows.append(_line(day_problem(city, learned_minutes(city, seed)), city, seed, arguments))
    return pd.DataFrame(rows)


def _line(
    problem: ko.RoutingProblem, city: DrawnCity, seed: int, arguments: argparse.Namespace
) -> dict[str, float]:
    """Search for both plans, and drive them on days not seen."""
    how: dict[str, Any] = {"time_limit": arguments.time_limit, "seed": seed, "deterministic": True}
    typical = ko.solve(problem, days_in_time=None, **how)
    tick = time.process_time()
    found = ko.solve(problem, days_in_time=arguments.target, **how)
    seconds = time.process_time() - tick
    known, held = found.days_in_time, ko.evaluate(problem, found.plan)
    line: dict[str, float] = {"day effect": city.day_effect, "seed": seed}
    true_cost = []
    for name, result in (("cheapest", typical), ("held", held)):
        fresh = ko.risk(result, Uncertainty(), draws=arguments.days, seed=900_001 + seed)
        plan = told(problem, result).plan
        days = true_days(city, problem, plan, arguments.days, 900_001 + seed)
        in_time = (days.begin <= days.latest + 1e-6).all(axis=1)
        true_cost.append(float(days.cost.mean()))
        line[f"{name}, told"] = known.typical_share if name == "cheapest" else known.share
        line[f"{name}, learned"] = fresh.on_time
        line[f"{name}, true"] = float(in_time.mean())
    line |= {
        "price": typical.objective,
        "extra": held.objective - typical.objective,
        "rerouted": float(known.rerouted),
        "extra true": true_cost[1] - true_cost[0],
        "reached": float(known.reached),
        "CPU s": seconds,
    }
    tell(
        f"effect {city.day_effect:g}, seed {seed}: true {line['cheapest, true']:.3f} to {line['held, true']:.3f} "
        f"for {line['extra']:.2f}"
    )
    return line


def shops(arguments: argparse.Namespace) -> pd.DataFrame:
    """Return a line for the workshop and for each made shop."""
    scenario = ko.load_scenario(Path(__file__).resolve().parents[1] / "scenarios" / "workshop.toml")
    problem = build(scenario, laws_of(scenario, learn(scenario, scenario.seed, ignore_event)))
    rows = [_shop_line(problem, -1, Uncertainty(), arguments)]
    for seed in arguments.shops:
        made = priced_shop(8, 3, 2, prices=36, setups=True, breaks=True, seed=seed)
        rows.append(_shop_line(made, seed, Uncertainty(task=arguments.error), arguments))
    return pd.DataFrame(rows)


def _shop_line(
    problem: ko.SchedulingProblem, seed: int, uncertain: Uncertainty, arguments: argparse.Namespace
) -> dict[str, float]:
    """Search for the cheapest schedule on typical times and for the one that holds, and run both on days not seen."""
    how: dict[str, Any] = {"time_limit": arguments.time_limit, "seed": max(seed, 0), "deterministic": True}
    typical = ko.solve(problem, days_in_time=None, **how)
    found = ko.solve(problem, days_in_time=arguments.target, uncertainty=uncertain, **how)
    known, limits = found.days_in_time, [job.due_date or np.inf for job in problem.data.jobs]
    line: dict[str, float] = {"day effect": 0.0, "seed": seed}
    ends = [
        ko.evaluate(problem, one.plan).assessment.simulation.completion(len(limits))
        for one in (typical, found)
    ]
    due = np.where(np.minimum(*ends) > np.array(limits) + 1e-6, np.inf, limits)
    for name, result in (("cheapest", typical), ("held", found)):
        line[f"{name}, told"] = known.typical_share if name == "cheapest" else known.share
        days = ko.risk(result, uncertain, draws=arguments.days, seed=900_001)
        done, line[f"{name}, mean"] = days.values, float(days.cost.mean())
        line[f"{name}, learned"] = float((done <= due + 1e-6).all(axis=1).mean())
        if uncertain.task:
            rng = np.random.default_rng([900_001, seed])
            drawn = rng.gamma(
                uncertain.task**-2, uncertain.task**2, (arguments.days, len(problem.data.tasks))
            )
            runs = [true_run(problem, result.plan, day.tolist()) for day in drawn]
            line[f"{name}, true"] = float(
                np.mean([all(a <= b + 1e-6 for a, b in zip(r, due, strict=True)) for r, _ in runs])
            )
            line[f"{name}, mean"] = float(np.mean([cost for _, cost in runs]))
    line |= {
        "late in plan": float(np.isinf(due).sum()),
        "price": typical.objective,
        "extra": found.objective - typical.objective,
        "reached": float(known.reached),
    }
    tell(f"shop {seed}: {line['cheapest, told']:.3f} to {line['held, told']:.3f} for {line['extra']:.2f}")
    return line


def true_run(problem: ko.SchedulingProblem, plan: Any, factors: list[float]) -> tuple[list[float], float]:
    """Return when each job is done and what the day costs, where tasks take their duration times a factor."""
    data = problem.data
    number = {task.name: place for place, task in enumerate(data.tasks)}
    mode = {(each.task, each.machine): each for each in data.modes}
    setup = {(each.before, each.after): each.time for each in data.setups}
    free: dict[str, tuple[float, str]] = {each.name: (0.0, each.family) for each in data.machines}
    done: dict[str, float] = {}
    starts = [each.start for each in data.power_price]
    energy = 0.0
    for row in sorted(plan.assignments, key=lambda row: (row.start, number[row.task])):
        task, way, (ready, family) = (
            data.tasks[number[row.task]],
            mode[row.task, row.machine],
            free[row.machine],
        )
        gap = setup.get((family, task.family), 0.0) if task.family else 0.0
        begin = max(row.start, ready + gap, done.get(row.job, 0.0))
        if begin > row.start + 1e-6:
            for pause in sorted(data.calendars, key=lambda each: each.start):
                if (
                    pause.machine in ("", row.machine)
                    and begin < pause.end
                    and begin + way.duration > pause.start
                ):
                    begin = pause.end
        end = begin + way.duration * factors[number[row.task]]
        free[row.machine], done[row.job] = (end, task.family or family), end
        for place, one in enumerate(data.power_price):
            until = starts[place + 1] if place + 1 < len(starts) else np.inf
            part = max(0.0, min(end, until) - max(begin, one.start)) / (end - begin)
            energy += part * way.energy * one.price
    late = sum(
        each.tardiness_cost * max(0.0, done[each.name] - (each.due_date or np.inf)) for each in data.jobs
    )
    return [done[each.name] for each in data.jobs], energy + late + problem.makespan_cost * max(done.values())


PARTS = {"parcel": parcel, "cities": cities, "shops": shops}


def main() -> None:
    given = asked(
        __doc__,
        parts=(list(PARTS), "which", PARTS),
        target=(0.95, "share of days asked for"),
        seeds=([*range(5)], "seeds of parcel"),
        cities=([*range(400, 408)], "seeds of cities"),
        effects=([0.0, 0.1], "day effects"),
        shops=([*range(500, 510)], "seeds of made shops"),
        error=(0.1, "standard deviation of a duration in made shops, as a share of it"),
        days=(2000, "days of each kind"),
        time_limit=(3.0, "counted seconds a search"),
    )
    for part in given.parts:
        lines = PARTS[part](given)
        print_table(lines, ".3f")
        print_table(lines.groupby("day effect").mean().drop(columns="seed"), ".3f", index=True)
    print(footer(["pyvrp"], f"{given.seeds} and {given.cities}"))


if __name__ == "__main__":
    main()
