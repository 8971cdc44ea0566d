"""What a formula can be written as: the methods of :class:`~kanopt.formulas.Formula` that leave the house."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

if TYPE_CHECKING:
    import sympy

    from kanopt.formulas.formula import Formula

__all__ = ["FormulaExports"]


class FormulaExports:
    """The exports of a formula, each of which loads its language when it is asked for."""

    @property
    def _formula(self) -> Formula:
        return cast("Formula", self)

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

        Numbers have the fifteen digits that Excel reads, and the result is exact to about as many. It is ``#N/A``
        where a number is missing or a category unknown, and an error where the formula has no value. Excel compares to
        fifteen digits, so that a number as close as that to the edge of a stair may stand on either, and shows
        ``#NUM!`` where a step in between is beyond 1e308.

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

        Examples
        --------
        >>> from kanopt.formulas import Variable, parse_formula
        >>> fuel = parse_formula("0.12 * km^2", [Variable("km", "km")], Variable("fuel", "l"))
        >>> fuel.to_excel({"km": "B2"})
        '=IF(COUNT(B2)<1,NA(),0.12*POWER(B2,2))'
        """
        from kanopt.formulas.export.excel import to_excel

        return to_excel(self._formula, cells, style)

    def save_excel(self, path: str | Path) -> Path:
        """Write a workbook (XLSX) in which the law can be played with, of any size.

        Its sheet Formula has a cell for every input, with its unit and the range in which the law is valid, the result,
        and the constants with their standard errors; all are named cells, and changing one changes the result. Parts
        that are long or used more than once stand on the sheet Steps, curves and tables on the sheet Tables. Names and
        categories are written as texts, never as formulas. The result agrees with :meth:`evaluate` as in
        :meth:`to_excel`.

        Parameters
        ----------
        path
            Of the file, in a folder that exists.

        Returns
        -------
        Path
            The file.

        Raises
        ------
        FormulaError
            If a category is longer than a cell takes, or the tables are longer than a sheet.
        """
        from kanopt.formulas.export.workbook import save_excel

        return save_excel(self._formula, path)

    def to_sympy(self, categories: Mapping[str, str] | None = None) -> sympy.Expr:
        """Return a sympy expression; categorical inputs take the given labels."""
        from kanopt.formulas.export.symbolic import to_sympy

        return to_sympy(self._formula, {} if categories is None else categories)

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
