"""The parameters of a formula and the covariance of their estimates.

A :class:`~kanopt.formulas.nodes.Constant` **with a name** is a parameter of the law. It can be estimated from rows, it
keeps its name and its value when the formula is simplified, and the same name is the same number at all occurrences. A
constant **without a name** is part of the structure: the −1 of a division, the sign of a subtraction, an exponent that
was rounded to an integer. So is π, although it has a name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from kanopt.array_types import Floats
from kanopt.errors import FormulaError, nearest
from kanopt.formulas.nodes import Constant, Node, postorder, rebuild
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.text import number_text

_MOST = 2_000
_SLACK = 1e-6


def is_parameter(node: Node) -> bool:
    """Return whether a node is a constant that can be estimated: one with a name other than π.

    Examples
    --------
    >>> is_parameter(Constant(0.98, "elasticity")), is_parameter(Constant(-1.0))
    (True, False)
    """
    return isinstance(node, Constant) and bool(node.numbers)


def parameters_of(root: Node) -> dict[str, float]:
    """Return the parameters of a graph by name, in reading order.

    Raises
    ------
    FormulaError
        If one name has two different values.

    Examples
    --------
    >>> from kanopt.formulas.nodes import Input
    >>> parameters_of(Constant(0.12, "a") * Input("km") ** Constant(0.98, "b"))
    {'a': 0.12, 'b': 0.98}
    """
    found: dict[str, float] = {}
    for node in postorder(root):
        if isinstance(node, Constant) and is_parameter(node):
            known = found.setdefault(node.name, node.value)
            if known != node.value:
                here, there = number_text(known, 6), number_text(node.value, 6)
                raise FormulaError(
                    f"the constant {node.name!r} stands for {here} in one place and for {there} in another; "
                    "one name means one number, so rename one"
                )
    return found


def piece_numbers(piece: Curve | Step | Table) -> dict[str, float]:
    """Return the numbers of a tabulated piece by name: ``s[0]`` of a curve or step, ``rate[van]`` of a table.

    Examples
    --------
    >>> piece_numbers(Table.of({"van": 1.0, "truck": 1.4}, "vehicle", name="rate"))
    {'rate[van]': 1.0, 'rate[truck]': 1.4}
    """
    named = zip(piece.number_names, piece.numbers, strict=True)
    return {f"{piece.name}[{name}]": number for name, number in named}


@dataclass(frozen=True)
class Covariance:
    """The covariance of the estimated parameters of a law.

    Parameters
    ----------
    names
        The parameters that were estimated, in the order of the rows of `matrix`. The coefficients of a curve that was
        estimated are called ``s[0]``, ``s[1]``, …
    matrix
        Covariance of their estimates, (p, p). Parameters that are not among `names` were held constant.
    degrees_of_freedom
        Rows minus parameters, for quantiles of Student's t; None if unknown, for those of the normal distribution.

    Raises
    ------
    FormulaError
        If names repeat, or the matrix is not of matching size, finite, symmetric and, up to rounding, positive
        semidefinite.

    Examples
    --------
    >>> known = Covariance(("a", "b"), ((0.04, 0.0), (0.0, 0.01)), 98.0)
    >>> known.standard_errors
    {'a': 0.2, 'b': 0.1}
    """

    names: tuple[str, ...]
    matrix: tuple[tuple[float, ...], ...]
    degrees_of_freedom: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))
        object.__setattr__(self, "matrix", tuple(tuple(float(x) for x in row) for row in self.matrix))
        count = len(self.names)
        if not 0 < count <= _MOST:
            raise FormulaError(f"a covariance of {count:,} constants: it is of 1 to {_MOST:,}")
        if not all(isinstance(name, str) and name for name in self.names) or len(set(self.names)) != count:
            raise FormulaError("a covariance names every constant once, by a text that is not empty")
        if len(self.matrix) != count or any(len(row) != count for row in self.matrix):
            raise FormulaError(f"the covariance of {count} constants has {count} rows of {count} numbers")
        freedom = self.degrees_of_freedom
        if freedom is not None:
            object.__setattr__(self, "degrees_of_freedom", float(freedom))
            if not (math.isfinite(freedom) and freedom > 0):
                raise FormulaError(f"the degrees of freedom are a positive number, not {freedom!r}")
        self._check_matrix()

    def _check_matrix(self) -> None:
        matrix = np.array(self.matrix)
        variances = np.diag(matrix)
        if not np.isfinite(matrix).all() or (variances < 0).any():
            raise FormulaError("a covariance has finite numbers, and none below 0 on its diagonal")
        # every constant in units of its own error, so that large ones do not hide what is wrong with small ones
        errors = np.sqrt(variances)
        with np.errstate(all="ignore"):
            scaled = matrix / errors[:, None] / errors[None, :]
        scaled[(matrix == 0) & ~np.isfinite(scaled)] = 0.0
        if not np.isfinite(scaled).all() or np.abs(scaled - scaled.T).max() > _SLACK:
            raise FormulaError("a covariance is symmetric, and 0 beside a variance of 0")
        if float(np.linalg.eigvalsh((scaled + scaled.T) / 2)[0]) < -_SLACK:
            raise FormulaError(
                "this is no covariance: it gives some combination of constants a negative variance"
            )

    @classmethod
    def of(cls, names: Sequence[str], matrix: Floats, degrees_of_freedom: float | None = None) -> Covariance:
        """Build it from an array, made symmetric."""
        even = (matrix + matrix.T) / 2
        return cls(tuple(names), tuple(map(tuple, even.tolist())), degrees_of_freedom)

    @cached_property
    def array(self) -> Floats:
        """The matrix as a read-only array, (p, p)."""
        array = np.array(self.matrix)
        array.flags.writeable = False
        return array

    @property
    def standard_errors(self) -> dict[str, float]:
        """Standard error of each constant."""
        return {name: math.sqrt(self.matrix[place][place]) for place, name in enumerate(self.names)}

    def restrict(self, names: Iterable[str]) -> Covariance | None:
        """Return the covariance of the constants among `names`; None if there are none."""
        wanted = set(names)
        places = [place for place, name in enumerate(self.names) if name in wanted]
        if len(places) == len(self.names):
            return self
        if not places:
            return None
        block = self.array[np.ix_(places, places)]
        return Covariance.of([self.names[place] for place in places], block, self.degrees_of_freedom)


def with_standard_errors(root: Node, covariance: Covariance) -> Node:
    """Return a graph whose constants have the standard errors of a covariance, and others as they are."""
    errors = covariance.standard_errors

    def put(node: Node) -> Node:
        if isinstance(node, Constant) and is_parameter(node) and node.name in errors:
            return Constant(node.value, node.name, errors[node.name])
        return node

    return rebuild(root, put)


def check_covariance(root: Node, covariance: Covariance) -> None:
    """Refuse a covariance of constants that are not in a graph, or have another standard error there."""
    constants = {n.name: n for n in postorder(root) if isinstance(n, Constant) and is_parameter(n)}
    known = names_in(root)
    for name, error in covariance.standard_errors.items():
        if name not in known:
            raise FormulaError(
                f"the covariance is of {name!r}, which is no constant of it; {nearest(name, known)}"
            )
        stated = constants[name].standard_error if name in constants else error
        if stated is None or not math.isclose(stated, error, rel_tol=_SLACK, abs_tol=1e-300):
            raise FormulaError(
                f"the constant {name!r} has the standard error {stated!r}, but {error!r} in the covariance"
            )


def names_in(root: Node) -> frozenset[str]:
    """Return the names of all numbers that a covariance may contain: parameters and coefficients of pieces."""
    nodes = postorder(root)
    constants = {node.name for node in nodes if isinstance(node, Constant) and is_parameter(node)}
    return frozenset(
        constants.union(*(piece_numbers(n) for n in nodes if isinstance(n, Curve | Step | Table)))
    )
