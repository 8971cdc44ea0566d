"""A formula in other languages, in pictures and in files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from kanopt.formulas.formula_methods import FormulaMethods

if TYPE_CHECKING:
    import sympy

    from kanopt.formulas.formula import Formula
    from kanopt.formulas.variables import Variable

__all__ = ["FormulaExports"]


class FormulaExports(FormulaMethods):
    """Exports of a formula, and how it is saved and loaded."""

    def to_latex(self) -> str:
        """Return the formula as LaTeX, ``output = …``."""
        from kanopt.formulas.printing import to_latex

        return to_latex(self._formula)

    def to_python(self) -> str:
        """Return the source of a Python function on numpy arrays that needs nothing else; categories are text."""
        from kanopt.formulas.export.python import to_python

        return to_python(self._formula)

    def to_sql(self) -> str:
        """Return one SQL expression over columns named as the inputs."""
        from kanopt.formulas.export.sql import to_sql

        return to_sql(self._formula)

    def to_javascript(self) -> str:
        """Return the source of a JavaScript function of one object with a property per input."""
        from kanopt.formulas.export.javascript import to_javascript

        return to_javascript(self._formula)

    def to_excel(
        self, cells: Mapping[str, str] | None = None, style: Literal["names", "table"] = "names"
    ) -> str:
        """Return the formula for one cell of Excel (2010 or later) or LibreOffice, as one types it in English.

        It is ``#N/A`` where a number is missing or a category unknown; of its digits says
        :func:`kanopt.formulas.export.excel.to_excel`.

        Parameters
        ----------
        cells
            The cell of every input: ``{"km": "B2", "load": "'My trips'!C2"}``, or a defined name.
        style
            Without `cells`: ``"names"`` for defined names that are called as the inputs, with underscores for what
            names cannot have; ``"table"`` for the columns of an Excel table whose headers are the inputs.

        Raises
        ------
        FormulaError
            If the text is longer or nests deeper than one cell takes, which :meth:`save_excel` spreads over several.
        """
        from kanopt.formulas.export.excel import to_excel

        return to_excel(self._formula, cells, style)

    def save_excel(self, path: str | Path) -> Path:
        """Write a workbook (XLSX) in which the law can be played with, of any size.

        Inputs, result and constants are named cells, and changing one changes the result; see
        :func:`kanopt.formulas.export.workbook.save_excel`.
        """
        from kanopt.formulas.export.workbook import save_excel

        return save_excel(self._formula, path)

    def to_sympy(self, categories: Mapping[str, str] | None = None) -> sympy.Expr:
        """Return a sympy expression; categorical inputs take the given labels."""
        from kanopt.formulas.export.symbolic import to_sympy

        return to_sympy(self._formula, {} if categories is None else categories)

    @classmethod
    def from_sympy(
        cls,
        expression: sympy.Expr,
        inputs: Sequence[Variable | str],
        output: Variable | str,
        *,
        per: str = "",
        constants: Mapping[str, float] | None = None,
    ) -> Formula:
        """Return a sympy expression as a formula; its symbols are inputs and constants by their names.

        Parameters
        ----------
        expression
            The expression; :func:`~kanopt.formulas.parse_formula` reads text, and reads the expression as the text that
            sympy writes, with its limits.
        inputs, output
            Variables, or names of numbers without a unit.
        per
            The meaning of one row.
        constants
            Symbols that are constants, each with its value: the parameters of the law, which :meth:`refit` estimates.

        Raises
        ------
        FormulaError
            Naming the part that formulas do not have, such as a case distinction, and its place in the text.

        Examples
        --------
        >>> import sympy
        >>> from kanopt.formulas import Formula, Variable
        >>> km = sympy.Symbol("km")
        >>> print(Formula.from_sympy(0.5 * km**2 + sympy.sqrt(km), [Variable("km", "km")], "fuel"))
        sqrt(km) + 0.5 · km^2
        """
        from kanopt.formulas.from_sympy import from_sympy

        return from_sympy(expression, inputs, output, per=per, constants=constants)

    def plot(self, along: str = "", ax: Any = None, *, at: Mapping[str, float | str] | None = None) -> Any:
        """Draw the law along one of its inputs, or along each of them in a panel of its own.

        Where another input is numeric, three lines show the law at a low, a central and a high value of the one that
        matters most; what else there is, is held at the values that stand below the axis.

        Parameters
        ----------
        along
            The input on the horizontal axis; every one that has a range or categories if empty.
        ax
            Where to draw: matplotlib axes for one input, an array of them for several (``plt.subplots(1, 2)[1]``); a
            new figure if None.
        at
            Values at which inputs are held; else those of the rows it was learned from, or the middle of their ranges.

        Returns
        -------
        matplotlib.axes.Axes or ndarray of them
            The axes of one input, an array of those of several.

        Raises
        ------
        FormulaError
            If `along` is not an input, or no range is known.
        PlotError
            If `ax` is no axes, or fewer than there are inputs to draw.

        Examples
        --------
        >>> import matplotlib
        >>> matplotlib.use("Agg")
        >>> from kanopt.formulas import Variable, parse_formula
        >>> km, load = Variable("km", "km", low=0, high=80), Variable("load", "t", low=0, high=9)
        >>> fuel = parse_formula("0.12 * km * (1 + 0.04 * load)", [km, load], Variable("fuel", "l"))
        >>> fuel.plot("km").get_xlabel()
        'km (km)'
        >>> [axes.get_xlabel() for axes in fuel.plot()]
        ['km (km)', 'load (t)']
        """
        from kanopt.display import reports

        return reports.plot_law(self._formula, along, ax, at=at)

    def to_json(self) -> str:
        """Return the formula as JSON text."""
        from kanopt.formulas.serialize import to_json

        return to_json(self._formula)

    @classmethod
    def from_json(cls, text: str) -> Formula:
        """Read a formula from JSON text, executing nothing.

        Raises
        ------
        FileFormatError
            If the text is not a formula of a known version.
        """
        from kanopt.formulas.serialize import from_json

        return from_json(text)

    def save(self, path: str | Path) -> Path:
        """Write the formula to a JSON file."""
        from kanopt.formulas.serialize import save

        return save(self._formula, path)

    @classmethod
    def load(cls, path: str | Path) -> Formula:
        """Read a formula from a JSON file, executing nothing.

        Raises
        ------
        FileFormatError
            If the file is not a formula of a known version.
        """
        from kanopt.formulas.serialize import load

        return load(path)
