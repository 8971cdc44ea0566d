"""What an estimator keeps of a prior, and of the rows it has seen; nothing here loads torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.errors import FormulaError
from kanopt.formulas import Domain, Formula, Range, Variable
from kanopt.surrogates.compiling.compiler import Compiled, compile_formula
from kanopt.surrogates.compiling.scales import SUM, Scale
from kanopt.surrogates.effects import feature_importances
from kanopt.surrogates.law import NetworkLaw
from kanopt.surrogates.summary import fit_measures

if TYPE_CHECKING:
    from kanopt.surrogates.compiling.corrections import Correction, Task

__all__ = ["Learned", "comparison_of", "law_with", "prior_alone"]

Floats = NDArray[np.float64]
SAMPLE = 256
"""Encoded rows that are kept, over which effects are averaged."""


@dataclass(frozen=True, eq=False)
class Learned:
    """What an estimator keeps of a prior and of the rows it has seen.

    Attributes
    ----------
    formula
        The law as it predicts.
    law
        The network of the law among the rows; None where no network computes it.
    why
        Why there is none.
    what
        In words, how the prior was corrected.
    rows
        How many rows it has seen.
    scale
        In what residuals are measured.
    residuals, weights
        Residuals of the rows left out, sorted, and how many rows each stands for; empty where there are none.
    trained
        The rows, the variables and the correction, from which a formula is written; None where there are none.
    """

    formula: Formula
    law: NetworkLaw | None
    why: str = ""
    what: str = "the prior as it is"
    rows: int = 0
    scale: Scale = SUM
    residuals: Floats = field(default_factory=lambda: np.zeros(0))
    weights: Floats = field(default_factory=lambda: np.zeros(0))
    trained: tuple[Task, tuple[Variable, ...], Correction] | None = None


def prior_alone(
    prior: Formula, ranges: Mapping[str, tuple[float, float]] | None, tolerance: float, seed: int
) -> Learned:
    """Return a prior that has seen no rows."""
    try:
        compiled = compile_formula(prior, ranges, tolerance=tolerance, seed=seed)
    except FormulaError as error:
        # the law is there; what is not is a network to look into, and whoever looks is told why
        return Learned(prior, None, str(error))
    return Learned(prior, _law_of_prior(compiled, seed))


def _law_of_prior(compiled: Compiled, seed: int) -> NetworkLaw:
    """Return the network of a prior that has seen no rows; it is measured against the formula."""
    numbers, codes = compiled.numbers, compiled.codes
    encoding = compiled.encoding
    frame = {f.name: f.decode(numbers[:, place]) for place, f in enumerate(encoding.numeric)}
    frame |= {
        f.name: np.array(f.categories, dtype=object)[codes[:, place]]
        for place, f in enumerate(encoding.categories)
    }
    exact = compiled.formula.evaluate(frame)
    ranges = tuple(Range(f"c{place}", *f.bounds) for place, f in enumerate(encoding.numbers))
    return law_with(
        compiled,
        (numbers, codes),
        edf=0.0,
        residuals=np.zeros(1),
        weights=np.ones(1),
        measures={"network against the formula": fit_measures(exact, compiled.predict(numbers, codes))},
        domain=Domain(ranges),
        seed=seed,
    )


def law_with(
    compiled: Compiled,
    rows: tuple[Floats, NDArray[np.int64]],
    *,
    edf: float,
    residuals: Floats,
    weights: Floats,
    measures: dict[str, dict[str, float]],
    domain: Domain,
    seed: int,
) -> NetworkLaw:
    """Return a compiled network as a law, with a sample of encoded rows and with the residuals of all."""
    rng = np.random.default_rng(seed)
    numbers, codes = rows
    sample = np.sort(rng.permutation(len(numbers))[:SAMPLE])
    order = np.argsort(residuals, kind="stable")
    network, encoding = compiled.network, compiled.encoding
    law = NetworkLaw(
        encoding=encoding,
        network=network,
        log_target=compiled.log_target,
        smearing=1.0,
        loss="squared",
        covariance=np.zeros((0, 0)),
        variance=float(np.average(residuals**2, weights=weights)),
        edf=edf,
        residuals=residuals[order],
        residual_weights=weights[order],
        smoothing=np.zeros(1),
        numbers=numbers[sample],
        codes=codes[sample],
        importance=np.empty(0),
        measures=measures,
        domain=domain,
        at_bound=np.zeros(network.parameters.size, dtype=bool),
    )
    return replace(law, importance=feature_importances(law.predict, encoding, (law.numbers, law.codes), seed))


def comparison_of(rows: list[tuple[str, str, float, float, float]], chosen: int) -> pd.DataFrame:
    """Return the frame of some rows, one of them chosen."""
    names = ["correction", "scale", "effective_parameters", "rmse_left_out", "log_density"]
    return pd.DataFrame(rows, columns=names).assign(chosen=[place == chosen for place in range(len(rows))])
