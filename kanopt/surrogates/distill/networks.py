"""Reading a trained network: closed forms for edges where the whole model gains."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FitError
from kanopt.formulas import Alternative
from kanopt.formulas.complexity import count_operators
from kanopt.surrogates.distill.build import graph
from kanopt.surrogates.distill.control import Scale
from kanopt.surrogates.distill.curves import TABULATED
from kanopt.surrogates.distill.edges import edge_name, mixed_of
from kanopt.surrogates.distill.judge import OPERATOR, Candidate, Judge, Price, Reading, priced
from kanopt.surrogates.distill.mixed import Edge, Mixed, Rows, Work
from kanopt.surrogates.distill.refitting import Refit, refit
from kanopt.surrogates.distill.response import polished, working_rows
from kanopt.surrogates.distill.search import WORK, search
from kanopt.surrogates.distill.shortening import MOST, rank
from kanopt.surrogates.distill.trained import Trained

__all__ = ["Read", "centred", "curves", "read", "ways"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Read:
    """A network with closed forms for edges.

    Parameters
    ----------
    trained
        The network.
    fit
        What became of it.
    front
        The steps that led there.
    by_pairs
        Whether it is functions of columns and products of two, which say what the network says.
    spent
        Whether the budget of work was spent before the end, so that more curves are left than need be.
    """

    trained: Trained
    fit: Refit
    front: tuple[Alternative, ...]
    by_pairs: bool = False
    spent: bool = False

    @property
    def operators(self) -> int:
        """How many operators there are to read."""
        return _operators(self.trained, self.fit.model)

    @property
    def price(self) -> float:
        """Length of the description of its operators, in nats."""
        return OPERATOR * priced(self.fit.model, _priced_by(self.trained))

    @property
    def smearing(self) -> float | None:
        """Factor that makes the mean of a law for the logarithm: the mean of exp(residual) (Duan 1983); else None."""
        rows = self.trained.rows
        if not self.trained.log_target:
            return None
        return float(rows.weight @ np.exp(rows.target - self.fit.model.predict(rows.inputs))) / rows.total

    def predicted(self, log: bool) -> Array:
        """Return what it says of the training rows, or the logarithm of that; (n,)."""
        rows, link, smearing = self.trained.rows, self.trained.link, self.smearing
        output = self.fit.model.predict(rows.inputs)
        if smearing is not None:
            return output if log else smearing * np.exp(output)
        natural = output if link is None else link(output)
        with np.errstate(all="ignore"):
            return np.log(natural) if log else natural


def read(trained: Trained) -> Read:
    """Read a network: by itself, and where that takes more than a page, by the simpler ones that were tried too.

    Raises
    ------
    FitError
        If an edge can become nothing of what was asked.
    """
    best = _read(trained)
    # what was asked of an edge by its name, only the network that was chosen has
    of_columns = {feature.name for feature in trained.features} >= set(trained.control.pin)
    if best.operators <= MOST or not of_columns:
        return best
    others = []
    for simpler in trained.simpler:
        if trained.watch.should_stop():
            break
        if not _least_rank(simpler, trained) < _rank(best, trained):
            continue
        try:
            others.append(_read(simpler))
        except FitError:  # what was asked can be had of other edges only
            continue
    return min([best, *others], key=lambda each: _rank(each, trained))


def _rank(found: Read, trained: Trained) -> tuple[bool, float]:
    """Return what orders readings; errors are those on the scale of the network that was chosen."""
    return rank(_error(found, trained), found.fit.parameters, found.operators, trained.rows.total)


def _least_rank(simpler: Trained, trained: Trained) -> tuple[bool, float]:
    """Return the best rank that a reading of a simpler network can have: that of its error, written in a word."""
    return rank(_error(curves(simpler), trained), 0.0, 0, trained.rows.total)


def _error(found: Read, trained: Trained) -> float:
    """Return the error to be expected of a reading, in those of the network that was chosen."""
    rows, log = trained.rows, trained.log_target
    network = mixed_of(trained).predict(rows.inputs)
    network = network if trained.link is None else trained.link(network)
    error = [
        float(rows.weight @ (rows.target - output) ** 2) * (rows.total + edf) / max(rows.total - edf, 1.0)
        for output, edf in (
            (found.predicted(log), min(found.fit.parameters, 0.5 * rows.total)),
            (network, min(trained.edf, 0.5 * rows.total)),
        )
    ]
    ratio = float(np.sqrt(error[0] / max(error[1], 1e-300)))
    return ratio if np.isfinite(ratio) else np.inf


def curves(trained: Trained) -> Read:
    """Return the network as it is, every edge a curve or a table."""
    model, rows, link = mixed_of(trained), trained.rows, trained.link
    rows = rows if link is None else working_rows(rows, link, model.predict(rows.inputs))
    judge = Judge(rows, rows.inputs, _reading(trained), rows.total)
    fit = replace(refit(model, rows, iterations=0), parameters=trained.edf)
    shown = replace(judge.candidate(fit, "every edge a curve"), chosen=True)
    return Read(trained, fit, (_alternative(shown, trained),))


def _read(trained: Trained) -> Read:
    whole, rows, link = mixed_of(trained), replace(trained.rows, work=Work()), trained.link
    rows = rows if link is None else working_rows(rows, link, whole.predict(rows.inputs))
    start = _controlled(whole, trained)
    if any(edge.is_zero != before.is_zero for edge, before in zip(start.edges, whole.edges, strict=True)):
        # without some of its columns it is another network, whose error counts
        start = refit(start, rows).model
    found = search(start, rows, _reading(trained))
    spent = rows.work.done > WORK
    best = found.fit if link is None else polished(found.fit, trained.rows, link)
    best = replace(best, model=centred(best.model, trained.rows))
    front = tuple(_alternative(each, trained) for each in found.front)
    return Read(trained, best, front, found.by_pairs, spent)


def _reading(trained: Trained) -> Reading:
    """Return how the network is read."""
    return Reading(
        trained.seed,
        trained.log_target,
        frozenset(i for i, feature in enumerate(trained.features) if feature.log),
        lambda model, edge: edge_name(edge, model, trained.features),
        _priced_by(trained),
        lambda model: _operators(trained, model),
        trained.edf,
        lambda: trained.watch.count(work=0.0),
    )


def _operators(trained: Trained, model: Mixed) -> int:
    """Return how many operators a reader of the formula sees."""
    errors = np.full(len(model.parameters), np.nan)
    smearing = 1.0 if trained.log_target else None
    return count_operators(graph(model, trained.features, smearing, errors, trained.link))


def _scale(edge: Edge, trained: Trained) -> Scale:
    """Return where an edge stands; what is added to the logarithm of the target are the edges of the last layer."""
    last = edge.layer == len(trained.network.layers) - 1
    log_input = edge.layer == 0 and trained.features[edge.source].log
    return Scale(log_input, trained.log_target and last, not last, edge.layer > 0)


def ways(trained: Trained) -> str:
    """Say how the model was fitted, where that brings operators into the law."""
    logs = [feature.name for feature in trained.features if feature.log]
    ways = [
        *(["log_target=True"] if trained.log_target else []),
        *([f"log_features={logs!r}"] if logs else []),
        *(["positive=True or bounds"] if trained.link is not None else []),
    ]
    return f", which was fitted with {' and '.join(ways)}" if ways else ""


def _controlled(model: Mixed, trained: Trained) -> Mixed:
    """Return the network with what a person decided about its edges."""
    control = trained.control
    if not control:
        return model
    edges = []
    for edge in model.edges:
        if not edge.is_zero:
            column = [trained.features[edge.source].name] if edge.layer == 0 else []
            names = dict.fromkeys([*column, edge_name(edge, model, trained.features)])
            edge = control.on_edge(edge, names, _scale(edge, trained))
        edges.append(edge)
    return replace(model, edges=tuple(edges)).tidied()


def _priced_by(trained: Trained) -> Price:
    return lambda edge: trained.control.price(edge, _scale(edge, trained))


def centred(model: Mixed, rows: Rows) -> Mixed:
    """Return the same network with curves and tables that are zero on average, where a constant beside them can tell.

    Factors of products are left as they are: their scale is written in front of the product.
    """
    weight = rows.weight / rows.total
    factors = set(model.factors())
    nodes = model.signals(rows.inputs).nodes
    for edge in model.edges:
        place = edge.layer, edge.target
        if edge.form.name in TABULATED and place not in model.pinned and place not in factors:
            middle = float(weight @ edge.form.value(nodes[edge.layer][:, edge.source], edge.theta))
            model = model.replaced(replace(edge, theta=edge.theta - middle)).shifted(*place, middle)
    return model


def _alternative(candidate: Candidate, trained: Trained) -> Alternative:
    """Return what is shown, before it is written as a formula.

    A length is that of the description of the target, of which a logarithm may have gone.
    """
    rows = trained.rows
    jacobian = 2.0 * float(rows.weight @ rows.target) if trained.log_target else 0.0
    length, model = candidate.length + jacobian, candidate.model
    if model is None or candidate.chosen:
        return Alternative(
            candidate.complexity, candidate.rmse, candidate.chosen, length=length, step=candidate.what
        )
    errors = np.full(len(model.parameters), np.nan)
    root = graph(model, trained.features, candidate.smearing, errors, trained.link)
    law = trained.formula(root)
    return Alternative(
        candidate.complexity, candidate.rmse, False, length=length, law=law, step=candidate.what
    )
