"""What a fitted model can be asked besides a prediction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from kanopt.errors import FitError, FormulaError
from kanopt.surrogates.encoding import FeatureEncoding
from kanopt.surrogates.frames import ordered_as, table_of
from kanopt.surrogates.input_checks import refuse_unmeasured, whole_number
from kanopt.surrogates.law import NetworkLaw
from kanopt.surrogates.naming import by_name, column_of
from kanopt.surrogates.summary import Summary, effect_table, fit_measures

if TYPE_CHECKING:
    from kanopt.formulas import Formula
    from kanopt.surrogates.distill.mixed import Rows
    from kanopt.surrogates.regressor import KANRegressor

__all__ = ["formula_of", "outside_of", "summary_of", "verify"]


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
        measures["held out"] = fit_measures(y, model.predict(X))
    fit = pd.DataFrame.from_dict(measures, orient="index").astype({"rows": int})
    effects = effect_table(model.effects(grid=25), model._law)
    return Summary(model.target_name_, model._law.structure, fit, effects)


def outside_of(model: KANRegressor, X: ArrayLike | pd.DataFrame) -> pd.DataFrame:
    """Return which rows lie outside the data; see :meth:`kanopt.KANRegressor.outside`."""
    numbers, _ = model._encode(X)
    encoding = model.encoding_
    names = {f"c{place}": feature.name for place, feature in enumerate(encoding.numbers)}
    columns = {name: numbers[:, place] for place, name in enumerate(names)}
    flags = np.zeros(len(numbers), dtype=bool)
    blame = np.full(len(numbers), "", dtype=object)
    # Single columns come first; a combination is blamed only where no column alone is.
    tests = sorted(model._law.domain.tests(columns).items(), key=lambda item: len(item[0]))
    for concerned, beyond in tests:
        alone = len(concerned) == 1
        words = ", ".join(names[name] for name in concerned) + ("" if alone else " together")
        for row in np.flatnonzero(beyond if alone else beyond & ~flags):
            blame[row] = f"{blame[row]}, {words}" if blame[row] else words
        flags |= np.broadcast_to(beyond, flags.shape)
    index = X.index if isinstance(X, pd.DataFrame) else None
    return pd.DataFrame({"outside": flags, "columns": blame}, index=index)


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
    test: pd.DataFrame | tuple[Any, Any],
    target: str | None = None,
    *,
    min_r2: float = 0.5,
    unit: str | None = None,
    per: str = "",
    pin: Mapping[str, str | Iterable[str]] | None = None,
    forbid: Iterable[str] = (),
    prefer: Iterable[str] = (),
) -> Formula:
    """Return the law as a formula; see :meth:`kanopt.KANRegressor.to_formula`."""
    from kanopt.formulas import Variable
    from kanopt.surrogates.distill import Control, HeldOut, Trained, distill
    from kanopt.surrogates.options import settings_of
    from kanopt.surrogates.threads import one_thread
    from kanopt.tables import units_of

    model._check_single()
    if model._rows is None:
        raise FormulaError(
            "a model loaded from a file holds no training rows, on which a formula is chosen; fit it again, or "
            "save the formula instead (formula.save)"
        )
    wanted = target or model.target_name_
    rows, y = model._held_out(test, wanted)
    refuse_unmeasured(y, wanted, min_r2)
    declared = test if isinstance(test, pd.DataFrame) else rows
    # the columns are converted to the units of the fit, where there were any
    units = {**(units_of(declared) if isinstance(declared, pd.DataFrame) else {}), **model._units}
    control = Control.of(pin, forbid, prefer)
    output_unit = units.get(wanted, "") if unit is None else unit

    def trained_of(law: NetworkLaw, rows: Rows, simpler: tuple[Trained, ...] = ()) -> Trained:
        return Trained(
            network=law.network,
            features=law.encoding.inputs,
            rows=rows,
            wanted=settings_of(model, law.encoding).shape_constraints,
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
            simpler=simpler,
        )

    simpler = tuple(trained_of(*each) for each in model._simpler_laws)
    trained = trained_of(model._law, model._rows, simpler)
    output = Variable(wanted, trained.output_unit)
    frame = table_of(model, rows, reset=False)
    names = list(model._law.encoding.names[: frame.shape[1]])
    frame = ordered_as(frame, names).set_axis(names, axis=1)
    filled = model._indicators.transform(frame).assign(**{wanted: y})
    with one_thread():
        return distill(trained, HeldOut(filled, output, units, per), min_r2)


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
