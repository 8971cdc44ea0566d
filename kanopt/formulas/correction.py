"""Correct a known law where rows insist that it is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.errors import FitError, nearest
from kanopt.formulas.base_formula import Alternative, AnyFormula, BaseFormula
from kanopt.formulas.domain import Domain
from kanopt.formulas.error_model import FREEDOM, robust_deviation, student_density
from kanopt.formulas.estimation.class_moves import OPERATOR, ClassMoves, Proposal
from kanopt.formulas.estimation.class_search import ClassSearch, written
from kanopt.formulas.estimation.drawn import DrawnFit, Smooth
from kanopt.formulas.estimation.naming import EstimationRows, Weight, fresh_names, with_named_constants
from kanopt.formulas.fit import Fit
from kanopt.formulas.nodes import (
    Apply,
    Constant,
    Input,
    Node,
    Power,
    Product,
    Sum,
    count_operators,
    postorder,
    rebuild,
)
from kanopt.formulas.parameters import Covariance, is_parameter, names_in, parameters_of, with_standard_errors
from kanopt.formulas.pieces import Curve, Table
from kanopt.formulas.printing import to_infix
from kanopt.formulas.simplify import simplify_graph
from kanopt.formulas.validity import provenance_of_changed
from kanopt.formulas.variables import Variable, is_finite
from kanopt.text import number_text, shorten

# A known law with a name for whatever may move, and a corrected law as a graph and in words.


@dataclass(frozen=True, eq=False)
class NamedLaw:
    """A law with a name for whatever may move.

    Parameters
    ----------
    formula
        The law as it is known.
    root
        The law with names as a search of laws by class has them, which begin with what a constant is: before a term
        (c), added (a), an exponent (p), or something else (k).
    names
        What the constants are called in the law, by these names.
    exponents
        Whole numbers to which inputs are raised: moving one brings in a power.
    level
        What multiplies the whole law, or is added to it.
    """

    formula: BaseFormula
    root: Node
    names: Mapping[str, str]
    exponents: frozenset[str]
    level: str

    @classmethod
    def of(cls, formula: BaseFormula, rows: EstimationRows, *, factor: bool) -> NamedLaw:
        """Name the constants of a law: its own, a factor per term and one of all, what is added, exponents of inputs.

        Examples
        --------
        >>> import numpy as np
        >>> from kanopt.formulas import parse_formula
        >>> rows = EstimationRows({"km": np.arange(3.0), "load": np.ones(3)}, np.ones(3), np.ones(3))
        >>> law = NamedLaw.of(parse_formula("km * load + 2 * km", ["km", "load"], "cost"), rows, factor=False)
        >>> to_infix(law.root), law.names
        ('0 + km · load^1 + 1 · 2 · km', {'a1': 'c1', 'c2': 'c2', 'p3': 'c4', 'c4': 'c3'})
        """
        plain = simplify_graph(formula.root)  # 60 / 70 is one number
        terms = plain.terms if isinstance(plain, Sum) else (plain,)
        scaled = (term if isinstance(term, Constant) else _times(1.0, term) for term in terms)
        whole = Sum((Constant(0.0), *scaled))
        named = with_named_constants(replace(formula, root=whole, covariance=None)).root
        assert isinstance(named, Sum)
        added = {each.name for each in named.terms if isinstance(each, Constant)}
        before = {each.name for term in named.terms for each in term.children if isinstance(each, Constant)}
        raised = {
            node.exponent.name
            for node in postorder(named)
            if isinstance(node, Power) and isinstance(node.exponent, Constant)
        }
        fresh = fresh_names(replace(formula, root=named, covariance=None))
        names: dict[str, str] = {}

        def new(letter: str, value: float, name: str = "") -> Constant:
            own = next((own for own, other in names.items() if other == name), f"{letter}{len(names) + 1}")
            names.setdefault(own, name or next(fresh))
            return Constant(value, own)

        def put(node: Node) -> Node:
            match node:
                case Constant(name=name, value=value) if is_parameter(node):
                    letter = (
                        "a" if name in added else "c" if name in before else "p" if name in raised else "k"
                    )
                    return new(letter, value, name)
                case Product(factors=factors):
                    return Product(tuple(map(power, factors)))
            return node

        def power(node: Node) -> Node:
            match node:
                case Input(name=name) if rows.columns[name].min() > 0.0:
                    return Power(node, new("p", 1.0))
                case Power(base=Input(name=name), exponent=Constant(name="", value=value)):
                    return Power(node.base, new("p", value)) if rows.columns[name].min() > 0.0 else node
            return node

        root = rebuild(named, put)
        level = next((own for own in names if own[0] == "a"), "")
        if factor or not level:
            one = new("c", 1.0) if factor else new("a", 0.0)
            level, root = one.name, (Product((one, root)) if factor else Sum((one, root)))
        known = {each.name for each in postorder(named) if is_parameter(each) and isinstance(each, Constant)}
        exponents = frozenset(own for own, name in names.items() if own[0] == "p" and name not in known)
        return cls(formula, root, names, exponents, level)

    def is_kept(self, attempt: DrawnFit) -> bool:
        """Whether nothing was corrected."""
        return attempt.root == self.root and not attempt.by and attempt.held == frozenset(self.names)

    def written(self, attempt: DrawnFit) -> tuple[Node, Covariance | None]:
        """Return a corrected law as it is read, and the covariance of its numbers; what is held is as it was known."""
        if self.is_kept(attempt):
            return self.formula.root, None
        root, covariance = written(attempt)
        own = parameters_of(self.formula.root)
        fresh = (name for name in fresh_names(self.formula) if name not in self.names.values())
        names = {name: self.names.get(name) or next(fresh) for name in parameters_of(root)}
        known = {node.key for node in postorder(self.formula.root)}

        def is_new(node: Node) -> bool:
            return isinstance(node, Table | Apply) and node.key not in known and not parameters_of(node)

        def put(node: Node) -> Node:
            if isinstance(node, Product):
                return Product(tuple(sorted(node.factors, key=is_new)))
            if isinstance(node, Curve):
                return node if node.key in known else levelled(node)
            if not isinstance(node, Constant) or not is_parameter(node):
                return node
            if node.name in attempt.held:
                return Constant(node.value, names[node.name] if names[node.name] in own else "")
            return Constant(node.value, names[node.name])

        root = simplify_graph(rebuild(root, put))
        curves = {node.name for node in postorder(root) if isinstance(node, Curve)}
        moved = {names[name] for name in names if name not in attempt.held}
        told = {name for name in names_in(root) if name in moved or name.split("[")[0] not in {*own, *curves}}
        told -= {names[name] for name in names if name in attempt.held}
        if covariance is None or not told:
            return root, None
        called = tuple(names.get(name, name) for name in covariance.names)
        known_of = replace(covariance, names=called).restrict(told)
        return (root, None) if known_of is None else (with_standard_errors(root, known_of), known_of)

    def words(self, attempt: DrawnFit) -> str:
        """Return the corrections in words."""
        before, numbers = parameters_of(self.root), attempt.numbers.tolist()
        after = dict(zip(attempt.free.names, numbers, strict=False))
        told = [
            f"{self.names[name]} from {number_text(before[name], 4)} to {number_text(after[name], 4)}"
            for name in after
            if name in before and name not in attempt.held
        ]
        for each in attempt.classes:
            text = f"{'curve' if isinstance(each, Smooth) else 'table'} of {', '.join(each.columns)}"
            of = self.names.get(each.name, "") if each.name != self.level else ""
            told.append(f"{text} in {of}" if of else text)
        told += list(dict.fromkeys(filter(None, map(self._added, postorder(attempt.root)))))
        return "; ".join(told) or "none"

    def _added(self, node: Node) -> str:
        """Return the inputs that a constant was brought in for; empty for what was there."""
        new = any(
            is_parameter(each) and getattr(each, "name", "") not in self.names for each in node.children
        )
        others = [each for each in node.children if not isinstance(each, Constant)]
        kind = "power" if isinstance(node, Power) else "term"
        return f"{kind} of {', '.join(map(to_infix, others))}" if new and others else ""


def _times(value: float, term: Node) -> Product:
    """Return a term times a number, as one product."""
    return Product((Constant(value), *(term.factors if isinstance(term, Product) else (term,))))


def levelled(curve: Curve) -> Curve:
    """Return the curve with three intervals more at either end, over which it turns level.

    Beyond them it keeps its last value, while its own end tangents would lead anywhere.

    Examples
    --------
    >>> import numpy as np
    >>> rising = Curve("s", Input("x"), (-1.0, 0.0, 1.0, 2.0), 0.0, 1.0)
    >>> levelled(rising).at(np.array([0.5, 1.0, 4.0, 90.0])).round(9).tolist()
    [0.5, 1.0, 1.0, 1.0]
    """
    if curve.periodic:
        return curve
    first, _, last, _ = curve.ends
    coefficients = (*(first,) * 3, *curve.coefficients, *(last,) * 3)
    return Curve(
        curve.name,
        curve.argument,
        coefficients,
        curve.low - 3.0 * curve.width,
        curve.high + 3.0 * curve.width,
    )


ROUNDING = 1e-7
"""Share of the targets' size below which residuals are rounding."""
INSIST = 6.0
"""By how much a correction has to shorten the description: odds of twenty to one."""
GRID = 10
"""Intervals of a curve at most; one for every four different values."""
DECADE = 10.0
"""Ratio of the ends from which a curve is one of the logarithm."""


class CorrectionSearch(ClassSearch):
    """The search for what corrects a law.

    Parameters
    ----------
    known
        The law.
    rows
        The rows.
    periods
        Of numbers that start anew.
    """

    insist = INSIST

    def __init__(self, known: NamedLaw, rows: EstimationRows, periods: Mapping[str, float]) -> None:
        super().__init__(rows, log=False)
        self.known = known
        numbers = [
            name for name, values in rows.columns.items() if values.dtype != object and np.ptp(values) > 0
        ]
        self.read = [name for name in numbers if name not in periods]
        self.floor = max(ROUNDING**2 * float(np.average(np.square(rows.target) * rows.weight)), 1e-300)
        for curve in filter(None, (_curve_of(rows, name, periods.get(name)) for name in numbers)):
            self.add_curve(curve)

    def start(self) -> Proposal:
        """Return the law as it is known."""
        return Proposal(0.0, self.known.root, (), frozenset(self.known.names))

    def length(self, fit: DrawnFit) -> float:
        """Return the length of the description of the rows by a law, with what it takes to say what was corrected."""
        moved = set(fit.free.names) - fit.held
        constants = [name for name in self.known.names if name not in self.known.exponents]
        choice = 2.0 * math.log(3.0 * len(constants))
        price = choice * len(moved & set(constants))
        price += OPERATOR * (len(moved & self.known.exponents) + count_operators(fit.root) + len(fit.classes))
        # the weight of a table or curve is told, too
        told = float(np.log(self.rows.count)) * len(fit.classes)
        return fit.surprise(self.floor, constants=True) + told + price

    def proposals(self, known: DrawnFit) -> Iterator[list[Proposal]]:
        """Yield laws with a constant that moves, then all others."""
        moves = ClassMoves(self, known, by_evidence=True)
        released = list(moves.released())
        yield [law for law in released if not (known.held - law.held) & self.known.exponents]
        powers = [law for law in released if (known.held - law.held) & self.known.exponents]
        yield [*powers, *moves.tables(), *moves.lines(), *moves.powers(), *moves.terms(bends=False)]

    def simple(self, name: str, value: float) -> float | None:
        """Return a number at which a constant that was brought in says nothing, or little."""
        return None if name in self.known.names else super().simple(name, value)

    def plainer(self, known: DrawnFit) -> Iterator[Proposal]:
        """Yield laws with one correction less."""
        for name in known.free.names:
            if name in self.known.names and name not in known.held:
                yield Proposal(0.0, known.root, known.by, known.held | {name})
        yield from super().plainer(known)


def _curve_of(rows: EstimationRows, name: str, period: float | None) -> Smooth | None:
    """Return the curve of a number, unless it has too few different values."""
    x, of = rows.columns[name].astype(np.float64), Input(name)
    grid = min(GRID, len(np.unique(x if period is None else np.mod(x, period))) // 4)
    if period is not None:
        curve = Curve("s", of, (0.0,) * max(4, grid), 0.0, period, periodic=True)
    elif grid < 1:
        return None
    elif 0.0 < DECADE * float(x.min()) <= float(x.max()):
        x = np.log(x)
        curve = Curve("s", Apply("log", of), (0.0,) * (grid + 3), float(x.min()), float(x.max()))
    else:
        curve = Curve("s", of, (0.0,) * (grid + 3), float(x.min()), float(x.max()))
    return Smooth.of("", name, curve, x, factor=False)


LEAST_ROWS = 8
SEARCHED = 5_000
"""Rows that corrections are searched on at most; those that are found are fitted to all."""
MOST = 8
"""Corrections at most."""
TURNS = 4
"""Times that weights follow the law that was found."""
HEAVY = 0.002
"""Share of the rows that is far off from which on rows count by a t distribution."""
MOST_LEVERAGE = 0.99
SHOWN = 200


def correct(
    formula: AnyFormula,
    table: Any,
    columns: Iterable[str] = (),
    *,
    periodic: Mapping[str, float] | None = None,
    weight: Weight | None = None,
    test: Any = None,
) -> AnyFormula:
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
        If there are fewer than 8 rows, or a column is missing.

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
    on 60 rows: c2 from 0.14 to 0.1221; term of load; error on rows left out 0.503, was 3.28
    """
    from threadpoolctl import threadpool_limits

    what = f"formula for {formula.output.name!r}"
    extra = _extra_columns(formula, table, [columns] if isinstance(columns, str) else columns, what)
    read = [*(variable for variable in formula.inputs if variable.name in formula.used), *extra]
    periods = _periods(periodic or {}, read, what)
    rows = EstimationRows.of(formula, table, weight, also=extra)
    if rows.count < LEAST_ROWS:
        raise FitError(f"{what}: {rows.count} rows are too few to correct a law; {LEAST_ROWS} are the least")
    foretold = np.array(np.broadcast_to(formula.evaluate(rows.columns), rows.count))
    # whether columns multiply the whole law, and whether its errors grow with it: both need what is above zero
    ways = [(False, False)]
    if min(rows.target.min(), foretold.min()) > 0.0:
        ways += [(False, True), (True, True)]
    named = [NamedLaw.of(formula, rows, factor=factor) for factor, _ in ways]
    # on such small matrices the threads of BLAS spin for each other
    with threadpool_limits(limits=1):
        paths = [
            _corrected(known, rows, foretold, periods, grows=grows)
            for known, (_, grows) in zip(named, ways, strict=True)
        ]
    path = min(paths, key=lambda path: path[-1].length)
    best, known = path[-1], path[-1].known
    root, covariance = known.written(best.attempt)
    law = _as_formula(formula, extra, root)
    # a periodic column goes together with every value of the others
    inputs = [variable for variable in law.inputs if variable.name in law.used]
    law = replace(
        law,
        domain=Domain.from_rows(inputs, rows.columns, periods),
        provenance={**provenance_of_changed(formula, root), **_provenance(rows.count, path)},
        alternatives=_alternatives(paths, best, extra),
        covariance=covariance,
    )
    if test is None:
        return law
    held_out = EstimationRows.of(law, test)
    return replace(law, fit=Fit.of(held_out.target, law.evaluate(held_out.columns), rows_train=rows.count))


@dataclass(frozen=True, eq=False)
class Correction:
    """A law on the way, and the length of its description in units of the target."""

    known: NamedLaw
    attempt: DrawnFit
    length: float
    error: float


def _corrected(
    known: NamedLaw, rows: EstimationRows, foretold: Floats, periods: Mapping[str, float], *, grows: bool
) -> list[Correction]:
    """Return the way to the corrected law.

    Where errors grow with the law, weights follow the law that was found; so do those of rows that are far off, until
    nothing else is found.
    """
    own = rows.weight / rows.weight.mean()
    size = 1.0 / (foretold * rows.target) if grows else np.ones(rows.count)
    trust, path, told = np.ones(rows.count), list[DrawnFit](), None
    for _ in range(TURNS):
        used = trust
        weighted = replace(rows, weight=own * size * trust)
        few, whole = (
            CorrectionSearch(known, some, periods) for some in (weighted.sample(SEARCHED), weighted)
        )
        begin = path[-1] if path else None
        found = [few.fitted(few.start())]
        if begin is not None and not known.is_kept(begin):
            found.append(few.fitted(begin, begin))
        steps = [each for each in found if each is not None]
        while steps and len(steps) <= MOST and (more := few.grown(steps[-1], 1)) is not steps[-1]:
            assert more is not None
            steps.append(more)
        again = [whole.fitted(each, each) for each in steps]
        path = [each for each in again if each is not None]
        if not path:
            raise FitError(f"formula for {known.formula.output.name!r} has no finite value on some row")
        last = path[-1]
        now = ((to_infix(last.root), last.by, last.held), _trust(left_out(path[-1]) / np.sqrt(used)))
        if told is not None and told[0] == now[0] and np.abs(told[1] - now[1]).max() < 0.1:
            break
        told, trust = now, now[1]
        if grows:
            law = rows.target - path[-1].residual / np.sqrt(weighted.weight)
            size = 1.0 / np.square(np.maximum(law, 1e-3 * np.median(rows.target)))
        elif (trust == 1.0).all():
            break
    return [_measured(each, known, weighted.weight, used, whole.floor) for each in path]


def left_out(attempt: DrawnFit) -> Floats:
    """Return the weighted residual of every row had it been left out, (n,)."""
    return np.asarray(attempt.residual / (1.0 - np.minimum(attempt.leverage, MOST_LEVERAGE)))


def _measured(attempt: DrawnFit, known: NamedLaw, weight: Floats, trust: Floats, floor: float) -> Correction:
    """Return a law with its error, and with a length that may be compared with that of other weights."""
    residual = attempt.residual
    error = float(np.sqrt(np.average(np.square(left_out(attempt)) / weight)))
    told = attempt.length - residual.size * float(np.log(attempt.squares / residual.size + floor))
    surprise = _surprise(residual / np.sqrt(trust), floor)
    return Correction(
        known, attempt, 0.5 * told + surprise - 0.5 * float(np.log(weight / trust).sum()), error
    )


def _surprise(residual: Floats, least: float) -> float:
    """Return minus the log likelihood of residuals, normal or of a t distribution, whichever is shorter."""
    count = residual.size
    variance = max(float(np.square(residual).mean()), least)
    normal = 0.5 * count * (np.log(2.0 * np.pi * variance) + 1.0)
    one = 0.5 * math.log(FREEDOM * np.pi) + math.lgamma(FREEDOM / 2) - math.lgamma((FREEDOM + 1) / 2)
    _, density = student_density(residual, np.ones(count), math.sqrt(least))
    return float(min(normal, count * one - density.sum()))


def _trust(residual: Floats) -> Floats:
    """Return how much every row counts: less where it is far off, and more rows are than chance puts there.

    Weights are those of a t distribution (Lange, Little and Taylor 1989, JASA 84), which forget gross errors.
    """
    gap, deviation = np.abs(residual), robust_deviation(residual)
    if deviation <= 0.0 or float(np.mean(gap > 5.0 * deviation)) <= HEAVY:
        return np.ones(gap.size)
    return np.minimum(1.0, (FREEDOM + 1.0) / (FREEDOM + np.square(gap / deviation)))


def _extra_columns(
    formula: BaseFormula, table: Any, columns: Iterable[str], what: str
) -> tuple[Variable, ...]:
    """Return variables of the columns that corrections may read besides what the law reads."""
    declared = {variable.name: variable for variable in formula.inputs}
    units = getattr(table, "attrs", {}).get("kanopt", {}).get("units", {})
    wanted = [variable.name for variable in formula.inputs if variable.name in table]
    found = []
    for name in dict.fromkeys([*wanted, *map(str, columns)]):
        if name == formula.output.name:
            raise FitError(f"{what}: the column {name!r} is the output; leave it out of columns")
        if name not in table:
            raise FitError(f"{what}: the table has no column {name!r}; {nearest(name, map(str, table))}")
        if name in formula.used:
            continue
        numeric = np.asarray(table[name]).dtype.kind in "iuf"
        new = Variable(name, units.get(name, "")) if numeric else Variable(name, kind="category")
        found.append(declared.get(name, new))
    return tuple(found)


def _periods(periodic: Mapping[str, Any], read: Sequence[Variable], what: str) -> dict[str, float]:
    known = {variable.name: variable for variable in read}
    for name, period in periodic.items():
        if name not in known:
            raise FitError(
                f"{what}: periodic names {name!r}, which is no column here; {nearest(name, known)}"
            )
        if known[name].is_category or not is_finite(period) or period <= 0:
            raise FitError(
                f"{what}: the period of {name!r} is {period!r}; it is a number above zero, as 24, of a numeric column"
            )
    return {str(name): float(period) for name, period in periodic.items()}


def _as_formula(formula: AnyFormula, extra: Sequence[Variable], root: Node) -> AnyFormula:
    """Return a corrected graph as a formula of the law's inputs and the columns that it reads besides."""
    read = {name for node in postorder(root) for name in node.names}
    new = (variable for variable in extra if variable.name in read and variable not in formula.inputs)
    inputs = (*formula.inputs, *new)
    return replace(formula, root=root, inputs=inputs, fit=None, alternatives=(), covariance=None)


def _provenance(count: int, path: list[Correction]) -> dict[str, str]:
    known = path[-1].known
    told = f"on {count:,} rows: {known.words(path[-1].attempt)}"
    if len(path) > 1:
        before, after = (number_text(step.error, 3) for step in (path[0], path[-1]))
        told += f"; error on rows left out {after}, was {before}"
    return {"known law": shorten(str(known.formula), SHOWN), "corrected": told}


def _alternatives(
    paths: list[list[Correction]], best: Correction, extra: Sequence[Variable]
) -> tuple[Alternative, ...]:
    """Return the best law, those on the way to it, and the ends of the other ways, each once."""
    steps = [step for path in paths for step in (path if path[-1] is best else path[-1:])]
    found: dict[str, Alternative] = {}
    for step in sorted(steps, key=lambda step: step is not best):
        root, chosen = step.known.written(step.attempt)[0], step is best
        text = to_infix(root)
        law = None if chosen else _as_formula(step.known.formula, extra, root)
        size = count_operators(root)
        found.setdefault(text, Alternative(size, step.error, chosen, text, step.length, law))
    return tuple(found.values())
