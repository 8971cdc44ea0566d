"""The law written down from the rows themselves, beside the network.

Where a law is a sum of products, looking for it on the rows finds it exactly. It is a function of the rows alone:
neither their order nor the network that was trained on them says which columns it reads, on which scale it stands, or
whether it has curves.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.errors import FitError, FormulaError
from kanopt.formulas import Constant, Domain, Formula, Maximum, Minimum, Node, Product
from kanopt.formulas.columns import evaluate_graph
from kanopt.formulas.estimation.class_moves import OPERATOR
from kanopt.formulas.estimation.graph_tape import gradient
from kanopt.formulas.estimation.least_squares import Linearised, inverse_of
from kanopt.formulas.estimation.naming import as_told, order_of_rows
from kanopt.formulas.nodes import postorder, rebuild
from kanopt.formulas.parameters import parameters_of
from kanopt.formulas.simplify import simplify_graph
from kanopt.formulas.variables import category_label
from kanopt.surrogates.groups import Rows
from kanopt.surrogates.ladder.going_on import BIGGER, LOOSE, beyond, decided, is_no_worse
from kanopt.surrogates.ladder.rungs import (
    Rung,
    Trained,
    description_length,
    multiplied,
    scales_of,
    with_covariance,
)
from kanopt.surrogates.monitor import SearchStopped
from kanopt.surrogates.search import (
    REFITS,
    Found,
    Law,
    Rules,
    Task,
    graph,
    operators,
    search,
)
from kanopt.surrogates.search.fitting import Fitted, Target, fitted
from kanopt.surrogates.search.program import (
    FLATTEST,
    SELDOM,
    STEEPEST,
    Columns,
    centred,
    felt,
    value,
    value_and_jacobian,
)
from kanopt.surrogates.search.structure import (
    exponents,
    freedom,
    in_lookups,
    signature,
    values_of,
    with_values,
)
from kanopt.surrogates.search.tidying import is_probably_one
from kanopt.units import powers_of


def _categories(trained: Trained) -> dict[int, tuple[str, ...]]:
    """Return what the categories of the columns are called, of those that are numbers of one."""
    return {
        place: tuple(map(category_label, each.categories))
        for place, each in enumerate(trained.features)
        if each.kind == "category"
    }


def _plain(trained: Trained, rows: Rows) -> Floats:
    """Return the columns in their units, (n, columns); categories are numbers of one."""
    decoded = [
        column if feature.kind == "category" else feature.decode(column)
        for feature, column in zip(trained.features, rows.inputs.T, strict=True)
    ]
    return np.column_stack(decoded).astype(np.float64)


def _columns(trained: Trained, rows: Rows, scales: Floats) -> Columns:
    """Return the columns as the search wants them."""
    counts = {place: len(labels) for place, labels in _categories(trained).items()}
    return Columns(_plain(trained, rows) / scales, scales, counts)


def _formula(trained: Trained, law: Law, scales: Floats) -> Formula:
    """Return a law of scaled columns as a formula."""
    names = [feature.name for feature in trained.features]
    return trained.formula(graph(law, names, scales, _categories(trained)))


SHOWN, MOST_RIVALS = 12, 2
"""Laws that are shown, and those among them that are as good as the chosen one in another structure."""
MOST_PLAINER, PLAINER = 3, 1.08
"""Plainer laws that are judged like the best one, and the squares, in those of the best, that they leave at most."""


# ── what is shown beside the law ──


def besides(
    trained: Trained,
    found: Found,
    taken: Sequence[Fitted],
    part: Rows,
    refused: Mapping[object, str],
) -> tuple[Rung, ...]:
    """Return the laws that no other beats in both operators and error, and such as are as good as the chosen one.

    Parameters
    ----------
    trained, found
        The columns, and the laws of the search.
    taken
        The law that was taken, and plainer ones that are told already.
    part
        The rows of the search.
    refused
        Why laws could not be taken, by their signatures.
    """
    laws = [fit for fit in (found.best, *found.others) if fit not in taken]
    shown = _front(laws)[-SHOWN:]
    shown += [fit for fit in _alike(laws, taken[0], part.total) if fit not in shown]
    columns, rows = _columns(trained, part, found.scales), trained.rows
    own = rows.values

    def rung(place: int, fit: Fitted) -> Rung:
        law = _formula(trained, fit.law, found.scales)
        if part.log:  # one of the logarithm is made one of the mean (Duan 1983)
            ratio = part.values / value(fit.law, columns)
            law = multiplied(law, part.lift * float(part.weight @ ratio) / part.total)
        try:
            values = np.broadcast_to(law.evaluate(trained.decoded(law.inputs)), own.shape)
        except FormulaError:
            values = np.full(len(own), np.nan)
        left = own - (own - values) / max(1.0 - freedom(fit.law) / rows.total, 0.5)
        why = refused.get(signature(fit.law), "the search on the rows has passed it over")
        # of rows left out it says the same whatever their blocks
        return Rung(f"formula {place}", law.root, freedom(fit.law), lambda _: left, refused=why)

    return tuple(rung(place, fit) for place, fit in enumerate(shown, start=len(taken) + 1))


def _front(laws: Iterable[Fitted]) -> list[Fitted]:
    """Return the laws that no other beats in both operators and error, the plainest first."""
    shown, best = list[Fitted](), np.inf
    for fit in sorted(laws, key=lambda fit: (operators(fit.law), fit.squares)):
        if fit.squares < 0.98 * best:
            best = fit.squares
            shown.append(fit)
    return shown


def _alike(laws: list[Fitted], chosen: Fitted, rows: float) -> list[Fitted]:
    """Return laws of other structures that are about as good as the chosen one, and about as short to read."""
    seen, found = {signature(chosen.law, held=False)}, list[Fitted]()
    for fit in sorted(laws, key=lambda fit: fit.squares):
        structure = signature(fit.law, held=False)
        if _may_stand_for(fit, chosen) and structure not in seen and np.isfinite(fit.variances(rows)).all():
            seen.add(structure)
            found.append(fit)
    return found[:MOST_RIVALS]


TRIAL_ROWS = 2000
CANDIDATES = 12
"""Laws whose constants are estimated on all rows, until those of one can be told apart."""
CANDIDATES_EARLY = 2
"""The same after the search was stopped."""
NEAR_END = 0.98
"""An exponent beyond this share of its range is at the end of it."""
DECADES = 100.0
"""Ratio of large targets to small ones beyond which a law is looked for on the scale of the logarithm first."""
USUAL = (0.05, 0.95)
"""Quantiles that are the small and the large ones."""


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
    parameters
        How many constants it has.
    price
        Length of the description of its operators, in nats.
    slopes
        Returns the derivatives of the law, on that scale, in all its numbers, those of tables and curves too, (n, p).
    plainer
        Laws of fewer operators that are nearly as close.
    beside
        What else the search has found.
    """

    formula: Formula
    rows: Rows
    residual: Floats
    parameters: int
    price: float
    slopes: Callable[[], Floats]
    plainer: tuple[Closed, ...] = ()
    beside: tuple[Rung, ...] = ()

    @property
    def squares(self) -> float:
        """Weighted squared residuals."""
        return float(self.rows.weight @ self.residual**2)

    @property
    def length(self) -> float:
        """Length of the description of the target."""
        return description_length(self.rows, self.squares, self.parameters, self.price)

    def smeared(self) -> tuple[Formula, float]:
        """Return the law of the mean of the target, and the factor by which it is above what was fitted."""
        factor = self.rows.smearing(self.residual)
        return (self.formula, 1.0) if factor == 1.0 else (multiplied(self.formula, factor), factor)


def found_on_rows(trained: Trained) -> Iterator[Rung]:
    """Yield the formula that a search on the rows has found, and what it has found beside."""
    closed = closed_law(trained, OPERATOR)
    if closed is None:
        return
    for place, each in enumerate((closed, *closed.plainer), start=1):
        law, factor = each.smeared()
        told = partial(_left_out, each, factor)
        name = "formula" if place == 1 else f"formula {place}"
        yield Rung(name, law.root, each.parameters, told, factor, told=law.covariance)
    yield from closed.beside


def _left_out(closed: Closed, factor: float, blocks: Integers) -> Floats:
    """Return what a law says of rows whose block is left out when its numbers are estimated, by one step."""
    rows, slopes = closed.rows, np.nan_to_num(closed.slopes())
    gap = Linearised.of(closed.residual, slopes, rows.weight).left_out(blocks)
    with np.errstate(over="ignore"):
        return np.asarray(factor * rows.unscaled(rows.target - gap))


def closed_law(trained: Trained, operator: float) -> Closed | None:
    """Look for a law in closed form on the training rows.

    None where no law both has constants that the rows tell apart and provably keeps the shapes that were asked for; and
    where it was stopped before there was one.
    """
    if not trained.features:
        return None
    rules = _rules(trained, operator)
    scales = scales_of(trained)
    if len(scales) > 1:
        low, high = np.quantile(next(rows.target for rows in scales if not rows.log), USUAL)
        # where targets differ a hundredfold a law is looked for on the scale of the logarithm first
        scales.sort(key=lambda rows: rows.log != bool(high >= DECADES * low))
    trained.watch.begin_formula(len(scales) * REFITS)
    laws: list[Closed | None] = []
    with contextlib.suppress(SearchStopped):
        first, found = _on_scale(trained, scales, rules, may_leave=True)
        laws.append(first)
        if len(scales) > 1 and (first is None or found.elsewhere > 0.0):
            left = found.left
            second, found = _on_scale(trained, scales[::-1], rules)
            laws.append(second)
            # a law without its season looks as if its errors were relative: who left a scale early may come back
            if left and (second is None or found.elsewhere > 0.0):
                laws.append(_on_scale(trained, scales, rules)[0])
    return min(filter(None, laws), key=lambda closed: closed.length, default=None)


def _sample(trained: Trained, rows: Rows) -> tuple[Rows, Floats]:
    """Return some of the rows, which their values decide, and their columns."""
    columns = as_told(_plain(trained, rows))
    order = order_of_rows(columns, rows.target)[:TRIAL_ROWS]
    return rows.of(order), columns[order]


def _rules(trained: Trained, operator: float) -> Rules:
    """Return what decides between laws beside the rows."""
    units = [trained.units.get(feature.name, "") for feature in trained.features]
    output = trained.output_unit
    return Rules(
        operator,
        tuple(powers_of(unit) if unit else None for unit in units) if any(units) else (),
        powers_of(output) if output else None,
    )


def _on_scale(
    trained: Trained, scales: Sequence[Rows], rules: Rules, *, may_leave: bool = False
) -> tuple[Closed | None, Found]:
    """Look for a law on the first of the scales.

    Where it `may_leave`, the search ends as soon as its laws clearly belong on the other one.
    """
    rows = scales[0]
    part, columns = _sample(trained, rows)
    periods = {k: feature.scale for k, feature in enumerate(trained.features) if feature.kind == "cycle"}
    counts = {place: len(labels) for place, labels in _categories(trained).items()}
    other = (part.values if rows.log else np.log(part.target)) if len(scales) > 1 else None
    task = Task(columns, part.target, part.weight, rules, rows.log, periods, counts, True, other, may_leave)
    found = search(task, watch=trained.watch)

    # who has stopped the search does not wait for all rows, and for laws whose constants the few do not tell apart
    early = trained.watch.should_stop()

    refused: dict[object, str] = {}

    def estimated(fit: Fitted, tell: Rows) -> Closed | None:
        law = _estimated(trained, fit, found.scales, (tell, rows), rules)
        if isinstance(law, Closed):
            return law
        refused[signature(fit.law)] = law
        return None

    def with_others(fit: Fitted, closed: Closed) -> Closed:
        """Return a law with those beside it: near-ties are broken by what is plainer, which all rows have to say."""
        near = [each for each in front if each is not fit and operators(each.law) <= operators(fit.law)]
        near = [each for each in near if each.squares <= PLAINER * fit.squares][-MOST_PLAINER:]
        told = {} if early else {each: estimated(each, rows) for each in near}
        known = {each: law for each, law in told.items() if law and not beyond(law.formula, trained).endings}
        others = besides(trained, found, [fit, *known], part, refused)
        return replace(closed, plainer=tuple(known.values()), beside=others)

    front = _front((found.best, *found.others))
    best = _best(found, refused)
    ends: tuple[Fitted, Closed] | None = None
    """The best law, where it does not go on beyond its data."""
    if early:
        told = (fit for fit in best if np.isfinite(fit.variances(part.total)).all())
        best = itertools.islice(told, CANDIDATES_EARLY)
    for fit in best:
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


def _keeps_shapes(law: Formula, trained: Trained) -> bool:
    """Whether the law provably has the shapes that were asked for, and none that makes its logarithm impossible."""
    proof = decided(law, trained)
    asked = trained.link is not None or bool(trained.wanted)
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


def _best(found: Found, refused: dict[object, str]) -> Iterator[Fitted]:
    """Yield the best laws, each once; why one is left out is put among the `refused`.

    An exponent at the end of its range would leave it where all rows are
    heard.
    """
    seen = []
    for fit in (found.best, *found.others):
        key = signature(fit.law)
        sizes = [abs(exponent.value) for exponent in exponents(fit.law)]
        if any(not FLATTEST / NEAR_END < size < STEEPEST * NEAR_END for size in sizes):
            refused[key] = "an exponent of it is at the end of its range"
            continue
        if key not in seen:
            seen.append(key)
            yield fit
        if len(seen) == CANDIDATES:
            return


def _estimated(
    trained: Trained, fit: Fitted, scales: Floats, given: tuple[Rows, Rows], rules: Rules
) -> Closed | str:
    """Estimate the constants of a law on the first rows given, and measure it on the others, which are all.

    Where that cannot be, or a shape is lost, the reason in words.
    """
    few, rows = given
    frame = trained.decoded(tuple(map(trained.variable, trained.features)))
    try:
        if in_lookups(fit.law):
            law, fit = _with_lookups(trained, fit, scales, few, rules)
        else:
            law = _written(trained, fit, scales, few)
        predicted = np.broadcast_to(law.evaluate(frame), rows.target.shape)
    except FitError:
        return "its constants cannot be told from the rows"
    except FormulaError:  # on a row that the search did not see
        return "it has no value on some row"
    law = replace(law, domain=Domain.from_rows(law.inputs, frame))
    if rows.log and predicted.min() <= 0.0:
        return "it is not above zero on every row"
    if not _decides(law, frame):
        return "a part of it decides on hardly a row"
    if not _keeps_shapes(law, trained):
        return "a shape that it must have is lost"

    def slopes() -> Floats:
        if in_lookups(fit.law):
            _, found = value_and_jacobian(fit.law, _columns(trained, rows, scales))
        else:
            named = {constant.name for constant in law.constants}
            found = np.broadcast_to(gradient(law, frame, named).derivative, (len(predicted), len(named)))
        return found / predicted[:, None] if rows.log else found

    residual = rows.target - (np.log(predicted) if rows.log else predicted)
    return Closed(law, rows, residual, freedom(fit.law), rules.price(fit.law), slopes)


def _written(trained: Trained, fit: Fitted, scales: Floats, rows: Rows) -> Formula:
    """Return a law without tables and curves, its constants estimated on all rows."""
    law = _formula(trained, fit.law, scales)
    if not values_of(fit.law):
        return law
    data = {**replace(trained, rows=rows).decoded(law.inputs), law.output.name: rows.values}

    def estimated(law: Formula) -> Formula:
        return law.refit(data, weight=rows.weight, log_target=rows.log) if law.constants else law

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
    trained: Trained, fit: Fitted, scales: Floats, rows: Rows, rules: Rules
) -> tuple[Formula, Fitted]:
    """Return a law with tables or curves, all its numbers estimated on all rows, with the errors of its constants.

    Raises
    ------
    FitError
        If the law has no value on some row, or its numbers trade with each other.
    """
    columns = _columns(trained, rows, scales)
    again = fitted(felt(fit.law, columns), Target(columns, rows.target, rows.weight, rows.log, rules))
    if again is None or not np.isfinite(again.variances(rows.total)).all():
        raise FitError(f"the rows do not tell all {freedom(fit.law)} numbers of a law with tables apart")
    left = max(rows.total - len(again.hessian), 1.0)

    def written(parameters: Floats) -> Node:
        law = centred(with_values(again.law, parameters), columns, rows.weight)
        return _formula(trained, law, scales).root

    parameters = np.array(values_of(again.law))
    law = trained.formula(written(parameters))
    return with_covariance(
        law, written, parameters, again.squares / left * inverse_of(again.hessian), left
    ), again
