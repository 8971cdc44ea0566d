"""One law for each group of a table: one per depot, lane or vehicle type, learned side by side."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_limits

from kanopt.display import Alarm, Part, Shown
from kanopt.errors import FitError, FormulaError, TableError, UnitError, nearest
from kanopt.formulas.nodes import postorder
from kanopt.formulas.simplify import round_law, round_measures
from kanopt.formulas.validity import held_from_poles
from kanopt.formulas.variables import category_label
from kanopt.parallel import cluster, run_tasks
from kanopt.surrogates.regressor import KANRegressor
from kanopt.tables import split, units_of, with_units
from kanopt.text import count_text, list_names, score_text, seconds_text

if TYPE_CHECKING:
    from distributed import Client

    from kanopt.formulas import Formula, Node
    from kanopt.formulas.parameters import Covariance

FOR_FIT = 0.6
"""Share of the seconds for a law that the fit of its network has; the rest, and what it leaves, is for the formula."""

LEAST_OF_FAMILY = 5
"""Rows of a group from which it has a part in a law of one form."""
LEFT = 0.1
"""Share of the squares that a law of one form leaves which boosting may foretell."""
_OF_THE_LAW = ("monotone", "convex", "concave", "bounds", "log_features", "periodic")


@dataclass(frozen=True)
class LawLimits:
    """What the law of a group must reach, and how long it may take.

    Parameters
    ----------
    holdout
        Share of the rows that it is judged on.
    min_r2
        Least R² on these; a law below it is refused.
    budget
        Seconds for each law; None for as long as it needs.
    """

    holdout: float = 0.2
    min_r2: float = 0.5
    budget: float | None = None


@dataclass(frozen=True)
class _Question:
    """What all groups share."""

    model: KANRegressor
    target: str
    features: tuple[str, ...]
    limits: LawLimits


@dataclass(frozen=True, eq=False)
class _Group:
    """A group: its rows, and once it is learned its law, or why there is none."""

    point: int
    rows: pd.DataFrame | None = None
    formula: Formula | None = None
    message: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, eq=False, repr=False)
class Laws(Mapping[Any, "Formula"], Shown):
    """The laws of groups, by the value that names the group.

    Parameters
    ----------
    by
        The column of the groups.
    formulas
        The law of each group that has one.
    refused
        Why the others have none.
    rows, seconds
        By group, how many rows it has, and how long it took.
    """

    by: str
    formulas: Mapping[Any, Formula]
    refused: Mapping[Any, str]
    rows: Mapping[Any, int] = field(default_factory=dict)
    seconds: Mapping[Any, float] = field(default_factory=dict)

    def __getitem__(self, group: Any) -> Formula:
        if group in self.refused:
            raise KeyError(f"{self.by} {group!r} has no law: {self.refused[group]}")
        if group not in self.formulas:
            raise KeyError(f"no {self.by} {group!r}; {nearest(str(group), list(map(str, self.formulas)))}")
        return self.formulas[group]

    def __iter__(self) -> Iterator[Any]:
        return iter(self.formulas)

    def __len__(self) -> int:
        return len(self.formulas)

    @cached_property
    def summary(self) -> pd.DataFrame:
        """One row per group: its name, ``rows``, ``r2`` on held-out rows, ``rmse``, ``verdict``, ``law``, ``seconds``.

        A group without a law has the reason under ``law``, and no figures.
        """
        found = [self._row(group) for group in self.rows]
        return pd.DataFrame(found, columns=[self.by, "rows", "r2", "rmse", "verdict", "law", "seconds"])

    def _row(self, group: Any) -> list[Any]:
        start = [group, self.rows[group]]
        if group in self.refused:
            return [*start, None, None, "refused", self.refused[group], self.seconds[group]]
        formula = self.formulas[group]
        fit, verdict = formula.fit, formula.verdict
        figures = [None, None] if fit is None else [fit.r2, fit.rmse]
        return [*start, *figures, "" if verdict is None else verdict.level, str(formula), self.seconds[group]]

    def _shown(self) -> Iterator[Part]:
        total = seconds_text(sum(self.seconds.values()))
        yield f"{count_text(len(self), 'law')}, one for each {self.by} ({total} of learning)"
        for group, formula in self.formulas.items():
            told = "" if formula.fit is None else f"   held-out R² {score_text(formula.fit.r2)}"
            yield f"  {group}: {formula}{told}"
        if self.refused:
            yield Alarm(f"no law: {list_names(list(map(str, self.refused)))}")
            yield from (f"  {group}: {why}" for group, why in self.refused.items())


def fit_laws(
    table: pd.DataFrame,
    target: str,
    features: Sequence[str],
    by: str,
    *,
    model: KANRegressor | None = None,
    limits: LawLimits | None = None,
    workers: int = 1,
    dask: str | Client | None = None,
) -> Laws:
    """Learn one law for each group of a table.

    First laws of one form are sought for all groups together, with the group as a class by which constants differ, and
    those of groups with few rows drawn towards the others. They are taken where they leave nothing that a boosting of
    trees would foretell, and reach `min_r2`. Other groups, and all where the model was told what laws it may learn, are
    learned by themselves, by as many workers as are given; the laws do not depend on how many.

    Parameters
    ----------
    table
        Rows of all groups.
    target, features
        Columns that are predicted, and from what.
    by
        The column of the groups, such as ``"depot"``; a row without a value belongs to none and is refused.
    model
        How laws are learned; a :class:`KANRegressor` that is not fitted. Left out, one as it comes.
    limits
        What a law must reach, and how long it may take.
    workers
        Processes side by side.
    dask
        The address of a Dask scheduler, or a ``distributed.Client``, in place of them.

    Returns
    -------
    Laws
        A group that no law could be learned for is told with the reason, and does not hold up the others.

    Raises
    ------
    TableError
        If there is no such column, or rows have no group.

    Examples
    --------
    >>> laws = fit_laws(trips, "minutes", ["km", "hour"], by="depot", workers=4)    # doctest: +SKIP
    >>> laws["north"].evaluate({"km": 4.0, "hour": 8.0})                            # doctest: +SKIP
    """
    _check(table, target, features, by)
    shared = _Question(clone(model or KANRegressor()), target, tuple(features), limits or LawLimits())
    groups = {
        group: with_units(
            rows[[*features, target]].reset_index(drop=True), _units(table, [*features, target])
        )
        for group, rows in table.groupby(by, sort=True, observed=True)
    }
    found = _family(shared, groups, by)
    tasks = [_Group(number, rows) for number, rows in enumerate(groups.values()) if number not in found]
    if tasks:
        with cluster(dask, workers=workers) as client:
            found |= {
                done.point: done for done in run_tasks(_learn, shared, tasks, workers=workers, client=client)
            }
    named = {group: found[number] for number, group in enumerate(groups)}
    return Laws(
        by=by,
        formulas={group: done.formula for group, done in named.items() if done.formula is not None},
        refused={group: done.message for group, done in named.items() if done.formula is None},
        rows={group: len(rows) for group, rows in groups.items()},
        seconds={group: done.seconds for group, done in named.items()},
    )


def _check(table: pd.DataFrame, target: str, features: Sequence[str], by: str) -> None:
    known = list(map(str, table.columns))
    for name in (by, target, *features):
        if name not in known:
            raise TableError(f"there is no column {name!r}; {nearest(name, known)}")
    if by in features or by == target:
        raise TableError(
            f"{by!r} is the column of the groups, within which it never changes; take it from the features"
        )
    if blank := int(table[by].isna().sum()):
        raise TableError(f"{count_text(blank, 'row')} without a {by!r}; fill them, or take them out")
    if not len(table):
        raise TableError("the table has no rows, so that there is no group to learn from")


def _units(table: pd.DataFrame, columns: Sequence[str]) -> dict[str, str]:
    return {name: unit for name, unit in units_of(table).items() if name in columns}


def _family(question: _Question, groups: Mapping[Any, pd.DataFrame], by: str) -> dict[int, _Group]:
    """Return the laws of one form that describe the groups with enough rows, by their numbers; none where none does."""
    # the ladder loads PyTorch, which reading and correcting laws do without
    from kanopt.formulas.estimation.class_search import class_law
    from kanopt.surrogates.options import is_open

    model = question.model
    if not all(is_open(getattr(model, name)) for name in _OF_THE_LAW) or len(groups) < 2:
        return {}
    began = time.process_time()
    parts = {
        number: split(rows, holdout=question.limits.holdout, seed=model.seed)
        for number, rows in enumerate(groups.values())
        if len(rows) >= LEAST_OF_FAMILY and not rows.isna().any(axis=None)
    }
    if len(parts) < 2:
        return {}
    train = pd.concat([part for part, _ in parts.values()], ignore_index=True)
    columns = _columns(train, question.features)
    label = by if by not in columns else f"{by}_"
    columns[label] = np.repeat(
        np.array([str(number) for number in parts], dtype=object), [len(part) for part, _ in parts.values()]
    )
    target = train[question.target].to_numpy(dtype=np.float64)
    with threadpool_limits(limits=1):
        law = class_law(columns, target, np.ones(len(target)))
        if law is None or _is_left(columns, law.residual):
            return {}
    units = units_of(next(iter(groups.values())))
    found = {}
    for number, (own, test) in parts.items():
        formula = _of_group(question, law.of_class(label, str(number), law.smearing), (own, test), units)
        if formula.fit is not None and formula.fit.r2 >= question.limits.min_r2:
            found[number] = _Group(number, formula=formula)
    spent = (time.process_time() - began) / max(len(found), 1)
    return {number: replace(each, seconds=spent) for number, each in found.items()}


def _columns(rows: pd.DataFrame, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return columns as a law reads them: numbers, and categories as text."""
    found: dict[str, NDArray[Any]] = {}
    for name in names:
        if pd.api.types.is_numeric_dtype(rows[name]):
            found[name] = rows[name].to_numpy(dtype=np.float64)
        else:
            found[name] = np.array([category_label(each) for each in rows[name]], dtype=object)
    return found


def _is_left(columns: Mapping[str, NDArray[Any]], residual: NDArray[np.float64]) -> bool:
    """Whether a boosting of trees foretells what a law leaves of rows that it has not seen."""
    from sklearn.ensemble import HistGradientBoostingRegressor
    from sklearn.model_selection import cross_val_predict

    coded = [pd.factorize(values)[0] if values.dtype == object else values for values in columns.values()]
    model = HistGradientBoostingRegressor(max_iter=60, random_state=0)
    told = cross_val_predict(
        model, np.column_stack(coded), residual, cv=KFold(3, shuffle=True, random_state=0)
    )
    return float(np.sum((residual - told) ** 2)) < (1.0 - LEFT) * float(np.sum(residual**2))


def _of_group(
    question: _Question,
    law: tuple[Node, Covariance | None],
    parts: tuple[pd.DataFrame, pd.DataFrame],
    units: Mapping[str, str],
) -> Formula:
    """Return the law of a group, measured on its held-out rows."""
    from kanopt.formulas import Domain, Fit, Formula, Variable
    from kanopt.surrogates.ladder.uncertainty import with_errors

    train, test = parts
    root, covariance = law
    read = {name for node in postorder(root) for name in node.names}
    inputs = tuple(
        Variable(name, units.get(name, ""))
        if pd.api.types.is_numeric_dtype(train[name])
        else Variable(name, kind="category")
        for name in question.features
        if name in read
    )
    rows = _columns(train, [variable.name for variable in inputs])
    output = Variable(question.target, units.get(question.target, ""))
    formula = Formula(root, inputs, output, domain=Domain.from_rows(inputs, rows))
    formula = formula if covariance is None else with_errors(formula, covariance)
    formula = round_law(formula, rows, train[question.target].to_numpy(dtype=np.float64))
    formula = held_from_poles(formula, rows)
    fit = Fit.of(test[question.target], formula.evaluate(test), rows_train=len(train))
    told = {
        "learned by": "fit_laws",
        "written by": "a law of one form for all groups, its constants drawn together",
    }
    return replace(formula, fit=round_measures(fit), provenance=told)


def _learn(question: _Question, group: _Group) -> _Group:
    """Learn the law of a group; workers call it."""
    began = time.perf_counter()
    assert group.rows is not None
    try:
        done = _Group(group.point, formula=_law(question, group.rows))
    except (FitError, FormulaError, TableError, UnitError) as error:
        done = _Group(group.point, message=str(error))
    return replace(done, seconds=time.perf_counter() - began)


def _law(question: _Question, rows: pd.DataFrame) -> Formula:
    model, limits = clone(question.model), question.limits
    train, test = split(rows, holdout=limits.holdout, seed=model.seed)
    features, target, budget = list(question.features), question.target, limits.budget
    began = time.perf_counter()
    model.fit(train[features], train[target], budget=None if budget is None else FOR_FIT * budget)
    left = None if budget is None else max(budget - (time.perf_counter() - began), 0.1)
    formula: Formula = model.to_formula(test, target, min_r2=limits.min_r2, budget=left)
    return formula
