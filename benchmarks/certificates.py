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
from collections import Counter
from dataclasses import dataclass
from typing import get_args

import numpy as np
from _bench import asked, footer
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


def reason(refused: str) -> str:
    """Return what kind of refusal it was."""
    for words in ("pieces are needed", "finer than", "could not be shown", "jumps where", "no finite value"):
        if words in refused:
            return words
    return "other"


def report(outcomes: list[Outcome]) -> None:
    made = [each for each in outcomes if not each.refused]
    curved = [each for each in made if each.actual > 2.0 * each.rounding]
    ratios = sorted((each.bound / each.actual, each.text) for each in curved)
    refused = Counter(reason(each.refused) for each in outcomes if each.refused)
    violations = [each for each in made if each.violated]
    print(f"formulas           {len(outcomes):,}")
    print(f"refused            {sum(refused.values()):,} {dict(refused) if refused else ''}")
    print(f"exact, or unseen   {len(made) - len(curved):,}")
    print(f"violations         {len(violations):,}")
    for each in violations[:10]:
        print(f"  {each.violated}: {each.text[:150]}")
    if ratios:
        values = [ratio for ratio, _ in ratios]
        tails = [f"{share:.0%} below {values[int(share * len(values))]:.3g}" for share in (0.9, 0.99)]
        print(f"bound / actual     median {statistics.median(values):.3f}, {', '.join(tails)}")
        print("loosest")
        for ratio, text in ratios[-3:]:
            print(f"  {ratio:.3g}: {text[:150]}")
    segments = sorted(each.segments for each in made)
    print(
        f"segments           median {statistics.median(segments):.0f}, largest {segments[-1]:,}, all {sum(segments):,}"
    )
    cpu = sorted(each.cpu for each in outcomes)
    print(
        f"CPU seconds        {sum(cpu):.1f} in all, median {statistics.median(cpu) * 1e3:.1f} ms, largest {cpu[-1]:.2f}"
    )


def main() -> int:
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
    return int(any(each.violated for each in outcomes))


if __name__ == "__main__":
    sys.exit(main())
