"""How a formula is changed: the methods of :class:`~kanopt.formulas.Formula` that estimate, hold and rewrite."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, cast

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.formulas.estimation.bootstrap import Bootstrap
    from kanopt.formulas.estimation.confidence import Method
    from kanopt.formulas.estimation.estimation_rows import Weight
    from kanopt.formulas.estimation.refitting import Robust
    from kanopt.formulas.formula import Formula

__all__ = ["FormulaEdits"]


class FormulaEdits:
    """What makes a formula from a formula, each with its change in the provenance."""

    @property
    def _law(self) -> Formula:
        return cast("Formula", self)

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

        how: dict[str, Any] = {"weight": weight, "log_target": log_target, "robust": robust, "test": test}
        return refit(self._law, table, only, **how)

    def intervals(
        self,
        level: float = 0.95,
        method: Method = "auto",
        table: Any = None,
        *,
        weight: Weight | None = None,
        log_target: bool = False,
        bootstrap: Bootstrap | None = None,
    ) -> pd.DataFrame:
        """Return confidence intervals of its constants; see :func:`kanopt.formulas.estimation.confidence`."""
        from kanopt.formulas.estimation import intervals

        return intervals(
            self._law, level, method, table, weight=weight, log_target=log_target, bootstrap=bootstrap
        )

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

        return pattern(self._law)

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

        return fix_constants(self._law, values)

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

        return edit_text(self._law, text, constants)
