"""The Formula: the object passed from learning to planning, to be read, evaluated, bounded, exported and bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from kanopt.display import Alarm, Facts, Fold, Law, Part, Shown
from kanopt.errors import FormulaError, UnitError, nearest
from kanopt.formulas.alternatives import ConsideredFormulas, approximation_text, considered_frame
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.correction import correct
from kanopt.formulas.dimensions.analysis import Dimensions, dimensions
from kanopt.formulas.editing import edit_text, fix_constants, pattern
from kanopt.formulas.enclosures.facts import ShapeProof
from kanopt.formulas.enclosures.proof import Convexity, prove
from kanopt.formulas.enclosures.values import interval
from kanopt.formulas.estimation import intervals, refit
from kanopt.formulas.estimation.estimation_rows import Weight
from kanopt.formulas.estimation.refitting import Robust
from kanopt.formulas.export.excel import to_excel
from kanopt.formulas.export.programs import to_javascript, to_python, to_sql
from kanopt.formulas.export.symbolic import to_sympy
from kanopt.formulas.export.workbook import save_excel
from kanopt.formulas.lowering.lowering import piecewise
from kanopt.formulas.lowering.program import Piecewise, Side
from kanopt.formulas.modules import Module, modules_of
from kanopt.formulas.nodes import Node, Sum, postorder
from kanopt.formulas.parameters import names_in
from kanopt.formulas.parser import parse_as
from kanopt.formulas.printing import to_latex
from kanopt.formulas.references import Reference, ReferenceValue, Resolver
from kanopt.formulas.serialize import from_json, load, save, to_json
from kanopt.formulas.simplify import simplify_graph
from kanopt.formulas.validity import formula_facts
from kanopt.formulas.variables import Variable
from kanopt.formulas.verdict import LawVerdict, verdict_of
from kanopt.text import number_text
from kanopt.validation import LARGEST, too_large

if TYPE_CHECKING:
    import pandas as pd
    import sympy


@dataclass(frozen=True)
class Term:
    """An additive term of a formula.

    Parameters
    ----------
    text
        The term in one line.
    formula
        The term as a formula over the inputs it uses.
    """

    text: str
    formula: Formula


def terms_of(formula: Formula) -> tuple[Term, ...]:
    """Return the additive terms of a formula; see :attr:`kanopt.formulas.Formula.terms`."""
    parts = formula.root.terms if isinstance(formula.root, Sum) else (formula.root,)
    return tuple(Term(str(part), part) for part in (_formula_over(formula, root) for root in parts))


def _formula_over(formula: Formula, root: Node) -> Formula:
    """Return a formula of the same output with another graph, over the inputs the graph uses."""
    names = {name for node in postorder(root) for name in node.names}
    kept = tuple(variable for variable in formula.inputs if variable.name in names)
    return replace(formula, root=root, inputs=kept, fit=None, provenance={}, alternatives=(), covariance=None)


@dataclass(frozen=True, repr=False)
class Formula(BaseFormula, Shown):
    """A law: a graph of steps over named inputs, with its units, domain, fit and provenance.

    Parameters
    ----------
    root
        The step whose value is the output.
    inputs
        The inputs, with units and declared bounds. Inputs that the graph does not use are allowed, and need not be in
        the data.
    output
        The output, with its unit.
    per
        The meaning of one row: ``"leg"``, ``"task"``, ``"lane-period"``. Unused items cost nothing, so the constant of
        a law per leg is paid once per leg driven.
    fit
        The held-out fit; None for a hand-written law.
    domain
        The domain in which it is valid.
    provenance
        Its origin, in words.
    alternatives
        The formulas considered, including the chosen one.
    covariance
        Covariance of its estimated parameters, the constants with a name; None if unknown.
    shapes
        Facts about its shape over its domain, decided by :meth:`prove`. Facts about another graph or domain are
        dropped, so that a formula derived from this one does not inherit them. Facts read from a file are not checked.
    parts
        The learned laws that a formula written by hand is built on, each with its fit; what their errors put on a price
        is worked out with them. Those that are no step of the graph any more are dropped.

    Raises
    ------
    FormulaError
        If two inputs share a name, the graph reads an input that is undeclared or of the other kind, or the covariance
        belongs to other constants.

    Examples
    --------
    >>> from kanopt.formulas import parse_formula
    >>> fuel = parse_formula("0.5 + 0.12 * km * (1 + 0.04 * load)",
    ...                      [Variable("km", "km", low=0), Variable("load", "t")], Variable("fuel", "l"))
    >>> fuel.evaluate({"km": [10.0, 20.0], "load": 5.0}).tolist()
    [1.94, 3.38]
    >>> print(fuel)
    0.5 + 0.12 · km · (1 + 0.04 · load)
    """

    parts: tuple[Formula, ...] = field(default=(), repr=False)

    @cached_property
    def verdict(self) -> LawVerdict | None:
        """Whether it is good, usable or weak, and why, if it was learned or is built on a learned law; else None.

        Examples
        --------
        >>> from kanopt.formulas import Fit, parse_formula
        >>> trip = parse_formula("5 + 2 * km", [Variable("km", "km", low=0, high=80)], Variable("time", "min"))
        >>> verdict = replace(trip, fit=Fit(0.57, 12.0, 9.0, 1.01, 800, 200)).verdict
        >>> print(verdict.level, verdict.reasons[0].message, sep=": ")
        weak: it explains 57 % of the variance of 200 held-out rows (R² 0.57)
        """
        return verdict_of(self)

    @property
    def approximation(self) -> str:
        """Why the form of a learned law rather approximates another one; empty where it may be the law itself."""
        return approximation_text(self)

    @property
    def terms(self) -> tuple[Term, ...]:
        """The additive terms of the output; one for a law that is not a sum."""
        return terms_of(self)

    def bind(self, **bindings: Reference | float | str) -> BoundFormula:
        """Bind each input to a quantity of a problem, such as ``distance_km=refs.arc.distance``, or to a constant.

        Raises
        ------
        FormulaError
            If an input is left unbound, or a name is no input.
        """
        return BoundFormula(self, bindings)

    def simplify(self) -> Formula:
        """Return an equal, simplified formula: constants folded, sums flattened, exp(log) cancelled."""
        root = simplify_graph(self.root)
        known = self.covariance
        return replace(self, root=root, covariance=None if known is None else known.restrict(names_in(root)))

    def facts(self) -> list[tuple[str, str]]:
        """Return facts about the formula as pairs of a label and a text: output, inputs, constants, tables, fit.

        Examples
        --------
        >>> from kanopt.formulas import parse_formula
        >>> parse_formula("0.12 * km", [Variable("km", "km", low=0)], Variable("fuel", "l"), per="leg").facts()
        [('output', 'fuel [l] per leg'), ('input', 'km [km], valid from 0')]
        """
        return formula_facts(self)

    def considered(self) -> pd.DataFrame:
        """Return the formulas that were considered, with the reason why each was chosen or not.

        Returns
        -------
        DataFrame
            A row for each of :attr:`alternatives`: chosen (bool), rung (the name by which :attr:`formulas` has it),
            formula (text), complexity, error in the unit of the output, length of the description of rows and formula
            (NaN where that did not decide), buys (the share of the error that it saves, of that of the best one with
            fewer operators), and why, in words.

        Examples
        --------
        >>> from kanopt.formulas import parse_formula
        >>> fuel = parse_formula("0.12 * km", [Variable("km", "km")], Variable("fuel", "l"))
        >>> tried = Alternative(1, 0.8, True, "0.12 · km", 310.0), Alternative(3, 0.8, False, "0.1 + 0.12 · km", 316.0)
        >>> print(replace(fuel, alternatives=tried).considered()["why"][1])
        same error, 2 operators more: a close call
        """
        return considered_frame(self)

    @property
    def formulas(self) -> ConsideredFormulas[Formula]:
        """The formulas that were considered, in the order of :meth:`considered`: ``formulas[k]`` is row k as a formula.

        Their constants are those of the rows on which they were tried. Printed they are a table with the reasons.

        Examples
        --------
        >>> from kanopt.formulas import parse_formula
        >>> km = [Variable("km", "km")]
        >>> other = parse_formula("0.1 + 0.12 * km", km, Variable("fuel", "l"))
        >>> tried = Alternative(1, 0.8, True, "0.12 · km"), Alternative(3, 0.8, text="0.1 + 0.12 · km", law=other)
        >>> fuel = replace(parse_formula("0.12 * km", km, Variable("fuel", "l")), alternatives=tried)
        >>> print(fuel.formulas[1])
        0.1 + 0.12 · km
        """
        return ConsideredFormulas(self)

    def modules(self) -> Module:
        """Return which inputs act together and which apart: a tree of sums and products of parts that share no input.

        A part that is neither is a function of its inputs, of which some may still enter as one, such as a ratio.

        Returns
        -------
        Module
            Printed, it is the tree; ``modules().plot()`` draws it.

        Examples
        --------
        >>> from kanopt.formulas import parse_formula
        >>> inputs = [Variable(name) for name in ("km", "volume", "capacity")]
        >>> print(parse_formula("km * (1 + 0.15 * (volume / capacity)^4)", inputs, Variable("time")).modules())
        product: km · (1 + 0.15 · (volume / capacity)^4)
          km
          function: 1 + 0.15 · (volume / capacity)^4
            product: volume / capacity
              volume
              capacity: 1 / capacity
        """
        return modules_of(self.root)

    def dimensions(self) -> Dimensions:
        """Check that the declared units agree, and find the units of the constants.

        Examples
        --------
        >>> from kanopt.formulas import parse_formula
        >>> wait, drive = Variable("wait", "min"), Variable("drive", "h")
        >>> print(parse_formula("wait + drive", [wait, drive], Variable("time", "min")).dimensions())
        the units do not agree
          problem: wait + drive: wait is in min, drive is in h; min + h: convert first (1 h = 60 min)
        """
        return dimensions(self)

    def interval(self, ranges: Mapping[str, Any] | None = None) -> tuple[float, float]:
        """Return bounds of the formula over all values of the inputs within the given ranges.

        Parameters
        ----------
        ranges
            Input name to ``(low, high)`` or a number; for a category, to one label or several. Inputs not
            named take the domain's range, or their declared bounds.

        Raises
        ------
        FormulaError
            If a name is not an input, a range is empty, or the formula is defined nowhere in it.

        Examples
        --------
        >>> from kanopt.formulas import Variable, parse_formula
        >>> low, high = parse_formula("x^2 - 1", [Variable("x")], Variable("y")).interval({"x": (-2, 1)})
        >>> round(low, 6), round(high, 6)
        (-1.0, 3.0)
        """
        return interval(self, {} if ranges is None else ranges)

    def prove(
        self,
        *,
        monotone: Mapping[str, int] | None = None,
        convex: Convexity | None = None,
        low: float | None = None,
        high: float | None = None,
        ranges: Mapping[str, Any] | None = None,
        boxes: int = 2000,
        finite: bool = False,
    ) -> ShapeProof:
        """Prove or refute that it is monotone, convex or concave, or within bounds, everywhere in a box.

        Parameters
        ----------
        monotone
            Input name to +1, non-decreasing, or −1, non-increasing, for all values of the other inputs.
        convex
            Inputs in which it is convex, or input name to +1 or, for concave, −1; separately in each input, for all
            values of the others. A tuple of names in place of a name asks whether it is so in all of them jointly,
            which it need not be if it is in each.
        low, high
            Bounds of every value.
        ranges, boxes
            Ranges as for :meth:`interval`, with every combination of the categories there; and the maximum number of
            boxes per fact, after which it is undecided.
        finite
            Whether to decide also that it has a finite value everywhere, including the ends of the ranges.

        Returns
        -------
        ShapeProof
            For each fact ``"proved"``, ``"refuted"`` with points at which the formula itself contradicts it by more
            than rounding, or ``"undecided"`` with the remaining share of the volume and the reason. Facts other than
            finiteness do not cover places without a finite value.

        Raises
        ------
        FormulaError
            If a name is not a numeric input, a sign is invalid, `low` is above `high`, or a range is empty.

        Examples
        --------
        >>> from kanopt.formulas import Variable, parse_formula
        >>> fuel = parse_formula("0.12 * km^1.5", [Variable("km", "km", low=0, high=90)], Variable("fuel", "l"))
        >>> print(fuel.prove(monotone={"km": +1}, convex=["km"], high=100))
        rises with km: proved
        convex in km: proved
        at most 100: refuted (102.4578 at km = 90)
        >>> area = parse_formula("a * b", [Variable("a", low=1, high=2), Variable("b", low=1, high=2)], Variable("m2"))
        >>> [fact.verdict for fact in area.prove(convex=["a", "b", ("a", "b")]).facts]
        ['proved', 'proved', 'refuted']
        """
        bounds: dict[str, Any] = {"low": low, "high": high, "finite": finite}
        return prove(self, monotone=monotone, convex=convex, ranges=ranges, boxes=boxes, **bounds)

    def piecewise(
        self,
        tolerance: float,
        *,
        side: Side = "nearest",
        fixed: Mapping[str, Any] | None = None,
        ranges: Mapping[str, Any] | None = None,
        max_segments: int = 10_000,
    ) -> Piecewise:
        """Return it made of straight pieces, proved to be within a tolerance of the law everywhere in a box.

        Parameters
        ----------
        tolerance
            How far from the law it may be, in the unit of the output.
        side
            ``"nearest"``, to both sides; ``"over"``, never below the law; ``"under"``, never above it.
        fixed
            Inputs that are given, by name: numbers, or labels of categories. Every category that the law reads must
            be given; make pieces for each label where it is to be decided.
        ranges
            Input name to ``(low, high)`` or a number; inputs not named take the domain's range, or their declared
            bounds.
        max_segments
            How many pieces all functions of one variable may have together.

        Raises
        ------
        FormulaError
            If a range is infinite, the law has no finite value somewhere in it or could not be shown to have one, it
            jumps in something that pieces only approximate, or the tolerance takes too many pieces.

        Examples
        --------
        >>> from kanopt.formulas import Variable, parse_formula
        >>> cost = parse_formula("km * (0.6 + 0.1 * load^0.7)", [Variable("km", "km"), Variable("load", "t")],
        ...                      Variable("cost", "EUR"))
        >>> leg = cost.piecewise(0.05, side="over", fixed={"km": 12.0}, ranges={"load": (0, 3.5)})
        >>> print(leg.certificate)
        never below and at most 0.033 above the law (0.05 asked for), 4 segments
        >>> above = leg.evaluate({"load": [0.0, 2.0]}) - cost.evaluate({"km": 12.0, "load": [0.0, 2.0]})
        >>> [round(float(gap), 3) for gap in above]
        [0.033, 0.011]
        """
        return piecewise(self, tolerance, side=side, fixed=fixed, ranges=ranges, max_segments=max_segments)

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
        return refit(self, table, only, weight=weight, log_target=log_target, robust=robust, test=test)

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

        Tried are the constants of the law, also those without a name; then each of them, and what multiplies the law or
        is added to it, with a line of a column, with a curve, or by category. Each correction has to shorten
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
            Whether the constants of the law's terms may change with columns, so that pairs of columns correct it.
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
        >>>         >>> rng = np.random.default_rng(0)
        >>> load, km = rng.uniform(0, 12, 60), rng.uniform(1, 90, 60)
        >>> rows = {"km": km, "load": load, "fuel": (0.12 + 0.01 * load) * km * rng.lognormal(0, 0.05, 60)}
        >>> known = parse_formula("0.14 * km", ["km"], "fuel")
        >>> better = known.correct(rows, ["load"])
        >>> print(better)
        (0.1221 + 0.009641 · load) · km
        >>> print(better.provenance["corrected"])
        on 60 rows: c2 from 0.14 to 0.1221; line of load; error on rows left out 0.503, was 3.28
        """
        return correct(
            self,
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
        return intervals(self, level, table, weight=weight, log_target=log_target)

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
        return pattern(self)

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
        return fix_constants(self, values)

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
        return edit_text(self, text, constants)

    def to_latex(self) -> str:
        """Return the formula as LaTeX, ``output = …``."""
        return to_latex(self.root, self.output.name)

    def to_python(self) -> str:
        """Return the source of a Python function on numpy arrays that needs nothing else; categories are text."""
        return to_python(self)

    def to_sql(self) -> str:
        """Return one SQL expression over columns named as the inputs."""
        return to_sql(self)

    def to_javascript(self) -> str:
        """Return the source of a JavaScript function of one object with a property per input."""
        return to_javascript(self)

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
        return to_excel(self, cells, style)

    def save_excel(self, path: str | Path) -> Path:
        """Write a workbook (XLSX) in which the law can be played with, of any size.

        Inputs, result and constants are named cells, and changing one changes the result; see
        :func:`kanopt.formulas.export.workbook.save_excel`.
        """
        return save_excel(self, path)

    def to_sympy(self, categories: Mapping[str, str] | None = None) -> sympy.Expr:
        """Return a sympy expression; categorical inputs take the given labels."""
        return to_sympy(self, {} if categories is None else categories)

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

        return reports.plot_law(self, along, ax, at=at)

    def to_json(self) -> str:
        """Return the formula as JSON text."""
        return to_json(self)

    @classmethod
    def from_json(cls, text: str) -> Formula:
        """Read a formula from JSON text, executing nothing.

        Raises
        ------
        FileFormatError
            If the text is not a formula of a known version.
        """
        return from_json(cls, text)

    def save(self, path: str | Path) -> Path:
        """Write the formula to a JSON file."""
        return save(self, path)

    @classmethod
    def load(cls, path: str | Path) -> Formula:
        """Read a formula from a JSON file, executing nothing.

        Raises
        ------
        FileFormatError
            If the file is not a formula of a known version.
        """
        return load(cls, path)

    def __repr__(self) -> str:
        per = f" per {self.per}" if self.per else ""
        return f"<Formula {self.output}{per} = {self}>"

    def _repr_latex_(self) -> str:
        return f"$\\displaystyle {self.to_latex()}$"

    def _shown(self) -> Iterator[Part]:
        (_, title), *facts = self.facts()
        yield title
        yield Law(self)
        if self.verdict is not None:
            yield (Alarm if self.verdict.level == "weak" else str)(f"verdict: {self.verdict}")
        yield Facts(tuple(facts), between=": ")
        if len(self.alternatives) > 1:
            heading, *table = self.formulas._shown()
            yield Fold(str(heading), tuple(table))


@dataclass(frozen=True)
class BoundFormula:
    """A formula with every input bound to a reference or to a constant.

    Parameters
    ----------
    formula
        The law.
    bindings
        Input name to :class:`Reference`, or to a constant number or text.
    """

    formula: Formula
    bindings: Mapping[str, Reference | float | str]

    def __post_init__(self) -> None:
        names = [variable.name for variable in self.formula.inputs]
        for name in self.bindings:
            if name not in names:
                raise FormulaError(f"{self.formula.title} has no input {name!r}; {nearest(name, names)}")
        missing = [name for name in names if name not in self.bindings]
        if missing:
            raise FormulaError(
                f"{self.formula.title}: unbound input {', '.join(map(repr, missing))}; "
                f"bind each to something the problem knows, such as {missing[0]}=refs.arc.distance"
            )

    @property
    def references(self) -> tuple[Reference, ...]:
        """The distinct references, in the order of the formula's inputs."""
        found = [value for value in self.bindings.values() if isinstance(value, Reference)]
        return tuple(dict.fromkeys(found))

    @property
    def state_references(self) -> tuple[Reference, ...]:
        """The references that depend on the plan: load on board and the clock."""
        return tuple(reference for reference in self.references if reference.is_state)

    def arguments(self, resolve: Resolver) -> dict[str, NDArray[Any]]:
        """Return the values of the formula's inputs from `resolve`, converted to the formula's units.

        Raises
        ------
        FormulaError
            If a unit does not convert; names the input and both units.
        """
        values: dict[str, NDArray[Any]] = {}
        for variable in self.formula.inputs:
            bound = self.bindings[variable.name]
            if isinstance(bound, Reference):
                try:
                    values[variable.name] = resolve(bound).to(variable.unit)
                except UnitError as error:
                    raise FormulaError(f"input {variable.name!r} bound to {bound}: {error}") from error
            else:
                values[variable.name] = np.asarray(bound)
        return values

    def evaluate(self, resolve: Resolver, unit: str = "") -> NDArray[np.float64]:
        """Evaluate the law on the values of `resolve`; the result is converted to `unit` if both are declared."""
        result = ReferenceValue(self.formula.evaluate(self.arguments(resolve)), self.formula.output.unit)
        try:
            values = np.asarray(result.to(unit), dtype=float)
        except UnitError as error:
            raise FormulaError(f"{self.formula.title}: {error}") from error
        wrong = too_large(values)
        if wrong.any():
            given, most = number_text(values[wrong].flat[0]), number_text(LARGEST)
            raise FormulaError(
                f"{self.formula.title} gives {given}; nothing in a problem is larger than {most}"
            )
        return values

    def outside(self, resolve: Resolver) -> NDArray[np.bool_]:
        """Return a mask of the places outside the formula's domain, in the shape of :meth:`evaluate`."""
        return self.formula.outside(self.arguments(resolve))


def parse_formula(
    text: str,
    inputs: Sequence[Variable | str],
    output: Variable | str,
    laws: Mapping[str, Formula] | None = None,
    per: str = "",
    constants: Mapping[str, float] | None = None,
    pieces: Mapping[str, Node] | None = None,
) -> Formula:
    """Parse a hand-written formula.

    Parameters
    ----------
    text
        Such as ``"0.5 + 0.12 * km * (1 + 0.04 * load)"``. Powers are ``^`` or ``**``; names that are not identifiers
        are written in back-quotes; ``pi`` is predefined.
    inputs
        The inputs it may use; a text is the name of a number without a unit.
    output
        The output, likewise.
    laws
        Other formulas it may use as if they were inputs; each is substituted, and its inputs become inputs of the
        result, whose domain is the intersection of theirs.
    per
        The meaning of one row; empty takes it from the laws if they agree.
    constants
        Names of constants in the text, each with its value: the parameters of the law, which
        :meth:`~kanopt.formulas.Formula.refit` estimates. Those that the text does not use are ignored.
    pieces
        Curves, step functions and tables that the text may use, by the text they print as: ``"s(hour)"``. One with the
        name of a function is written in back-quotes: ``"`log`(hour)"``.

    Returns
    -------
    Formula
        Without a fit. Parts that consist only of unnamed numbers are evaluated.

    Raises
    ------
    FormulaError
        If the text is not a formula; the message shows the position. Refused are also undeclared names, constants with
        the name of something else, constants that are not finite, division by zero, exponents beyond ±100, powers in
        exponents, texts over 10,000 characters and parentheses nested more than 60 deep.

    Examples
    --------
    >>> fuel = parse_formula("0.12 * km", [Variable("km", "km")], Variable("fuel", "l"))
    >>> price = Variable("price", "EUR/l")
    >>> cost = parse_formula("fuel * price + 2", [price], Variable("cost", "EUR"), laws={"fuel": fuel})
    >>> print(cost)
    0.12 · km · price + 2
    >>> [variable.name for variable in cost.inputs]
    ['price', 'km']
    >>> toll = parse_formula("a * km", [Variable("km")], Variable("toll"), constants={"a": 0.12})
    >>> [(constant.name, constant.value) for constant in toll.constants]
    [('a', 0.12)]
    >>> print(parse_formula("width * height", ["width", "height"], "area"))
    width · height
    """
    return parse_as(Formula, text, inputs, output, laws, per, constants, pieces)
