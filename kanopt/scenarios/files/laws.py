"""Laws of a scenario file: mistakes in them, the rows that they are learned from, and those that are given."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_bool_dtype, is_datetime64_any_dtype, is_numeric_dtype

from kanopt.errors import FormulaError, KanoptError, TableError, nearest
from kanopt.formulas import Constant, Formula, Node, Sum, Table, Variable, VerdictReason, parse_formula
from kanopt.formulas.nodes import postorder
from kanopt.formulas.variables import category_label
from kanopt.scenarios.files.layers import Key, Mistake, unknown
from kanopt.scenarios.files.problem_spec import ProblemSpec
from kanopt.scenarios.files.sections import GivenSpec, LawSpec, LearnedSpec
from kanopt.tables import split, units_of
from kanopt.tables.report import rows_in_source
from kanopt.tables.row_rules import in_order
from kanopt.text import list_names


def law_mistakes(
    laws: Mapping[str, LawSpec], tables: Iterable[str], frames: Mapping[str, pd.DataFrame]
) -> Iterable[Mistake]:
    """Yield the tables, columns and laws that the laws name and that do not exist."""
    known = sorted(tables)
    for name, spec in laws.items():
        key: Key = ("surrogates", name)
        if isinstance(spec, LearnedSpec):
            yield from unknown((*key, "table"), f"unknown table {spec.table!r}", spec.table, known)
            yield from _feature_mistakes(spec, key)
            if spec.table in frames:
                found = list(_column_mistakes(spec, key, frames[spec.table]))
                yield from found
                try:
                    if not found:
                        unseen_rows(spec, *split_rows(spec, complete_rows(spec, frames[spec.table]), seed=0))
                except TableError as error:
                    yield Mistake((*key, "holdout"), str(error))


def _feature_mistakes(spec: LearnedSpec, key: Key) -> Iterable[Mistake]:
    for place, feature in enumerate(spec.features):
        again = "is listed twice" if feature in spec.features[:place] else ""
        told = "is the target; a law cannot read what it predicts" if feature == spec.target else again
        if told:
            yield Mistake((*key, "features", place), f"{feature!r} {told}")
    if spec.groups in (spec.target, *spec.features):
        told = (
            "says which rows share an error, such as the day or the route of each: the law neither predicts nor reads "
            "it; name another column, or take it from the features"
        )
        yield Mistake((*key, "groups"), f"{spec.groups!r} {told}")
    for what in ("monotone", "periodic"):
        # a name with an arrow is an edge of the network, which is not known before training
        for name in (each for each in getattr(spec, what) if "→" not in each):
            yield from unknown((*key, what, name), f"{name!r} is not among the features", name, spec.features)


def _column_mistakes(spec: LearnedSpec, key: Key, frame: pd.DataFrame) -> Iterable[Mistake]:
    columns = [str(column) for column in frame.columns]
    read: dict[Key, str] = {("target",): spec.target}
    read |= {("features", place): feature for place, feature in enumerate(spec.features)}
    beside: dict[Key, str | None] = {("holdout", "by"): spec.holdout.by, ("groups",): spec.groups}
    for where, column in {**read, **{at: name for at, name in beside.items() if name is not None}}.items():
        told = ""
        if column not in columns:
            told = f"table {spec.table!r} has no column {column!r}; {nearest(column, columns)}"
        elif where in read and is_datetime64_any_dtype(frame[column].dtype):
            told = (
                f"column {column!r} of {spec.table!r} holds dates, and a law is of numbers and categories; add columns "
                "of what matters of a date, such as month, weekday or hour, or days since the first"
            )
        elif spec.on_missing == "error" and frame[column].isna().any():
            blank = frame[column].isna().to_numpy()
            known = rows_in_source(frame)
            rows, what = (np.flatnonzero(blank) + 1, "data rows") if known is None else (known[blank], "rows")
            shown = list_names([f"{row:,}" for row in rows], 3, quoted=False)
            told = (
                f"column {column!r} of {spec.table!r} has no value in {len(rows):,} of {len(frame):,} rows "
                f'({what} {shown}); complete them, or write on_missing = "drop" to learn from the others'
            )
        if told:
            yield Mistake((*key, *where), told)


def binding_mistakes(
    problem: ProblemSpec, laws: Collection[str], formulas: Mapping[str, Formula]
) -> Iterator[Mistake]:
    """Yield unknown laws, and bindings that are none or that no law reads; the problem judges what they name.

    Parameters
    ----------
    problem
        The section.
    laws
        Every name under ``[surrogates]``.
    formulas
        The laws that could be read, or what stands in for them.
    """
    known, uses = sorted(laws), problem.law_uses()
    for key, name in uses.items():
        yield from unknown(("problem", *key), f"there is no law {name!r} under [surrogates]", name, known)
    read = [name for name in dict.fromkeys(uses.values()) if name in formulas]
    inputs = {name: [variable.name for variable in formulas[name].inputs] for name in read}
    for name in read:
        bound = problem.bindings_of(name)
        for variable in formulas[name].inputs:
            word, value = variable.name, bound.get(variable.name)
            if isinstance(value, str) and not variable.is_category:
                such = f'{value!r} is neither; write "scope.field", such as "arc.distance"'
                told = f"the input {word!r} takes a number or what the problem knows; {such}"
                yield Mistake(problem.binding_key(name, word), told)
    # while a law is missing, what looks superfluous may belong to it
    if set(uses.values()) <= set(formulas):
        yield from _superfluous(problem, inputs)


def _superfluous(problem: ProblemSpec, inputs: Mapping[str, list[str]]) -> Iterator[Mistake]:
    every = [word for words in inputs.values() for word in words]
    for word, value in problem.bind.items():
        key: Key = ("problem", "bind", word)
        if not isinstance(value, dict):
            yield from unknown(key, f"no law the problem reads has an input {word!r}", word, every)
            continue
        yield from unknown(key, f"the problem reads no law {word!r}", word, inputs)
        for inner in value if word in inputs else ():
            yield from unknown((*key, inner), f"law {word!r} has no input {inner!r}", inner, inputs[word])


def unit_remarks(problem: ProblemSpec, formulas: Mapping[str, Formula]) -> Iterable[Mistake]:
    """Yield the laws whose results or inputs have no unit, and so are taken in the unit of the problem."""
    for name in dict.fromkeys(problem.law_uses().values()):
        law = formulas[name]
        if not law.output.unit:
            told = "has no unit, so that its values are taken in that of the problem"
            yield Mistake(("surrogates", name), told)
        for variable in law.inputs:
            bound = problem.bindings_of(name).get(variable.name)
            if not variable.unit and getattr(bound, "scope", "") in ("arc", "state", "clock"):
                message = f"the input {variable.name!r} of law {name!r} has no unit, so that {bound} is read as it is"
                yield Mistake(problem.binding_key(name, variable.name), message)


def dimension_remarks(laws: Mapping[str, LawSpec], formulas: Mapping[str, Formula]) -> Iterable[Mistake]:
    """Yield the laws written by hand whose units do not agree, such as minutes that are added to hours."""
    for name, spec in laws.items():
        if isinstance(spec, GivenSpec) and name in formulas:
            for message in unit_mistakes(name, spec, formulas):
                yield Mistake(("surrogates", name, "formula"), message)


def named_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with its rows called as they are in its file, whatever was left out, for messages."""
    rows = rows_in_source(frame)
    return frame if rows is None else frame.set_axis(rows, axis="index")


def complete_rows(spec: LearnedSpec, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that have a value in every column the law needs."""
    return frame.dropna(subset=[*spec.columns_read])


def split_rows(spec: LearnedSpec, frame: pd.DataFrame, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Divide rows into those to learn from and those held out.

    A category that only held-out rows have cannot be predicted. Of rows drawn at random, one with it is learned from;
    of whole weeks or groups, its rows judge nothing, see :func:`unseen_rows`. Where rows of a group share an error, a
    share of the rows is one of whole groups: a row tells of the others.

    Raises
    ------
    TableError
        If either side would be empty.
    """
    held = spec.holdout
    amount: Any = held.share if held.last is None else held.last
    if held.by is None and spec.groups is not None:
        return split(frame, by=spec.groups, holdout=amount, seed=seed, how="group")
    keep = _categories(spec, frame) if held.by is None else []
    return split(frame, by=held.by, holdout=amount, seed=seed, keep=keep)


def with_groups(
    spec: LearnedSpec, frame: pd.DataFrame, seed: int
) -> tuple[LearnedSpec, tuple[VerdictReason, ...]]:
    """Return a law with the groups that its rows share errors in, where only the table tells of them.

    Rows that would be drawn at random are then held out by whole groups. Where the file says how rows are held out, the
    column is only told, as a reason of the verdict; so is a drift along rows that are drawn at random.

    Parameters
    ----------
    spec
        The law.
    frame
        Rows that have a value in every column it needs, in their order, with all columns of the table.
    seed
        For the quick fit whose errors are looked at.
    """
    from kanopt.surrogates.audit import leaks, sharing
    from kanopt.surrogates.cleaning import quick_residuals

    if spec.groups is not None or not len(frame) > 0:
        return spec, ()
    drawn = spec.holdout.by is None
    others = [str(name) for name in frame.columns if name not in (spec.target, *spec.features)]
    # rows with one value of a rounded target share its errors, and are no group
    weak = (told for told in leaks(frame, spec.target, others) if told.level == "weak")
    once_more = {name for told in weak for name in told.columns}
    others = [name for name in others if name not in once_more]
    left = quick_residuals(frame, spec.target, spec.features, seed=seed)
    found = sharing(frame, left, others, ordered=drawn)
    by = found[0].columns if found else ()
    return (spec.model_copy(update={"groups": by[0]}), found) if by and drawn else (spec, found)


def unseen_rows(spec: LearnedSpec, train: pd.DataFrame, test: pd.DataFrame) -> pd.Series[bool]:
    """Return a mask of the held-out rows with a category that no training row has.

    Raises
    ------
    TableError
        If that are all of them.
    """
    mask, names = pd.Series(False, index=test.index), _categories(spec, test)
    for name in names:
        mask |= ~test[name].isin(train[name].unique())
    if mask.all():
        raise TableError(
            f"every held-out row has a category ({list_names(names)}) that no training row has, so "
            "that nothing is left to judge the law by; hold out other rows"
        )
    return mask


def _categories(spec: LearnedSpec, frame: pd.DataFrame) -> list[str]:
    return [name for name in spec.features if not is_numeric_dtype(frame[name].dtype)]


# Laws that are given, not learned: written by hand, read from a file, or standing in for one to be learned.

_WORD = re.compile(r"[^\W\d]\w*|`[^`]*`")


def names_in(text: str) -> set[str]:
    """Return every word in the text of a formula, functions included.

    Examples
    --------
    >>> sorted(names_in("fuel * price + `fixed cost`"))
    ['fixed cost', 'fuel', 'price']
    """
    return {word.strip("`") for word in _WORD.findall(text)}


def dependency_order(laws: Mapping[str, LawSpec]) -> tuple[list[str], list[Mistake]]:
    """Return the laws with each behind those its formula names, and a mistake for each that names itself in the end.

    Examples
    --------
    >>> a, b = GivenSpec(formula="2 * b"), GivenSpec(formula="1")
    >>> dependency_order({"a": a, "b": b})[0]
    ['b', 'a']
    """
    given = {name: spec.formula for name, spec in laws.items() if isinstance(spec, GivenSpec)}
    needs = {name: sorted(names_in(given.get(name, "")) & set(laws)) for name in laws}
    order, cyclic = in_order(needs)
    wrong = [(("surrogates", name, "formula"), told) for name, told in cyclic.items()]
    return order, [Mistake(key, f"{told}; no law can be put in") for key, told in wrong]


def placeholder_law(name: str, spec: LearnedSpec, frame: pd.DataFrame | None) -> Formula:
    """Return a formula with the inputs, units and output of a law that is still to be learned; its value is 1.

    It lets everything that names the law be checked before anything is learned: like the law, it refuses categories
    that its table does not hold, unless they are pooled.
    """
    units = {} if frame is None else units_of(frame)
    inputs: list[Variable] = []
    known: list[Node] = []
    for feature in dict.fromkeys(spec.features):
        cells = None if frame is None else frame.get(feature)
        if cells is None or (is_numeric_dtype(cells) and not is_bool_dtype(cells)):
            inputs.append(Variable(feature, units.get(feature, "")))
            continue
        inputs.append(Variable(feature, kind="category"))
        if spec.unseen == "error":
            labels = map(category_label, cells.dropna().unique())
            known.append(Table.of(dict.fromkeys(labels, 0.0), feature))
    return Formula(_one(known), tuple(inputs), Variable(name, units.get(spec.target, "")), per=spec.per)


def _one(known: Iterable[Node]) -> Node:
    """Return the root of a placeholder: 1, where the categories are among those that tables of zeros hold."""
    tables = list(known)
    return Sum((Constant(1.0), *tables)) if tables else Constant(1.0)


def laws_built_on(laws: Mapping[str, LawSpec], names: Iterable[str]) -> set[str]:
    """Return some laws, and those written by hand that name one of them or are built on one that does.

    Examples
    --------
    >>> a, b = GivenSpec(formula="2 * b"), GivenSpec(formula="1")
    >>> sorted(laws_built_on({"a": a, "b": b}, ["b"])), laws_built_on({"a": a, "b": b}, ["a"])
    (['a', 'b'], {'a'})
    """
    found = set(names)
    for name in dependency_order(laws)[0]:
        spec = laws[name]
        if isinstance(spec, GivenSpec) and names_in(spec.formula) & found:
            found.add(name)
    return found


def given_laws(
    laws: Mapping[str, LawSpec],
    have: Mapping[str, Formula],
    *,
    placeholders: Iterable[str] = (),
    alter: Callable[[str, Formula], Formula] | None = None,
) -> tuple[dict[str, Formula], list[Mistake]]:
    """Read the formulas written by hand.

    Parameters
    ----------
    laws
        How each law is had.
    have
        The formulas that are there already: learned, read from files, placeholders, or read from the text before.
    placeholders
        Those of `have` that are placeholders; a formula that names one is checked, and becomes one as well.
    alter
        What becomes of each formula that is read, before others name it; left out, nothing.

    Returns
    -------
    laws : dict
        Those of `have` and those written by hand, in the order of `laws`.
    mistakes : list of Mistake
        One for each formula that cannot be read; what it is named in is not reported again.
    """
    order, mistakes = dependency_order(laws)
    found, provisional = dict(have), set(placeholders)
    broken = {str(mistake.key[1]) for mistake in mistakes}
    for name in order:
        spec = laws[name]
        if not isinstance(spec, GivenSpec) or name in have:
            continue
        named = names_in(spec.formula) & (set(laws) | broken)
        if named & broken:
            broken.add(name)
            continue
        try:
            if named & provisional:
                law = _placeholder_from(name, spec, found, provisional)
            else:
                law = parse_formula(spec.formula, _own(spec), Variable(name, spec.unit), found, spec.per)
            found[name] = law if alter is None else alter(name, law)
        except KanoptError as error:
            broken.add(name)
            mistakes.append(Mistake(("surrogates", name, "formula"), str(error)))
            continue
        for word in sorted(set(spec.inputs) - names_in(spec.formula)):
            message = f"the formula does not use {word!r}; leave it out"
            mistakes.append(Mistake(("surrogates", name, "inputs", word), message))
        if named & provisional:
            provisional.add(name)
    return {name: found[name] for name in laws if name in found}, mistakes


def parse_as_written(name: str, spec: GivenSpec, laws: Mapping[str, Formula]) -> Formula:
    """Read a formula as it stands: the laws it names are plain inputs, in the units of their outputs.

    Raises
    ------
    FormulaError
        If the text is no formula, or a word is both an input and a law.
    """
    others = {other: law.output for other, law in laws.items() if other != name}
    if both := sorted(set(spec.inputs) & set(others)):
        raise FormulaError(f"{both[0]!r} is both an input and a law; rename one")
    return parse_formula(spec.formula, [*_own(spec), *others.values()], Variable(name, spec.unit))


def _own(spec: GivenSpec) -> list[Variable]:
    """Return the inputs that a formula declares."""
    return [Variable(word, unit) for word, unit in spec.inputs.items()]


def unit_mistakes(name: str, spec: GivenSpec, laws: Mapping[str, Formula]) -> list[str]:
    """Say where the declared units of a formula do not agree, such as minutes that are added to hours.

    The formula is judged as it is written: once the laws it names are put in, their constants may take any unit.

    Examples
    --------
    >>> pay = GivenSpec(formula="time * w", inputs={"time": "min", "w": "EUR/h"}, unit="EUR")
    >>> print(*unit_mistakes("pay", pay, {}))
    the units do not agree: time · w is in min·EUR/h, but pay is declared in EUR: convert first (1 EUR = 60 min·EUR/h)
    """
    found = parse_as_written(name, spec, laws).dimensions().problems
    return [f"the units do not agree: {problem}" for problem in found]


def _placeholder_from(
    name: str, spec: GivenSpec, laws: Mapping[str, Formula], placeholders: Collection[str]
) -> Formula:
    """Check the text with the laws it names as plain inputs; return a formula of value 1 with all inputs."""
    merged = {each.name: each for each in _own(spec)}
    tables: dict[Node, None] = {}
    for other in sorted(parse_as_written(name, spec, laws).used - set(merged)):
        if other in placeholders:
            tables |= dict.fromkeys(node for node in postorder(laws[other].root) if isinstance(node, Table))
        for variable in laws[other].inputs:
            known = merged.setdefault(variable.name, variable)
            if known.unit and variable.unit and known.unit != variable.unit:
                raise FormulaError(
                    f"input {variable.name!r} is in {known.unit!r} here, but the law {other!r} takes it "
                    f"in {variable.unit!r}"
                )
    return Formula(_one(tables), tuple(merged.values()), Variable(name, spec.unit), spec.per)


def named_law(name: str, law: Formula) -> Formula:
    """Return a law under a name of the file."""
    return replace(law, output=replace(law.output, name=name))
