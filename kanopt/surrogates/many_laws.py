"""One law for each group of a table: one per depot, lane or vehicle type, learned side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import KFold
from threadpoolctl import threadpool_limits

from kanopt.errors import FitError, FormulaError, TableError, UnitError, nearest, warn_user
from kanopt.formulas.nodes import postorder
from kanopt.formulas.simplify import round_law, round_measures
from kanopt.formulas.validity import held_from_poles
from kanopt.formulas.variables import category_label
from kanopt.parallel import run_tasks
from kanopt.surrogates.monitor import FOR_FIT
from kanopt.surrogates.regressor import KANRegressor
from kanopt.tables import split, units_of, with_units
from kanopt.text import count_text

if TYPE_CHECKING:
    from kanopt.formulas import Formula

LEAST_OF_FAMILY = 5
"""Rows of a group from which it has a part in a law of one form."""
HOLDOUT = 0.2
"""Share of the rows of a group by which its law is measured."""
LEFT = 0.1
"""Share of the squares that a law of one form leaves which boosting may foretell."""
_OF_THE_LAW = ("monotone", "bounds", "log_features", "periodic")


@dataclass(frozen=True, eq=False)
class _Question:
    """What all groups share."""

    model: KANRegressor
    target: str
    features: list[str]
    min_r2: float
    budget: float | None


def fit_laws(
    table: pd.DataFrame,
    target: str,
    features: Sequence[str],
    by: str,
    *,
    model: KANRegressor | None = None,
    min_r2: float = 0.5,
    budget: float | None = None,
    workers: int = 1,
) -> dict[Any, Formula]:
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
        The column of the groups, such as ``"depot"``.
    model
        How laws are learned; a :class:`KANRegressor` that is not fitted. Left out, one as it comes.
    min_r2
        Least R² of a law on the fifth of its rows that is held out.
    budget
        Seconds for each law that is learned by itself; None for as long as it needs.
    workers
        Processes side by side.

    Returns
    -------
    dict
        From the value that names a group to its law. A group that no law could be learned for is warned of.

    Raises
    ------
    TableError
        If there is no such column, or rows have no group.

    Examples
    --------
    >>> laws = fit_laws(trips, "minutes", ["km", "hour"], by="depot", workers=4)    # doctest: +SKIP
    >>> laws["north"].evaluate({"km": 4.0, "hour": 8.0})                            # doctest: +SKIP
    """
    known = list(map(str, table.columns))
    for name in (by, target, *features):
        if name not in known:
            raise TableError(f"there is no column {name!r}; {nearest(name, known)}")
    if by in features or by == target:
        raise TableError(f"{by!r} is the column of the groups, within which it never changes")
    if blank := int(table[by].isna().sum()):
        raise TableError(f"{count_text(blank, 'row')} without a {by!r}; fill them, or take them out")
    question = _Question(clone(model or KANRegressor()), target, list(features), min_r2, budget)
    used = [*features, target]
    units = {name: unit for name, unit in units_of(table).items() if name in used}
    groups = {
        label: with_units(rows[used].reset_index(drop=True), units)
        for label, rows in table.groupby(by, sort=True, observed=True)
    }
    found = _family(question, list(groups.values()), by)
    alone = [_Group(number, rows) for number, rows in enumerate(groups.values()) if number not in found]
    done = {each.point: each.law for each in run_tasks(_learn, question, alone, workers=workers)}
    laws = {}
    for number, label in enumerate(groups):
        law = found.get(number) or done[number]
        if isinstance(law, str):
            warn_user(f"{by} {label!r} has no law: {law}")
        else:
            laws[label] = law
    return laws


class _Group(NamedTuple):
    """A group by its number, its rows, and once it is learned its law, or why there is none."""

    point: int
    rows: pd.DataFrame
    law: Formula | str = ""


def _learn(question: _Question, group: _Group) -> _Group:
    """Return the law of a group by itself, or why there is none; workers call it."""
    model, budget = clone(question.model), question.budget
    for_fit, rest = (None, None) if budget is None else (FOR_FIT * budget, (1.0 - FOR_FIT) * budget)
    try:
        train, test = split(group.rows, holdout=HOLDOUT, seed=model.seed)
        model.fit(train[question.features], train[question.target], budget=for_fit)
        law = model.to_formula(test, question.target, min_r2=question.min_r2, budget=rest)
    except (FitError, FormulaError, TableError, UnitError) as error:
        return group._replace(law=str(error))
    return group._replace(law=law)


def _family(question: _Question, groups: Sequence[pd.DataFrame], by: str) -> dict[int, Formula]:
    """Return the laws of one form that describe the groups with enough rows, by their numbers; none where none does."""
    # the ladder loads PyTorch, which reading and correcting laws do without
    from kanopt.formulas.estimation.class_search import class_law, written_of_class
    from kanopt.surrogates.options import is_open

    model = question.model
    parts = {
        number: split(rows, holdout=HOLDOUT, seed=model.seed)
        for number, rows in enumerate(groups)
        if len(rows) >= LEAST_OF_FAMILY and not rows.isna().any(axis=None)
    }
    if len(parts) < 2 or not all(is_open(getattr(model, name)) for name in _OF_THE_LAW):
        return {}
    train = pd.concat(
        [part.assign(**{by: str(number)}) for number, (part, _) in parts.items()], ignore_index=True
    )
    columns = _columns(train, [*question.features, by])
    target = train[question.target].to_numpy(dtype=np.float64)
    with threadpool_limits(limits=1):
        law = class_law(columns, target, np.ones(len(target)))
        if law is None or _is_left(columns, law.left):
            return {}
    found = {
        number: _of_group(question, *written_of_class(law, by, str(number), law.smearing), *both)
        for number, both in parts.items()
    }
    return {number: each for number, each in found.items() if each.fit and each.fit.r2 >= question.min_r2}


def _columns(rows: pd.DataFrame, names: Sequence[str]) -> dict[str, NDArray[Any]]:
    """Return columns as a law reads them: numbers, and categories as text."""
    return {
        name: rows[name].to_numpy(dtype=np.float64)
        if pd.api.types.is_numeric_dtype(rows[name])
        else np.array([category_label(each) for each in rows[name]], dtype=object)
        for name in names
    }


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
    question: _Question, root: Any, covariance: Any, train: pd.DataFrame, test: pd.DataFrame
) -> Formula:
    """Return the law of a group, measured on its held-out rows."""
    from kanopt.formulas import Domain, Fit, Formula, Variable
    from kanopt.surrogates.ladder.rungs import with_errors

    read, units = {name for node in postorder(root) for name in node.names}, units_of(train)
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
