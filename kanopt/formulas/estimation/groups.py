"""One law for many groups, with constants estimated by partial pooling."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import count, product
from typing import TYPE_CHECKING, Any, Generic

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import FitError, FormulaError, nearest
from kanopt.formulas.base_formula import AnyFormula
from kanopt.formulas.domain import Domain
from kanopt.formulas.estimation.drawn import Classes, DrawnFit, Smooth, blocks
from kanopt.formulas.estimation.graph_tape import FreeParameters
from kanopt.formulas.estimation.least_squares import TIED, search_minimum, smearing
from kanopt.formulas.estimation.naming import EstimationRows, Weight, numbered
from kanopt.formulas.nodes import Apply, Constant, Node, Power, Product, Sum, postorder, rebuild
from kanopt.formulas.parameters import Covariance, parameters_of, piece_numbers, with_standard_errors
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.simplify import simplify_graph
from kanopt.formulas.variables import Variable, category_label

if TYPE_CHECKING:
    import pandas as pd


# A law whose constants differ by class or change with a number, written down with its tables, curves and
# errors.

Columns = tuple[str, ...]

COMBINATIONS = 1000
"""Combinations of categories up to which a table has a number for each, also for those that no row has."""
TOLD = 100
"""Numbers of tables up to which their covariance is told with that of the constants."""


@dataclass(frozen=True, eq=False)
class ClassLaw:
    """A law whose constants differ by class.

    Parameters
    ----------
    fit
        Its numbers.
    log
        Whether the logarithm was fitted.
    called
        What tables of constants are called, by constant; others have numbers.
    sure
        A fit that tells the errors; None where that is the same one.
    """

    fit: DrawnFit
    log: bool
    called: Mapping[str, str] = field(default_factory=dict)
    sure: DrawnFit | None = None

    @property
    def residual(self) -> Floats:
        """What the law leaves of the target, or of its logarithm, (n,)."""
        return self.fit.residual / self.fit.root_weight

    @property
    def smearing(self) -> float:
        """Factor that makes a law of the logarithm one of the mean."""
        return smearing(self.residual, np.square(self.fit.root_weight)) if self.log else 1.0

    def written(self, factor: float = 1.0) -> tuple[Node, Covariance | None]:
        """Return the law, and the covariance of its constants and of the numbers of its tables."""
        root, names, slopes = self._times(factor)
        constants = parameters_of(root)
        told = [n for n in names if n in constants or ("[" in n and len(names) <= TOLD)]
        return root, self._covariance(
            dict(zip(names, slopes, strict=True)), dict(zip(told, told, strict=True))
        )

    def of_class(self, column: str, label: str, factor: float = 1.0) -> tuple[Node, Covariance | None]:
        """Return the law of one category of a column, which it reads no longer, and the covariance of its constants."""
        root, names, slopes = self._times(factor)
        own: dict[str, str] = {}

        def put(node: Node) -> Node:
            if not isinstance(node, Table) or column not in node.inputs:
                return node
            place = node.inputs.index(column)
            inputs = (*node.inputs[:place], *node.inputs[place + 1 :])
            entries = tuple(
                ((*key[:place], *key[place + 1 :]), number)
                for key, number in node.entries
                if key[place] == label
            )
            if inputs and entries:
                return Table(inputs, entries, node.fallback, node.name)
            assert node.fallback is not None
            name = node.name if node.name in self.called.values() else f"k{len(own) + 1}"
            if not entries:
                return Constant(node.fallback, name)
            own[name] = f"{node.name}[{label}]"
            return Constant(entries[0][1], name)

        root = simplify_graph(rebuild(root, put))
        left = parameters_of(root)
        own |= {name: name for name in names if name in left}
        told = {name: source for name, source in own.items() if name in left}
        return root, self._covariance(dict(zip(names, slopes, strict=True)), told)

    def _covariance(self, slopes: Mapping[str, Floats], told: Mapping[str, str]) -> Covariance | None:
        """Return the covariance of some numbers, given what each is called among all."""
        if not told:
            return None
        moved = np.array([slopes[name] for name in told.values()])
        matrix = moved @ self.covariance @ moved.T
        freedom = max(self.fit.residual.size - self.fit.parameters, 1.0)
        return Covariance.of(list(told), 0.5 * (matrix + matrix.T), freedom)

    def _times(self, factor: float) -> tuple[Node, list[str], Floats]:
        """Return the law times a factor, see :func:`_written`; it is written once for all classes."""
        if factor not in self._known:
            self._known[factor] = _written(self.fit, factor, self.called)
        return self._known[factor]

    @cached_property
    def _known(self) -> dict[float, tuple[Node, list[str], Floats]]:
        return {}

    @cached_property
    def covariance(self) -> Floats:
        """Covariance of the errors of all numbers, (p, p)."""
        return (self.sure or self.fit).covariance


def _written(fit: DrawnFit, times: float, called: Mapping[str, str]) -> tuple[Node, list[str], Floats]:
    """Return a law with its tables, the names of its numbers, and their derivatives in those of the fit, (k, p)."""
    numbers = fit.numbers
    values = dict(zip(fit.free.names, numbers.tolist(), strict=False))
    taken = {node.name for node in postorder(fit.root) if isinstance(node, Curve | Step | Table)}
    fresh = {stem: _numbered_names(stem, taken) for stem in ("by", "s")}
    names, slopes = list[str](), list[Floats]()

    def put(node: Node) -> Node:
        if not isinstance(node, Constant) or node.name not in values:
            return node
        value, own = values[node.name], np.zeros(len(numbers))
        own[fit.free.blocks[node.name]] = 1.0
        merged, parts = _merged(fit, node.name), list[Node]()
        curves = [pair for pair in _blocks_of(fit, node.name) if isinstance(pair[0], Smooth)]
        factor = any(each.factor for each, _ in _blocks_of(fit, node.name))
        alone = len(merged) == 1 and not curves
        neutral = float(factor)
        idle = node.name in fit.held and value == neutral
        if not alone and not (idle and (merged or curves)):
            parts.append(Constant(value, node.name))
            names.append(node.name)
            slopes.append(own)
        for columns, labels, summed in merged:
            base = value if alone else neutral
            deviations = summed @ numbers
            entries = base * np.exp(deviations) if factor else base + deviations
            slope = entries[:, None] * summed if factor else summed
            if alone:
                slope = slope + np.outer(np.exp(deviations) if factor else np.ones(len(entries)), own)
            pairs = tuple(zip(labels, entries.tolist(), strict=True))
            table = Table(columns, pairs, base, called.get(node.name) or next(fresh["by"]))
            names.extend(piece_numbers(table))
            slopes.extend(slope)
            parts.append(table)
        for each, block in curves:
            assert isinstance(each, Smooth)
            coefficients = each.turn @ numbers[block]
            curve = replace(each.curve, name=next(fresh["s"]), coefficients=tuple(coefficients.tolist()))
            names.extend(piece_numbers(curve))
            slopes.extend(np.pad(each.turn, ((0, 0), (block.start, len(numbers) - block.stop))))
            parts.append(Apply("exp", curve) if factor else curve)
        if len(parts) == 1:
            return parts[0]
        return Product(tuple(parts)) if factor else Sum(tuple(parts))

    root = rebuild(fit.root, put)
    if times != 1.0:
        root = Product((Constant(times), root))
    for kind, stem in ((Table, "by"), (Curve, "s")):
        own = [
            node
            for node in postorder(root)
            if isinstance(node, kind) and node.name not in {*taken, *called.values()}
        ]
        if len({node.name for node in own}) == 1 and stem not in taken:
            # the only one needs no number
            before = own[0].name
            root = rebuild(root, lambda node: _renamed(node, before, stem))  # noqa: B023 - done before the next round
            names = [re.sub(rf"^{before}\[", f"{stem}[", name) for name in names]
    return (
        numbered(simplify_graph(rebuild(simplify_graph(root), _as_one_stair)), [Step]),
        names,
        np.array(slopes),
    )


def _numbered_names(stem: str, taken: Collection[str]) -> Iterator[str]:
    return (name for name in (f"{stem}{number}" for number in count(1)) if name not in taken)


def _renamed(node: Node, before: str, name: str) -> Node:
    return replace(node, name=name) if isinstance(node, Curve | Table) and node.name == before else node


def _as_one_stair(node: Node) -> Node:
    """Return a product with its brackets of a column as one step function."""
    if not isinstance(node, Product):
        return node
    stairs: dict[Node, list[tuple[float, float]]] = {}
    rest = []
    for factor in node.factors:
        match factor:
            case Power(base=Constant(value=value), exponent=Step(argument=x, breakpoints=(place,))):
                stairs.setdefault(x, []).append((place, value))
            case _:
                rest.append(factor)
    for x, steps in stairs.items():
        places, values = zip(*sorted(steps), strict=True)
        levels = np.concatenate([[1.0], np.cumprod(values)])
        rest.append(Step(x, places, tuple(levels.tolist())))
    return Product(tuple(rest))


def _blocks_of(fit: DrawnFit, name: str) -> list[tuple[Classes | Smooth, slice]]:
    """Return what a constant differs by, with the places of its numbers."""
    places = blocks(fit.free.count, fit.classes)
    return [(each, block) for each, block in zip(fit.classes, places, strict=True) if each.name == name]


def _merged(fit: DrawnFit, name: str) -> list[tuple[Columns, tuple[Columns, ...], Floats]]:
    """Return columns, labels and sums of deviations, (classes, p), of the tables of a constant.

    Those by fewer columns are within those by more of the same.
    """
    found: list[tuple[Columns, tuple[Columns, ...], Floats]] = []
    own = [pair for pair in _blocks_of(fit, name) if isinstance(pair[0], Classes)]
    for each, block in sorted(own, key=lambda pair: -len(pair[0].columns)):
        assert isinstance(each, Classes)
        wider = next((other for other in found if set(each.columns) < set(other[0])), None)
        labels = _labels(each) if wider is None else wider[1]
        columns = each.columns if wider is None else wider[0]
        at = [columns.index(column) for column in each.columns]
        places = {label: block.start + place for place, label in enumerate(each.labels)}
        summed = np.zeros((len(labels), len(fit.numbers)))
        for row, label in enumerate(labels):
            place_of = places.get(tuple(label[place] for place in at))
            if place_of is not None:  # a combination that no row has is as its categories are
                summed[row, place_of] = 1.0
        if wider is None:
            found.append((columns, labels, summed))
        else:
            wider[2][:] += summed
    return found


def _labels(each: Classes) -> tuple[Columns, ...]:
    """Return the labels of a table: all combinations of its categories, unless they are too many."""
    categories = [list(dict.fromkeys(column)) for column in zip(*each.labels, strict=True)]
    return tuple(product(*categories)) if math.prod(map(len, categories)) <= COMBINATIONS else each.labels


@dataclass(frozen=True, eq=False)
class GroupedLaw(Generic[AnyFormula]):
    """A law whose constants differ between groups.

    Parameters
    ----------
    formula
        One formula for all groups: every constant that varies is a table over the group, with the population mean as
        fallback for unseen groups, which are outside its domain.
    population
        The law with the population means of the constants and their standard errors.
    table
        A row for each group and constant: ``group``, ``rows``, ``constant``, ``pooled`` (the estimate), its
        ``standard_error``, and ``weight``, from 1 if the estimate depends only on the group's rows to 0 if it is the
        population mean.
    between
        Variance between groups of every constant that varies.
    noise
        Residual standard deviation of a row of weight 1; of the logarithm with ``log_target``.
    by
        The column of the groups.
    laws
        The law of each group by its label, in the order of first appearance.
    """

    formula: AnyFormula
    population: AnyFormula
    table: pd.DataFrame
    between: pd.Series
    noise: float
    by: str
    laws: Mapping[str, AnyFormula]

    def law(self, group: Any) -> AnyFormula:
        """Return the law of one group, its constants with standard errors and covariance.

        Raises
        ------
        FormulaError
            If there is no such group; suggests the nearest. The law of an unseen group is `population`.
        """
        label = category_label(group)
        if label not in self.laws:
            raise FormulaError(
                f"no group {label!r} of {self.by!r}; {nearest(label, self.laws)}; a group that was not seen has the "
                "law of the population"
            )
        return self.laws[label]

    def __repr__(self) -> str:
        return f"<GroupedLaw of {len(self.laws)} groups by {self.by}: {self.formula.output} = {self.formula}>"


def fit_groups(
    formula: AnyFormula,
    table: Any,
    by: str,
    vary: Iterable[str],
    *,
    weight: Weight | None = None,
    log_target: bool = False,
) -> GroupedLaw[AnyFormula]:
    """Fit one law to many groups, with constants that differ between them, by partial pooling.

    The estimate of a group with many rows depends mainly on its own rows; that of a group with few is shrunk towards
    the population mean, depending on the information in its rows and the variance between groups, which is estimated
    together with the shared constants (:mod:`kanopt.formulas.estimation.drawn`).

    Parameters
    ----------
    formula
        The law, whose constants with a name are estimated. Their values are the start of the search.
    table
        Rows as for :func:`~kanopt.formulas.estimation.refit`, with the column `by`.
    by
        Column of the groups, such as ``"vehicle_type"``.
    vary
        Names of the constants that differ between groups; the others are shared by all.
    weight, log_target
        As for :func:`~kanopt.formulas.estimation.refit`. Without them errors have equal variance in all rows.

    Returns
    -------
    GroupedLaw

    Raises
    ------
    FormulaError
        If a name is unknown, or an input is missing or has missing values.
    FitError
        If there is only one group, no group has more rows than varying constants, so that noise and differences
        between groups cannot be separated, or the rows do not identify the constants.

    Notes
    -----
    The constants of a group are normally distributed around the population mean, independently of each other, and all
    rows have the same error variance. Standard errors are those of the linearised law, with what the variances
    between groups are uncertain by to first order: in simulated groups of 1 to 24 rows intervals of two standard
    errors covered the truth in 94 and 95 % of cases. Those of the population mean have as many degrees of freedom as
    groups minus one. With two or three groups the variance between groups is very uncertain.

    Examples
    --------
    >>> from kanopt.formulas import parse_formula
    >>> rng = np.random.default_rng(0)
    >>> kind = np.repeat(["van", "truck", "bike", "tram"], [40, 40, 40, 2])
    >>> rate = np.repeat([0.9, 1.4, 0.4, 1.1], [40, 40, 40, 2])
    >>> km = rng.uniform(1.0, 30.0, 122)
    >>> law = parse_formula("a + b * km", [Variable("km")], Variable("cost"), constants={"a": 0.0, "b": 1.0})
    >>> rows = {"kind": kind, "km": km, "cost": 3.0 + rate * km + rng.normal(size=122)}
    >>> found = fit_groups(law, rows, by="kind", vary=["b"])
    >>> print(found.formula)
    2.836 + b(kind) · km
    >>> found.table[["group", "rows", "pooled", "weight"]].round(2).to_numpy().tolist()
    [['van', 40, 0.9, 1.0], ['truck', 40, 1.41, 1.0], ['bike', 40, 0.4, 1.0], ['tram', 2, 1.14, 0.98]]
    """
    what = f"formula for {formula.output.name!r}"
    names = parameters_of(formula.root)
    wanted = list(dict.fromkeys([vary] if isinstance(vary, str) else vary))
    for name in wanted:
        if name not in names:
            raise FormulaError(f"{what} has no constant {name!r} that could vary; {nearest(name, names)}")
    if not wanted:
        raise FormulaError(f"{what}: name one or more constants that vary; {nearest('', names)}")
    free = FreeParameters.of(formula.root, None)
    rows, codes, labels = _grouped(formula, table, by, weight, what)
    if len(labels) < 2:
        raise FitError(f"{what}: {by!r} has one group only, {labels[0]!r}; refit the law instead")
    shared = [name for name in free.names if name not in wanted]
    left = int(np.maximum(np.bincount(codes) - len(wanted), 0).sum()) - len(shared)
    if left < 1:
        raise FitError(
            f"{what}: too few rows, {rows.count:,} in {len(labels)} groups, to tell noise from differences in "
            f"{len(wanted)} constants; let fewer vary, or add rows to some group"
        )
    if log_target and not (rows.target > 0).all():
        raise FitError(f"{what}: a logarithm needs positive values of the output")
    minimum = search_minimum(formula.root, free, rows, log_target)[1]
    if minimum is None:
        raise FitError(f"{what} has no finite value on some row; give better starting values")
    root = free.substitute(formula.root, minimum.theta)
    known = tuple((label,) for label in labels)
    # SciPy is loaded where groups are fitted, not where laws are read
    from kanopt.formulas.estimation.drawn import Classes, fit_drawn

    classes = [Classes(name, (by,), codes, known, factor=False) for name in wanted]
    found = fit_drawn(root, rows, classes, log=log_target, exact=True)
    sure = found and fit_drawn(root, rows, classes, found, log=log_target, exact=True, off_zero=True)
    if found is None or sure is None:
        raise FitError(f"{what} by {by!r} has no finite value on some row; give better starting values")
    if np.linalg.matrix_rank(_correlation(found.curvature[: free.count, : free.count]), TIED) < free.count:
        raise FitError(f"{what} by {by!r}: the rows do not identify the constants of the groups' law")
    case = _GroupedProblem(formula, rows, codes, labels, by, wanted, shared, log_target)
    return _law(case, found, ClassLaw(found, log_target, dict(zip(wanted, wanted, strict=True)), sure))


def _correlation(matrix: Floats) -> Floats:
    size = np.sqrt(np.maximum(np.diag(matrix), 1e-300))
    return np.asarray(matrix / np.outer(size, size))


@dataclass(frozen=True, eq=False)
class _GroupedProblem(Generic[AnyFormula]):
    """The arguments of a grouped fit, with the rows."""

    formula: AnyFormula
    rows: EstimationRows
    codes: NDArray[np.intp]
    labels: list[str]
    by: str
    vary: list[str]
    shared: list[str]
    log: bool

    @property
    def provenance(self) -> dict[str, str]:
        text = (
            f"{', '.join(self.vary)} by {self.by} ({len(self.labels)} groups, partial pooling) on {self.rows.count:,} "
            f"rows by least squares{' of the logarithm' if self.log else ''}"
        )
        shared = f"; shared: {', '.join(self.shared)}" if self.shared else ""
        return {**self.formula.provenance, "refitted": text + shared}

    def without_fit(self, inputs: Sequence[Variable]) -> AnyFormula:
        """Return the law over some inputs, with the domain of the rows and without its former fit."""
        seen = [variable for variable in inputs if variable.name in self.rows.columns]
        return replace(
            self.formula,
            inputs=tuple(inputs),
            fit=None,
            alternatives=(),
            covariance=None,
            provenance=self.provenance,
            domain=Domain.from_rows(seen, self.rows.columns),
        )


def _grouped(
    formula: AnyFormula, table: Any, by: str, weight: Weight | None, what: str
) -> tuple[EstimationRows, NDArray[np.intp], list[str]]:
    """Read the rows, and the group of each as a code and by its label."""
    import pandas as pd

    known = {variable.name: variable for variable in formula.inputs}
    if by == formula.output.name or (by in known and not known[by].is_category):
        raise FormulaError(f"{what}: {by!r} is a number of the law, not a column of groups")
    if by not in table:
        raise FitError(
            f"{what}: the table has no column {by!r}; {nearest(by, [str(name) for name in table])}"
        )
    rows = EstimationRows.of(formula, table, weight, also=(Variable(by, kind="category"),))
    codes, labels = pd.factorize(rows.columns[by])
    return rows, codes.astype(np.intp), [str(label) for label in labels]


def _law(case: _GroupedProblem[AnyFormula], found: DrawnFit, law: ClassLaw) -> GroupedLaw[AnyFormula]:
    """Return the law of all groups, and those of each and of the population."""
    import pandas as pd

    bare = case.without_fit(case.formula.inputs)
    names, count = found.free.names, found.free.count
    common = Covariance.of(names, found.covariance[:count, :count], float(len(case.labels) - 1))
    mean = found.free.substitute(bare.root, found.numbers[:count])
    alone = {label: law.of_class(case.by, label) for label in case.labels}
    laws = {label: _with(bare, root, covariance) for label, (root, covariance) in alone.items()}
    inputs = case.formula.inputs
    if case.by not in {variable.name for variable in inputs}:
        inputs = (*inputs, Variable(case.by, kind="category"))
    return GroupedLaw(
        formula=_with(case.without_fit(inputs), law.written()[0], common.restrict(case.shared)),
        population=_with(bare, mean, common),
        table=pd.DataFrame(_lines(case, laws, found)),
        between=pd.Series(found.variance / found.weights, index=case.vary, name="between"),
        noise=float(np.sqrt(found.variance)),
        by=case.by,
        laws=laws,
    )


def _with(bare: AnyFormula, root: Node, covariance: Covariance | None) -> AnyFormula:
    """Return the law as a graph, with the covariance of its constants."""
    known = root if covariance is None else with_standard_errors(root, covariance)
    return replace(bare, root=known, covariance=covariance)


def _lines(
    case: _GroupedProblem[AnyFormula], laws: Mapping[str, AnyFormula], found: DrawnFit
) -> Iterator[dict[str, Any]]:
    counts = np.bincount(case.codes, minlength=len(case.labels))
    shares = found.own_share.reshape(len(case.vary), -1).T
    for law, rows, label, weights in zip(laws.values(), counts.tolist(), laws, shares.tolist(), strict=True):
        theta = parameters_of(law.root)
        errors = {} if law.covariance is None else law.covariance.standard_errors
        for name, weight in zip(case.vary, weights, strict=True):
            yield {
                "group": label,
                "rows": rows,
                "constant": name,
                "pooled": theta[name],
                "standard_error": errors[name],
                "weight": weight,
            }
