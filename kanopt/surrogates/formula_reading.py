"""The law of a fitted model as a formula."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.formulas import Formula, Variable
from kanopt.surrogates.audit import audit
from kanopt.surrogates.categories import (
    in_known_words,
    pools,
    unseen_rows,
    warn_of_unseen,
    with_categories,
)
from kanopt.surrogates.input_checks import refuse_unmeasured
from kanopt.surrogates.readings import FittedModel
from kanopt.surrogates.summary import structure_text

if TYPE_CHECKING:
    from kanopt.surrogates.ladder import Control, Trained
    from kanopt.surrogates.monitor import FitProgress


class FormulaReading(FittedModel):
    """A fitted :class:`kanopt.KANRegressor` as a formula."""

    def to_formula(  # noqa: PLR0913 - what one asks for, and how long it may take
        self,
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
        """Return the law as a formula: closed forms where they are as good as the curves, curves where not.

        How long it searches is counted in refits, so that a seed gives its formula on every machine. Ctrl-C and
        `budget` end the search; the best law so far is returned, its :attr:`~kanopt.formulas.Formula.stopped` and a
        warning say so.

        Parameters
        ----------
        X : DataFrame or array
            Held-out rows with the columns of the model, and of a frame the target too if there is no `y`. They report
            and gate; they select nothing. Rows that :meth:`fit` has seen are warned of and noted in the provenance, but
            where it read its table batch by batch. Where they declare other units than the rows of the fit, columns
            are converted. Units of the fit become the units of the formula; where there were none, those of this frame.
            A frame may also hold the column of the groups that the model was fitted with; what rows of a group have in
            common of their errors is then told of new rows (``formula.fit.errors.noise_shape``).
        y : array or str, optional
            The target of every row, or which column of `X` it is; by default the one with the name of the series the
            model was fitted to.
        min_r2 : float
            The least R² on the held-out rows with which the law is let through.
        unit : str, optional
            Unit of the target; by default the one that `X` declares.
        per : str
            What one row is: ``"leg"``, ``"task"``, ``"lane-period"``.
        pin : dict, optional
            Column to the operator it is to be, or to several among which to choose: ``{"hour": "sine"}``. The operators
            are linear, quadratic, power, exp, gaussian, log, sine, hinge, step, curve, and none, which
            leaves the column out. A column that is pinned is in the law, unless "none" is among its operators.
        forbid, prefer : list of str
            Operators that are not to be used, and those that count half. A quotient is no power. What was decided by
            hand is written into the provenance of the formula.
        unseen : "error" or "pooled"
            "error" lets the formula refuse categories that did not occur in training. "pooled" gives every table of
            categories a fallback for those, what its numbers were drawn to or else the mean of its entries over the
            training rows; held-out rows with such categories are left out of the judgement.
        budget : float, optional
            Seconds by the clock after which the search ends; a moment more is taken to write down what there is.
        progress : callable or bool, optional
            As of :meth:`fit`.

        Raises
        ------
        FitError
            If `min_r2` is no number of at most 1, there is one row or a target that does not vary, a held-out row has
            a category that did not occur in training, a pin names no column, an operator is not known, no function that
            is allowed fits, the model has no use for a column that is pinned, or the way it was fitted brings in an
            operator that is forbidden.
        FormulaError
            If the formula explains less than `min_r2` of the held-out rows.

        Examples
        --------
        >>> from kanopt import KANRegressor
        >>> rng = np.random.default_rng(0)
        >>> trips = pd.DataFrame({"km": rng.uniform(5, 80, 300), "load_t": rng.uniform(1, 10, 300)})
        >>> trips["cost"] = 2.0 * trips["km"] ** 1.5 * trips["load_t"] ** 0.5
        >>> train, test = trips[:250], trips[250:]
        >>> model = KANRegressor(seed=1).fit(train[["km", "load_t"]], train["cost"])
        >>> print(model.to_formula(test))
        2 · km^1.5 · sqrt(load_t)
        """
        from kanopt.formulas.rounding import round_measures
        from kanopt.surrogates.ladder import Control, HeldOut, find_law
        from kanopt.surrogates.monitor import warn_if_stopped, watched
        from kanopt.tables import units_of

        self._check_single()
        name = y if isinstance(y, str) else self.target_name_
        rows, actual = self._held_out(X, y)
        together = self._groups_in(X)
        pooled = pools(unseen)
        encoded = self.encoding_.transform(self._filled(rows), pooled=pooled)
        if lacking := unseen_rows(self.encoding_, encoded):
            warn_of_unseen(rows, lacking, "they judge nothing")
            known = ~np.any(list(lacking.values()), axis=0)
            rows, actual = rows[known], actual[known]
            together = None if together is None else together[known]
        refuse_unmeasured(actual, name, min_r2)
        declared = X if isinstance(X, pd.DataFrame) else rows
        # the columns are converted to the units of the fit, where there were any
        units = {**(units_of(declared) if isinstance(declared, pd.DataFrame) else {}), **self._units}
        output = Variable(name, units.get(name, "") if unit is None else unit)
        trained = _trained(self, Control.of(pin, forbid, prefer), units, output.unit)
        known_rows = in_known_words(self._filled(rows), self.encoding_)
        held_out = HeldOut(known_rows.assign(**{name: actual}), output, per)
        with watched(progress, budget) as watch:
            formula = find_law(replace(trained, watch=watch), held_out, min_r2)
        warn_if_stopped(watch)
        categories = self._rows.inputs[:, len(self.encoding_.numeric) :]
        formula = with_categories(formula, self.encoding_, categories, self._rows.weight, pooled=pooled)
        learned = in_known_words(self._known_rows, self.encoding_).rename(columns={self.target_name_: name})
        if self._groups is not None:
            formula = self._groups.with_shared_noise(formula, learned, (known_rows, actual, together))
        fit = formula.fit
        assert fit is not None
        findings = (*fit.findings, *audit(formula, learned, held_out.frame, name))
        return replace(formula, fit=round_measures(replace(fit, findings=findings)))

    def _groups_in(self, X: Any) -> NDArray[np.object_] | None:
        """Return the groups of held-out rows, where they hold the column by which the model was fitted."""
        by = None if self._groups is None else self._groups.name
        return X[by].to_numpy(dtype=object) if by and isinstance(X, pd.DataFrame) and by in X else None


def _trained(model: FittedModel, control: Control, units: Mapping[str, str], output_unit: str) -> Trained:
    """Return the network of a model, with all that a formula is read from."""
    from kanopt.surrogates.ladder import Trained
    from kanopt.surrogates.options import settings_of

    law, rows = model._law, model._rows
    settings = settings_of(model, law.encoding)
    return Trained(
        network=law.network,
        features=law.encoding.inputs,
        rows=rows,
        wanted=settings.shape_constraints,
        log_target=law.log_target,
        structure=structure_text(law),
        edf=law.edf,
        link=law.link,
        control=control,
        units=units,
        output_unit=output_unit,
        lowest=None if np.isnan(law.lowest) else law.lowest,
        floor=law.lowest if settings.hold_positive and law.lowest > 0 else None,
        stopped=model.stopped_,
    )
