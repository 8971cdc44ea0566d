"""``KANRegressor.from_formula``: a law that is known, and what rows teach beyond it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kanopt.errors import FileFormatError, FitError, FormulaError
from kanopt.formulas import Formula, Variable
from kanopt.formulas.columns import read_columns
from kanopt.formulas.pieces import gap_inputs
from kanopt.surrogates.compiling.arguments import check_arguments
from kanopt.surrogates.compiling.keeping import Learned, comparison_of, prior_alone
from kanopt.surrogates.compiling.rows import columns_of, frame_of, inputs_of, variables_of
from kanopt.surrogates.compiling.scales import SCALES, SUM
from kanopt.surrogates.conformal import conformal_ends, left_out_ends
from kanopt.surrogates.encoding import LEAST_ROWS
from kanopt.surrogates.frames import table_of
from kanopt.surrogates.input_checks import (
    calibration_of,
    coverage_of,
    name_of,
    refuse_leak,
    refuse_unmeasured,
    used_rows,
    weights_of,
)
from kanopt.surrogates.missing import MissingIndicators
from kanopt.surrogates.regressor import KANRegressor
from kanopt.surrogates.summary import Summary
from kanopt.tables import units_of

if TYPE_CHECKING:
    from kanopt.surrogates.monitor import FitMonitor, FitProgress

__all__ = ["PriorRegressor"]

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]
_OF_LAW = (
    "network_",
    "encoding_",
    "log_target_",
    "link_",
    "smearing_",
    "covariance_",
    "standard_errors_",
    "loss_",
)


class PriorRegressor(KANRegressor):
    """A law that is known, with a correction learned from rows; :meth:`KANRegressor.from_formula` makes one.

    Before :meth:`fit` it predicts as the prior does. A fit corrects the prior where the rows leave no doubt that it is
    wrong: few or noisy rows leave it as it is, many are followed. What is compared, and how the simplest is chosen,
    says :mod:`kanopt.surrogates.compiling.corrections`.

    Parameters
    ----------
    prior : Formula
        The law that is known.
    refine : "correction" or "network"
        "correction" keeps the prior and adds to it, or multiplies it; columns that the prior does not read may play a
        part. "network" compiles the prior into a network and trains that, each edge drawn back to where it was: the
        structure stays, and its curves move.
    scale : "auto", "additive" or "factor"
        Whether a correction is added or is a factor; "auto" takes what foretells rows left out better, and adds where
        the prior or the target is not positive.
    beyond : "prior" or "law"
        Outside the rows: the prior alone, to which the correction fades over a fifth of the range of a column, or the
        corrected law as it goes on.
    ranges : None or mapping
        Ends of inputs over which the prior is compiled; where None, those of its domain and of its variables.
    tolerance : float
        Largest error of the compiled network, as a share of the span of the law.
    hidden, grid_size, smoothing, starts, loss, periodic, seed, device
        As of :class:`KANRegressor`, for the network that learns what simple corrections leave; ``hidden=()`` for none.

    Attributes
    ----------
    formula_ : Formula
        The law as it predicts.
    alternatives_ : DataFrame
        Every correction compared, with its error on rows left out.
    network_, encoding_
        The law as a network; it is what is drawn, attributed and verified. Not there where no network computes the
        law, as of a maximum: questions that need it say why. After a fit it is the law among the rows.

    Examples
    --------
    >>> from kanopt import Variable, parse_formula
    >>> inputs = [Variable("minutes", low=2, high=10), Variable("load", low=0, high=1.5)]
    >>> prior = parse_formula("minutes * (1 + 0.10 * load^4)", inputs, Variable("time"))
    >>> model = KANRegressor.from_formula(prior, beyond="law")
    >>> model.predict(pd.DataFrame({"minutes": [5.0], "load": [1.0]}))
    array([5.5])
    >>> rng = np.random.default_rng(0)
    >>> rows = pd.DataFrame({"minutes": rng.uniform(2, 10, 30), "load": rng.uniform(0, 1.5, 30)})
    >>> time = rows["minutes"] * (1 + 0.15 * rows["load"] ** 4)
    >>> print(model.fit(rows, time).formula_)
    minutes + 0.15 · minutes · load^4
    """

    # What a KANRegressor is asked to hold as a whole is not asked of a law that is known.
    products: Any = "auto"
    monotone: Any = None
    convex: Any = None
    concave: Any = None
    positive: bool = False
    bounds: Any = None
    log_target: bool | Literal["auto"] = False
    log_features: Any = "auto"
    missing: str = "error"
    precision: str = "double"

    formula_: Formula
    _learned: Learned

    def __init__(  # noqa: PLR0913 - scikit-learn reads the parameters off the signature
        self,
        prior: Formula,
        *,
        refine: str = "correction",
        scale: str = "auto",
        beyond: str = "prior",
        ranges: Any = None,
        tolerance: float = 1e-3,
        hidden: Any = "auto",
        grid_size: int | Literal["auto"] = "auto",
        smoothing: float | Literal["auto", "evidence"] = "auto",
        starts: int = 16,
        loss: str = "auto",
        periodic: Any = None,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        self.prior = prior
        self.refine = refine
        self.scale = scale
        self.beyond = beyond
        self.ranges = ranges
        self.tolerance = tolerance
        self.hidden = hidden
        self.grid_size = grid_size
        self.smoothing = smoothing
        self.starts = starts
        self.loss = loss
        self.periodic = periodic
        self.seed = seed
        self.device = device

    def ready(self) -> Self:
        """Return the model as it is before a fit: it predicts as the prior does.

        Raises
        ------
        FitError
            For arguments that are not allowed.
        FormulaError
            For ranges that are none.
        """
        check_arguments(self)
        self._take(prior_alone(self.prior, self.ranges, self.tolerance, self.seed), self.prior.output.name)
        names = inputs_of(self.prior)
        self.n_features_in_ = len(names)
        self.feature_names_in_ = np.array(names, dtype=object)
        self._indicators, self._rows = MissingIndicators({}), None
        self.alternatives_ = comparison_of([(self._learned.what, SUM.name, 0.0, np.nan, np.nan)], 0)
        return self

    def __sklearn_is_fitted__(self) -> bool:
        """Say that the model predicts: it has a prior."""
        return True

    def predict(self, X: ArrayLike | pd.DataFrame) -> Floats:
        """Return the expected target of every row, shape (n,), in the unit of the prior.

        Raises
        ------
        FormulaError
            For missing values, and where the law has no finite value.
        """
        frame = self._frame(X)
        return np.array(np.broadcast_to(self.formula_.evaluate(frame), len(frame)))

    def predict_interval(
        self,
        X: ArrayLike | pd.DataFrame,
        coverage: float = 0.9,
        calibration: tuple[Any, Any] | None = None,
    ) -> pd.DataFrame:
        """Return an interval for every row that a new observation falls into with probability `coverage`.

        As of :meth:`KANRegressor.predict_interval`; a prior that has seen no rows needs some for `calibration`.
        """
        coverage, learned = coverage_of(coverage), self._known()
        predicted = self.predict(X)
        scale = learned.scale
        if calibration is not None:
            rows, target = calibration_of(calibration, scale.is_factor)
            gap = scale.residual(target, self.predict(rows))
            low, high = conformal_ends(gap, coverage)
        elif learned.residuals.size:
            low, high = left_out_ends(learned.residuals, learned.weights, coverage)
        else:
            raise FitError(
                "the prior has seen no rows, so nothing is known of its errors; pass calibration=(X, y), or fit"
            )
        frame = self._frame(X)
        prior = np.broadcast_to(self.prior.evaluate(frame), len(frame))
        lower, upper = (scale.moved(predicted, prior, end) for end in (low, high))
        outside = self.formula_.outside(frame)
        index = X.index if isinstance(X, pd.DataFrame) else None
        columns = {"lower": lower, "prediction": predicted, "upper": upper}
        return pd.DataFrame({**columns, "outside": np.broadcast_to(outside, len(predicted))}, index=index)

    def summary(
        self, test: pd.DataFrame | tuple[Any, Any] | None = None, target: str | None = None
    ) -> Summary:
        """Return fit, structure and effect of every column; see :meth:`KANRegressor.summary`."""
        found = super().summary(test, target)
        seen = f"after {self._learned.rows:,} rows" if self._learned.rows else "no rows seen"
        return replace(found, structure=f"{self._learned.what}, {seen}; {found.structure}")

    def to_formula(  # noqa: PLR0913 - as of KANRegressor
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
        budget: float | None = None,
        progress: Callable[[FitProgress], None] | bool | None = None,
    ) -> Formula:
        """Return the law as a formula: the prior, and what was learned beside it.

        Arguments are those of :meth:`KANRegressor.to_formula`; the unit of the target is that of the prior, and where
        nothing is searched for there is nothing to stop and to tell.

        Raises
        ------
        FitError
            If functions are pinned, forbidden or preferred: here the prior says what the functions are.
        FormulaError
            If the formula explains less than `min_r2` of the held-out rows.
        """
        from kanopt.surrogates.compiling.reporting import Asked, law_as_formula, reported
        from kanopt.surrogates.watching import warn_if_stopped, watched

        if pin or list(forbid) or list(prefer):
            raise FitError(
                "pin, forbid and prefer choose the functions of a law that is read from rows; here the prior gives "
                "them: change the prior (Formula.edited) instead"
            )
        learned = self._known()
        wanted = y if isinstance(y, str) else self.target_name_
        rows, actual = self._held_out(X, y)
        refuse_unmeasured(actual, wanted, min_r2)
        frame = self._frame(rows)
        declared = units_of(X).get(wanted, "") if isinstance(X, pd.DataFrame) else ""
        if declared and self.prior.output.unit and declared != self.prior.output.unit:
            raise FitError(
                f"the prior gives {self.prior.output.unit}, and the rows hold {wanted!r} in {declared}; convert the "
                "column"
            )
        output = Variable(wanted, self.prior.output.unit or declared if unit is None else unit)
        with watched(progress, budget) as watch:
            formula = law_as_formula(
                learned,
                watch,
                by_network=self.refine == "network",
                fade=self.beyond == "prior",
                seed=self.seed,
            )
        warn_if_stopped(watch)
        found = reported(
            learned, formula, self.prior, self.alternatives_, Asked(frame, actual, output, per, min_r2)
        )
        return replace(found, provenance={**found.provenance, **watch.record(self.stopped_)})

    def _fit_table(self, X: Any, y: Any, sample_weight: Any, watch: FitMonitor) -> None:
        """Correct the prior."""
        from kanopt.surrogates.compiling.corrections import Task
        from kanopt.surrogates.compiling.learning import learn

        check_arguments(self)
        frame = table_of(self, frame_of(X, inputs_of(self.prior)), reset=True)
        name = name_of(y) or self.prior.output.name
        refuse_leak(name, frame)
        frame, target, weights = used_rows(frame, y, weights_of(sample_weight, frame))
        if len(frame) < LEAST_ROWS:
            raise FitError(
                f"n_samples = {len(frame)}: a correction needs at least {LEAST_ROWS} rows with a weight above 0"
            )
        columns = columns_of(frame, self.prior, extra=self.refine == "correction")
        periods = {str(name): float(period) for name, period in dict(self.periodic or {}).items()}
        task = Task(self.prior, columns, target, weights / min(1.0, float(weights.mean())), periods)
        learned, self.alternatives_ = learn(task, variables_of(frame, self.prior, columns), self, watch)
        self._indicators, self._rows = MissingIndicators({}), None
        self._take(learned, name)

    def _fit_source(self, *_: Any) -> None:
        raise FitError("a prior is corrected on tables in memory; read the table first (ko.read_table)")

    def _fit_targets(self, *_: Any) -> None:
        raise FitError("a prior is one law of one target; fit one model for each target")

    def _take(self, learned: Learned, target: str) -> None:
        """Keep what was learned."""
        self._learned, self.formula_ = learned, learned.formula
        if learned.law is not None:
            self._set_fitted(learned.law, target)
            return
        self.target_name_ = target
        for name in ("_law", *_OF_LAW):
            self.__dict__.pop(name, None)

    def _known(self) -> Learned:
        """Return what was learned; a fresh copy of a model knows the prior."""
        if not hasattr(self, "_learned"):
            self.ready()
        return self._learned

    def _check_single(self) -> None:
        learned = self._known()
        if learned.law is None:
            raise FormulaError(
                f"the law predicts, but there is no network to look into: {learned.why.removesuffix('.')}. "
                "formula_ and predict do without"
            )

    def _frame(self, X: Any) -> pd.DataFrame:
        """Return rows with the columns of the model."""
        self._known()
        return table_of(self, frame_of(X, tuple(self.feature_names_in_)), reset=False)

    def _encode(self, X: ArrayLike | pd.DataFrame) -> tuple[Floats, Integers]:
        self._check_single()
        variables = {v.name: v for v in (*self.formula_.inputs, *self.prior.inputs)}
        wanted = [variables[name] for name in self.encoding_.names]
        columns = read_columns(
            wanted, self._frame(X), frozenset(self.encoding_.names), gap_inputs(self.prior.root)
        )
        return self.encoding_.transform(pd.DataFrame(columns))

    def _parts(self) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
        header, arrays = super()._parts()
        learned = self._learned
        del header["arguments"]["prior"]
        header["prior"], header["law"] = self.prior.to_json(), learned.formula.to_json()
        header["inputs"] = [str(name) for name in self.feature_names_in_]
        header["columns"] = len(self.encoding_.features)
        header["learned"] = {"what": learned.what, "rows": learned.rows, "scale": learned.scale.name}
        return header, {**arrays, "learned_residuals": learned.residuals, "learned_weights": learned.weights}

    @classmethod
    def _from_parts(cls, header: dict[str, Any], arrays: dict[str, NDArray[Any]]) -> Self:
        header["arguments"]["prior"] = Formula.from_json(header["prior"])
        model = super()._from_parts(header, arrays)
        told = header["learned"]
        residuals, weights = (
            arrays[f"learned_{name}"].astype(np.float64) for name in ("residuals", "weights")
        )
        if (
            residuals.ndim != 1
            or weights.shape != residuals.shape
            or not np.isfinite([residuals, weights]).all()
        ):
            raise FileFormatError("learned_residuals and learned_weights are not those of rows")
        learned = Learned(
            Formula.from_json(header["law"]),
            model._law,
            what=str(told["what"]),
            rows=int(told["rows"]),
            scale=SCALES[told["scale"]],
            residuals=np.sort(residuals),
            weights=weights,
        )
        check_arguments(model)
        names = np.array([str(name) for name in header["inputs"]], dtype=object)
        model.n_features_in_, model.feature_names_in_ = len(names), names
        model._take(learned, model.target_name_)
        return model

    def _split_off(self, test: pd.DataFrame, target: str) -> tuple[pd.DataFrame, pd.Series[Any]]:
        names = [str(name) for name in self.feature_names_in_]
        missing = next((name for name in [*names, target] if name not in test.columns), None)
        if missing is not None:
            role = "target" if missing == target else "column"
            raise FitError(f"the held-out rows have no {role} {missing!r}")
        return test[names], test[target]
