"""What sites chosen for many demands at once are worth, beside sites for mean demand, also with a margin.

Fresh networks on a map of 1,000 by 1,000 km: a plant, sites of different size and cost that together could pass on
twice the mean demand, and markets whose demand is log-normal with a coefficient of variation (--variation), of which a
part (--shared) is common to all. What a market does not get costs about four times as much as bringing it there.

Three planners choose sites: for mean demand (``ko.solve``), for demand that is larger by a margin (--margins, what is
often done), and for samples of demand (``ko.solve_sample_average``). All are judged on the same fresh draws, on which
flows are decided anew.

size              sites × markets × periods
value             the value of the stochastic solution: by how much the sites for samples cost less on average than
                  those for mean demand, in % of these; ± is the standard error over networks
over 10 %         the same beside the sites for 10 % more than mean demand, and so on
save at most      what other sites could save, with 95 %, in % (mean over networks)
proved            networks in which every sample was solved to proved optimality
sites             how many are open: for mean demand, for samples
seconds           wall seconds to plan for mean demand; for samples with judging, and CPU seconds of that

    python benchmarks/stochastic_supply.py --networks 5
"""

from __future__ import annotations

import argparse
import os
import time

import numpy as np
import pandas as pd
from _bench import footer

import kanopt as ko
from kanopt.solvers.supply.recourse import flows_anew
from kanopt.supply import Facility, Lane, Market, Period, Product, Supplier

SIZES = ((6, 15, 1), (10, 40, 2), (20, 80, 2))
DEAR = 4.0
"""What a unit that is missing costs, in units of what it costs to bring one."""


def network(size: tuple[int, int, int], variation: float, seed: int) -> ko.SupplyProblem:
    """Return a network with uncertain demand."""
    sites, markets, periods = size
    rng = np.random.default_rng([seed, *size])
    places = {name: rng.uniform(0.0, 1000.0, (count, 2)) for name, count in (("f", sites), ("m", markets))}
    mean = rng.lognormal(3.0, 0.6, (markets, 1)) * rng.uniform(0.8, 1.2, (1, periods))
    share = rng.uniform(0.5, 1.5, sites)
    capacity = 2.0 * mean.sum(axis=0).max() * share / share.sum()
    rows = pd.DataFrame(
        [
            {"market": f"m{m}", "period": f"{t}", "demand": mean[m, t], "demand_sd": variation * mean[m, t]}
            for m in range(markets)
            for t in range(periods)
        ]
    )
    facilities = [
        Facility(
            f"f{i}",
            fixed_cost=float(periods * 15.0 * capacity[i] ** 0.9 * rng.uniform(0.8, 1.2)),
            capacity=float(capacity[i]),
        )
        for i in range(sites)
    ]
    lanes, rates = [], []
    for i in range(sites):
        lanes.append(Lane("plant", f"f{i}"))
        rates.append(5.0 + 0.01 * float(np.hypot(*(places["f"][i] - 500.0))))
        for m in range(markets):
            lanes.append(Lane(f"f{i}", f"m{m}"))
            rates.append(0.05 * float(np.hypot(*(places["f"][i] - places["m"][m]))))
    return ko.SupplyProblem(
        suppliers=[Supplier("plant", "goods", unit_cost=20.0)],
        facilities=facilities,
        markets=[Market(f"m{m}") for m in range(markets)],
        products=[Product("goods", shortage_cost=DEAR * 50.0)],
        periods=[Period(f"{t}") for t in range(periods)],
        lanes=lanes,
        tariff=np.array(rates)[:, None, None],
        demand=rows,
    )


def judged(size: tuple[int, int, int], seed: int, asked: argparse.Namespace) -> dict[str, float]:
    """Return what becomes of one network."""
    problem = network(size, asked.variation, seed)
    assumed = ko.Uncertainty(shared_demand=asked.shared)
    began = time.perf_counter()
    ko.solve(problem, time_limit=asked.seconds, seed=seed)
    plain_seconds = time.perf_counter() - began
    began, cpu = time.perf_counter(), sum(os.times()[:4])
    found = ko.solve_sample_average(
        problem,
        uncertainty=assumed,
        samples=asked.samples,
        replications=asked.replications,
        draws=asked.draws,
        time_limit=asked.seconds,
        seed=seed,
    )
    seconds, cpu = time.perf_counter() - began, sum(os.times()[:4]) - cpu
    demand, mine = found.risk.days.demand, found.risk.cost.mean()
    over = {}
    for margin in asked.margins:
        wider = problem.with_demand((1.0 + margin) * problem.demand_array)
        opened = ko.solve(wider, time_limit=asked.seconds, seed=seed).assessment.simulation.open
        peer = flows_anew(problem, opened, demand).drawn.cost.mean()
        over[f"over {100 * margin:g} %"] = 100.0 * (peer - mine) / peer
    return {
        "value": 100.0 * found.value_of_stochastic_solution / found.plain_risk.cost.mean(),
        **over,
        "save at most": 100.0 * (np.nan if found.most_to_save is None else found.most_to_save) / mine,
        "proved": float(found.proved),
        "sites, mean": len(found.plain.assessment.in_use.names),
        "sites, samples": len(found.sites),
        "seconds, mean": plain_seconds,
        "seconds": seconds,
        "CPU seconds": cpu,
    }


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--networks", type=int, default=5, help="networks of each size, seeds 0, 1, …")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--sizes", type=int, nargs="+", default=[0, 1, 2], help="which of the sizes")
    parser.add_argument("--variation", type=float, default=0.4, help="coefficient of variation of demand")
    parser.add_argument("--shared", type=float, default=0.3, help="part of the variance common to all")
    parser.add_argument(
        "--margins",
        type=float,
        nargs="+",
        default=[0.1, 0.2, 0.4],
        help="by which demand is raised for the peer",
    )
    parser.add_argument("--samples", type=int, default=30, help="draws in each sample")
    parser.add_argument("--replications", type=int, default=6, help="samples")
    parser.add_argument("--draws", type=int, default=1000, help="fresh draws")
    parser.add_argument("--seconds", type=float, default=60.0, help="time limit of each planner")
    asked = parser.parse_args()
    seeds = range(asked.first, asked.first + asked.networks)
    rows = []
    for place in asked.sizes:
        size = SIZES[place]
        frame = pd.DataFrame([judged(size, seed, asked) for seed in seeds])
        line = {"size": " × ".join(map(str, size))}
        for name, values in frame.items():
            line[name] = f"{values.mean():.2f}"
            if name == "value" or name.startswith("over"):
                line[name] += f" ± {values.sem():.2f}"
        rows.append({**line, "proved": f"{int(frame['proved'].sum())} of {len(frame)}"})
        print(pd.DataFrame(rows).set_index("size").T.to_string(), flush=True)
    print(footer(["highspy"], f"{seeds.start}-{seeds.stop - 1}"))


if __name__ == "__main__":
    main()
