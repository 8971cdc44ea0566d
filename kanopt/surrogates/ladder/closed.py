"""The law written down from the rows themselves, beside the network.

Where a law is a sum of products, looking for it on the rows finds it exactly, and the network says how good a law has
to be: one that leaves no larger error than the network needs no curve. Where it is not one, the network knows better,
and the shorter description decides.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FitError, FormulaError
from kanopt.formulas import Constant, Domain, Formula, Maximum, Minimum, Node, Product
from kanopt.formulas.columns import evaluate_graph
from kanopt.formulas.nodes import postorder, rebuild
from kanopt.formulas.parameters import parameters_of
from kanopt.formulas.simplify import simplify_graph
from kanopt.surrogates.encoding import Feature
from kanopt.surrogates.ladder.considered import Beside, besides
from kanopt.surrogates.ladder.going_on import BIGGER, LOOSE, beyond, is_no_worse
from kanopt.surrogates.ladder.plain import Plain
from kanopt.surrogates.ladder.rungs import ALIKE, description_length, output_of
from kanopt.surrogates.ladder.shaped import decided
from kanopt.surrogates.ladder.smearing import multiplied
from kanopt.surrogates.ladder.trained import Trained
from kanopt.surrogates.ladder.uncertainty import with_covariance
from kanopt.surrogates.monitor import SearchStopped
from kanopt.surrogates.rows import Rows
from kanopt.surrogates.search import REFITS, Found, Law, Rules, Task, search
from kanopt.surrogates.search.fitting import Fitted, Target, fitted
from kanopt.surrogates.search.lookups import centred, felt, in_lookups
from kanopt.surrogates.search.program import FLATTEST, SELDOM, STEEPEST
from kanopt.surrogates.search.search import KNOWN_PHASES, PHASES
from kanopt.surrogates.search.structure import (
    exponents,
    freedom,
    operators,
    signature,
    values_of,
    with_values,
)
from kanopt.surrogates.search.tidying import is_probably_one
from kanopt.units import powers_of

__all__ = ["Closed", "closed_law", "network_variance"]

Array = NDArray[np.float64]

TRIAL_ROWS = 2000
CANDIDATES = 12
"""Laws whose constants are estimated on all rows, until those of one can be told apart."""
CANDIDATES_EARLY = 2
"""The same after the search was stopped."""
NEAR_END = 0.98
"""An exponent beyond this share of its range is at the end of it."""
KNOWN, AGAIN = 4, 0.3
"""Laws that are tried on the other scale as well, and the share of the budget to grow them there."""
READINGS = len(PHASES), REFITS
"""How many searches there are for a formula, and their refits."""
BOTH_READINGS = len(PHASES) + len(KNOWN_PHASES), REFITS * (1.0 + AGAIN)
"""The same where laws are looked for on two scales."""
LEAST = 1e-9
"""Logarithm of a smearing factor that is rounding."""


@dataclass(frozen=True, eq=False)
class Closed:
    """A law in closed form, estimated on all training rows.

    Parameters
    ----------
    formula
        With standard errors and covariance; for the logarithm without its smearing factor.
    rows
        The rows, with the target or its logarithm for a target.
    residual
        Target minus law, on that scale, shape (n,).
    log
        Whether the scale is the logarithm.
    parameters
        How many constants it has.
    price
        Length of the description of its operators, in nats.
    beside
        What the search has found beside it.
    """

    formula: Formula
    rows: Rows
    residual: Array
    log: bool
    parameters: int
    price: float
    beside: tuple[Beside, ...] = ()

    @property
    def squares(self) -> float:
        """Weighted squared residuals."""
        return float(self.rows.weight @ self.residual**2)

    @property
    def length(self) -> float:
        """Length of the description of the target."""
        return description_length(self.rows, self.squares, self.parameters, self.price, log=self.log)

    def smeared(self) -> tuple[Formula, float]:
        """Return the law of the mean of the target, and the factor by which it is above what was fitted.

        For a logarithm that is the mean of the residuals' exponentials (Duan 1983), 1 where the rows cannot tell it
        from 1. What groups share of a logarithm raises the mean as well.
        """
        rows, residual = self.rows, self.residual
        factor = float(rows.weight @ np.exp(residual) / rows.weight.sum()) if self.log else 1.0
        factor *= rows.lift
        if abs(np.log(factor)) <= max(2.0 * np.sqrt(self.squares) / rows.total, LEAST):
            return self.formula, 1.0
        return multiplied(self.formula, factor), factor


def closed_law(trained: Trained, operator: float) -> Closed | None:
    """Look for a law in closed form on the training rows.

    None where the network needs no column; where a function was pinned that no sum of products has; where no law both
    has constants that the rows tell apart and provably keeps the shapes that were asked for; and where it was stopped
    before there was one.
    """
    chosen = _columns(trained)
    if not chosen:
        return None
    features = [trained.features[j] for j in chosen]
    rules = _rules(trained, features, operator)
    if rules is None:
        return None
    own = trained.rows
    # the network was better with logarithms; whether the law is too is another question
    both = trained.log_target and own.weight.max() < ALIKE * np.median(own.weight)
    trained.watch.begin_formula(*(READINGS if not both else BOTH_READINGS))
    laws: list[Closed | None] = []
    with contextlib.suppress(SearchStopped):
        law, found = _on_scale(trained, own, chosen, rules, log=trained.log_target)
        laws.append(law)
        if both:
            plain_rows = replace(own, target=np.exp(own.target))
            known = tuple(fit.law for fit in (found.best, *found.others))[:KNOWN]
            laws.append(_on_scale(trained, plain_rows, chosen, rules, log=False, known=known)[0])
    return min(filter(None, laws), key=lambda closed: closed.length, default=None)


def _rules(trained: Trained, features: Sequence[Feature], operator: float) -> Rules | None:
    """Return what decides between laws beside the rows; None where only the network can do what is asked."""
    control = trained.control
    names = [feature.name for feature in features]
    allowed = control.on_rows(names)
    if allowed is None:
        return None
    units = [trained.units.get(feature.name, "") for feature in features]
    output = trained.output_unit
    return Rules(
        operator,
        allowed,
        control.forbidden_on_rows,
        control.preferred_on_rows,
        tuple(powers_of(unit) if unit else None for unit in units) if any(units) else (),
        powers_of(output) if output else None,
        control.required_on_rows(names),
    )


def _on_scale(
    trained: Trained, rows: Rows, chosen: list[int], rules: Rules, *, log: bool, known: Sequence[Law] = ()
) -> tuple[Closed | None, Found]:
    """Look for a law of the target, or of its logarithm; `rows` have the one or the other for their target.

    Laws that are `known` from the other scale are where a shorter search begins.
    """
    part = rows.take(TRIAL_ROWS, trained.seed)
    table = Plain(trained, tuple(chosen))
    periods = {k: feature.scale for k, feature in enumerate(table.features) if feature.kind == "cycle"}
    curves = any("curve" in kinds for kinds in rules.allowed.values())
    left = 0.0 if curves else network_variance(trained, log=log)
    task = Task(
        table.plain(part), part.target, part.weight, rules, log, periods, table.categories, unexplained=left
    )
    refits = AGAIN * REFITS if known else REFITS
    found = search(task, refits=refits, seed=trained.seed, known=known, watch=trained.watch)

    # who has stopped the search does not wait for all rows, and for laws whose constants the few do not tell apart
    early = trained.watch.should_stop()

    def told_apart(fit: Fitted) -> bool:
        return bool(np.isfinite(fit.variances(part.total)).all())

    refused: dict[object, str] = {}

    def estimated(fit: Fitted, tell: Rows) -> Closed | None:
        law = _estimated(table, fit, found.scales, (tell, rows), rules, log=log)
        if isinstance(law, Closed):
            return law
        refused[signature(fit.law)] = law
        return None

    def with_others(fit: Fitted, closed: Closed) -> Closed:
        return replace(closed, beside=besides(table, found, fit, part, refused, log=log))

    best = _best(found, rules, refused)
    ends: tuple[Fitted, Closed] | None = None
    """The best law, where it does not go on beyond its data."""
    for fit in itertools.islice(filter(told_apart, best), CANDIDATES_EARLY) if early else best:
        if ends is not None and not _may_stand_for(fit, ends[0]):
            continue
        closed = estimated(fit, part if early else rows)
        if closed is None:
            continue
        out = beyond(closed.formula, trained)
        if ends is None and (early or not out.endings):
            return with_others(fit, closed), found
        if ends is None:
            ends = fit, closed
            refused[signature(fit.law)] = str(out)
        elif out.proved and is_no_worse(closed.residual, ends[1].residual, rows):
            return with_others(fit, closed), found
    if ends is not None:
        del refused[signature(ends[0].law)]
        return with_others(*ends), found
    return None, found


def _may_stand_for(fit: Fitted, best: Fitted) -> bool:
    """Whether a law is about as good as the best, and about as short to read, on the rows of the search."""
    return fit.squares <= LOOSE * best.squares and operators(fit.law) <= operators(best.law) + BIGGER


def network_variance(trained: Trained, *, log: bool) -> float:
    """Return the variance of what the network leaves of the target, or of its logarithm where `log`."""
    rows, link, output = trained.rows, trained.link, output_of(trained)
    residual = rows.target - (output if link is None else link(output))
    if trained.log_target and not log:
        smearing = float(rows.weight @ np.exp(residual)) / rows.total
        residual = np.exp(rows.target) - smearing * np.exp(rows.target - residual)
    return float(rows.weight @ residual**2) / max(rows.total - trained.edf, 1.0)


def _columns(trained: Trained) -> list[int]:
    """Return the columns that the network reads: those it has let go add nothing to the law.

    Without those that are to be left out.
    """
    first = trained.network.layers[0]
    edges = [*first.coefficients, *first.periodic, *first.tables]
    return [
        j
        for j, (feature, edge) in enumerate(zip(trained.features, edges, strict=True))
        if edge.any() and not trained.control.left_out(feature.name)
    ]


def _keeps_shapes(law: Formula, trained: Trained) -> bool:
    """Whether the law provably has the shapes that were asked for, and none that makes its logarithm impossible."""
    proof = decided(law, trained)
    asked = trained.link is not None or any(trained.wanted.monotonic) or any(trained.wanted.convexity)
    return proof.proved if asked else not proof.refuted


def _decides(law: Formula, frame: Mapping[str, NDArray[Any]]) -> bool:
    """Whether every part of a largest or smallest one is that on some rows; estimation may move a bend out of them."""
    for node in postorder(law.root):
        if isinstance(node, Maximum | Minimum):
            parts = [evaluate_graph(part, frame, "a part of a law") for part in node.parts]
            extreme = np.max if isinstance(node, Maximum) else np.min
            values = np.array(np.broadcast_arrays(*parts))
            if (values == extreme(values, axis=0)).mean(axis=1).min() <= SELDOM:
                return False
    return True


def _best(found: Found, rules: Rules, refused: dict[object, str]) -> Iterator[Fitted]:
    """Yield the best laws among those that may be and have what they must have: tidying looks at neither.

    Why others are not is put among the `refused`. An exponent at the end of its range would leave it where all rows are
    heard.
    """
    seen = []
    for fit in (found.best, *found.others):
        key = signature(fit.law)
        sizes = [abs(exponent.value) for exponent in exponents(fit.law)]
        if not rules.admits(fit.law):
            refused[key] = "it has a function that was not to be there"
            continue
        if not rules.suffices(fit.law):
            refused[key] = "an input that was to be in it is not"
            continue
        if any(not FLATTEST / NEAR_END < size < STEEPEST * NEAR_END for size in sizes):
            refused[key] = "an exponent of it is at the end of its range"
            continue
        if key not in seen:
            seen.append(key)
            yield fit
        if len(seen) == CANDIDATES:
            return


def _estimated(
    table: Plain, fit: Fitted, scales: Array, given: tuple[Rows, Rows], rules: Rules, *, log: bool
) -> Closed | str:
    """Estimate the constants of a law on the first rows given, and measure it on the others, which are all.

    Where that cannot be, or a shape is lost, the reason in words.
    """
    few, rows = given
    frame = table.frame(rows)
    try:
        if in_lookups(fit.law):
            law = _with_lookups(table, fit, scales, few, rules, log=log)
        else:
            law = _written(table, fit, scales, few, log=log)
        predicted = np.broadcast_to(law.evaluate(frame), rows.target.shape)
    except FitError:
        return "its constants cannot be told from the rows"
    except FormulaError:  # on a row that the search did not see
        return "it has no value on some row"
    law = replace(law, domain=Domain.from_rows(law.inputs, frame))
    if log and predicted.min() <= 0.0:
        return "it is not above zero on every row"
    if not _decides(law, frame):
        return "a part of it decides on hardly a row"
    if not _keeps_shapes(law, table.trained):
        return "a shape that it must have is lost"
    residual = rows.target - (np.log(predicted) if log else predicted)
    return Closed(law, rows, residual, log, freedom(fit.law), rules.price(fit.law))


def _written(table: Plain, fit: Fitted, scales: Array, rows: Rows, *, log: bool) -> Formula:
    """Return a law without tables and curves, its constants estimated on all rows."""
    law = table.formula(table.written(fit.law, scales))
    if not values_of(fit.law):
        return law
    target = np.exp(rows.target) if log else rows.target
    data = {**table.frame(rows), law.output.name: target}

    def estimated(law: Formula) -> Formula:
        return law.refit(data, weight=rows.weight, log_target=log) if law.constants else law

    return _without_ones(estimated(law), estimated)


def _without_ones(law: Formula, estimated: Callable[[Formula], Formula]) -> Formula:
    """Return a law without coefficients that are probably 1, its other constants estimated again.

    The search cannot hold them beside free exponents: it divides inputs by their sizes, and there they are no 1.
    """
    ones = {c.name for c in law.constants if is_probably_one(abs(c.value), c.standard_error)}

    def plain(factor: Node) -> Node:
        if isinstance(factor, Constant) and factor.name in ones:
            return Constant(float(np.sign(factor.value)))
        return factor

    def without(node: Node) -> Node:
        return Product(tuple(map(plain, node.factors))) if isinstance(node, Product) else node

    root = simplify_graph(rebuild(law.root, without))
    if len(parameters_of(root)) == len(parameters_of(law.root)):
        return law
    plainer = replace(law, root=root, covariance=None)
    has_unit = len(plainer.dimensions().problems) > len(law.dimensions().problems)
    return law if has_unit else estimated(plainer)


def _with_lookups(
    table: Plain, fit: Fitted, scales: Array, rows: Rows, rules: Rules, *, log: bool
) -> Formula:
    """Return a law with tables or curves, all its numbers estimated on all rows, and the errors of its constants.

    Raises
    ------
    FitError
        If the law has no value on some row, or its numbers trade with each other.
    """
    columns = table.columns(rows, scales)
    again = fitted(felt(fit.law, columns), Target(columns, rows.target, rows.weight, log, rules))
    if again is None or not np.isfinite(again.variances(rows.total)).all():
        raise FitError(f"the rows do not tell all {freedom(fit.law)} numbers of a law with tables apart")
    size = np.sqrt(np.diag(again.hessian))
    left = max(rows.total - len(size), 1.0)
    inverse = np.linalg.pinv(again.hessian / size[:, None] / size, hermitian=True) / size[:, None] / size

    def written(parameters: Array) -> Node:
        return table.written(centred(with_values(again.law, parameters), columns, rows.weight), scales)

    parameters = np.array(values_of(again.law))
    law = table.formula(written(parameters))
    return with_covariance(law, written, parameters, again.squares / left * inverse, left)
