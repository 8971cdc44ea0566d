"""What a fitted model can be asked besides a prediction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from kanopt.errors import FitError, FormulaError
from kanopt.surrogates.effects import marginal_effects
from kanopt.surrogates.encoding import FeatureEncoding
from kanopt.surrogates.frames import ordered_as, table_of
from kanopt.surrogates.input_checks import refuse_unmeasured, whole_number
from kanopt.surrogates.law import NetworkLaw
from kanopt.surrogates.missing import MissingIndicators
from kanopt.surrogates.naming import by_name, column_of
from kanopt.surrogates.summary import Summary, effect_table, fit_measures

if TYPE_CHECKING:
    from kanopt.formulas import Formula
    from kanopt.kan.description import Network
    from kanopt.surrogates.diagnostics import Attribution
    from kanopt.surrogates.diagnostics import SeparabilityTests as Separability
    from kanopt.surrogates.diagram import Diagram
    from kanopt.surrogates.distill.mixed import Rows
    from kanopt.surrogates.options import RegressorArguments

__all__ = ["InspectionMixin"]

Floats = NDArray[np.float64]


class InspectionMixin:
    """The questions of :class:`~kanopt.surrogates.KANRegressor` that look into the law."""

    _law: NetworkLaw
    network_: Network
    encoding_: FeatureEncoding
    log_target_: bool
    target_name_: str
    monotone: Any
    convex: Any
    concave: Any
    positive: bool
    bounds: Any
    seed: int
    _rows: Rows | None
    _units: Mapping[str, str]
    _simpler_laws: tuple[tuple[NetworkLaw, Rows], ...]
    _indicators: MissingIndicators

    def _check_single(self) -> None:
        raise NotImplementedError

    def _encode(self, X: ArrayLike | pd.DataFrame) -> tuple[Floats, NDArray[np.int64]]:
        raise NotImplementedError

    def _held_out(self, test: Any, target: str | None) -> tuple[Any, Floats]:
        raise NotImplementedError

    def predict(self, X: ArrayLike | pd.DataFrame) -> Floats:
        """Return the expected target of every row."""
        raise NotImplementedError

    def effects(self, grid: int = 50) -> pd.DataFrame:
        """Return the marginal effect of every column as a tidy frame: feature, value, effect.

        An effect is the mean prediction over a sample of training rows with the column set to the value, less
        the mean prediction; in the units of the target. Numbers get `grid` values, categories all of theirs.
        """
        self._check_single()
        law = self._law
        return marginal_effects(
            law.predict, law.encoding, (law.numbers, law.codes), whole_number(grid, "effects: grid", 1)
        )

    def summary(
        self,
        test: pd.DataFrame | tuple[Any, Any] | None = None,
        target: str | None = None,
    ) -> Summary:
        """Return fit, structure and effect of every column.

        Parameters
        ----------
        test : DataFrame or (X, y), optional
            Held-out rows. A frame holds the columns of the model and the target.
        target : str, optional
            Column of `test` that is the target; by default the name of the series the model was fitted to.
        """
        self._check_single()
        measures = dict(self._law.measures)
        if test is not None:
            X, y = self._held_out(test, target)
            measures["held out"] = fit_measures(y, self.predict(X))
        fit = pd.DataFrame.from_dict(measures, orient="index").astype({"rows": int})
        effects = effect_table(self.effects(grid=25), self._law)
        return Summary(self.target_name_, self._law.structure, fit, effects)

    def attribution(self) -> Attribution:
        """Return how much of the output comes through every edge, node and column.

        Scores follow the signal from the output back: an edge into a node that nothing listens to scores nothing. A
        share is a score over the standard deviation of the output; shares need not sum to one, see
        :class:`~kanopt.surrogates.diagnostics.Attribution`.
        """
        from kanopt.surrogates.diagnostics import attribution_of

        self._check_single()
        return attribution_of(self._law, output=self.target_name_)

    def separability(self, tolerance: float = 0.02) -> Separability:
        """Test which columns act apart, as a sum or as a product, and for symmetries of pairs, against the noise.

        "no product of smaller parts" means that the law is not the product of functions of fewer columns each; the
        strength of a symmetry is 1 where it is perfect and 0 where the departure is as large as what the columns do.

        Parameters
        ----------
        tolerance
            Departures below this share of the target's standard deviation are of no account.
        """
        from kanopt.surrogates.diagnostics import structure_of

        self._check_single()
        return structure_of(self._law, tolerance=tolerance)

    def outside(self, X: ArrayLike | pd.DataFrame) -> pd.DataFrame:
        """Return for every row whether it lies outside the data the law was learned from, and in which columns.

        A row is outside where a number leaves the range of the training rows, or where several numbers do not fit
        together as they did there (leverage). Periodic columns have no ends and are left out. Categories that did not
        occur are refused, as by `predict`.

        Returns
        -------
        DataFrame
            Columns outside (bool) and columns (text, those to blame); the index of `X`.
        """
        numbers, _ = self._encode(X)
        encoding = self.encoding_
        names = {f"c{place}": feature.name for place, feature in enumerate(encoding.numbers)}
        columns = {name: numbers[:, place] for place, name in enumerate(names)}
        flags = np.zeros(len(numbers), dtype=bool)
        blame = np.full(len(numbers), "", dtype=object)
        # Single columns come first; a combination is blamed only where no column alone is.
        tests = sorted(self._law.domain.tests(columns).items(), key=lambda item: len(item[0]))
        for concerned, beyond in tests:
            alone = len(concerned) == 1
            words = ", ".join(names[name] for name in concerned) + ("" if alone else " together")
            for row in np.flatnonzero(beyond if alone else beyond & ~flags):
                blame[row] = f"{blame[row]}, {words}" if blame[row] else words
            flags |= np.broadcast_to(beyond, flags.shape)
        index = X.index if isinstance(X, pd.DataFrame) else None
        return pd.DataFrame({"outside": flags, "columns": blame}, index=index)

    def verify(
        self,
        *,
        monotone: Mapping[str, int] | None = None,
        convex: Iterable[str] | None = None,
        concave: Iterable[str] | None = None,
        bounds: tuple[float | None, float | None] | None = None,
        budget: int = 50_000,
    ) -> pd.DataFrame:
        """Prove or refute shapes of the law over the box of the training data, by interval arithmetic.

        Without arguments, what the model was asked to hold is verified.

        Parameters
        ----------
        monotone
            +1 or -1 by column.
        convex, concave
            Columns in which the law is jointly so.
        bounds
            The least and the largest value; None for no bound on that side.
        budget
            How many boxes may be looked at for one claim.

        Returns
        -------
        DataFrame
            One row per claim: claim, verdict ("proved", "refuted" or "undecided"), boxes, and for a refuted claim the
            rows between which it fails, in words.
        """
        from kanopt.surrogates.proofs import ShapeClaims, proofs

        self._check_single()
        signs = _signs_by_name(monotone, self.encoding_)
        bent = _names(convex, self.encoding_, "convex"), _names(concave, self.encoding_, "concave")
        given = ShapeClaims.of(signs, *bent, _ends(bounds))
        asked = given if given else ShapeClaims.from_arguments(self, self.encoding_)
        return proofs(self._law, asked, whole_number(budget, "verify: budget", 1))

    def to_formula(
        self,
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
        """Return the law as a formula: closed forms where they are as good as the curves, curves where not.

        Parameters
        ----------
        test : DataFrame or (X, y)
            Held-out rows with the columns of the model and the target. They report and gate; they select
            nothing. Where it declares other units than the rows of the fit, columns are converted. Units of the fit
            become the units of the formula; where there were none, those of this frame.
        target : str, optional
            Column of `test` that is the target; by default the name of the series the model was fitted to.
        min_r2 : float
            The least R² on the held-out rows with which the law is let through.
        unit : str, optional
            Unit of the target; by default the one that `test` declares.
        per : str
            What one row is: ``"leg"``, ``"task"``, ``"lane-period"``.
        pin : dict, optional
            Column to the operator it is to be, or to several among which to choose: ``{"hour": "sine"}``. The operators
            are linear, quadratic, power, exp, gaussian, log, sine, tanh, softplus, hinge, step, curve, and none, which
            leaves the column out. A column that is pinned is in the law, unless "none" is among its operators. An edge
            of the network can be pinned by its name in `alternatives`; the law is then read from the network.
        forbid, prefer : list of str
            Operators that are not to be used, and those that count half. A quotient is no power. What was decided by
            hand is written into the provenance of the formula.

        Raises
        ------
        FitError
            If `min_r2` is no number of at most 1, `test` has one row or a target that does not vary, a pin names no
            column, an operator is not known, no function that is allowed fits, the model has no use for a column that
            is pinned, or the way it was fitted brings in an operator that is forbidden.
        FormulaError
            If the formula explains less than `min_r2` of the held-out rows, or the model was loaded from a
            file, which holds no training rows.

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
        from kanopt.formulas import Variable
        from kanopt.surrogates.distill import Control, HeldOut, Trained, distill
        from kanopt.surrogates.options import settings_of
        from kanopt.surrogates.threads import one_thread
        from kanopt.tables import units_of

        self._check_single()
        if self._rows is None:
            raise FormulaError(
                "a model loaded from a file holds no training rows, on which a formula is chosen; fit it again, or "
                "save the formula instead (formula.save)"
            )
        wanted = target or self.target_name_
        rows, y = self._held_out(test, wanted)
        refuse_unmeasured(y, wanted, min_r2)
        declared = test if isinstance(test, pd.DataFrame) else rows
        # the columns are converted to the units of the fit, where there were any
        units = {**(units_of(declared) if isinstance(declared, pd.DataFrame) else {}), **self._units}
        control = Control.of(pin, forbid, prefer)
        output_unit = units.get(wanted, "") if unit is None else unit

        def trained_of(law: NetworkLaw, rows: Rows, simpler: tuple[Trained, ...] = ()) -> Trained:
            return Trained(
                network=law.network,
                features=law.encoding.inputs,
                rows=rows,
                wanted=settings_of(cast("RegressorArguments", self), law.encoding).shape_constraints,
                smoothing=law.smoothing,
                log_target=law.log_target,
                seed=self.seed,
                structure=law.structure,
                edf=law.edf,
                link=law.link,
                control=control,
                units=units,
                output_unit=output_unit,
                simpler=simpler,
            )

        simpler = tuple(trained_of(*each) for each in self._simpler_laws)
        trained = trained_of(self._law, self._rows, simpler)
        output = Variable(wanted, trained.output_unit)
        frame = table_of(self, rows, reset=False)
        names = list(self._law.encoding.names[: frame.shape[1]])
        frame = ordered_as(frame, names).set_axis(names, axis=1)
        filled = self._indicators.transform(frame).assign(**{wanted: y})
        with one_thread():
            return distill(trained, HeldOut(filled, output, units, per), min_r2)

    def diagram(self, points: int = 41) -> Diagram:
        """Return the network as nodes, and edges with their sampled curves, ready to be drawn."""
        from kanopt.surrogates.diagram import diagram_of

        self._check_single()
        return diagram_of(
            self.network_,
            self.encoding_,
            output=self.target_name_,
            log_output=self.log_target_,
            rows=(self._law.numbers, self._law.codes),
            points=points,
        )

    def plot(self, ax: Any = None) -> Any:
        """Draw the network, every edge as the curve it is, and return the matplotlib axes."""
        from kanopt.reports import plot_diagram

        return plot_diagram(self.diagram(), ax)


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
