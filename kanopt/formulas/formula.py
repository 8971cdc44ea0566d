"""The Formula: the object passed from learning to planning, to be read, evaluated, bounded, exported and bound."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.display import Alarm, Facts, Fold, Law, Part, Shown
from kanopt.errors import FormulaError, KanoptError, UnitError, nearest
from kanopt.faults import LARGEST, too_large
from kanopt.formulas import alternatives as choice
from kanopt.formulas import correction, serialize, validity
from kanopt.formulas import verdict as verdicts
from kanopt.formulas.alternatives import ConsideredFormulas
from kanopt.formulas.base_formula import AnyFormula, BaseFormula
from kanopt.formulas.dimensions import dimensions
from kanopt.formulas.enclosures import engine, proof
from kanopt.formulas.estimation import refitting
from kanopt.formulas.export import excel, programs
from kanopt.formulas.functions import ATOM, TextPart, Writer, number, quoted_name
from kanopt.formulas.lowering import lowering
from kanopt.formulas.modules import modules
from kanopt.formulas.nodes import Constant, Node, Power, Sum, fold, postorder, rebuild
from kanopt.formulas.parameters import is_parameter, parameters_of
from kanopt.formulas.parser import CALLED, parse_as
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.printing import to_latex
from kanopt.formulas.simplify import simplify_graph
from kanopt.formulas.validity import provenance_of_changed
from kanopt.formulas.variables import Reference, ReferenceValue, Resolver, Variable, is_finite
from kanopt.text import number_text

LONGEST_RECORD = 20_000
"""Characters of the provenance that earlier changes may take up."""


class _PatternWriter(Writer):
    """A lossless notation of a law: constants by name, other numbers with all their digits.

    Curves and tables with the name of a function are written in back-quotes.
    """

    def visit(self, node: Node, parts: list[TextPart]) -> TextPart:
        if isinstance(node, Constant) and is_parameter(node):
            return TextPart(quoted_name(node.name), ATOM)
        if isinstance(node, Power) and is_parameter(node.exponent):
            # a power to b, though b is one half at present
            return self.raised(*parts)
        text = super().visit(node, parts)
        if isinstance(node, Curve | Step | Table) and node.name in CALLED:
            return TextPart(f"`{node.name}`{text.text.removeprefix(node.name)}", text.level)
        return text

    def number(self, value: float) -> str:
        return f"{value:.0f}" if value == int(value) and abs(value) < 1e15 else repr(value)


def _written(root: Node) -> str:
    return fold(root, _PatternWriter().visit).text


def pattern(formula: BaseFormula) -> str:
    """Return the formula in one line with names of constants instead of values, as :meth:`edited` reads it.

    Numbers without a name have all their digits. Curves and tables that would read the same get numbers, such as
    ``step1(km)`` and ``step2(km)``, and those that are called like a function stand in back-quotes.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> parse_formula("a * km + 2", [Variable("km")], Variable("toll"), constants={"a": 0.12}).pattern
    'a · km + 2'
    """
    return _written(_rename_duplicates(formula.root))


def _pieces_of(root: Node) -> list[Curve | Step | Table]:
    return [node for node in postorder(root) if isinstance(node, Curve | Step | Table)]


def _rename_duplicates(root: Node) -> Node:
    """Return the graph with distinct names, such as s1 and s2, for tabulated functions that would read the same."""
    by_text: dict[str, list[Curve | Step | Table]] = {}
    for piece in _pieces_of(root):
        by_text.setdefault(_written(piece), []).append(piece)
    groups = [group for group in by_text.values() if len(group) > 1]
    if not groups:
        return root
    taken: set[str] = {*CALLED, *(piece.name for piece in _pieces_of(root))}
    names: dict[bytes, str] = {}
    for group in groups:
        own = (name for k in count(1) if (name := f"{group[0].name}{k}") not in taken)
        names |= {piece.key: name for piece, name in zip(group, own, strict=False)}

    def visit(node: Node, children: list[Node]) -> Node:
        new = node.with_children(children) if children else node
        renamed = node.key in names and isinstance(new, Curve | Step | Table)
        return replace(new, name=names[node.key]) if renamed else new  # type: ignore[type-var]

    return fold(root, visit)


def edit_text(formula: AnyFormula, text: str, constants: Mapping[str, float] | None = None) -> AnyFormula:
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
    if constants is not None and not isinstance(constants, Mapping):
        raise FormulaError(
            f"{formula.title}: constants={constants!r:.50} must map names to values, such as {{'c1': 1.0}}"
        )
    values = parameters_of(formula.root) | dict(constants or {})
    pieces = _pieces_of(_rename_duplicates(formula.root))
    new = parse_as(BaseFormula, text, formula.inputs, formula.output, constants=values, pieces=pieces)

    def valued(node: Node) -> Node:
        # within a curve too a constant has the value that it has from now on; errors were those beside the old parts
        if not isinstance(node, Constant) or (node.standard_error is None and not is_parameter(node)):
            return node
        return Constant(values.get(node.name, node.value) if is_parameter(node) else node.value, node.name)

    return _changed(formula, rebuild(new.root, valued), "edited by hand", f"was {pattern(formula)}")


def fix_constants(formula: AnyFormula, values: Mapping[str, float]) -> AnyFormula:
    """Return the law with constants held at values; :meth:`refit` estimates the others beside them.

    Parameters
    ----------
    values
        Name of a constant to the value that it has from now on, as part of the structure.

    Raises
    ------
    FormulaError
        If a name is that of no constant, or a value is no finite number.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("a * km^b", [Variable("km")], Variable("fuel"), constants={"a": 0.5, "b": 0.97})
    >>> held = law.fixed({"b": 1.0})
    >>> print(held, held.provenance["fixed"])
    0.5 · km b = 1, was 0.97
    """
    known = parameters_of(formula.root)
    for name, value in values.items():
        if name not in known:
            raise FormulaError(f"{formula.title}: {name!r} is no constant of it; {nearest(str(name), known)}")
        if not is_finite(value):
            raise FormulaError(f"{formula.title}: {name!r} cannot be held at {value!r:.50}, no finite number")

    def put(node: Node) -> Node:
        held = isinstance(node, Constant) and is_parameter(node) and node.name in values
        return Constant(float(values[node.name])) if held and isinstance(node, Constant) else node

    told = [f"{name} = {number(value)}, was {number(known[name])}" for name, value in values.items()]
    return _changed(formula, simplify_graph(rebuild(formula.root, put)), "fixed", "; ".join(told))


def _changed(formula: AnyFormula, root: Node, what: str, note: str) -> AnyFormula:
    """Return the law with another graph, without fit and standard errors; what was changed is on record."""
    earlier = formula.provenance.get(what)
    record = f"{note}; before that {earlier}" if earlier else note
    return replace(
        formula,
        root=root,
        fit=None,
        provenance={**provenance_of_changed(formula, root), what: record[:LONGEST_RECORD]},
        alternatives=(),
        covariance=None,
    )


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

    # what a formula does is written where it belongs; here it becomes a method
    verdict = cached_property(verdicts.verdict_of)
    facts = validity.formula_facts
    approximation = property(choice.approximation_text)
    considered = choice.considered_frame
    modules = modules
    dimensions = dimensions
    interval = engine.interval
    prove = proof.prove
    piecewise = lowering.piecewise
    refit = refitting.refit
    correct = correction.correct
    intervals = refitting.intervals
    pattern = property(pattern)

    edited = edit_text
    fixed = fix_constants
    to_python = programs.to_python
    to_sql = programs.to_sql
    to_javascript = programs.to_javascript
    to_excel = excel.to_excel
    to_sympy = programs.to_sympy
    to_json = serialize.to_json
    save = serialize.save

    @property
    def terms(self) -> tuple[Formula, ...]:
        """The additive terms of the output, each as a formula of all inputs; one for a law that is not a sum."""
        parts = self.root.terms if isinstance(self.root, Sum) else (self.root,)
        return tuple(replace(self, root=part, fit=None, alternatives=(), covariance=None) for part in parts)

    @property
    def formulas(self) -> ConsideredFormulas[Formula]:
        """The formulas that were considered, in the order of :meth:`considered`: ``formulas[k]`` is row k as a formula.

        Their constants are those of the rows on which they were tried. Printed they are a table with the reasons.

        Examples
        --------
        >>> from kanopt.formulas import Alternative, parse_formula
        >>> km = [Variable("km", "km")]
        >>> other = parse_formula("0.1 + 0.12 * km", km, Variable("fuel", "l"))
        >>> tried = Alternative(1, 0.8, True, "0.12 · km"), Alternative(3, 0.8, text="0.1 + 0.12 · km", law=other)
        >>> fuel = replace(parse_formula("0.12 * km", km, Variable("fuel", "l")), alternatives=tried)
        >>> print(fuel.formulas[1])
        0.1 + 0.12 · km
        """
        return ConsideredFormulas(self)

    def bind(self, **bindings: Reference | float | str) -> BoundFormula:
        """Bind each input to a quantity of a problem, such as ``distance_km=refs.arc.distance``, or to a constant.

        Raises
        ------
        FormulaError
            If an input is left unbound, or a name is no input.
        """
        return BoundFormula(self, bindings)

    def to_latex(self) -> str:
        """Return the formula as LaTeX, ``output = …``."""
        return to_latex(self.root, self.output.name)

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
        >>> print(fuel.plot("km").get_xlabel())
        km (km)
        held at load = 4.5 t
        >>> len(fuel.plot())
        2
        """
        from kanopt.display import reports

        return reports.plot_law(self, along, ax, at=at)

    @classmethod
    def from_json(cls, text: str) -> Formula:
        """Read a formula from JSON text, executing nothing.

        Raises
        ------
        FileFormatError
            If the text is not a formula of a known version.
        """
        return serialize.from_json(cls, text)

    @classmethod
    def load(cls, path: str | Path) -> Formula:
        """Read a formula from a JSON file, executing nothing.

        Raises
        ------
        FileFormatError
            If the file is not a formula of a known version.
        """
        return serialize.load(cls, path)

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
                    told = FormulaError(f"input {variable.name!r} bound to {bound}: {error}")
                    raise told.about(self.formula.output.name, str(bound)) from error
                except KanoptError as error:
                    error.about(self.formula.output.name, str(bound))
                    raise
            else:
                values[variable.name] = np.asarray(bound)
        return values

    def evaluate(self, resolve: Resolver, unit: str = "") -> NDArray[np.float64]:
        """Evaluate the law on the values of `resolve`; the result is converted to `unit` if both are declared."""
        result = ReferenceValue(self.formula.evaluate(self.arguments(resolve)), self.formula.output.unit)
        try:
            values = np.asarray(result.to(unit), dtype=float)
        except UnitError as error:
            told = FormulaError(f"{self.formula.title}: {error}")
            raise told.about(self.formula.output.name) from error
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
    pieces: Iterable[Curve | Step | Table] = (),
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
        Curves, step functions and tables that the text may use, as they print: ``"s(hour)"``. One with the name of a
        function is written in back-quotes: ``"`log`(hour)"``.

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
