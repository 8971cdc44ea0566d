"""Making a wide model plainer all at once: edges go, or become straight, by what one covariance says of each.

Replacing one edge after the other refits the whole model dozens of times for each. What a curve is worth beside a line,
or beside nothing, is told by the covariance of one refit (see :mod:`.shortening`), well enough to name the many edges
that are not worth their description. They are changed together, and half of them where that does not shorten it.
"""

from __future__ import annotations

import numpy as np

from kanopt.surrogates.distill.curves import TABULATED
from kanopt.surrogates.distill.judge import OPERATOR, Candidate, Judge, is_admissible
from kanopt.surrogates.distill.refitting import Refit, refit
from kanopt.surrogates.distill.shortening import Change, changed_together, changes
from kanopt.text import count_text

__all__ = ["thinned"]

ITERATIONS = 12
REFUSED = 5
"""Changes that were refused alone, after which no others are tried."""


def thinned(current: Refit, judge: Judge) -> tuple[Refit, list[Candidate]]:
    """Return a model without what is not worth its description, and the steps to it."""
    steps: list[Candidate] = []
    refused: set[tuple[tuple[int, int, int], str]] = set()
    share = 1.0
    while len(refused) < REFUSED and not judge.reading.should_stop():
        worthless = [change for change in _worthless(current, judge) if change.key not in refused]
        if not worthless:
            break
        some = worthless[: max(1, round(share * len(worthless)))]
        model = changed_together(current.model, some, judge).tidied()
        trial = refit(model, judge.rows, ITERATIONS, judge.tolerance)
        if judge.length(trial) < judge.length(current) and is_admissible(trial.model, judge.reach):
            current = trial
            steps.append(
                judge.candidate(current, f"{count_text(len(some), 'edge')} made plainer or left out")
            )
        elif len(some) == 1:
            refused.add(some[0].key)
        else:
            share = 0.5 * len(some) / len(worthless)
    return current, steps


def _worthless(current: Refit, judge: Judge) -> list[Change]:
    """Return the best change of every edge that is foretold to shorten the description, best first."""
    best: dict[tuple[int, int, int], tuple[float, Change]] = {}
    for change in changes(current, judge):
        edge = change.edge
        freedom = edge.form.size - change.form.size - (edge.form.name in TABULATED)
        saved = np.log(judge.all_rows) * freedom + OPERATOR * (edge.form.complexity - change.form.complexity)
        gain = saved - change.squares
        if gain > 0.0 and gain > best.get(edge.place, (0.0, change))[0]:
            best[edge.place] = gain, change
    return [change for _, change in sorted(best.values(), key=lambda entry: -entry[0])]
