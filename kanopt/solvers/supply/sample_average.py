"""Sites that are open in all samples of demand, and flows of their own in each: a sample-average approximation."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from kanopt.problems.supply import SupplyProblem
from kanopt.solvers.highs import TOLERANCE, HighsOptions, HighsTermination, MixedIntegerModel
from kanopt.solvers.supply.growing import GrowingModel, RowPool, run_growing
from kanopt.solvers.supply.model import SupplyModel
from kanopt.solvers.supply.recourse import flows_anew

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
Indices = NDArray[np.intp]


def every_site_open(problem: SupplyProblem) -> Flags:
    """Return all sites open that may be, shape (F, T)."""
    network = problem.network
    return np.repeat(~network.has_status("closed")[:, None], network.shape[2], axis=1)


@dataclass(frozen=True, eq=False)
class SampledModel:
    """The models of samples of demand, which have the columns of sites in common.

    The extensive form of a two-stage stochastic program (Birge and Louveaux 2011, "Introduction to Stochastic
    Programming"): sites first, then the flows, shortages and stocks of each sample at an equal share of their cost.

    Parameters
    ----------
    models
        One for each sample, of the same network.
    """

    models: tuple[SupplyModel, ...]

    @property
    def sites(self) -> int:
        """The number of columns in common."""
        return self.models[0].site_period.stop - self.models[0].site.start

    @cached_property
    def _places(self) -> list[Indices]:
        """Where the columns of each model stand."""
        places, start = [], self.sites
        for model in self.models:
            own = model.site.start
            places.append(np.concatenate([start + np.arange(own), np.arange(self.sites)]))
            start += own
        return places

    @cached_property
    def growing(self) -> GrowingModel:
        """The model, its pool, and the columns to begin with."""
        linears = [model.linear for model in self.models]
        starts = np.concatenate([[0], np.cumsum([len(linear.row_lower) for linear in linears])])
        parts = list(zip(self._places, linears, starts[:-1], strict=True))
        first = slice(self.models[0].site.start, self.models[0].site_period.stop)

        def joined(name: str, share: float = 1.0) -> Floats:
            own = [
                share * getattr(linear, name)[: model.site.start]
                for model, linear in zip(self.models, linears, strict=True)
            ]
            return np.concatenate([getattr(linears[0], name)[first], *own])

        linear = MixedIntegerModel(
            cost=joined("cost", 1.0 / len(linears)),
            lower=joined("lower"),
            upper=joined("upper"),
            integer=joined("integer") > 0,
            rows=np.concatenate([each.rows + start for _, each, start in parts]),
            columns=np.concatenate([places[each.columns] for places, each, _ in parts]),
            values=np.concatenate([each.values for each in linears]),
            row_lower=np.concatenate([each.row_lower for each in linears]),
            row_upper=np.concatenate([each.row_upper for each in linears]),
        )
        pool, begin = RowPool.empty(), []
        for model, places in zip(self.models, self._places, strict=True):
            own = model.pool
            pool = pool.joined(replace(own, columns=places[own.columns], gates=places[own.gates]))
            begin.append(places[model.start])
        return GrowingModel(linear, pool, np.unique(np.concatenate(begin)))

    def opened(self, point: Floats) -> Flags:
        """Return which sites are open at a point, shape (F, T)."""
        model = self.models[0]
        own = np.zeros(model.site_period.stop)
        own[model.site.start :] = point[: self.sites]
        return model.opened(own)

    def wholes(self, opened: Flags) -> Floats:
        """Return open sites, shape (F, T), as the whole numbers of a point."""
        return self.models[0].gates(opened)[1]


@dataclass(frozen=True, eq=False)
class SampledSites:
    """The best sites for some samples.

    Parameters
    ----------
    opened
        Which sites are open, shape (F, T); None where no point was found in time.
    objective, bound
        Mean cost over the samples, and a proven lower bound on it.
    proved
        Whether these sites are the best for these samples, to the gap of the solver.
    least
        Units of what must be delivered that are missing in each sample, whatever sites are open; (samples,).
    """

    opened: Flags | None
    objective: float
    bound: float | None
    proved: bool
    least: Floats


def sites_of_samples(
    problem: SupplyProblem,
    demand: Floats,
    options: HighsOptions,
    *,
    tries: tuple[Flags, ...] = (),
    rates: Floats | None = None,
) -> SampledSites:
    """Choose sites whose mean cost over samples of demand is least, with the best flows in each.

    In a sample in which no sites can deliver all that must be, no more is left out than there has to be.

    Parameters
    ----------
    problem
        The problem.
    demand
        The samples, in the order of ``np.nonzero(problem.demand_array > 0)``; (samples, cells).
    options
        How long to search.
    tries
        Open sites to try early, shape (F, T) each.
    rates
        Money per unit moved, shape (L, P, T), in place of the tariff at planning values.
    """
    least = np.zeros(len(demand))
    if np.isinf(problem.network.shortage_cost).any():
        least = flows_anew(problem, every_site_open(problem), demand, rates=rates).least
    model = SampledModel(
        tuple(
            _model(problem, amounts, missing, rates) for amounts, missing in zip(demand, least, strict=True)
        )
    )
    answer = run_growing(model.growing, options, tuple(model.wholes(opened) for opened in tries))
    opened = None if answer.values is None else model.opened(answer.values)
    point = answer.values
    price = np.inf if point is None else float(model.growing.linear.effective_cost @ point)
    return SampledSites(opened, price, answer.bound, answer.termination is HighsTermination.OPTIMAL, least)


def _model(problem: SupplyProblem, amounts: Floats, missing: float, rates: Floats | None) -> SupplyModel:
    """Return the model of one sample, in which as much may be missing as has to be."""
    demand = np.zeros_like(problem.demand_array)
    demand[problem.demand_array > 0] = amounts
    sample = problem.with_demand(demand)
    if not missing:
        return SupplyModel(sample, rates=rates)
    most = missing + TOLERANCE * max(1.0, missing)
    return SupplyModel(sample, must_deliver=False, most_missing=most, rates=rates)
