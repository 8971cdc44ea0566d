"""The Formula: the object passed from learning to planning, to be read, evaluated, bounded, exported and bound."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.display import Alarm, Facts, Fold, Law, Part, Shown
from kanopt.errors import FormulaError
from kanopt.formulas.binding import BoundFormula
from kanopt.formulas.columns import common_shape, evaluate_graph, read_columns
from kanopt.formulas.domain import Domain
from kanopt.formulas.fit import Alternative, Fit
from kanopt.formulas.formula_estimation import FormulaEstimation
from kanopt.formulas.formula_exports import FormulaExports
from kanopt.formulas.formula_proofs import FormulaProofs
from kanopt.formulas.lookalikes import hint, refuse_lookalikes
from kanopt.formulas.nodes import Array, Constant, Node, postorder
from kanopt.formulas.parameters import Covariance, check_covariance, names_in
from kanopt.formulas.pieces import Curve, Table, gap_inputs
from kanopt.formulas.references import Reference
from kanopt.formulas.shapes import ShapeFact, basis_of
from kanopt.formulas.terms import Term, terms_of
from kanopt.formulas.validity import formula_facts, outside_tests, outside_texts
from kanopt.formulas.variables import Variable, check_label
from kanopt.formulas.verdict import LawVerdict, verdict_of
from kanopt.text import join_list

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.formulas.alternatives import ConsideredFormulas
    from kanopt.formulas.dimensions.analysis import Dimensions
    from kanopt.formulas.modules import Module

__all__ = ["Formula", "Term"]


@dataclass(frozen=True)
class Formula(FormulaProofs, FormulaEstimation, FormulaExports, Shown):
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
    domain: Domain = field(default_factory=Domain.unknown, repr=False)
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
            if not beyond:
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
            A row for each of :attr:`alternatives`: chosen (bool), formula (text), complexity, error in the unit of the
            output, length of the description of rows and formula (the shortest is chosen; NaN where it is not known),
            and why, in words.

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
