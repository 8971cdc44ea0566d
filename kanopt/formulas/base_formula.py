"""What a formula is, and its values: all that is built on formulas takes this, and the Formula of users has it all."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FormulaError, nearest
from kanopt.formulas.columns import common_shape, describe_place, evaluate_graph, in_bounds, read_columns
from kanopt.formulas.domain import Domain
from kanopt.formulas.enclosures.facts import ShapeFact
from kanopt.formulas.fit import Fit
from kanopt.formulas.nodes import FILED, Constant, Node, postorder
from kanopt.formulas.parameters import Covariance, check_covariance
from kanopt.formulas.pieces import Curve, Table
from kanopt.formulas.printing import to_infix
from kanopt.formulas.variables import Variable, category_label, check_label, settle
from kanopt.text import join_list, list_names, number_text, range_text

Bounds: TypeAlias = tuple[float, float]
Masks: TypeAlias = dict[tuple[str, ...], NDArray[np.bool_]]
AnyFormula = TypeVar("AnyFormula", bound="BaseFormula")
"""The type of a formula of which another one is made, which is of the same type."""


@dataclass(frozen=True)
class BaseFormula:
    """A formula without all that is made of it; see :class:`kanopt.formulas.Formula`, which adds that.

    What works on formulas is written for this class, so that no module imports what imports it.
    """

    __pydantic_config__: ClassVar[Any] = FILED

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
    parts: tuple[BaseFormula, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "inputs", tuple(self.inputs))
        object.__setattr__(self, "alternatives", tuple(self.alternatives))
        object.__setattr__(self, "provenance", {str(k): str(v) for k, v in self.provenance.items()})
        check_label(self.per, f"{self.title}, per")
        kinds = {variable.name: variable for variable in self.inputs}
        if len(kinds) != len(self.inputs):
            raise FormulaError(f"{self.title}: two inputs have the same name")
        for node in postorder(self.root):
            for name in node.names:
                self._check_read(node, name, kinds)
        if self.covariance is not None:
            check_covariance(self.root, self.covariance)
        basis = self.basis if self.shapes else ""
        object.__setattr__(self, "shapes", tuple(fact for fact in self.shapes if fact.basis == basis))
        steps = {node.key for node in postorder(self.root)} if self.parts else set()
        object.__setattr__(self, "parts", tuple(part for part in self.parts if part.root.key in steps))

    def _check_read(self, node: Node, name: str, kinds: Mapping[str, Variable]) -> None:
        """Refuse a step that reads an input which is not declared, or of the other kind."""
        if name not in kinds:
            raise FormulaError(f"{self.title} reads {name!r}, which is no input; {nearest(name, kinds)}")
        if kinds[name].is_category != isinstance(node, Table):
            category = kinds[name].is_category
            found = "a category, of which only a table" if category else "a number, which no table"
            raise FormulaError(f"{self.title}: input {name!r} is {found} can be made")

    @property
    def title(self) -> str:
        """What errors call it."""
        return f"formula for {self.output.name!r}"

    @cached_property
    def used(self) -> frozenset[str]:
        """Names of the inputs that the graph reads."""
        return frozenset(name for node in postorder(self.root) for name in node.names)

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

    def evaluate(self, data: Any) -> Floats:
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
        columns = self.columns_of(data)
        try:
            return evaluate_graph(self.root, columns, self.title)
        except FormulaError as error:
            # such as a logarithm of a distance that is shorter than all that were learned from
            beyond = [names[0] for names, rows in self._outside_tests(columns).items() if rows.any()]
            categories = {variable.name for variable in self.inputs if variable.is_category}
            if not beyond or beyond[0] in categories:
                raise
            raise FormulaError(
                f"{error}; it is used outside its data ({join_list(self._outside_texts(columns))}). Learn a law that "
                "goes on there, such as one of its `formulas`"
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
        columns = self.columns_of(data)
        result = np.zeros(common_shape(columns), dtype=bool)
        for beyond in self._outside_tests(columns).values():
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
        return self._outside_texts(self.columns_of(data))

    def valid_range(self, variable: Variable) -> tuple[float | None, float | None]:
        """Return the ends of the valid range of a number, by domain and declaration; None for no bound."""
        seen = self.domain.range_of(variable.name)
        lows = [variable.low, None if seen is None else seen.low]
        highs = [variable.high, None if seen is None else seen.high]
        low = max((bound for bound in lows if bound is not None), default=None)
        return low, min((bound for bound in highs if bound is not None), default=None)

    def known_categories(self, variable: Variable) -> tuple[str, ...]:
        """Return the valid labels of a category, by domain or else by declaration; none where all are."""
        return self.domain.categories_of(variable.name) or variable.categories

    def valid_text(self, variable: Variable) -> str:
        """Return the valid values of an input in words; empty if all are valid."""
        if variable.is_category:
            known = self.known_categories(variable)
            return f"known: {', '.join(known)}" if known else ""
        low, high = self.valid_range(variable)
        ends = [f"from {number_text(low, 6)}"] if low is not None else []
        ends += [f"to {number_text(high, 6)}"] if high is not None else []
        return f"valid {' '.join(ends)}" if ends else ""

    def given_ranges(self, ranges: Mapping[str, Any]) -> tuple[dict[str, Bounds], dict[str, frozenset[str]]]:
        """Return the range of every numeric input, given or where it is valid, and the given labels of categories.

        Raises
        ------
        FormulaError
            If a name is not an input, or a range is empty.
        """
        names = [variable.name for variable in self.inputs]
        for name in ranges:
            if name not in names:
                raise FormulaError(f"{self.title} has no input {name!r}; {nearest(name, names)}")
        numbers: dict[str, Bounds] = {}
        labels: dict[str, frozenset[str]] = {}
        for variable in self.inputs:
            given = ranges.get(variable.name)
            if variable.is_category:
                if given is not None:
                    labels[variable.name] = _labels(given)
            elif given is None:
                low, high = self.valid_range(variable)
                numbers[variable.name] = (
                    -math.inf if low is None else low,
                    math.inf if high is None else high,
                )
            else:
                numbers[variable.name] = _pair(variable.name, given)
        return numbers, labels

    @property
    def basis(self) -> str:
        """A digest of its graph and of its domain, for which facts about its shape are valid."""
        digest = hashlib.blake2b(self.root.key, digest_size=16)
        numbers, _ = self.given_ranges({})
        for variable in self.inputs:
            if variable.name in self.used:
                box = self.known_categories(variable) if variable.is_category else numbers[variable.name]
                digest.update(repr((variable.name, box)).encode("utf-8", "surrogatepass"))
        if self.domain.orders:
            digest.update(repr(self.domain.orders).encode("utf-8", "surrogatepass"))
        return digest.hexdigest()

    def __str__(self) -> str:
        return to_infix(self.root)

    def columns_of(self, data: Any) -> dict[str, NDArray[Any]]:
        """Return the inputs that it reads as arrays, in its units."""
        try:
            return read_columns(self.inputs, data, self.used)
        except FormulaError as error:
            raise FormulaError(f"{self.title}: {error}") from error

    def _outside_tests(self, columns: Mapping[str, NDArray[Any]]) -> Masks:
        """Return masks of the rows where each input, by declaration or domain, and each combination is outside."""
        tests = self.domain.tests(columns)
        for variable in self.inputs:
            if variable.name in columns and not variable.is_category:
                beyond = ~in_bounds(columns[variable.name], variable.low, variable.high)
                tests[(variable.name,)] = tests.get((variable.name,), np.False_) | beyond
            elif variable.name in columns and variable.categories:
                known = Domain(categories=((variable.name, variable.categories),)).tests(columns)
                tests[(variable.name,)] = tests.get((variable.name,), np.False_) | known[(variable.name,)]
        return tests

    def _outside_texts(self, columns: Mapping[str, NDArray[Any]]) -> list[str]:
        """Return a text per input or combination that is outside."""
        tests = self._outside_tests(columns)
        alone = {names[0] for names, beyond in tests.items() if len(names) == 1 and beyond.any()}
        variables = {variable.name: variable for variable in self.inputs}
        found = []
        for names, beyond in tests.items():
            if not beyond.any():
                continue
            if len(names) == 1:
                found.append(self._excess(variables[names[0]], columns[names[0]][beyond]))
            elif not alone & set(names):
                place = describe_place({name: columns[name] for name in names}, beyond)
                found.append(
                    f"the combination {place} (each is within its range, together they were not seen)"
                )
        return found

    def _excess(self, variable: Variable, values: NDArray[Any]) -> str:
        if variable.is_category:
            shown = list_names(list(dict.fromkeys(values.tolist())))
        else:
            shown = range_text(float(values.min()), float(values.max()), variable.unit)
        return f"{variable.name} {shown} ({self.valid_text(variable)})"


def _labels(given: str | Iterable[Any]) -> frozenset[str]:
    return (
        frozenset([given]) if isinstance(given, str) else frozenset(category_label(label) for label in given)
    )


def _pair(name: str, given: Any) -> Bounds:
    try:
        low, high = (float(given), float(given)) if np.ndim(given) == 0 else map(float, given)
    except (TypeError, ValueError):
        raise FormulaError(
            f"input {name!r}: a range is a pair (low, high) of numbers, not {given!r}"
        ) from None
    if not low <= high:
        raise FormulaError(f"input {name!r}: the range from {low!r} to {high!r} holds no number")
    return low, high


@dataclass(frozen=True)
class Alternative:
    """A formula that was considered: its complexity, its error, and whether it was chosen.

    Parameters
    ----------
    complexity
        Number of operators, see :func:`kanopt.formulas.nodes.count_operators`.
    error
        Error on the rows it was selected by, in the output's unit.
    chosen
        Whether it became the law.
    text
        The formula in one line.
    length
        Length of the description of the rows by the formula, and of the formula: the better it fits and the less there
        is to read, the shorter. The shortest is chosen; None if unknown.
    law
        The formula itself; None for the chosen one, and where there is none.
    rival
        Whether it explains the rows as well as the chosen one, in another structure.
    rung
        What it is called on the ladder of laws, by which it can be picked; empty where it has no name.
    refused
        Why it could not be taken, although the length of its description might be less; empty for others.
    """

    complexity: float
    error: float
    chosen: bool = False
    text: str = ""
    length: float | None = None
    law: BaseFormula | None = field(default=None, repr=False, hash=False)
    rival: bool = False
    rung: str = ""
    refused: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "complexity", float(self.complexity))
        settle(self, "alternative")
