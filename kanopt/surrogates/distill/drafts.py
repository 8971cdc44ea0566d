"""Laws for what a network has learned: found on the rows, or read from its edges."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FitError
from kanopt.formulas import Alternative, Constant, Formula, Node, Product
from kanopt.formulas.alternatives import CLOSE
from kanopt.formulas.parameters import Covariance
from kanopt.formulas.simplify import simplify_graph
from kanopt.surrogates.distill.build import graph
from kanopt.surrogates.distill.closed import Closed, closed_law, description_length, network_variance
from kanopt.surrogates.distill.edges import edge_name, mixed_of
from kanopt.surrogates.distill.judge import OPERATOR
from kanopt.surrogates.distill.mixed import Mixed
from kanopt.surrogates.distill.networks import Read, centred, curves, read
from kanopt.surrogates.distill.refitting import Refit
from kanopt.surrogates.distill.trained import Trained
from kanopt.surrogates.monitor import FitMonitor

__all__ = ["Draft", "Known", "drafts"]

Array = NDArray[np.float64]

CHANCE = 3.0
"""Standard deviations of chance within which a law is no worse than the network."""


@dataclass(frozen=True, eq=False)
class Known:
    """What the errors of the constants of a law are told from.

    Parameters
    ----------
    written
        The graph of the law for parameters of the network.
    fit
        The network as it was refitted.
    freedom
        Rows less effective parameters.
    """

    written: Callable[[Array], Node]
    fit: Refit
    freedom: float


@dataclass(frozen=True, eq=False)
class Draft:
    """The graph of a law and what is known of it; the smearing factor is in it already."""

    root: Node
    how: str
    alternatives: tuple[Alternative, ...]
    smearing: float = 1.0
    covariance: Covariance | None = None
    held: frozenset[float] = frozenset()
    """Exponents that were rounded, and are part of the structure."""
    known: Known | None = None
    """From what the errors of constants without any are told; None behind hidden nodes, where constants can trade."""
    beside: Draft | None = None
    """The other one, where both have been found."""


def drafts(trained: Trained) -> Iterator[Draft]:
    """Yield laws, the preferred one first; the others are for where its shape is refuted.

    The law found on the rows is preferred, or the one read from the network, whichever has the shorter description.
    The last is the network itself, which is also what is read from it where the search was stopped before.

    Raises
    ------
    FitError
        If what was asked of columns and operators cannot be had.
    """
    whole, features = mixed_of(trained), trained.features
    edges = [edge for edge in whole.edges if not edge.is_zero]
    kinds = {edge_name(e, whole, features): "" if e.layer else features[e.source].kind for e in edges}
    trained.control.check_names(features, kinds)
    closed = closed_law(trained, OPERATOR)
    if closed is not None and closed.squares <= _network_squares(trained, closed):
        yield _from_rows(closed, "no larger error than the network's")
    free = not (trained.control.pin or trained.control.forbid)
    try:
        found = _read(trained, free=free)
    except FitError:
        if closed is None:
            raise
        yield _from_rows(closed, "the network has no edges that can become what was asked for")
        return
    if closed is None:
        yield _from_network(found, trained)
    else:
        shorter = closed.length < _length(found, trained)
        alike = abs(closed.length - _length(found, trained)) <= CLOSE
        of_rows = _beaten(closed.front, closed.natural, rival=alike)
        of_network = _beaten(found.front, trained.formula(_from_network(found, trained).root), rival=alike)
        of_both = (
            _from_rows(closed, "a shorter description than the network's edges", of_network),
            _from_network(replace(found, front=(*of_rows, *found.front)), trained),
        )
        first, second = of_both if shorter else of_both[::-1]
        yield replace(first, beside=second)
        yield second
    if free:
        yield _from_network(curves(trained), trained)


def _read(trained: Trained, *, free: bool) -> Read:
    """Read a network; where the search was stopped, all edges are curves, unless something else was asked of them."""
    if not trained.watch.should_stop():
        trained.watch.begin_search("edges of the network")
        return read(trained)
    return curves(trained) if free else read(replace(trained, watch=FitMonitor()))


def _length(found: Read, trained: Trained) -> float:
    """Return the length of the description of the target by the law read from a network."""
    rows, log = trained.rows, trained.log_target
    squares = float(rows.weight @ (rows.target - found.predicted(log)) ** 2)
    return description_length(rows, squares, found.fit.parameters, found.price, log=log)


def _network_squares(trained: Trained, closed: Closed) -> float:
    """Return the squares that a law found on the rows may leave to have no larger error than the network.

    If the law is right, what it leaves beyond the network is chance: as many squares of normal numbers as the network
    has parameters more. Three standard deviations of that are allowed.
    """
    rows, variance = trained.rows, network_variance(trained, log=closed.log)
    chance = CHANCE * np.sqrt(2.0 * max(trained.edf - closed.parameters, 0.0))
    return float(variance * (max(rows.total - closed.parameters, 1.0) + chance))


def _beaten(front: tuple[Alternative, ...], law: Formula, *, rival: bool) -> tuple[Alternative, ...]:
    """Return what was considered on a way that another one beats; the law at its end may be as good."""
    return tuple(
        replace(each, chosen=False, law=law, rival=rival) if each.chosen else replace(each, rival=False)
        for each in front
    )


def _from_rows(closed: Closed, why: str, front: tuple[Alternative, ...] = ()) -> Draft:
    how = f"a sum of products found on the rows: {why}"
    law, factor = closed.smeared()
    return Draft(law.root, how, (*closed.front, *front), factor, law.covariance)


def _from_network(found: Read, chosen: Trained) -> Draft:
    trained, best, smearing = found.trained, found.fit, found.smearing
    model, rows = best.model, trained.rows
    hidden = bool(trained.network.hidden)
    errors = _errors(best, hidden)

    def whole(model: Mixed) -> Node:
        return graph(model, trained.features, smearing, errors, trained.link)

    root = whole(model)
    needless = smearing is not None and _is_factor_one(root, best.squares, rows.total)

    def written(model: Mixed) -> Node:
        return _without_factor(whole(model)) if needless else whole(model)

    known = Known(
        lambda parameters: written(centred(model.with_parameters(parameters), rows)),
        best,
        rows.total - best.parameters,
    )
    which = "the network" if trained is chosen else f"a simpler network that was tried ({trained.structure})"
    parts = "functions of columns and products of two, in place of" if found.by_pairs else "edges of"
    return Draft(
        written(model),
        f"{parts} {which}, closed forms and curves{', read until its work was spent' if found.spent else ''}",
        found.front,
        smearing or 1.0,
        held=frozenset(value for edge in model.edges for value in edge.form.fixed),
        known=None if hidden else known,
    )


def _errors(fit: Refit, hidden: bool) -> Array:
    """Return standard errors; behind hidden nodes a constant can trade with another and has none of its own."""
    variances = np.diag(fit.covariance)
    return np.full(len(variances), np.nan) if hidden else np.sqrt(np.maximum(variances, 0.0))


def _is_factor_one(root: Node, squares: float, total: float) -> bool:
    """Whether the rows cannot tell a leading factor from 1: within two standard errors of a mean residual."""
    if not isinstance(root, Product) or not isinstance(root.factors[0], Constant) or len(root.factors) < 2:
        return False
    return bool(abs(np.log(max(root.factors[0].value, 1e-300))) <= 2 * np.sqrt(squares) / total)


def _without_factor(root: Node) -> Node:
    assert isinstance(root, Product)
    return simplify_graph(Product(root.factors[1:]))
