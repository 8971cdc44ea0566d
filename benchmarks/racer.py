"""The racer beside the referee on random plans of mixed rules and laws, and beside the best plan of small problems.

Every problem has one to five rules of sixteen, now and then routes that end elsewhere, goods with a release time and
routes under way, and laws of one of eight kinds; in two of five, stops take as long as a law of hour and load says. Its
routes state when they leave. A price differs where it is off by more than 1e-11 of itself.

Then problems of five clients, with several rules each, are searched by the racer alone, and the plan stands beside the
best one of all that there are, by trying every one.

    python benchmarks/racer.py --plans 5000 --problems 200
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from pathlib import Path

from _bench import asked, footer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kanopt.routing.search.racer.plan_data import PlanData
from kanopt.routing.search.racer.search import RacerRun, StoppingCriteria
from tests.cases.kernel_scores import score_plan
from tests.cases.mixed_routing import LAWS, mixed_problem, random_plan
from tests.cases.routing_simulator import best_of_all
from tests.cases.routing_variants import variant

PER_PROBLEM = 5


def main() -> None:
    given = asked(
        __doc__,
        plans=(5000, "how many plans"),
        seed=(1000, "of the first problem"),
        problems=(200, "how many small problems"),
        steps=(6000, "of the search on each"),
    )
    compare_plans(given)
    compare_with_all(given)
    print(footer([], f"from {given.seed} on"))


def compare_plans(given: argparse.Namespace) -> None:
    """Drive random plans by racer and referee, and print how many differ."""
    seen: Counter[str] = Counter()
    began = time.process_time()
    for number in range(given.plans // PER_PROBLEM):
        seed = given.seed + number
        problem = mixed_problem(seed, LAWS[number % len(LAWS)])
        known = PlanData(problem)
        for k in range(PER_PROBLEM):
            plan = random_plan(problem, PER_PROBLEM * seed + k)
            assessed = problem.assess(plan)
            broken = {violation.constraint for violation in assessed.check.violations} - {"unserved"}
            price, found = score_plan(problem, plan, known)
            seen.update(broken)
            seen["plans"] += 1
            seen["plans that keep every rule"] += not broken
            seen["rules differ"] += found != broken
            same = math.isclose(price, assessed.pricing.objective, rel_tol=1e-11, abs_tol=1e-9)
            seen["prices differ"] += "road" not in broken and not same
    for what in ("plans", "plans that keep every rule", "rules differ", "prices differ"):
        print(f"{what:28s} {seen.pop(what):6,d}")
    print("broken: " + ", ".join(f"{rule} {count:,}" for rule, count in seen.most_common()))
    print(f"{time.process_time() - began:.0f} CPU s\n")


def compare_with_all(given: argparse.Namespace) -> None:
    """Search small problems, and print by how much the plans are dearer than the best of all."""
    dearer: list[float] = []
    left_out, began = 0, time.process_time()
    for seed in range(given.seed, given.seed + given.problems):
        problem = variant("mixed", seed)
        best = best_of_all(problem)
        assessed = problem.assess(
            RacerRun(problem, None, seed, None).run(StoppingCriteria(None, given.steps, bool))
        )
        if assessed.rank.unserved > best.missed:
            left_out += 1
        else:
            more = assessed.pricing.objective - best.cost
            dearer.append(100.0 * more / best.cost if more else 0.0)
    print(f"{'small problems':28s} {given.problems:6,d}")
    print(f"{'clients wrongly left out in':28s} {left_out:6,d}")
    print(f"{'best plan of all found in':28s} {sum(each < 1e-4 for each in dearer):6,d}")
    print(f"{'worst, % dearer':28s} {max(dearer, default=0.0):6.2f}")
    print(f"{time.process_time() - began:.0f} CPU s\n")


if __name__ == "__main__":
    main()
