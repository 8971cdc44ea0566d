"""What rows say of a formula's constants, and what a hand changes in it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from kanopt.formulas.formula_methods import FormulaMethods

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.formulas.estimation.estimation_rows import Weight
    from kanopt.formulas.estimation.refitting import Robust
    from kanopt.formulas.formula import Formula

__all__ = ["FormulaEstimation"]


class FormulaEstimation(FormulaMethods):
    """Constants of a formula estimated, corrected, held and changed."""

    def refit(
        self,
        table: Any,
        only: Iterable[str] | None = None,
        *,
        weight: Any = None,
        log_target: bool = False,
        robust: Robust = False,
        test: Any = None,
    ) -> Formula:
        """Estimate the constants that have a name again on a table; see :func:`kanopt.formulas.estimation.refit`.

        Examples
        --------
        >>> from kanopt.formulas import Variable, parse_formula
        >>> toll = parse_formula("a * km", [Variable("km")], Variable("toll"), constants={"a": 1.0})
        >>> print(toll.refit({"km": [1.0, 2.0, 3.0], "toll": [0.11, 0.26, 0.35]}))
        0.12 · km
        """
        from kanopt.formulas.estimation import refit

        return refit(
            self._formula, table, only, weight=weight, log_target=log_target, robust=robust, test=test
        )

    def correct(
        self,
        table: Any,
        columns: Iterable[str] = (),
        *,
        periodic: Mapping[str, float] | None = None,
        scale: str = "auto",
        interactions: bool = True,
        weight: Weight | None = None,
        test: Any = None,
    ) -> Formula:
        """Correct a known law where the rows of a table insist that it is wrong.

        Tried are the constants of the law, also those without a name; then a line, a curve or a table of each column;
        then products of two columns, and a column times a curve or a table of another. Each correction has to shorten
        the description of the rows clearly, and all that are made are estimated together by least squares, so that
        few or noisy rows leave the law as it is. Beyond the rows a curve keeps its last value. Errors may be alike
        everywhere or grow with the law, and gross errors in a few rows count little.

        Parameters
        ----------
        table
            Rows as for :meth:`refit`.
        columns
            Columns that may correct the law besides its own inputs.
        periodic
            Periods of columns that start anew, such as ``{"hour": 24}``.
        scale
            ``"additive"`` or ``"factor"``: whether columns add to the law or multiply it; ``"auto"`` takes the shorter
            description, and adds where the law or the output is not above zero.
        interactions
            Whether pairs of columns are tried.
        weight, test
            As for :meth:`refit`.

        Returns
        -------
        Formula
            The law with corrections, standard errors and covariance of the constants that moved, and the domain of the
            rows. The provenance says what was corrected (``"corrected"``) of which law (``"known law"``), and
            :meth:`considered` what was tried on the way.

        Raises
        ------
        FormulaError
            If an input is missing or has missing values.
        FitError
            If there are fewer than 8 rows, a column is missing, or `scale` is ``"factor"`` and a value is not above 0.

        Examples
        --------
        >>> from kanopt.formulas import parse_formula
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> load, km = rng.uniform(0, 12, 60), rng.uniform(1, 90, 60)
        >>> rows = {"km": km, "load": load, "fuel": (0.12 + 0.01 * load) * km * rng.lognormal(0, 0.05, 60)}
        >>> known = parse_formula("0.14 * km", ["km"], "fuel")
        >>> better = known.correct(rows, ["load"])
        >>> print(better)
        0.1221 · km + 0.009641 · km · load
        >>> print(better.provenance["corrected"])
        on 60 rows: c2 from 0.14 to 0.1221; product of km and load; error on rows left out 0.503, was 3.28
        """
        from kanopt.formulas.correction import correct

        return correct(
            self._formula,
            table,
            columns,
            periodic=periodic,
            scale=scale,
            interactions=interactions,
            weight=weight,
            test=test,
        )

    def intervals(
        self,
        level: float = 0.95,
        table: Any = None,
        *,
        weight: Weight | None = None,
        log_target: bool = False,
    ) -> pd.DataFrame:
        """Return confidence intervals of its constants; see :func:`kanopt.formulas.estimation.confidence`."""
        from kanopt.formulas.estimation import intervals

        return intervals(self._formula, level, table, weight=weight, log_target=log_target)

    @property
    def pattern(self) -> str:
        """The formula in one line with the names of its constants instead of their values, as :meth:`edited` reads it.

        Numbers without a name have all their digits. Curves and tables that would read the same get numbers, such as
        ``step1(km)`` and ``step2(km)``, and those that are called like a function stand in back-quotes.

        Examples
        --------
        >>> from kanopt.formulas import Variable, parse_formula
        >>> parse_formula("a * km + 2", [Variable("km")], Variable("toll"), constants={"a": 0.12}).pattern
        'a · km + 2'
        """
        from kanopt.formulas.editing import pattern

        return pattern(self._formula)

    def fixed(self, values: Mapping[str, float]) -> Formula:
        """Return the law with constants held at values; :meth:`refit` estimates the others beside them.

        Parameters
        ----------
        values
            Name of a constant to the value that it has from now on, as part of the structure.

        Raises
        ------
        FormulaError
            If a name is that of no constant, a value is no finite number, or there are none.

        Examples
        --------
        >>> from kanopt.formulas import Variable, parse_formula
        >>> law = parse_formula("a * km^b", [Variable("km")], Variable("fuel"), constants={"a": 0.5, "b": 0.97})
        >>> held = law.fixed({"b": 1.0})
        >>> print(held, held.provenance["fixed"])
        0.5 · km b = 1, was 0.97
        """
        from kanopt.formulas.editing import fix_constants

        return fix_constants(self._formula, values)

    def edited(self, text: str, constants: Mapping[str, float] | None = None) -> Formula:
        """Return the law rewritten by hand; :meth:`refit` then estimates the constants that have a name.

        Parameters
        ----------
        text
            The new formula, of the same inputs. It may name constants of the old one, which keep their values, and
            curves, staircases and tables as they stand in :attr:`pattern`, the text to begin with: ``"c1 + s(hour)"``.
        constants
            Values of new constants, and other values of old ones.

        Returns
        -------
        Formula
            Without fit, alternatives and standard errors, which were those of another law.

        Raises
        ------
        FormulaError
            If the text is no formula of the inputs, or names a constant without a value.

        Examples
        --------
        >>> from kanopt.formulas import Variable, parse_formula
        >>> law = parse_formula("a * km^b", [Variable("km")], Variable("fuel"), constants={"a": 0.5, "b": 0.97})
        >>> new = law.edited("start + a * km", {"start": 0.3})
        >>> print(new)
        0.3 + 0.5 · km
        >>> new.provenance["edited by hand"]
        'was a · km^b'
        """
        from kanopt.formulas.editing import edit_text

        return edit_text(self._formula, text, constants)
