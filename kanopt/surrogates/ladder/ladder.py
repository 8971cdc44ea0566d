"""``KANRegressor.to_formula``: from a trained network to the law."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.errors import FitError, FormulaError
from kanopt.formulas import Alternative, Domain, Fit, Formula, Variable, with_named_constants
from kanopt.formulas.estimation.class_moves import OPERATOR
from kanopt.formulas.estimation.least_squares import FLOOR
from kanopt.formulas.parameters import parameters_of
from kanopt.formulas.printing import to_infix
from kanopt.formulas.simplify import DIGITS, round_law, round_measures
from kanopt.formulas.validity import NEAR, Ending, held_at_edges, strips
from kanopt.surrogates.ladder.additive import MOST
from kanopt.surrogates.ladder.closed import found_on_rows
from kanopt.surrogates.ladder.curve_rungs import (
    by_class_rung,
    network_rung,
    output_of,
    rates_of_curves,
    sums_of_curves,
)
from kanopt.surrogates.ladder.going_on import held, held_positive, shaped, with_ends
from kanopt.surrogates.ladder.rungs import (
    NETWORK,
    HeldOut,
    Rung,
    Trained,
    blocks_of,
    edges_of,
    with_covariance,
    with_errors,
    with_shared_errors,
)

__all__ = ["HeldOut", "Trained", "find_law"]


# The ladder of laws for what a network has learned, and the plainest of them that predicts as well.
#
# A law is judged by rows that it has not seen: of each of ten blocks of rows it is asked what the same law,
# fitted to the other nine, says of them, and of the rows at either edge of an input, what it says when it
# is fitted to the others. The law with the fewest operators is taken, of those whose error is within one
# standard error of the least (Breiman and others 1984, *Classification and Regression Trees*, section
# 3.4.3) and within 2 %. A law of more than thirty operators, or with curves of sums of curves, is taken
# only where there is no other.

SLACK = 1.02
"""Error, in those of the best, up to which a law is as good."""
APART = 0.05
"""Difference of two laws on the rows, in errors of the one, below which they are one law in other words."""
_NUMBER = re.compile(r"(?<![\w.])\d[\d.]*(?:e[+-]?\d+)?")


@dataclass(frozen=True, eq=False)
class Ladder:
    """Laws, and how well they predict rows that they have not seen.

    Parameters
    ----------
    rungs
        The laws, the plainest first.
    rows
        How many rows there were.
    squares
        Mean squared error of each, of the target, and of its logarithm where that was learned; (scales, laws).
    order
        Places of those that can be taken, the one first that is to be taken.
    as_good
        Whether each is as good as the best; (laws,).
    left_out
        What each says of every row whose block is left out, (n,).
    """

    rungs: tuple[Rung, ...]
    rows: float
    squares: Floats
    order: tuple[int, ...]
    as_good: NDArray[np.bool_]
    left_out: tuple[Floats, ...]

    @property
    def errors(self) -> Floats:
        """Root mean square error of each law, of the target; (laws,)."""
        return np.asarray(np.sqrt(self.squares[0]))

    def is_rival(self, place: int, chosen: int) -> bool:
        """Whether a law is as short to read as another one, says something else, and may as well be the law.

        It is as good, or half of the rows would be described by it as briefly: who had learned from these would read
        it, and not the other one.
        """
        one, other = self.rungs[place], self.rungs[chosen]
        if place == chosen or one.operators > other.operators:
            return False
        half = 0.5 * self.rows
        spared = np.log(half) * (other.parameters - one.parameters)
        spared += OPERATOR * (other.operators - one.operators)
        with np.errstate(all="ignore"):
            longer = half * np.log(np.max(self.squares[:, place] / self.squares[:, chosen]))
        if not (self.as_good[place] or longer <= spared):
            return False
        apart = float(np.sqrt(np.nanmean((self.left_out[place] - self.left_out[chosen]) ** 2)))
        return apart > APART * float(self.errors[chosen])


RUNGS: tuple[Callable[[Trained], Iterator[Rung]], ...] = (
    found_on_rows,
    sums_of_curves,
    rates_of_curves,
    by_class_rung,
    network_rung,
)
"""What makes laws from a network and its rows, no matter in which order."""


def ladder_of(trained: Trained) -> Ladder:
    """Return the laws for what a network has learned.

    Raises
    ------
    FitError, FormulaError
        If there is none.
    """
    rows, output = trained.rows, output_of(trained)
    residual = rows.target - (output if trained.link is None else trained.link(output))
    blocks = blocks_of(replace(rows, target=rows.values), residual)
    found, refused = list[Rung](), list[FitError | FormulaError]()
    for make in RUNGS:
        try:
            found += make(trained)
        except (FitError, FormulaError) as error:
            refused.append(error)
    if all(rung.refused for rung in found):
        raise refused[0]
    found = _without_repetitions(found)
    told = [rung.left_out(blocks) for rung in found]
    errors = _errors(found, told, trained, blocks)
    # of laws of as many operators those are plainer whose numbers are simple, such as 1 and 4 for 0.9998 and 3.978
    sizes = np.array([(rung.parameters, rung.operators) for rung in found]).T
    order = np.lexsort((errors[0].mean, *sizes))
    sorted_errors = [_Errors(each.mean[order], each.standard[order]) for each in errors]
    found, told = [found[place] for place in order], [told[place] for place in order]
    return _judged(found, told, sorted_errors, rows.total, stopped=trained.watch.should_stop())


def _without_repetitions(found: Sequence[Rung]) -> list[Rung]:
    """Return the laws without those that differ from one before, or one that can be taken, in constants only."""
    first: dict[str, Rung] = {}
    for rung in sorted(found, key=lambda rung: bool(rung.refused)):
        first.setdefault(_NUMBER.sub("#", to_infix(rung.root)), rung)
    return list(first.values())


@dataclass(frozen=True, eq=False)
class _Errors:
    """Mean squared errors of laws on one scale, and their standard errors; (laws,)."""

    mean: Floats
    standard: Floats


def _errors(
    found: Sequence[Rung], told: Sequence[Floats], trained: Trained, blocks: Integers
) -> list[_Errors]:
    """Return errors of the target, and of its logarithm where the network has learned that.

    Rows are left out once with their block, and once more at every edge, all inputs together as often as one.
    """
    rows, target = trained.rows, trained.rows.values
    columns = trained.decoded(tuple(map(trained.variable, trained.features)))
    edges = list(edges_of(columns[name].astype(np.float64) for name in sorted(with_ends(trained))))
    parts = [(blocks, 1.0), *((each, 1.0 / len(edges)) for each in edges)]
    answers = [[known, *map(rung.left_out, edges)] for rung, known in zip(found, told, strict=True)]

    def squares(gap: Callable[[Floats, Rung], Floats]) -> Floats:
        """Return the squares of all gaps of every law, row by row, (laws, n)."""
        found_squares = np.zeros((len(found), len(target)))
        for place, (rung, said) in enumerate(zip(found, answers, strict=True)):
            for (part, share), each in zip(parts, said, strict=True):
                found_squares[place] += np.where(part >= 0, share * gap(each, rung) ** 2, 0.0)
        return found_squares

    often = np.asarray(sum(share * (part >= 0) for part, share in parts)) * rows.weight
    with np.errstate(all="ignore"):
        # what groups share of a logarithm raises the mean
        scales = [(target, squares(lambda said, rung: target * rows.lift - said))]
        if rows.log:
            scales.append(
                (rows.target, squares(lambda said, rung: rows.target - np.log(said / rung.smearing)))
            )
    return [_errors_measured(own, each * rows.weight, often, rows.weight, blocks) for own, each in scales]


def _errors_measured(own: Floats, missed: Floats, often: Floats, weight: Floats, blocks: Integers) -> _Errors:
    middle = float(weight @ own) / float(weight.sum())
    exact = FLOOR**2 * float(weight @ (own - middle) ** 2) / float(weight.sum())
    size = np.bincount(blocks, often)
    squares = np.array([np.bincount(blocks, each, len(size)) for each in missed])
    mean = squares.sum(axis=1) / size.sum() + exact
    mean = np.where(np.isfinite(mean), mean, np.inf)
    with np.errstate(all="ignore"):
        apart = squares / size - squares.sum(axis=1, keepdims=True) / size.sum()
    spread = np.sum((size / size.sum()) ** 2 * apart**2, axis=1) * len(size) / (len(size) - 1.0)
    return _Errors(mean, np.sqrt(np.nan_to_num(spread)))


def _judged(
    found: Sequence[Rung], told: Sequence[Floats], errors: list[_Errors], rows: float, *, stopped: bool
) -> Ladder:
    """Return the ladder: of laws that can be read and are as good the plainest comes first, then what is closer.

    Where the search was stopped, what could be read was not found perhaps, and the best is taken as it is. A network
    that can be read is a sum of curves, of which there is one that was fitted as that.
    """
    taken = [place for place, rung in enumerate(found) if not rung.refused]

    def is_read(rung: Rung) -> bool:
        return stopped or (rung.operators <= MOST and not rung.is_nested and rung.name != NETWORK)

    read = [p for p in taken if is_read(found[p]) and np.isfinite(errors[0].mean[p])] or taken
    excess = np.ones(len(found))
    as_good = np.ones(len(found), dtype=bool)
    for scale in errors:
        best = min(read, key=lambda place: scale.mean[place])
        limit = min(SLACK**2 * scale.mean[best], scale.mean[best] + scale.standard[best])
        as_good &= scale.mean <= limit
        with np.errstate(all="ignore"):
            ratio = np.nan_to_num(scale.mean / scale.mean[best], nan=1.0, posinf=np.inf)
        excess = np.maximum(excess, ratio)
    as_good |= excess <= min(excess[place] for place in read)

    def rank(place: int) -> tuple[bool, bool, float]:
        return place not in read, not as_good[place], float(place if as_good[place] else excess[place])

    squares = np.array([scale.mean for scale in errors])
    return Ladder(tuple(found), rows, squares, tuple(sorted(taken, key=rank)), as_good, tuple(told))


CONSIDERED = 6
"""Digits of what is told of laws beside the chosen one, of which the search measures the errors before rounding."""
BEST = "the plainest of those that predict within one standard error and 2 % of the best on rows left out"


def find_law(trained: Trained, held_out: HeldOut, min_r2: float) -> Formula:
    """Turn a trained network into a formula.

    Selection uses the training rows only; the held-out rows report and gate.

    Raises
    ------
    FormulaError
        If the formula's R² on the held-out rows is below `min_r2`, with both figures.
    """
    ladder = ladder_of(trained)
    taken = _first(ladder, trained, held_out)
    rung, formula = ladder.rungs[taken.place], taken.formula
    used, names = formula.used, [feature.name for feature in trained.features]
    fit = _measured(formula, rung, trained, held_out)
    if fit.r2 < min_r2:
        raise FormulaError(
            f"the law for {held_out.output.name!r} is refused: R² {fit.r2:.3f} on {fit.rows_test:,} held-out rows is "
            f"below {min_r2:g}; the formula found is {formula}. Add columns that explain the target, clean the "
            "table, or lower min_r2 knowingly"
        )
    return replace(
        formula,
        fit=fit,
        provenance={
            "learned by": f"KANRegressor, {trained.structure}",
            "written by": f"{rung.name}: {taken.why}",
            "rows": f"{fit.rows_train:,} learned from, {fit.rows_test:,} held out",
            **trained.watch.record(trained.stopped),
            **formula.provenance,
            **({"dropped": ", ".join(n for n in names if n not in used)} if len(used) < len(names) else {}),
        },
        alternatives=_alternatives(ladder, taken, trained, held_out),
    )


@dataclass(frozen=True, eq=False)
class _Taken:
    """A law of a ladder as a formula, why it was taken, and why those before it were not, by their places."""

    place: int
    formula: Formula
    why: str
    refused: Mapping[int, str]


def _alternatives(
    ladder: Ladder, taken: _Taken, trained: Trained, held_out: HeldOut
) -> tuple[Alternative, ...]:
    """Return the laws of a ladder, each as a formula like the one that was chosen, measured on the held-out rows."""

    def told(place: int, rung: Rung) -> Alternative:
        chosen = place == taken.place
        error = min(float(np.nan_to_num(ladder.errors[place], nan=np.inf)), 1e300)
        rival = ladder.is_rival(place, taken.place)
        refused = taken.refused.get(place, rung.refused)
        law = None if chosen else usable(rung)
        text = str(taken.formula if law is None else law)
        shown = Alternative(rung.operators, error, chosen, text, rung=rung.name, rival=rival, refused=refused)
        return replace(round_measures(shown, CONSIDERED), law=law)

    def usable(rung: Rung) -> Formula:
        law, rows = _bare(rung, trained, held_out)
        law = _held_by_rows(with_named_constants(law, frozenset()), rung)
        law = round_law(law, rows, trained.rows.values)
        law = held_positive(held(law, trained, rows), trained, rows)
        about = {
            "learned by": f"KANRegressor, {trained.structure}",
            "written by": f"{rung.name}, considered and not chosen",
        }
        law = replace(law, provenance={**about, **law.provenance})
        if not _has_values(law, held_out):
            return law
        return replace(law, fit=round_measures(_measured(law, rung, trained, held_out)))

    return tuple(told(place, rung) for place, rung in enumerate(ladder.rungs))


def _measured(law: Formula, rung: Rung, trained: Trained, held_out: HeldOut) -> Fit:
    """Return the fit of a law on the held-out rows."""
    return Fit.of(
        held_out.frame[held_out.output.name].to_numpy(dtype=np.float64),
        np.broadcast_to(law.evaluate(held_out.frame), len(held_out.frame)),
        rows_train=len(trained.rows.target),
        data_hash=trained.rows.digest,
        smearing=rung.smearing,
        lowest=trained.lowest,
        labels=held_out.frame.index,
    )


def _first(ladder: Ladder, trained: Trained, held_out: HeldOut) -> _Taken:
    """Return the first law that is what was asked for, and proved to have a value wherever rows can be.

    One of which the proof is too long comes after all others; where each is refuted the last is taken.
    """
    refused, found = dict[int, str](), list[_Taken]()
    open_one: _Taken | None = None
    for place in ladder.order:
        formula = _formula(ladder.rungs[place], trained, held_out)
        why = "those that come before it cannot be taken" if refused else BEST
        found.append(_Taken(place, formula, why, dict(refused)))
        if _is_refuted(formula) or not _has_values(formula, held_out):
            refused[place] = "a shape of it is refuted, or it has no value on some row"
            continue
        if all(fact.verdict == "proved" for fact in formula.shapes if fact.shape == "finite"):
            return found[-1]
        open_one = open_one or found[-1]
        refused[place] = "it is not proved to have a value wherever rows can be"
    return open_one or found[-1]


def _has_values(formula: Formula, held_out: HeldOut) -> bool:
    """Whether a law has a value for every held-out row: a root may have none just below the smallest row."""
    try:
        formula.evaluate(held_out.frame)
    except FormulaError:
        return False
    return True


def _formula(rung: Rung, trained: Trained, held_out: HeldOut) -> Formula:
    """Return a law as a formula with a domain, and verdicts on what was asked of its shape."""
    formula, rows = _bare(rung, trained, held_out)
    named = _held_by_rows(_named(formula, rung, trained.rows.total), rung)
    told = with_shared_errors(named, rows, trained.rows)

    def forms() -> Iterator[Formula]:
        # the bends of a curve may be smaller than the digits that matter
        rounded = round_law(told, rows, trained.rows.values)
        yield held(rounded, trained, rows)
        yield rounded
        yield told

    for form in forms():
        formula = shaped(held_positive(form, trained, rows), trained)
        if not _is_refuted(formula):
            break
    return formula


def _bare(rung: Rung, trained: Trained, held_out: HeldOut) -> tuple[Formula, dict[str, NDArray[np.generic]]]:
    """Return a law as a formula with a domain, and the rows that it reads."""
    inputs = tuple(map(trained.variable, trained.features))
    used = Formula(rung.root, inputs, held_out.output).used
    kept = tuple(variable for variable in inputs if variable.name in used)
    rows = trained.decoded(kept)
    return Formula(rung.root, kept, held_out.output, held_out.per, domain=_domain(trained, kept, rows)), rows


def _held_by_rows(formula: Formula, rung: Rung) -> Formula:
    """Return a law whose constants have names, held where its rows bear that out: an edge is no constant of it.

    What is next to nothing of a range, such as what the first day of a year is above zero, needs no word.
    """
    width = {item.name: item.high - item.low for item in formula.domain.ranges}
    endings = [
        Ending(each.input, each.side, each.edge, "is foretold better by the edge")
        for each in strips(formula)
        if (each.input, each.side) in rung.ends and each.end - each.start > NEAR * width[each.input]
    ]
    return held_at_edges(formula, endings) if endings else formula


def _is_refuted(formula: Formula) -> bool:
    return any(fact.verdict == "refuted" for fact in formula.shapes)


def _named(formula: Formula, rung: Rung, rows: float) -> Formula:
    """Return the formula with names for its constants, by which they are held and estimated again, and their errors."""
    if rung.told is not None or parameters_of(formula.root):
        return formula if rung.told is None else with_errors(formula, rung.told)
    named = with_named_constants(formula, frozenset())
    if rung.written is None or rung.values is None or rung.covariance is None:
        return named
    return with_covariance(named, rung.written, rung.values, rung.covariance, rows - rung.parameters)


def _domain(trained: Trained, kept: Sequence[Variable], rows: Mapping[str, NDArray[np.generic]]) -> Domain:
    """Return where the formula is valid. A periodic input goes together with every value of the others."""
    periods = {feature.name: feature.scale for feature in trained.features if feature.kind == "cycle"}
    return round_measures(Domain.from_rows(kept, rows, periods), DIGITS)
