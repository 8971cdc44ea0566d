"""The rung of laws whose constants differ by class."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.estimation.class_search import class_law
from kanopt.surrogates.ladder.rungs import Rung
from kanopt.surrogates.ladder.trained import Trained


def by_class_rung(trained: Trained, blocks: NDArray[np.int64]) -> Iterator[Rung]:
    """Yield the law whose constants differ by class that describes rows best, where there is one.

    Errors are taken for a share of the target, or for the same everywhere, whichever describes the rows more briefly.
    """
    rows, log, control = trained.rows, trained.log_target, trained.control
    if control.pin or control.forbid or trained.link is not None:
        return
    if not any(feature.kind == "category" for feature in trained.features):
        return
    inputs = tuple(trained.variable(feature) for feature in trained.features)
    target = np.exp(rows.target) if log else rows.target
    law = class_law(trained.decoded(inputs), target, rows.weight, should_stop=trained.watch.should_stop)
    if law is None:
        return
    # what groups share of a logarithm raises the mean of a law of the target, too
    smearing = law.smearing * rows.lift
    root, known = law.written(smearing)
    gap = law.fit.left_out(blocks) / np.sqrt(rows.weight)
    left = smearing * (np.exp(np.log(target) - gap) if law.log else target - gap)
    yield Rung("by class", root, law.fit.parameters, left, smearing, told=known)
