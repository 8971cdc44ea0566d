"""What a fitted model can be asked besides a prediction."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kanopt.errors import DomainWarning, FitError, FormulaError
from kanopt.formulas.domain import Domain
from kanopt.surrogates.encoding import FeatureEncoding, row_name
from kanopt.surrogates.input_checks import refuse_unmeasured, whole_number
from kanopt.surrogates.law import NetworkLaw
from kanopt.surrogates.naming import by_name, column_of
from kanopt.surrogates.summary import Summary, effect_table, fit_measures
from kanopt.surrogates.unseen import pools, unseen_rows, warn_of_unseen, with_fallbacks
from kanopt.text import count_text, join_list

if TYPE_CHECKING:
    from kanopt.formulas import Formula
    from kanopt.surrogates.distill.mixed import Rows
    from kanopt.surrogates.monitor import FitMonitor, FitProgress
    from kanopt.surrogates.regressor import KANRegressor

__all__ = ["formula_of", "outside_of", "summary_of", "verify", "warn_of_rows_outside"]

_BEYOND = 0.1
"""Share of the range of a column up to which a row beyond its ends is no news."""


def summary_of(
    model: KANRegressor,
    test: pd.DataFrame | tuple[Any, Any] | None = None,
    target: str | None = None,
) -> Summary:
    """Return fit, structure and effects; see :meth:`kanopt.KANRegressor.summary`."""
    model._check_single()
    measures = dict(model._law.measures)
    if test is not None:
        X, y = model._held_out(test, target)
        measures["held out"] = fit_measures(y, model._law.predict(*model._encode(X)))
    fit = pd.DataFrame.from_dict(measures, orient="index").astype({"rows": int})
    effects = effect_table(model.effects(grid=25), model._law)
    structure = model._law.structure
    if model.idle_features_:
        structure += f"; {count_text(len(model.idle_features_), 'column')} without effect left out"
    if model.stopped_:
        structure += f"; the best law until the fit was stopped {model.stopped_}"
    return Summary(model.target_name_, structure, fit, effects)


def outside_of(model: KANRegressor, X: ArrayLike | pd.DataFrame) -> pd.DataFrame:
    """Return which rows lie outside the data; see :meth:`kanopt.KANRegressor.outside`."""
    numbers, _ = model._encode(X)
    flags = np.zeros(len(numbers), dtype=bool)
    blame = np.full(len(numbers), "", dtype=object)
    for concerned, beyond in _tests(model, numbers, model._law.domain):
        alone = len(concerned) == 1
        words = ", ".join(concerned) + ("" if alone else " together")
        for row in np.flatnonzero(beyond if alone else beyond & ~flags):
            blame[row] = f"{blame[row]}, {words}" if blame[row] else words
        flags |= np.broadcast_to(beyond, flags.shape)
    index = X.index if isinstance(X, pd.DataFrame) else None
    return pd.DataFrame({"outside": flags, "columns": blame}, index=index)


def warn_of_rows_outside(
    models: Sequence[KANRegressor],
    X: ArrayLike | pd.DataFrame,
    numbers: Sequence[NDArray[np.float64]],
    below_zero: NDArray[np.bool_],
) -> None:
    """Warn once of all rows whose encoded numbers lie outside the data by more than a share of a column's range.

    Which rows are predicted below zero, as no target was, is told too. Of several targets each has a model, and numbers
    of the columns that its law is of.
    """
    tests = [
        test
        for model, encoded in zip(models, numbers, strict=True)
        for test in _tests(model, encoded, model._law.domain.widened(_BEYOND))
    ]
    flags = np.logical_or.reduce([beyond for _, beyond in tests]) if tests else np.zeros(0, dtype=bool)
    if not flags.any():
        return
    alone = (concerned[0] for concerned, beyond in tests if len(concerned) == 1 and beyond.any())
    columns = list(dict.fromkeys(alone))
    first = row_name(X.index if isinstance(X, pd.DataFrame) else None, int(flags.argmax()))
    count, negative = int(flags.sum()), int((flags & below_zero).sum())
    told = f", {negative:,} of them to below zero, where no target was" if negative else ""
    warnings.warn(
        f"{count:,} of {count_text(len(flags), 'row')} {'lies' if count == 1 else 'lie'} outside the data the law was "
        f"learned from (by {join_list(columns, 5) or 'several columns together'}; the first is {first}): what is "
        f"predicted there is extrapolated{told}; the method outside names all such rows",
        DomainWarning,
        stacklevel=3,
    )


def _tests(
    model: KANRegressor, numbers: NDArray[np.float64], domain: Domain
) -> list[tuple[list[str], NDArray[np.bool_]]]:
    """Return, for columns alone and then together, their names and which rows lie outside a domain in them.

    Single columns come first; a combination is blamed only where no column alone is.
    """
    names = {f"c{place}": feature.name for place, feature in enumerate(model.encoding_.numbers)}
    found = domain.tests({name: numbers[:, place] for place, name in enumerate(names)})
    return [
        ([names[name] for name in concerned], beyond)
        for concerned, beyond in sorted(found.items(), key=lambda item: len(item[0]))
    ]


def verify(
    model: KANRegressor,
    *,
    monotone: Mapping[str, int] | None = None,
    convex: Iterable[str] | None = None,
    concave: Iterable[str] | None = None,
    bounds: tuple[float | None, float | None] | None = None,
    budget: int = 50_000,
) -> pd.DataFrame:
    """Prove or refute shapes of the law; see :meth:`kanopt.KANRegressor.verify`."""
    from kanopt.surrogates.proofs import ShapeClaims, proofs

    model._check_single()
    signs = _signs_by_name(monotone, model.encoding_)
    bent = _names(convex, model.encoding_, "convex"), _names(concave, model.encoding_, "concave")
    given = ShapeClaims.of(signs, *bent, _ends(bounds))
    asked = given if given else ShapeClaims.from_arguments(model, model.encoding_)
    return proofs(model._law, asked, whole_number(budget, "verify: budget", 1))


def formula_of(  # noqa: PLR0913 - those of the method
    model: KANRegressor,
    X: Any,
    y: Any = None,
    *,
    min_r2: float = 0.5,
    unit: str | None = None,
    per: str = "",
    pin: Mapping[str, str | Iterable[str]] | None = None,
    forbid: Iterable[str] = (),
    prefer: Iterable[str] = (),
    unseen: str = "error",
    budget: float | None = None,
    progress: Callable[[FitProgress], None] | bool | None = None,
) -> Formula:
    """Return the law as a formula; see :meth:`kanopt.KANRegressor.to_formula`."""
    from kanopt.formulas import Variable
    from kanopt.surrogates.distill import Control, HeldOut, Trained, distill
    from kanopt.surrogates.options import settings_of
    from kanopt.surrogates.watching import warn_if_stopped, watched
    from kanopt.tables import units_of

    model._check_single()
    if model._rows is None:
        raise FormulaError(
            "a model loaded from a file holds no training rows, on which a formula is chosen; fit it again, or "
            "save the formula instead (formula.save)"
        )
    wanted = y if isinstance(y, str) else model.target_name_
    rows, actual = model._held_out(X, y)
    pooled = pools(unseen)
    _, codes = model.encoding_.transform(model._filled(rows), pooled=pooled)
    if (codes < 0).any():
        warn_of_unseen(rows, unseen_rows(model.encoding_, codes), "they judge nothing")
        known = (codes >= 0).all(axis=1)
        rows, actual = rows[known], actual[known]
    refuse_unmeasured(actual, wanted, min_r2)
    declared = X if isinstance(X, pd.DataFrame) else rows
    # the columns are converted to the units of the fit, where there were any
    units = {**(units_of(declared) if isinstance(declared, pd.DataFrame) else {}), **model._units}
    control = Control.of(pin, forbid, prefer)
    output_unit = units.get(wanted, "") if unit is None else unit

    def trained_of(
        law: NetworkLaw, rows: Rows, watch: FitMonitor, simpler: tuple[Trained, ...] = ()
    ) -> Trained:
        settings = settings_of(model, law.encoding)
        return Trained(
            network=law.network,
            features=law.encoding.inputs,
            rows=rows,
            wanted=settings.shape_constraints,
            smoothing=law.smoothing,
            log_target=law.log_target,
            seed=model.seed,
            structure=law.structure,
            edf=law.edf,
            link=law.link,
            control=control,
            units=units,
            output_unit=output_unit,
            lowest=None if np.isnan(law.lowest) else law.lowest,
            floor=law.lowest if settings.hold_positive and law.lowest > 0 else None,
            simpler=simpler,
            stopped=model.stopped_,
            watch=watch,
        )

    filled = model._filled(rows).assign(**{wanted: actual})
    held_out = HeldOut(filled, Variable(wanted, output_unit), per)
    with watched(progress, budget) as watch:
        simpler = tuple(trained_of(*each, watch) for each in model._simpler_laws)
        formula = distill(trained_of(model._law, model._rows, watch, simpler), held_out, min_r2)
    warn_if_stopped(watch)
    if pooled and model.encoding_.categories:
        inputs = model._rows.inputs[:, len(model.encoding_.numeric) :]
        formula = with_fallbacks(formula, model.encoding_, inputs, model._rows.weight)
    return formula


def _signs_by_name(monotone: Any, encoding: FeatureEncoding) -> dict[str, Any] | None:
    """Return what was asked of single columns by their names."""
    if monotone is None:
        return None
    if not isinstance(monotone, (Mapping, pd.Series)):
        raise FitError(f"verify: monotone={monotone!r} must map columns to +1 or -1, such as {{'km': 1}}")
    return by_name(dict(monotone.items()), encoding, "verify: monotone")


def _names(columns: Any, encoding: FeatureEncoding, word: str) -> list[str] | None:
    """Return the names of columns."""
    if columns is None:
        return None
    if isinstance(columns, str) or not isinstance(columns, Iterable):
        raise FitError(f"verify: {word}={columns!r} must be a list of columns, such as [{columns!r}]")
    return [column_of(name, encoding, f"verify: {word}").name for name in columns]


def _ends(bounds: Any) -> tuple[float | None, float | None] | None:
    """Return the ends between which a law is asked to lie."""
    if bounds is None:
        return None
    known = not isinstance(bounds, str) and isinstance(bounds, Iterable) and len(ends := tuple(bounds)) == 2
    if not known or any(end is not None and not isinstance(end, Real) for end in ends):
        raise FitError(
            f"verify: bounds={bounds!r} must be two numbers, or None for no end, such as (0, None)"
        )
    low, high = (None if end is None else float(end) for end in ends)
    if low is not None and high is not None and not low <= high:
        raise FitError(f"verify: bounds={bounds!r}: the lower end must not lie above the upper")
    return low, high
