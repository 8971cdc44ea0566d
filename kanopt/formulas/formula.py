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
from kanopt.errors import FormulaError
from kanopt.formulas.binding import BoundFormula, Reference
from kanopt.formulas.columns import common_shape, evaluate_graph, read_columns
from kanopt.formulas.domain import Domain
from kanopt.formulas.enclosures import ShapeFact, basis_of
from kanopt.formulas.fit import Alternative, Fit
from kanopt.formulas.nodes import Array, Constant, Node, Sum, postorder
from kanopt.formulas.parameters import Covariance, check_covariance, names_in
from kanopt.formulas.pieces import Curve, Table, gap_inputs
from kanopt.formulas.validity import formula_facts, outside_tests, outside_texts
from kanopt.formulas.variables import Variable, check_label, hint, refuse_lookalikes
from kanopt.formulas.verdict import LawVerdict, verdict_of
from kanopt.text import join_list

if TYPE_CHECKING:
    import pandas as pd
    import sympy

    from kanopt.formulas.alternatives import ConsideredFormulas
    from kanopt.formulas.dimensions.analysis import Dimensions
    from kanopt.formulas.enclosures import ShapeProof
    from kanopt.formulas.enclosures.proof import Convexity
    from kanopt.formulas.estimation.estimation_rows import Weight
    from kanopt.formulas.estimation.refitting import Robust
    from kanopt.formulas.lowering.program import Piecewise, Side
    from kanopt.formulas.modules import Module


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


@dataclass(frozen=True)
class Formula(Shown):
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

    root: Node
    inputs: tuple[Variable, ...]
    output: Variable
    per: str = ""
    fit: Fit | None = None
    domain: Domain = field(default_factory=Domain, repr=False)
    provenance: Mapping[str, str] = field(default_factory=dict, hash=False, repr=False)
    alternatives: tuple[Alternative, ...] = field(default=(), repr=False)
    covariance: Covariance | None = field(default=None, repr=False)
    shapes: tuple[ShapeFact, ...] = field(default=(), repr=False)
    parts: tuple[Formula, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "alternatives", tuple(self.alternatives))
        object.__setattr__(self, "provenance", {str(k): str(v) for k, v in self.provenance.items()})
        check_label(self.per, f"formula for {self.output.name!r}, per")
        kinds = {variable.name: variable for variable in self.inputs}
        if len(kinds) != len(self.inputs):
            raise FormulaError(f"formula for {self.output.name!r}: two inputs have the same name")
        refuse_lookalikes(kinds, f"formula for {self.output.name!r}")
        for node in postorder(self.root):
            for name in node.names:
                if name not in kinds:
                    raise FormulaError(
                        f"formula for {self.output.name!r} reads {name!r}, which is no input; "
                        f"{hint(name, kinds)}"
                    )
                if kinds[name].is_category != isinstance(node, Table):
                    found = (
                        "a category, of which only a table"
                        if kinds[name].is_category
                        else "a number, which no table"
                    )
                    raise FormulaError(
                        f"formula for {self.output.name!r}: input {name!r} is {found} can be made"
                    )
        if self.covariance is not None:
            check_covariance(self.root, self.covariance)
        basis = basis_of(self) if self.shapes else ""
        object.__setattr__(self, "shapes", tuple(fact for fact in self.shapes if fact.basis == basis))
        steps = {node.key for node in postorder(self.root)} if self.parts else set()
        object.__setattr__(self, "parts", tuple(part for part in self.parts if part.root.key in steps))

    @cached_property
    def used(self) -> frozenset[str]:
        """Names of the inputs that the graph reads."""
        return frozenset(name for node in postorder(self.root) for name in node.names)

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
    def stopped(self) -> str:
        """Which search for it was stopped before its end, and by what; empty where none was.

        Then it is the best law found until then, and another run may find another one.
        """
        return self.provenance.get("stopped", "")

    @property
    def held(self) -> str:
        """Which inputs count as the edge of their data beyond it, where the law would not go on; empty for none."""
        return self.provenance.get("held", "")

    @property
    def approximation(self) -> str:
        """Why the form of a learned law rather approximates another one; empty where it may be the law itself."""
        from kanopt.formulas.alternatives import approximation_text

        return approximation_text(self)

    @property
    def constants(self) -> tuple[Constant, ...]:
        """The constants that have a name or a standard error, in reading order."""
        nodes = postorder(self.root)
        return tuple(n for n in nodes if isinstance(n, Constant) and (n.name or n.standard_error is not None))

    @property
    def curves(self) -> tuple[Curve, ...]:
        """The curves of the formula, for drawing and tabulating."""
        return tuple(node for node in postorder(self.root) if isinstance(node, Curve))

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables of categories of the formula, each with its ``entries``; :meth:`facts` lists them in words."""
        return tuple(node for node in postorder(self.root) if isinstance(node, Table))

    @property
    def terms(self) -> tuple[Term, ...]:
        """The additive terms of the output; one for a law that is not a sum."""
        return terms_of(self)

    def evaluate(self, data: Any) -> Array:
        """Compute the output.

        Parameters
        ----------
        data
            A DataFrame, or a mapping of input name to number, text or array; arrays broadcast against each
            other, such as a matrix of distances and a single hour. Columns of a frame that declare other units are
            converted.

        Returns
        -------
        ndarray of float64
            In the shape to which the given inputs broadcast, in the output's unit.

        Raises
        ------
        FormulaError
            If an input is missing, has missing values or an unseen category, or the formula has no finite value at some
            finite input (the first one is named). For infinite inputs the result may be infinite or NaN.
        """
        columns = self._columns(data)
        try:
            return evaluate_graph(self.root, columns, f"formula for {self.output.name!r}")
        except FormulaError as error:
            # such as a logarithm of a distance that is shorter than all that were learned from
            beyond = [names[0] for names, rows in outside_tests(self, columns).items() if rows.any()]
            categories = {variable.name for variable in self.inputs if variable.is_category}
            if not beyond or beyond[0] in categories:
                raise
            raise FormulaError(
                f"{error}; it is used outside its data ({join_list(outside_texts(self, columns))}). Learn a law that "
                f"goes on there: pin = {{ {beyond[0]!r} = 'linear' }}, or forbid the function that ends"
            ) from None

    def outside(self, data: Any) -> NDArray[np.bool_]:
        """Return a mask of the rows outside the domain: its ranges, known categories, or joint tests.

        Parameters
        ----------
        data
            As for :meth:`evaluate`.

        Returns
        -------
        ndarray of bool
            In the shape to which the given inputs broadcast.
        """
        columns = self._columns(data)
        result = np.zeros(common_shape(columns), dtype=bool)
        for beyond in outside_tests(self, columns).values():
            result |= beyond
        return result

    def outside_inputs(self, data: Any) -> list[str]:
        """Say in words which inputs are outside the domain, and by how much at most.

        Parameters
        ----------
        data
            One row, or many, as for :meth:`evaluate`.

        Returns
        -------
        list of str
            One text for each input or combination of inputs that is outside in some row.

        Examples
        --------
        >>> from kanopt.formulas import parse_formula
        >>> fuel = parse_formula("0.12 * km", [Variable("km", "km", low=0, high=90)], Variable("fuel", "l"))
        >>> fuel.outside_inputs({"km": 120.0})
        ['km 120 km (valid from 0 to 90)']
        """
        return outside_texts(self, self._columns(data))

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
        from kanopt.formulas.simplify import simplify_graph

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
        from kanopt.formulas.alternatives import considered_frame

        return considered_frame(self)

    @property
    def formulas(self) -> ConsideredFormulas:
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
        from kanopt.formulas.alternatives import ConsideredFormulas

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
        from kanopt.formulas.modules import modules_of

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
        from kanopt.formulas.dimensions.analysis import dimensions

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
        from kanopt.formulas.enclosures.values import interval

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
        from kanopt.formulas.enclosures import prove

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
        from kanopt.formulas.lowering.lowering import piecewise

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
        from kanopt.formulas.estimation import refit

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
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> load, km = rng.uniform(0, 12, 60), rng.uniform(1, 90, 60)
        >>> rows = {"km": km, "load": load, "fuel": (0.12 + 0.01 * load) * km * rng.lognormal(0, 0.05, 60)}
        >>> known = parse_formula("0.14 * km", ["km"], "fuel")
        >>> better = known.correct(rows, ["load"])
        >>> print(better)
        (0.1221 + 0.009641 · load) · km
        >>> print(better.provenance["corrected"])
        on 60 rows: c2 from 0.14 to 0.1221; line of load; error on rows left out 0.503, was 3.28
        """
        from kanopt.formulas.correction import correct

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
        from kanopt.formulas.estimation import intervals

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
        from kanopt.formulas.editing import pattern

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
        from kanopt.formulas.editing import fix_constants

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
        from kanopt.formulas.editing import edit_text

        return edit_text(self, text, constants)

    def to_latex(self) -> str:
        """Return the formula as LaTeX, ``output = …``."""
        from kanopt.formulas.printing import to_latex

        return to_latex(self)

    def to_python(self) -> str:
        """Return the source of a Python function on numpy arrays that needs nothing else; categories are text."""
        from kanopt.formulas.export.programs import to_python

        return to_python(self)

    def to_sql(self) -> str:
        """Return one SQL expression over columns named as the inputs."""
        from kanopt.formulas.export.sql import to_sql

        return to_sql(self)

    def to_javascript(self) -> str:
        """Return the source of a JavaScript function of one object with a property per input."""
        from kanopt.formulas.export.programs import to_javascript

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
        from kanopt.formulas.export.excel import to_excel

        return to_excel(self, cells, style)

    def save_excel(self, path: str | Path) -> Path:
        """Write a workbook (XLSX) in which the law can be played with, of any size.

        Inputs, result and constants are named cells, and changing one changes the result; see
        :func:`kanopt.formulas.export.workbook.save_excel`.
        """
        from kanopt.formulas.export.workbook import save_excel

        return save_excel(self, path)

    def to_sympy(self, categories: Mapping[str, str] | None = None) -> sympy.Expr:
        """Return a sympy expression; categorical inputs take the given labels."""
        from kanopt.formulas.export.symbolic import to_sympy

        return to_sympy(self, {} if categories is None else categories)

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
        from kanopt.formulas.parser import from_sympy

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

        return reports.plot_law(self, along, ax, at=at)

    def to_json(self) -> str:
        """Return the formula as JSON text."""
        from kanopt.formulas.serialize import to_json

        return to_json(self)

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

        return save(self, path)

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

    def __str__(self) -> str:
        from kanopt.formulas.printing import to_infix

        return to_infix(self.root)

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

    @cached_property
    def _gaps(self) -> frozenset[str]:
        return gap_inputs(self.root)

    def _columns(self, data: Any) -> dict[str, NDArray[Any]]:
        try:
            return read_columns(self.inputs, data, self.used, self._gaps)
        except FormulaError as error:
            raise FormulaError(f"formula for {self.output.name!r}: {error}") from error
