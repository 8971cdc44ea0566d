"""Name the numbers of a formula that can be estimated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FitError, FormulaError, nearest
from kanopt.formulas.base_formula import AnyFormula, BaseFormula
from kanopt.formulas.columns import common_shape, describe_place, read_columns
from kanopt.formulas.estimation.graph_tape import FreeParameters, GraphTape
from kanopt.formulas.functions import FUNCTIONS
from kanopt.formulas.nodes import (
    Apply,
    Constant,
    Input,
    Maximum,
    Minimum,
    Node,
    Power,
    Product,
    fold,
    postorder,
    rebuild,
)
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.printing import wave_of
from kanopt.formulas.variables import Variable

# The rows that constants are estimated on, read from a table in a law's units.

Weight: TypeAlias = str | Any
"""Name of a column of the table, or an array of shape (n,)."""

TOLD = 44
"""Bits of a number that are told."""
ORDERED = 32
"""Those that say where a row stands in an order."""


@dataclass(frozen=True, eq=False)
class EstimationRows:
    """Rows of a table in a law's units.

    Parameters
    ----------
    columns
        Inputs by name, each (n,): numbers as float64, categories as text.
    target
        The output, (n,).
    weight
        Weight of each row, (n,), positive; the variance of a row is inversely proportional to it.
    """

    columns: dict[str, NDArray[Any]]
    target: Floats
    weight: Floats

    @classmethod
    def of(
        cls, formula: BaseFormula, table: Any, weight: Weight | None = None, also: Sequence[Variable] = ()
    ) -> EstimationRows:
        """Read inputs, output and weights; rows of weight 0 are dropped.

        Parameters
        ----------
        formula
            The law, with its inputs, output and units.
        table
            A DataFrame, or a mapping of name to array, with a column for every input the law uses and for its output.
            Units that a frame declares are converted, as :meth:`~kanopt.formulas.Formula.evaluate` does.
        weight
            Name of a column or array of weights; None for equal ones.
        also
            Columns to read besides that are no inputs of the law, or declared ones that it does not use.

        Raises
        ------
        FitError
            If the output or the weights are missing, not numeric, not finite, or of another length; names the first.
        FormulaError
            If an input is missing, is not numeric, or has missing values.
        """
        what = f"formula for {formula.output.name!r}"
        extra = {variable.name for variable in also}
        inputs = (*(variable for variable in formula.inputs if variable.name not in extra), *also)
        try:
            columns = read_columns(inputs, table, formula.used | extra)
        except FormulaError as error:
            raise FormulaError(f"{what}: {error}") from error
        target = _numbers(formula.output, table, what, "the output").ravel()
        if common_shape(columns) not in ((), target.shape):
            raise FitError(
                f"{what}: {target.size:,} values of the output, but inputs of shape {common_shape(columns)}"
            )
        columns = {name: np.broadcast_to(values, target.shape) for name, values in columns.items()}
        weights = np.ones_like(target)
        if weight is not None:
            name, source = (weight, table) if isinstance(weight, str) else ("weight", {"weight": weight})
            weights = _numbers(Variable(name), source, what, "the weight").ravel()
        if weights.shape != target.shape:
            raise FitError(f"{what}: {weights.size:,} weights for {target.size:,} rows")
        for name, values in (*columns.items(), (formula.output.name, target), ("weight", weights)):
            if values.dtype != object and not np.isfinite(values).all():
                first = int(np.argmin(np.isfinite(values)))
                raise FitError(f"{what}: {name!r} is not finite at position {first}; drop that row")
        if (weights < 0).any():
            raise FitError(f"{what}: the weight at position {int(np.argmax(weights < 0))} is negative")
        rows = cls(columns, target, weights)
        return rows if (weights > 0).all() else rows.select(np.flatnonzero(weights > 0))

    @property
    def count(self) -> int:
        """The number of rows, n."""
        return self.target.size

    def select(self, places: NDArray[np.intp]) -> EstimationRows:
        """Return the rows at some places."""
        columns = {name: values[places] for name, values in self.columns.items()}
        return EstimationRows(columns, self.target[places], self.weight[places])

    def sample(self, count: int) -> EstimationRows:
        """Return so many of the rows, which their values decide and not their order; all where there are no more."""
        if self.count <= count:
            return self
        numbers = [
            np.unique(values, return_inverse=True)[1] if values.dtype == object else values
            for values in self.columns.values()
        ]
        inputs = np.column_stack([np.zeros(self.count), *numbers]).astype(np.float64)
        return self.select(np.sort(order_of_rows(inputs, self.target)[:count]))

    def describe(self, where: NDArray[np.bool_]) -> str:
        """Return inputs and output of the first row that is true."""
        return describe_place({**self.columns, "output": self.target}, where)


def _numbers(variable: Variable, table: Any, what: str, role: str) -> Floats:
    if variable.name not in table:
        known = [str(name) for name in table]
        raise FitError(
            f"{what}: the table has no column {variable.name!r}, {role}; {nearest(variable.name, known)}"
        )
    try:
        numbers = read_columns([variable], table, frozenset([variable.name]))[variable.name]
    except FormulaError as error:
        raise FitError(f"{what}: {role}: {str(error).removeprefix('input ')}") from error
    return np.asarray(numbers, dtype=np.float64)


def order_of_rows(inputs: Floats, target: Floats) -> NDArray[np.intp]:
    """Return an order of rows that their values decide, as if it were drawn: the first of them are a sample of all.

    Values count to about nine digits, as the last bits of a logarithm or an exponential differ between machines.

    Examples
    --------
    >>> x, y = np.array([[3.0], [1.0], [2.0]]), np.array([5.0, 4.0, 6.0])
    >>> there, back = order_of_rows(x, y), order_of_rows(x[::-1], y[::-1])
    >>> (x[there] == x[::-1][back]).all()
    np.True_
    """
    mixed = np.zeros(len(target), dtype=np.uint64)
    for column in (*inputs.T, target, np.ones(len(target))):
        mixed = _mixed(mixed ^ as_told(column, ORDERED).view(np.uint64))
    return np.argsort(mixed, kind="stable")


def as_told(numbers: Floats, bits: int = TOLD) -> Floats:
    """Return numbers to about thirteen digits, so that the way in which they were stored does not count.

    Examples
    --------
    >>> float(as_told(np.array([0.1 + 0.2]))[0] - as_told(np.array([0.3]))[0])
    0.0
    """
    mantissa, exponent = np.frexp(numbers)
    return np.asarray(np.ldexp(np.round(np.ldexp(mantissa, bits)), exponent - bits) + 0.0)


def _mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return numbers with every bit of each spread over all of its bits (Steele et al. 2014, *Splittable PRNGs*)."""
    numbers = numbers + np.uint64(0x9E3779B97F4A7C15)
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


_COLLINEAR = 1e-9


def with_named_constants(formula: AnyFormula, held: Collection[float] = ()) -> AnyFormula:
    """Return the formula with a name, c1, c2, … in reading order, for every free parameter.

    The −1 of a quotient, the sign of a subtraction, an integer exponent, the 0 of a maximum or minimum and the
    period of a wave that is a number of four digits, 12 months or 24 hours, are not free parameters, and neither
    are redundant numbers. In ``0.12 · km · (1 + 0.04 · load)`` the 1 gets no name, because three free parameters
    would not be identifiable: the scale of the parenthesis is arbitrary. Of redundant numbers 0 and 1 stay unnamed
    first, then integers. Constants that have a name keep it.

    Parameters
    ----------
    formula
        The law. A number that occurs twice gets two names, but a shared step is one step.
    held
        Exponents that are part of the structure.

    Returns
    -------
    Formula
        A formula of equal value, otherwise unchanged.

    Examples
    --------
    >>> from kanopt.formulas import parse_formula
    >>> fuel = parse_formula("0.5 + 0.12 * km * (1 + 0.04 * load) - 8.5 * load^2",
    ...                      [Variable("km"), Variable("load")], Variable("fuel"))
    >>> [(constant.name, constant.value) for constant in with_named_constants(fuel).constants]
    [('c1', 0.5), ('c2', 0.12), ('c3', 0.04), ('c4', 8.5)]
    """
    root, drafts = _drafted(formula.root, held)
    free = FreeParameters.of(root, None)
    kept = _identifiable_names(formula, root, free, drafts)
    fresh = fresh_names(formula)
    names = {name: next(fresh) for name in free.names if name in drafts and name in kept}

    def put(node: Node) -> Node:
        drafted = isinstance(node, Constant) and node.name in drafts
        return replace(drafts[node.name], name=names.get(node.name, "")) if drafted else node  # type: ignore[attr-defined]

    return replace(formula, root=rebuild(root, put))


def _drafted(root: Node, held: Collection[float]) -> tuple[Node, dict[str, Constant]]:
    """Return the graph with a name for every unnamed number that may be a free parameter, and the numbers by name."""
    drafts: dict[str, Constant] = {}
    periods = {
        node.argument.key
        for node in postorder(root)
        if isinstance(node, Apply) and node.function in ("sin", "cos") and wave_of(node) is not None
    }

    def draft(constant: Constant) -> Constant:
        name = f"draft {len(drafts)}"
        drafts[name] = constant
        return replace(constant, name=name)

    def visit(node: Node, below: list[Node]) -> Node:
        is_period = node.key in periods
        parts = [
            draft(part)
            if isinstance(part, Constant)
            and not part.name
            and not (is_period and part.standard_error is None)
            and not _is_structure(node, place, part, held)
            else part
            for place, part in enumerate(below)
        ]
        return node.with_children(parts) if parts else node

    if isinstance(root, Constant):
        return (root if root.name else draft(root)), drafts
    return fold(root, visit), drafts


def _is_structure(parent: Node, place: int, constant: Constant, held: Collection[float]) -> bool:
    match parent:
        case Product():
            return constant.value == -1.0
        case Power():
            return place == 1 and constant.value.is_integer()
        case Maximum() | Minimum():
            return constant.value == 0.0
    return place == 1 and constant.value in held


def fresh_names(formula: BaseFormula) -> Iterator[str]:
    """Yield c1, c2, … without what has that name in the formula."""
    nodes = postorder(formula.root)
    taken = {node.name for node in nodes if isinstance(node, Constant | Curve | Step | Table)}
    taken |= {variable.name for variable in formula.inputs} | {formula.output.name} | set(FUNCTIONS)
    return (name for name in (f"c{number}" for number in count(1)) if name not in taken)


def _identifiable_names(
    formula: BaseFormula, root: Node, free: FreeParameters, drafts: Mapping[str, Constant]
) -> set[str]:
    """Return the names, drafts among them, of an identifiable set of parameters, chosen in order.

    A parameter is redundant if its column of the Jacobian at generic rows is a linear combination of earlier ones.
    """
    value, derivative = _generic_tape(formula, root, free).gradient(free.values)
    rows = np.isfinite(value) & np.isfinite(derivative).all(axis=-1)
    if rows.sum() <= free.count:
        return set(free.names)
    derivative = derivative[rows]
    kept: set[str] = set()
    basis = np.zeros((len(derivative), 0))
    for place in sorted(
        range(free.count), key=lambda place: _naming_order(drafts.get(free.names[place]), place)
    ):
        column = derivative[:, place]
        size = float(np.linalg.norm(column))
        if size == 0.0:
            continue
        rest = column / size
        for _ in range(2):  # once more takes off what rounding left
            rest = rest - basis @ (basis.T @ rest)
        left = float(np.linalg.norm(rest))
        if left > _COLLINEAR:
            basis = np.column_stack([basis, rest / left])
            kept.add(free.names[place])
    return kept


def _naming_order(constant: Constant | None, place: int) -> tuple[int, int]:
    """Return the sort key of a number: those with a name first, then non-integers, integers, and 0 and 1 last."""
    if constant is None:
        return 0, place
    if constant.standard_error is not None or not constant.value.is_integer():
        return 1, place
    return (3 if abs(constant.value) <= 1 else 2), place


def _generic_tape(formula: BaseFormula, root: Node, free: FreeParameters) -> GraphTape:
    """Return the tape of the graph at random rows from its domain; a table is replaced by a number."""
    rng = np.random.default_rng(0)
    rows = 64 + 4 * free.count
    columns = {
        v.name: rng.uniform(*_generic_range(formula, v), rows) for v in formula.inputs if not v.is_category
    }

    def without_tables(node: Node) -> Node:
        if not isinstance(node, Table):
            return node
        name = f"table {len(columns)}"
        numbers = [number for _, number in node.entries]
        columns[name] = rng.choice([*numbers, numbers[0] if node.fallback is None else node.fallback], rows)
        return Input(name)

    return GraphTape(rebuild(root, without_tables), columns, free)


def _generic_range(formula: BaseFormula, variable: Variable) -> tuple[float, float]:
    low, high = formula.valid_range(variable)
    if low is not None and high is not None and low < high:
        return low, high
    if low is not None:
        return low + 0.5 * max(1.0, abs(low)), low + 5.0 * max(1.0, abs(low))
    if high is not None:
        return high - 5.0 * max(1.0, abs(high)), high - 0.5 * max(1.0, abs(high))
    return 0.5, 5.0


STEMS: Mapping[type[Curve | Step | Table], str] = {Curve: "s", Table: "by", Step: "step"}
"""What curves, tables and step functions are called."""


def numbered(root: Node, kinds: Collection[type[Curve | Step | Table]] = (Curve, Table)) -> Node:
    """Return a graph with different names for its curves, and for its tables: s1, s2 …; s where there is one."""
    several = Counter(type(node) for node in postorder(root))
    counts = Counter[type[Node]]()

    def named(node: Node) -> Node:
        if not isinstance(node, Curve | Step | Table) or type(node) not in kinds:
            return node
        kind = type(node)
        counts[kind] += 1
        return replace(node, name=f"{STEMS[kind]}{counts[kind]}" if several[kind] > 1 else STEMS[kind])

    return rebuild(root, named)
