"""How a KANRegressor is fitted: to a table in memory, to several targets, to a table that is read batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
import pandas as pd
from sklearn.base import clone

from kanopt.errors import FitError
from kanopt.interrupt import Interrupt
from kanopt.surrogates.encoding import LEAST_ROWS, encoding_of
from kanopt.surrogates.frames import table_of
from kanopt.surrogates.input_checks import (
    fit_monitor,
    indicators_of,
    is_multi_target,
    name_of,
    refuse_leak,
    used_rows,
    warn_if_stopped,
    weights_of,
)
from kanopt.surrogates.law import NetworkLaw
from kanopt.surrogates.missing import MissingIndicators
from kanopt.surrogates.text_columns import refuse_identifiers, refuse_numbers_as_text

if TYPE_CHECKING:
    from kanopt.surrogates.distill.mixed import Rows
    from kanopt.surrogates.options import RegressorArguments
    from kanopt.surrogates.settings import FitMonitor, FitProgress

__all__ = ["OF_COLUMNS", "FittingMixin"]

OF_COLUMNS = ("n_features_in_", "feature_names_in_", "_units")
"""What a fit notes of the columns before anything is learned."""


class FittingMixin:
    """The fits of a :class:`~kanopt.surrogates.KANRegressor`, and what they leave behind."""

    missing: str
    periodic: Any
    _law: NetworkLaw
    _rows: Rows | None
    _simpler_laws: tuple[tuple[NetworkLaw, Rows], ...] = ()
    _units: Mapping[str, str] = MappingProxyType({})
    n_features_in_: int

    def _fit_memory(
        self, X: Any, y: Any, sample_weight: Any, progress: Callable[[FitProgress], None] | None
    ) -> Self:
        """Fit a table in memory."""
        from kanopt.surrogates.threads import one_thread

        if is_multi_target(y):
            return self._fit_targets(X, y, sample_weight, progress)
        with one_thread(), Interrupt() as interrupt:
            self._fit_table(X, y, sample_weight, fit_monitor(progress, interrupt))
        warn_if_stopped(interrupt, len(self.alternatives_))
        return self

    def _fit_table(self, X: Any, y: Any, sample_weight: Any, watch: FitMonitor) -> None:
        """Fit one target of a table in memory."""
        frame = table_of(self, X, reset=True)
        name = name_of(y) or "target"
        refuse_leak(name, frame)
        frame, target, weights = used_rows(frame, y, weights_of(sample_weight, frame))
        if len(frame) < LEAST_ROWS:
            raise FitError(
                f"n_samples = {len(frame)}: a law needs at least {LEAST_ROWS} rows with a weight above 0"
            )
        # Imported here, so that a saved model predicts without loading torch.
        from kanopt.surrogates.fitting import learn
        from kanopt.surrogates.options import periods_of, settings_of, warn_of_contradictions
        from kanopt.surrogates.trials import TrainingTable

        refuse_numbers_as_text(frame)
        refuse_identifiers(frame)
        indicators = indicators_of(self.missing, frame, weights)
        filled = indicators.transform(frame)
        encoding = encoding_of(filled)
        encoding = encoding.with_periods(periods_of(self.periodic, encoding))
        numbers, codes = encoding.split(filled)
        weights = weights / min(1.0, float(weights.mean()))
        table = TrainingTable(numbers, codes, target, weights, encoding)
        settings = settings_of(cast("RegressorArguments", self), encoding, watch)
        warn_of_contradictions(target, weights, settings, frame.index)
        learned = learn(table, settings)
        self.alternatives_, self._rows, self._simpler_laws = (
            learned.alternatives,
            learned.rows,
            learned.simpler_laws,
        )
        self._indicators = indicators
        self._set_fitted(learned.law, name)

    def _fit_targets(
        self,
        X: Any,
        y: Any,
        sample_weight: Any,
        progress: Callable[[FitProgress], None] | None,
    ) -> Self:
        """Fit one model per target; a law per target is what can be read, so that no node is shared."""
        from kanopt.surrogates.threads import one_thread

        targets = y if isinstance(y, pd.DataFrame) else pd.DataFrame(np.asarray(y))
        names = [str(name) if isinstance(name, str) else f"target{name}" for name in targets.columns]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise FitError(f"two targets are called {twice!r}; rename or drop one of them")
        models: dict[str, Self] = {name: clone(self) for name in names}
        with one_thread(), Interrupt() as interrupt:
            for place, (name, model) in enumerate(models.items()):
                target = targets.iloc[:, place].rename(name)
                model._fit_table(X, target, sample_weight, fit_monitor(progress, interrupt))
        table_of(self, X, reset=True)
        for name in [name for name in vars(self) if name.endswith("_") and name not in OF_COLUMNS]:
            delattr(self, name)
        self._rows, self._simpler_laws = None, ()
        self.outputs_ = models
        warn_if_stopped(interrupt, sum(len(model.alternatives_) for model in models.values()))
        return self

    def _fit_source(
        self,
        source: Any,
        target: Any,
        weights: Any,
        columns: list[str] | None,
        progress: Callable[[FitProgress], None] | None,
    ) -> Self:
        """Fit a table that is read batch by batch."""
        from kanopt.surrogates.streaming import learn_streamed
        from kanopt.surrogates.threads import one_thread

        for value, what in ((target, "y"), (weights, "sample_weight")):
            if not isinstance(value, str) and not (value is None and what == "sample_weight"):
                raise FitError(
                    f"{what} must be the name of a column where X is a path or a callable, not {value!r}"
                )
        if self.missing != "error":
            raise FitError(
                "missing='indicator' is not there for tables read batch by batch; fill the gaps before"
            )
        self._units = {}
        # Arguments by position are counted against the table, not against the one of an earlier fit.
        self.__dict__.pop("n_features_in_", None)
        with one_thread(), Interrupt() as interrupt:
            found = learn_streamed(
                source,
                target,
                cast("RegressorArguments", self),
                features=columns,
                weights=weights,
                periods=self.periodic,
                watch=fit_monitor(progress, interrupt),
            )
        self._indicators = MissingIndicators({})
        self.alternatives_, self._rows, self._simpler_laws = (
            found.alternatives,
            found.rows,
            found.simpler_laws,
        )
        self.feature_names_in_ = np.array(found.law.encoding.names, dtype=object)
        self.n_features_in_ = len(found.law.encoding.features)
        self._set_fitted(found.law, target)
        warn_if_stopped(interrupt, len(self.alternatives_))
        return self

    def _set_fitted(self, law: NetworkLaw, target: str) -> None:
        self.__dict__.pop("outputs_", None)
        self._law = law
        self.target_name_ = target
        self.network_ = law.network
        self.encoding_ = law.encoding
        self.log_target_ = law.log_target
        self.link_ = law.link
        self.smearing_ = law.smearing
        self.covariance_ = law.covariance
        self.standard_errors_ = law.standard_errors
        self.loss_ = law.loss
