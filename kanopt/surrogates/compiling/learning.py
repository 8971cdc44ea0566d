"""What a fit of a prior does: corrections compared, or the prior's own network trained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from kanopt.errors import FitError
from kanopt.formulas import Variable
from kanopt.surrogates.compiling.arguments import Arguments
from kanopt.surrogates.compiling.building import learned_of
from kanopt.surrogates.compiling.corrections import Task, chosen, compared, comparison, with_mean_right
from kanopt.surrogates.compiling.keeping import Learned
from kanopt.surrogates.compiling.learned import learned, spares_rows
from kanopt.surrogates.compiling.networked import Training, network_learned
from kanopt.surrogates.compiling.scales import FACTOR, SHARE, SUM, Scale
from kanopt.surrogates.regressor import KANRegressor

if TYPE_CHECKING:
    from kanopt.surrogates.monitor import FitMonitor

__all__ = ["learn"]


def learn(
    task: Task, variables: tuple[Variable, ...], given: Arguments, watch: FitMonitor
) -> tuple[Learned, pd.DataFrame]:
    """Return what rows make of a prior, and a frame of what was compared.

    Parameters
    ----------
    task
        The prior and the rows.
    variables
        The columns.
    given
        The arguments of the model.
    watch
        Is told of every step, and says when to stop.
    """
    if given.refine == "network":
        training = Training(given.tolerance, given.seed, watch)
        found, tried = network_learned(task, variables, given.ranges or {}, training)
        best = next(correction for correction in tried if correction.what == found.what)
        return found, comparison(task, tried, best)
    of_scales = [chosen(task, scale) for scale in _scales(task, given.scale)]
    tried = [correction for _, all_of_one in of_scales for correction in all_of_one]
    best = of_scales[0][0]
    for other, _ in of_scales[1:]:
        best = compared(task, best, other, errors=0.0)
    if spares_rows(task) and not _is_none(given.hidden) and not watch.should_stop():
        tried.append(learned(task, best, _of_network(given), watch))
        best = compared(task, best, tried[-1])
    found = learned_of(
        task,
        variables,
        with_mean_right(task, best),
        fade=given.beyond == "prior",
        tolerance=given.tolerance,
        seed=given.seed,
    )
    return found, comparison(task, tried, best)


def _is_none(hidden: object) -> bool:
    """Say whether no hidden nodes are asked for: curves of the columns are tried as it is."""
    return isinstance(hidden, (tuple, list)) and not hidden


def _of_network(given: Arguments) -> KANRegressor:
    """Return the arguments of the network that learns what simple corrections leave."""
    return KANRegressor(
        given.hidden,
        grid_size=given.grid_size,
        smoothing=given.smoothing,
        starts=given.starts,
        log_target=False,
        periodic=given.periodic,
        loss=given.loss,
        seed=given.seed,
        device=given.device,
    )


def _scales(task: Task, wanted: str) -> list[Scale]:
    """Return the ways to measure a correction that are compared."""
    for what, values in (("the prior", task.foretold), ("the target", task.target)):
        if wanted == "factor" and not values.min() > 0.0:
            raise FitError(
                f"scale='factor' needs a prior and targets above zero, and {what} is {values.min():g} in row "
                f"{int(values.argmin())}; use scale='additive', or leave such rows out"
            )
    grows = [SHARE] if task.foretold.min() > 0.0 else []
    factor = [FACTOR] if grows and task.target.min() > 0.0 else []
    return {"auto": [SUM, *grows, *factor], "additive": [SUM, *grows], "factor": [FACTOR]}[wanted]
