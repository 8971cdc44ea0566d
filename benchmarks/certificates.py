"""Whether certificates hold, on random formulas.

Formulas made of straight pieces:
A third each is made to be nearest to the law, never below it and never above it, with a tolerance between a thousandth
and a tenth of what the law varies by. At --points random points of its ranges, corners and edges among them, a formula
violates its certificate where the pieces minus the law leave the bounds that were proved, where the bound exceeds the
tolerance, where "over" lies below the law or "under" above it, or where a value leaves the bounds of the output. Bound
/ actual is the proved bound over the largest difference found; formulas that are exact but for floating point, and
those whose approximated parts never came into play at the points, are counted apart. CPU seconds are those of making
the pieces alone.
"""

from __future__ import annotations

import statistics
import sys
import time
from dataclasses import dataclass
from typing import get_args

import numpy as np
from _bench import asked, footer, print_table
from _random_formulas import RandomLaw, random_law

from kanopt.errors import FormulaError
from kanopt.formulas import Piecewise
from kanopt.formulas.lowering.program import Side

SIDES: tuple[Side, ...] = get_args(Side)


@dataclass(frozen=True)
class Outcome:
    """What became of one formula."""

    text: str
    refused: str = ""
    violated: str = ""
    bound: float = 0.0
    actual: float = 0.0
    rounding: float = 0.0
    segments: int = 0
    cpu: float = 0.0


def violated(law: RandomLaw, made: Piecewise, data: dict[str, np.ndarray]) -> tuple[str, float]:
    """Return what is not as the certificate says, if anything, and the largest difference found."""
    values = made.evaluate(data)
    off = values - law.formula.evaluate(data)
    proof = made.certificate
    low, high = made.range
    slack = 1e-12 * max(abs(low), abs(high))
    wrong = {
        "bound": off.min() < proof.low or off.max() > proof.high,
        "tolerance": proof.bound > law.tolerance or np.abs(off).max() > law.tolerance,
        "side": (proof.side == "over" and off.min() < 0.0) or (proof.side == "under" and off.max() > 0.0),
        "range": values.min() < low - slack or values.max() > high + slack,
    }
    return ", ".join(name for name, is_so in wrong.items() if is_so), float(np.abs(off).max())


def outcome(place: int, seed: int, size: int, points: int) -> Outcome:
    rng = np.random.default_rng((seed, place))
    law = random_law(rng, size)
    text = str(law.formula)
    start = time.process_time()
    try:
        made = law.formula.piecewise(law.tolerance, side=SIDES[place % len(SIDES)], fixed=law.fixed)
    except FormulaError as error:
        return Outcome(text, refused=str(error), cpu=time.process_time() - start)
    cpu = time.process_time() - start
    wrong, actual = violated(law, made, law.rows(rng, points))
    proof = made.certificate
    return Outcome(text, "", wrong, proof.bound, actual, proof.rounding, proof.segments, cpu)


def report(outcomes: list[Outcome]) -> None:
    made = [each for each in outcomes if not each.refused]
    curved = [each for each in made if each.actual > 2.0 * each.rounding]
    ratios = sorted((each.bound / each.actual, each.text) for each in curved)
    violations = [each for each in made if each.violated]
    for each in violations[:10]:
        print(f"{each.violated}: {each.text[:150]}")
    for ratio, text in ratios[-3:]:
        print(f"bound / actual {ratio:.3g}: {text[:150]}")
    segments, cpu = [each.segments for each in made], [each.cpu for each in outcomes]
    figures = {
        "formulas": len(outcomes),
        "refused": len(outcomes) - len(made),
        "exact, or unseen": len(made) - len(curved),
        "violations": len(violations),
        "bound / actual, median": statistics.median(ratio for ratio, _ in ratios) if ratios else float("nan"),
        "segments, median": statistics.median(segments),
        "segments, largest": max(segments),
        "CPU s in all": sum(cpu),
        "CPU s, largest": max(cpu),
    }
    print_table([{"what": what, "figure": figure} for what, figure in figures.items()], ",.4g")


def main() -> None:
    given = asked(
        __doc__,
        count=(10_000, "formulas"),
        seed=(0, "seed"),
        size=(6, "steps of a formula, about"),
        points=(2000, "points of each formula"),
    )
    outcomes = [outcome(place, given.seed, given.size, given.points) for place in range(given.count)]
    report(outcomes)
    print(footer([], given.seed))
    sys.exit(int(any(each.violated for each in outcomes)))


if __name__ == "__main__":
    main()
