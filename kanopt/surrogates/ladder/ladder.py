"""``KANRegressor.to_formula``: from a trained network to the law."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FitError, FormulaError
from kanopt.formulas import Alternative, Domain, Fit, Formula, Variable, with_named_constants
from kanopt.formulas.extrapolation import NEAR, Ending, held_at_edges, strips
from kanopt.formulas.parameters import parameters_of
from kanopt.formulas.rounding import DIGITS, round_law, round_measures
from kanopt.surrogates.ladder.choice import Ladder, ladder_of
from kanopt.surrogates.ladder.going_on import held, held_positive, shaped
from kanopt.surrogates.ladder.rungs import Rung
from kanopt.surrogates.ladder.trained import HeldOut, Trained
from kanopt.surrogates.ladder.uncertainty import (
    with_covariance,
    with_errors,
    with_shared_errors,
)

__all__ = ["HeldOut", "Trained", "find_law"]

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
            **trained.control.recorded,
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
        law = round_law(law, rows, _target(trained))
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

    Raises
    ------
    FitError
        If no law has what was pinned, or each has what was forbidden.
    """
    refused = dict[int, str]()
    last: _Taken | None = None
    open_one: _Taken | None = None
    wrong: FitError | None = None
    names = [feature.name for feature in trained.features]
    for place in ladder.order:
        try:
            formula = _formula(ladder.rungs[place], trained, held_out)
            trained.control.check_law(formula.root, names, formula.used, trained.ways)
        except FitError as error:
            wrong = wrong or error
            refused[place] = "it has not what was asked for"
            continue
        why = "those that come before it cannot be taken" if refused else BEST
        last = _Taken(place, formula, why, refused)
        if not _holds(formula, held_out):
            refused = {**refused, place: "a shape of it is refuted, or it has no value on some row"}
            continue
        if _is_finite(formula):
            return last
        open_one = open_one or last
        refused = {**refused, place: "it is not proved to have a value wherever rows can be"}
    if last is None:
        assert wrong is not None  # there is at least one law
        raise wrong
    return open_one or last


def _holds(formula: Formula, held_out: HeldOut) -> bool:
    """Whether no shape of a law is refuted, and it has a value for every held-out row."""
    return not _is_refuted(formula) and _has_values(formula, held_out)


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
    told = with_shared_errors(named, rows, trained.rows, log=trained.log_target)

    def forms() -> Iterator[Formula]:
        # a law that is held is convex no longer, and the bends of a curve may be smaller than the digits that matter
        rounded = round_law(told, rows, _target(trained))
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


def _is_finite(formula: Formula) -> bool:
    return all(fact.verdict == "proved" for fact in formula.shapes if fact.shape == "finite")


def _target(trained: Trained) -> NDArray[np.float64]:
    """Return the target of the training rows in its own unit."""
    return np.exp(trained.rows.target) if trained.log_target else trained.rows.target


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
