"""Laws that are given, not learned: written by hand, read from a file, or standing in for one to be learned."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from kanopt.errors import FormulaError, KanoptError
from kanopt.scenarios.files.layers import Mistake
from kanopt.scenarios.files.sections import GivenSpec, LawSpec, LearnedSpec
from kanopt.tables.row_rules import in_order

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.formulas import Formula, Node

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
    needs = {
        name: sorted(names_in(spec.formula) & set(laws)) if isinstance(spec, GivenSpec) else []
        for name, spec in laws.items()
    }
    order, cyclic = in_order(needs)
    wrong = {name: f"{told}; no law can be put in" for name, told in cyclic.items()}
    return order, [Mistake(("surrogates", name, "formula"), told) for name, told in wrong.items()]


def placeholder_law(name: str, spec: LearnedSpec, frame: pd.DataFrame | None) -> Formula:
    """Return a formula with the inputs, units and output of a law that is still to be learned; its value is 1.

    It lets everything that names the law be checked before anything is learned: like the law, it refuses categories
    that its table does not hold, unless they are pooled.
    """
    from kanopt.formulas import Formula, Table, Variable
    from kanopt.formulas.variables import category_label
    from kanopt.tables import units_of

    units = {} if frame is None else units_of(frame)
    inputs = tuple(
        Variable(feature, kind="category")
        if frame is not None and is_category_column(frame, feature)
        else Variable(feature, units.get(feature, ""))
        for feature in dict.fromkeys(spec.features)
    )
    known = [
        Table.of(dict.fromkeys(map(category_label, frame[each.name].dropna().unique()), 0.0), each.name)
        for each in inputs
        if frame is not None and each.is_category and spec.unseen == "error"
    ]
    return Formula(_one(known), inputs, Variable(name, units.get(spec.target, "")), per=spec.per)


def _one(known: Iterable[Node]) -> Node:
    """Return the root of a placeholder: 1, where the categories are among those that tables of zeros hold."""
    from kanopt.formulas import Constant, Sum

    tables = list(known)
    return Sum((Constant(1.0), *tables)) if tables else Constant(1.0)


def is_category_column(frame: pd.DataFrame, column: str) -> bool:
    """Whether a column of a table is there and is a category to a law."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    return column in frame and (not is_numeric_dtype(frame[column]) or is_bool_dtype(frame[column]))


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
            found[name] = (
                _placeholder_from(name, spec, found, provisional)
                if named & provisional
                else _parse_given(name, spec, found)
            )
            found[name] = found[name] if alter is None else alter(name, found[name])
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


def _parse_given(name: str, spec: GivenSpec, laws: Mapping[str, Formula]) -> Formula:
    from kanopt.formulas import Variable, parse_formula

    inputs = [Variable(word, unit) for word, unit in spec.inputs.items()]
    others = {other: law for other, law in laws.items() if other != name}
    return parse_formula(spec.formula, inputs, Variable(name, spec.unit), others, spec.per)


def parse_as_written(name: str, spec: GivenSpec, laws: Mapping[str, Formula]) -> Formula:
    """Read a formula as it stands: the laws it names are plain inputs, in the units of their outputs.

    Raises
    ------
    FormulaError
        If the text is no formula, or a word is both an input and a law.
    """
    from kanopt.formulas import Variable, parse_formula

    own = {word: Variable(word, unit) for word, unit in spec.inputs.items()}
    others = {other: law.output for other, law in laws.items() if other != name}
    if both := sorted(set(own) & set(others)):
        raise FormulaError(f"{both[0]!r} is both an input and a law; rename one")
    return parse_formula(spec.formula, [*own.values(), *others.values()], Variable(name, spec.unit))


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
    from kanopt.formulas import Formula, Table, Variable
    from kanopt.formulas.nodes import postorder

    merged = {word: Variable(word, unit) for word, unit in spec.inputs.items()}
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


def saved_law(name: str, path: Path) -> Formula:
    """Read a law from its file.

    Raises
    ------
    FileFormatError
        If the file is not a saved formula.
    FileNotFoundError
        If there is no such file.
    """
    from kanopt.formulas import Formula

    law = Formula.load(path)
    return replace(law, output=replace(law.output, name=name))
