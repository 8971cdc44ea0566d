"""``KANRegressor.to_formula``: from a trained network to the law."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import FitError, FormulaError
from kanopt.formulas import Alternative, Domain, Fit, Formula, Variable, with_named_constants
from kanopt.formulas.complexity import count_operators
from kanopt.formulas.extrapolation import Extrapolation
from kanopt.formulas.parameters import parameters_of
from kanopt.formulas.rounding import DIGITS, round_law, round_measures
from kanopt.surrogates.ladder.drafts import Draft, drafts
from kanopt.surrogates.ladder.going_on import BIGGER, beyond, explodes, held, is_no_worse, residuals
from kanopt.surrogates.ladder.shaped import held_positive, shaped
from kanopt.surrogates.ladder.trained import HeldOut, Trained
from kanopt.surrogates.ladder.uncertainty import (
    with_covariance,
    with_errors,
    with_shared_errors,
)

__all__ = ["HeldOut", "Trained", "find_law"]

CONSIDERED = 6
"""Digits of what is told of laws beside the chosen one, of which the search measures the errors before rounding."""


def find_law(trained: Trained, held_out: HeldOut, min_r2: float) -> Formula:
    """Turn a trained network into a formula.

    Selection uses the training rows only; the held-out rows report and gate.

    Raises
    ------
    FormulaError
        If the formula's R² on the held-out rows is below `min_r2`, with both figures.
    """
    draft, formula = _first(trained, held_out)
    used, names = formula.used, [feature.name for feature in trained.features]
    predicted = np.broadcast_to(formula.evaluate(held_out.frame), len(held_out.frame))
    actual = held_out.frame[held_out.output.name].to_numpy(dtype=np.float64)
    rows = trained.rows
    fit = Fit.of(
        actual,
        predicted,
        rows_train=len(rows.target),
        data_hash=rows.digest,
        smearing=draft.smearing,
        lowest=trained.lowest,
        labels=held_out.frame.index,
    )
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
            "written by": draft.how,
            "rows": f"{fit.rows_train:,} learned from, {fit.rows_test:,} held out",
            **trained.watch.record(trained.stopped),
            **trained.control.recorded,
            **formula.provenance,
            **({"dropped": ", ".join(n for n in names if n not in used)} if len(used) < len(names) else {}),
        },
        alternatives=_alternatives(draft, formula, fit, trained, held_out),
    )


def _alternatives(
    draft: Draft, formula: Formula, fit: Fit, trained: Trained, held_out: HeldOut
) -> tuple[Alternative, ...]:
    """Return what was considered, each as a formula like the one that was chosen, measured on the held-out rows."""
    domains: dict[tuple[Variable, ...], Domain] = {}

    def usable(each: Alternative) -> Alternative:
        if each.law is None:
            return round_measures(replace(each, text=str(formula)) if each.chosen else each, CONSIDERED)
        inputs = tuple(map(trained.variable, trained.features))
        kept = tuple(variable for variable in inputs if variable.name in each.law.used)
        if kept not in domains:
            domains[kept] = _domain(trained, kept, trained.decoded(kept))
        law = Formula(each.law.root, kept, held_out.output, held_out.per, domain=domains[kept])
        told = {
            "learned by": f"KANRegressor, {trained.structure}",
            "written by": "considered, and not chosen",
        }
        law = replace(with_named_constants(law, frozenset()), provenance=told)
        law = round_law(law, trained.decoded(kept), _target(trained))
        measured = replace(law, fit=round_measures(_measured(law, fit, trained, held_out)))
        return replace(round_measures(replace(each, text=str(law), law=None), CONSIDERED), law=measured)

    return tuple(map(usable, draft.alternatives))


def _measured(law: Formula, fit: Fit, trained: Trained, held_out: HeldOut) -> Fit | None:
    """Return the fit of a law that was not chosen; None where it has no value on some held-out row."""
    try:
        predicted = np.broadcast_to(law.evaluate(held_out.frame), len(held_out.frame))
    except FormulaError:
        return None
    actual = held_out.frame[held_out.output.name].to_numpy(dtype=np.float64)
    return Fit.of(
        actual, predicted, rows_train=fit.rows_train, data_hash=fit.data_hash, lowest=trained.lowest
    )


def _first(trained: Trained, held_out: HeldOut) -> tuple[Draft, Formula]:
    """Return the first draft that is what was asked for and has a value for every held-out row; the last if none is.

    Raises
    ------
    FitError
        If no draft has what was pinned, or each has what was forbidden.
    """
    refuted: tuple[Draft, Formula] | None = None
    wrong: FitError | None = None
    for draft in drafts(trained):
        try:
            formula = _allowed(draft, trained, held_out)
        except FitError as error:
            wrong = wrong or error
            continue
        if _holds(formula, held_out):
            return _going_on(draft, formula, trained, held_out)
        refuted = draft, formula
    if refuted is not None:
        return refuted
    assert wrong is not None  # there is at least one draft
    raise wrong


def _allowed(draft: Draft, trained: Trained, held_out: HeldOut) -> Formula:
    """Return a draft as a formula.

    Raises
    ------
    FitError
        If it has not what was pinned, or has what was forbidden.
    """
    formula = _formula(draft, trained, held_out)
    if trained.control:
        names = [feature.name for feature in trained.features]
        trained.control.check_law(draft.root, names, formula.used, trained.ways)
    return formula


def _holds(formula: Formula, held_out: HeldOut) -> bool:
    """Whether no shape of a law is refuted, and it has a value for every held-out row."""
    return not _is_refuted(formula) and _has_values(formula, held_out)


def _going_on(draft: Draft, formula: Formula, trained: Trained, held_out: HeldOut) -> tuple[Draft, Formula]:
    """Return a draft that goes on where it is used beyond its data: the one beside, or this one, held at their edge."""
    out = beyond(formula, trained)
    if not (out.endings or explodes(formula, trained)):
        return draft, formula
    if draft.beside is not None:
        with contextlib.suppress(FitError):  # what was asked for is not in it
            other = _allowed(draft.beside, trained, held_out)
            sound = _holds(other, held_out) and beyond(other, trained).proved and not explodes(other, trained)
            if sound and _alike(other, formula, trained):
                return _instead(draft, draft.beside, out), other
    rows = trained.decoded(formula.inputs)
    ended = shaped(held(formula, out.endings, trained, rows), trained)
    # a law that is held is convex no longer
    return draft, ended if _holds(ended, held_out) else formula


def _alike(other: Formula, law: Formula, trained: Trained) -> bool:
    """Whether a law is no worse than another one on the training rows, and no longer to read."""
    if count_operators(other.root) > count_operators(law.root) + BIGGER:
        return False
    found = [residuals(each, trained.decoded(each.inputs), trained) for each in (other, law)]
    return found[0] is not None and found[1] is not None and is_no_worse(found[0], found[1], trained.rows)


def _instead(draft: Draft, other: Draft, out: Extrapolation) -> Draft:
    """Return a draft that was taken in the place of one with a shorter description, which says so."""
    why = str(out) if out.endings else "it explodes among its data, where no row is"
    told = tuple(
        replace(each, refused=why) if each.law is not None and each.law.root == draft.root else each
        for each in other.alternatives
    )
    how, _, _ = other.how.partition(": ")
    return replace(
        other, alternatives=told, how=f"{how}: it goes on beyond its data, and its error is about the same"
    )


def _has_values(formula: Formula, held_out: HeldOut) -> bool:
    """Whether a law has a value for every held-out row: a root may have none just below the smallest row."""
    try:
        formula.evaluate(held_out.frame)
    except FormulaError:
        return False
    return True


def _formula(draft: Draft, trained: Trained, held_out: HeldOut) -> Formula:
    """Return a draft as a formula with a domain, and verdicts on what was asked of its shape."""
    inputs = tuple(map(trained.variable, trained.features))
    used = Formula(draft.root, inputs, held_out.output).used
    kept = tuple(variable for variable in inputs if variable.name in used)
    rows = trained.decoded(kept)
    formula = Formula(draft.root, kept, held_out.output, held_out.per, domain=_domain(trained, kept, rows))
    told = with_shared_errors(
        _named(formula, draft, trained.rows.total), rows, trained.rows, log=trained.log_target
    )

    def whole(law: Formula) -> Formula:
        return shaped(held_positive(law, trained, rows), trained)

    rounded = whole(round_law(told, rows, _target(trained)))
    if not _is_refuted(rounded):
        return rounded
    exact = whole(told)  # the bends of a curve may be smaller than the digits that matter
    return rounded if _is_refuted(exact) else exact


def _is_refuted(formula: Formula) -> bool:
    return any(fact.verdict == "refuted" for fact in formula.shapes)


def _target(trained: Trained) -> NDArray[np.float64]:
    """Return the target of the training rows in its own unit."""
    return np.exp(trained.rows.target) if trained.log_target else trained.rows.target


def _named(formula: Formula, draft: Draft, rows: float) -> Formula:
    """Return the formula with names for its constants, by which they are held and estimated again, and their errors."""
    if draft.covariance is not None or parameters_of(formula.root):
        return formula if draft.covariance is None else with_errors(formula, draft.covariance)
    named, rung = with_named_constants(formula, frozenset()), draft.rung
    if rung is None or rung.written is None or rung.values is None or rung.covariance is None:
        return named
    return with_covariance(named, rung.written, rung.values, rung.covariance, rows - rung.parameters)


def _domain(trained: Trained, kept: Sequence[Variable], rows: Mapping[str, NDArray[np.generic]]) -> Domain:
    """Return where the formula is valid. A periodic input goes together with every value of the others."""
    periods = {feature.name: feature.scale for feature in trained.features if feature.kind == "cycle"}
    return round_measures(Domain.from_rows(kept, rows, periods), DIGITS)
