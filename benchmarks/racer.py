"""The racer beside the referee on random plans of mixed rules and laws: prices and broken rules that differ.

Every problem has one to five rules of sixteen, now and then routes that end elsewhere, goods with a release time and
routes under way, and laws of one of eight kinds; in two of five, stops take as long as a law of hour and load says. Its
routes state when they leave. A price differs where it is off by more than 1e-11 of itself.

    python benchmarks/racer.py --plans 5000
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from pathlib import Path

from _bench import footer

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from kanopt.solvers.routing.racer.plan_data import PlanData
from kanopt.solvers.routing.racer.scores import score_plan
from tests.cases.mixed_routing import LAWS, mixed_problem, random_plan

PER_PROBLEM = 5


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--plans", type=int, default=5000, help="how many plans (default 5000)")
    parser.add_argument("--seed", type=int, default=1000, help="of the first problem (default 1000)")
    given = parser.parse_args()
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
    print(footer([], f"{given.seed} to {given.seed + given.plans // PER_PROBLEM - 1}"))


if __name__ == "__main__":
    main()
