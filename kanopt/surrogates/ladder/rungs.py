"""A rung of the ladder: a law, and what laws of its form say of rows that they have not seen.

Rows are left out in blocks, which are designed and not drawn: groups are left out whole, rows whose errors hang
together with those of their neighbours in stretches ten times as long as that reaches, and all others as their values
say, in whatever order they stand. And they are left out at the edges of inputs, beyond which a law is used: one that is
bent to its rows says more of those between than of those beyond.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats, Integers
from kanopt.formulas import Constant, Curve, Formula, Node, Product, Sum, Table, Variable
from kanopt.formulas.estimation.graph_tape import PIECES, gradient
from kanopt.formulas.estimation.least_squares import FLOOR
from kanopt.formulas.estimation.naming import as_told, order_of_rows
from kanopt.formulas.nodes import count_operators, postorder
from kanopt.formulas.parameters import Covariance, is_parameter, with_standard_errors
from kanopt.formulas.simplify import ERRORS, round_measures, simplify_graph
from kanopt.formulas.validity import Side
from kanopt.kan.ranges import ShapeConstraints
from kanopt.kan.trainer import Link
from kanopt.surrogates.encoding import Feature
from kanopt.surrogates.groups import Rows
from kanopt.surrogates.monitor import FitMonitor

# What the ladder starts from: a trained network with its rows, and rows held out.


@dataclass(frozen=True, eq=False)
class Trained:
    """A trained network, and the rows and choices it was trained with.

    Parameters
    ----------
    network
        As a formula of curves over the encoded columns; gives the target, its logarithm, or what `link` makes the
        target of.
    features
        In the order of the network's inputs: numbers, cycles, categories.
    rows
        Encoded training rows, columns in the order of `features`. The target is on the scale of the network's output,
        but where there is a link it is the target itself.
    wanted
        Shapes that the network was asked for.
    structure
        The structure in words, for the provenance.
    link
        From the output of the network to the target; None for the output itself. Not together with a logarithm.
    edf
        Effective number of parameters of the network.
    stopped
        By what its fit was stopped before its end, in words; empty where it was not.
    watch
        Is told how far the search for a formula is, and may stop it.
    lowest
        Smallest target of the training rows; None if unknown.
    floor
        What a formula is held at that is not proved to stay above zero over its domain; None where it is not held.
    units, output_unit
        Declared units of the features by name, and of the target; where there are none, nothing is inferred from them.
    """

    network: Formula
    features: tuple[Feature, ...]
    rows: Rows
    wanted: ShapeConstraints
    structure: str
    link: Link | None = None
    edf: float = 0.0
    units: Mapping[str, str] = field(default_factory=dict)
    output_unit: str = ""
    lowest: float | None = None
    floor: float | None = None
    stopped: str = ""
    watch: FitMonitor = field(default_factory=FitMonitor)

    def formula(self, root: Node) -> Formula:
        """Return a graph as a formula for something that is called as no column is."""
        names = [feature.name for feature in self.features]
        output = "target"
        while output in names:
            output += "_"
        return Formula(root, tuple(map(self.variable, self.features)), Variable(output, self.output_unit))

    def decoded(self, kept: Sequence[Variable]) -> dict[str, NDArray[np.generic]]:
        """Return the training rows of some columns, in the units of the table."""
        names = {variable.name for variable in kept}
        rows: dict[str, NDArray[np.generic]] = {}
        for column, feature in enumerate(self.features):
            encoded = self.rows.inputs[:, column]
            if feature.name not in names:
                continue
            if feature.is_numeric:
                rows[feature.name] = feature.decode(encoded)
            else:
                rows[feature.name] = np.array(feature.categories, dtype=object)[encoded.astype(np.int64)]
        return rows

    def variable(self, feature: Feature) -> Variable:
        """Return a feature as an input of a formula."""
        if feature.kind == "category":
            return Variable(feature.name, kind="category")
        return Variable(feature.name, self.units.get(feature.name, ""))


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Held-out rows and what is known about their columns.

    Parameters
    ----------
    frame
        Columns of the model and the target.
    output
        The target, with its unit.
    per
        What one row is.
    """

    frame: pd.DataFrame
    output: Variable
    per: str


NETWORK = "network"
ALIKE = 4.0
"""Largest weight, in medians, with which rows of a logarithm are also rows of the target."""
BLOCKS = 10
UNRELATED = 0.1
"""Correlation of errors below which rows are no neighbours any more."""
OUTER = 0.9
"""Share of the rows within an edge beyond which rows are left out, to see whether a law goes on there."""


@dataclass(frozen=True, eq=False)
class Rung:
    """A law and what is known of it.

    Parameters
    ----------
    name
        By which a person picks it.
    root
        The graph of the law of the target itself.
    parameters
        Effective number of parameters.
    left_out
        Returns what a law of this form says of every training row where its block is left out, (n,), given the blocks;
        rows of a block below zero are never left out. NaN where it says nothing.
    smearing
        Factor of a law of the mean of a target whose logarithm was fitted; 1 for others.
    written, values, covariance
        The graph for other values of its parameters, these values, and their covariance; None where not known.
    told
        The covariance of its named constants, where these have been estimated themselves.
    refused
        Why it cannot be taken; empty where it can.
    ends
        Inputs, and sides on which they are held at the edge of their data, as rows there bear out.
    """

    name: str
    root: Node
    parameters: float
    left_out: Callable[[Integers], Floats]
    smearing: float = 1.0
    written: Callable[[Floats], Node] | None = None
    values: Floats | None = None
    covariance: Floats | None = None
    told: Covariance | None = None
    refused: str = ""
    ends: frozenset[tuple[str, Side]] = frozenset()

    @cached_property
    def operators(self) -> int:
        """How many operators a reader sees."""
        return count_operators(self.root)

    @cached_property
    def is_nested(self) -> bool:
        """Whether a curve of it is one of a sum of curves, which nobody reads."""
        curves = (node for node in postorder(self.root) if isinstance(node, Curve))
        return any(
            isinstance(node, Curve)
            for curve in curves
            for child in curve.children
            for node in postorder(child)
        )


def description_length(rows: Rows, squares: float, parameters: float, operators: float) -> float:
    """Return the length of the description of rows by a law.

    It is L = W log(squares / W + floor²) + log(W) · p + operators, with W the sum of the weights and p the effective
    number of parameters (Schwarz 1978; Hastie and Tibshirani 1990, ch. 5). Where the target is a logarithm it is that
    of the target itself all the same: a density of log y is one of y once it is divided by y (Box and Cox 1964, JRSS B
    26, section 3).

    Parameters
    ----------
    rows
        With the target to which `squares` belong.
    squares
        Weighted squared residuals.
    parameters
        Effective number of parameters.
    operators
        Length of the description of all operators.
    """
    mean = float(rows.weight @ rows.target) / rows.total
    spread = float(rows.weight @ (rows.target - mean) ** 2) / rows.total
    noise = squares / rows.total + FLOOR**2 * max(spread, 1e-300)
    jacobian = 2.0 * float(rows.weight @ rows.target) if rows.log else 0.0
    return float(rows.total * np.log(noise) + jacobian + np.log(rows.total) * parameters + operators)


def scales_of(trained: Trained) -> list[Rows]:
    """Return the rows with the target as it was learned, and on the other scale: the logarithm, or not.

    There is one scale where a link makes the target of another one, where groups share an error on one, where weights
    were meant for one, and where there is no logarithm.
    """
    rows = trained.rows
    one = trained.link is not None or rows.shared is not None
    if one or rows.weight.max() >= ALIKE * np.median(rows.weight) or rows.values.min() <= 0.0:
        return [rows]
    other = as_told(rows.values) if rows.log else np.log(rows.target)
    return [rows, replace(rows, target=other, log=not rows.log)]


def blocks_of(rows: Rows, residual: Floats) -> Integers:
    """Return the block of every row, (n,), numbered from 0.

    Parameters
    ----------
    rows
        The rows; the groups of those that share errors are left out whole.
    residual
        What a law leaves of them, (n,).
    """
    if rows.shared is not None:
        return rows.shared.groups % BLOCKS
    count, left = len(residual), residual - residual.mean()
    together, square = 1, float(left @ left)
    while together < count // BLOCKS and float(left[together:] @ left[:-together]) > UNRELATED * square:
        together += 1
    if together == 1:
        place = np.empty(count, dtype=np.int64)
        place[order_of_rows(rows.inputs, rows.target)] = np.arange(count)
        return place % BLOCKS
    # rows that are related reach into the stretch at its ends only, if it is a few times as long
    return np.arange(count) // min(BLOCKS * together, max(count // BLOCKS, 1)) % BLOCKS


def beyond_edge(upwards: Floats) -> tuple[NDArray[np.bool_], float]:
    """Return which rows lie beyond the edge of an input, and where that edge is.

    Parameters
    ----------
    upwards
        The input, or minus it for the lower edge, (n,).
    """
    inner = upwards[upwards < upwards.max()]
    edge = min(float(np.quantile(upwards, OUTER, method="inverted_cdf")), float(inner.max()))
    return upwards > edge, edge


def edges_of(columns: Iterable[Floats]) -> Iterator[Integers]:
    """Yield blocks of the rows at either edge of an input, 0 below and 1 above, −1 for all others.

    An input of a few values, at an end of which many rows lie, has no edge: without them nothing tells what it does.
    """
    for values in columns:
        blocks = np.full(len(values), -1)
        for block, upwards in enumerate((-values, values)):
            own, _ = beyond_edge(upwards)
            if own.mean() <= 2.0 * (1.0 - OUTER):
                blocks[own] = block
        yield blocks


def multiplied(formula: Formula, factor: float) -> Formula:
    """Return a law times a number, which its outermost coefficients take in; it stands in front where they cannot."""
    changed: dict[str, Constant] = {}
    root = _times(formula.root, factor, changed)
    if root is None:
        return replace(formula, root=simplify_graph(Product((Constant(factor), formula.root))))
    covariance = formula.covariance
    if covariance is not None:
        scale = np.array([factor if name in changed else 1.0 for name in covariance.names])
        matrix = scale[:, None] * np.array(covariance.matrix) * scale[None, :]
        covariance = replace(covariance, matrix=tuple(map(tuple, matrix.tolist())))
    return replace(formula, root=simplify_graph(root), covariance=covariance)


def _times(node: Node, factor: float, changed: dict[str, Constant]) -> Node | None:
    """Return a node times a number; None where no number can take it in: of constants with a name, tables, curves."""
    match node:
        case Constant(name=name, value=value, standard_error=error) if name:
            changed[name] = Constant(value * factor, name, None if error is None else error * factor)
            return changed[name]
        case Table(entries=entries):
            return replace(node, entries=tuple((key, factor * number) for key, number in entries))
        case Curve(coefficients=coefficients):
            return replace(node, coefficients=tuple(factor * each for each in coefficients))
        case Sum(terms=terms):
            inside: dict[str, Constant] = {}
            new = [_times(term, factor, inside) for term in terms]
            if None in new:
                return None
            changed.update(inside)
            return Sum(tuple(term for term in new if term is not None))
        case Product(factors=factors):
            for place, part in enumerate(factors):
                if (new_part := _times(part, factor, changed)) is not None:
                    return Product((*factors[:place], new_part, *factors[place + 1 :]))
    return None


# ── how well the constants of a law are known, together ──
#
# The constants of the formula are functions of the parameters of the refitted network: a coefficient times the scale of
# its column, the exponential of a bias, a bias with the means of curves and tables in it. Their covariance is that of
# the parameters carried over by the derivatives of these functions (delta method; Oehlert 1992, The American
# Statistician 46), which are taken by small steps.


STEP = 1e-2
"""Step of a parameter to both sides, in its standard errors: constants are written in 12 digits."""
MOST = 400
"""Parameters up to which the law is written anew for each."""
SAME = 1e-9
TINY = 1e-300
CORRELATIONS = 4
"""Decimals of a correlation."""


def with_covariance(
    formula: Formula,
    written: Callable[[Floats], Node],
    parameters: Floats,
    covariance: Floats,
    freedom: float,
) -> Formula:
    """Return a formula whose named constants have standard errors and a covariance.

    Without them where the formula written anew is of another shape, or of too many parameters.

    Parameters
    ----------
    formula
        With named constants.
    written
        The graph of the law, its constants without names, for parameters of the network, (p,).
    parameters, covariance
        Of the network as it was refitted, (p,) and (p, p).
    freedom
        Rows less effective parameters.
    """
    places = [place for place, node in enumerate(_constants(formula.root)) if is_parameter(node)]
    base = _values(written(parameters))
    named = list(_constants(formula.root))
    moving = np.flatnonzero(np.diag(covariance) > 0.0)
    alike = len(base) == len(named) and np.allclose(base, [node.value for node in named], rtol=SAME)
    if not places or not alike or not 0 < len(moving) <= MOST or not np.isfinite(covariance).all():
        return formula
    slopes = np.empty((len(places), len(moving)))
    for column, place in enumerate(moving):
        step = np.zeros(len(parameters))
        step[place] = STEP * float(np.sqrt(covariance[place, place]))
        here, there = (_values(written(parameters + side * step)) for side in (-1.0, 1.0))
        if not len(here) == len(there) == len(base):
            return formula
        slopes[:, column] = (there[places] - here[places]) / (2.0 * step[place])
    values, vectors = np.linalg.eigh(covariance[np.ix_(moving, moving)])
    # a root of it, so that rounding leaves no variance below zero
    spread = slopes @ (vectors * np.sqrt(np.maximum(values, 0.0)))
    matrix = spread @ spread.T
    told = np.diag(matrix) > 0.0  # a number that is held has no error
    if not np.isfinite(matrix).all() or not told.any():
        return formula
    names = [named[place].name for place, moves in zip(places, told, strict=True) if moves]
    return with_errors(formula, Covariance.of(names, matrix[np.ix_(told, told)], max(freedom, 1.0)))


def with_shared_errors(formula: Formula, data: Mapping[str, NDArray[np.generic]], rows: Rows) -> Formula:
    """Return a formula whose constants' errors know what rows share with their group.

    Each is stretched as generalized least squares tells: hardly where a constant acts within groups, by the design
    effect where it differs between groups only.

    Parameters
    ----------
    formula
        With a covariance.
    data
        The inputs of the rows.
    rows
        With what their groups share.
    """
    if rows.shared is None or formula.covariance is None:
        return formula
    known = formula.covariance
    # curves and tables have constants of their own, which the others trade with
    pieces = {node.key: node.name for node in postorder(formula.root) if isinstance(node, PIECES)}
    once = {name for name, count in Counter(pieces.values()).items() if count == 1}
    named = once | {name.split("[")[0] for name in known.names}
    found = gradient(formula, data, named)
    place = [found.names.index(name) for name in known.names]
    slopes = np.broadcast_to(found.derivative, (len(rows.target), len(found.names)))
    slopes = slopes / np.broadcast_to(found.value, rows.target.shape)[:, None] if rows.log else slopes
    size = np.sqrt(np.maximum(rows.weight @ slopes**2, TINY))
    columns = slopes / size
    alone, shared = columns, rows.shared.whitened(columns, rows.weight)
    variances = [
        np.linalg.pinv((each * rows.weight[:, None]).T @ each, hermitian=True).diagonal()[place]
        for each in (alone, shared)
    ]
    stretch = np.sqrt(np.maximum(variances[1] / np.maximum(variances[0], TINY), 1.0))
    matrix = known.array * np.outer(stretch, stretch)
    return with_errors(formula, Covariance.of(known.names, matrix, known.degrees_of_freedom))


def with_errors(formula: Formula, covariance: Covariance) -> Formula:
    """Return a formula with a covariance, in digits that every machine finds, and the errors beside its constants."""
    covariance = _in_common_digits(covariance)
    return replace(formula, root=with_standard_errors(formula.root, covariance), covariance=covariance)


def _in_common_digits(covariance: Covariance) -> Covariance:
    """Return a covariance with rounded standard errors and correlations, and whole degrees of freedom."""
    exact = np.array(list(covariance.standard_errors.values()))
    errors = np.array([round_measures(error, ERRORS) for error in exact])
    size = np.where(exact > 0.0, exact, 1.0)
    # correlations shrink by what rounding may change them, so that no combination has a variance below zero
    share = 1.0 - len(errors) * 10.0**-CORRELATIONS
    correlation = np.round(share * covariance.array / np.outer(size, size), CORRELATIONS)
    np.fill_diagonal(correlation, np.where(errors > 0.0, 1.0, 0.0))
    freedom = covariance.degrees_of_freedom
    whole = None if freedom is None else max(round(freedom), 1)
    return Covariance.of(covariance.names, correlation * np.outer(errors, errors), whole)


def _values(root: Node) -> Floats:
    return np.array([node.value for node in _constants(root)])


def _constants(root: Node) -> Iterator[Constant]:
    """Yield the constants as they are read; one that stands in two places comes twice."""
    stack = [root]
    while stack:
        node = stack.pop()
        if isinstance(node, Constant):
            yield node
        stack += reversed(node.children)
