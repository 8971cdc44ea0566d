"""Facts about a formula, and where data are outside its domain, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.formulas.alternatives import approximation_text, rivals_text
from kanopt.formulas.columns import describe_place, in_bounds
from kanopt.formulas.domain import Domain
from kanopt.formulas.printing import to_infix
from kanopt.formulas.variables import Variable
from kanopt.text import list_names, number_text, range_text

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

Columns = Mapping[str, NDArray[Any]]


def formula_facts(formula: Formula) -> list[tuple[str, str]]:
    """Return pairs of a label and a text; see :meth:`kanopt.formulas.Formula.facts`."""
    found = [("output", f"{formula.output}" + (f" per {formula.per}" if formula.per else ""))]
    for variable in formula.inputs:
        valid = valid_range_text(formula, variable)
        found.append(("input", f"{variable}, {valid}" if valid else f"{variable}"))
    units = formula.dimensions()
    for constant in formula.constants:
        error = "" if constant.standard_error is None else f" ± {number_text(constant.standard_error, 2)}"
        value = f"{number_text(constant.value)}{error} {units.unit_of(constant) or ''}"
        text = f"{constant.name or 'number'} {value}"
        found.append(("constant", text.rstrip()))
    found += [("table", text) for text in table_texts(formula)]
    if not units.consistent:
        others = f" (and {len(units.problems) - 1:,} more)" if len(units.problems) > 1 else ""
        found.append(("units", f"do not agree: {units.problems[0]}{others}"))
    where = {"proved": " on the whole domain"}
    found += [("shape", f"{fact}{where.get(fact.verdict, '')}") for fact in formula.shapes]
    if formula.held:
        found.append(("held beyond its data", formula.held))
    if form := approximation_text(formula):
        found.append(("form", form))
    if alike := rivals_text(formula):
        found.append(("rivals", alike))
    if formula.stopped:
        found.append(("stopped early", f"{formula.stopped}; the best law until then"))
    return found if formula.fit is None else [*found, ("held-out fit", str(formula.fit))]


def valid_range_text(formula: Formula, variable: Variable) -> str:
    """Return the valid values of an input, by domain and declaration, in words; empty if all are valid."""
    if variable.is_category:
        known = formula.domain.categories_of(variable.name) or variable.categories
        return f"known: {', '.join(known)}" if known else ""
    low, high = valid_range(formula, variable)
    ends = [f"from {number_text(low, 6)}"] if low is not None else []
    ends += [f"to {number_text(high, 6)}"] if high is not None else []
    return f"valid {' '.join(ends)}" if ends else ""


def valid_range(formula: Formula, variable: Variable) -> tuple[float | None, float | None]:
    """Return the ends of the valid range of a number, by domain and declaration; None for no bound."""
    seen = formula.domain.range_of(variable.name)
    lows = [variable.low, None if seen is None else seen.low]
    highs = [variable.high, None if seen is None else seen.high]
    low = max((bound for bound in lows if bound is not None), default=None)
    return low, min((bound for bound in highs if bound is not None), default=None)


def outside_tests(formula: Formula, columns: Columns) -> dict[tuple[str, ...], NDArray[np.bool_]]:
    """Return masks of the rows where each input, by declaration or domain, and each combination is outside."""
    tests = formula.domain.tests(columns)
    for variable in formula.inputs:
        if variable.name in columns and not variable.is_category:
            beyond = ~in_bounds(columns[variable.name], variable.low, variable.high)
            tests[(variable.name,)] = tests.get((variable.name,), np.False_) | beyond
        elif variable.name in columns and variable.categories:
            known = Domain(categories=((variable.name, variable.categories),)).tests(columns)
            tests[(variable.name,)] = tests.get((variable.name,), np.False_) | known[(variable.name,)]
    return tests


def outside_texts(formula: Formula, columns: Columns) -> list[str]:
    """Return a text per input or combination that is outside; see :meth:`kanopt.formulas.Formula.outside_inputs`."""
    tests = outside_tests(formula, columns)
    alone = {names[0] for names, beyond in tests.items() if len(names) == 1 and beyond.any()}
    variables = {variable.name: variable for variable in formula.inputs}
    found = []
    for names, beyond in tests.items():
        if not beyond.any():
            continue
        if len(names) == 1:
            found.append(_excess(formula, variables[names[0]], columns[names[0]][beyond]))
        elif not alone & set(names):
            place = describe_place({name: columns[name] for name in names}, beyond)
            found.append(f"the combination {place} (each is within its range, together they were not seen)")
    return found


def _excess(formula: Formula, variable: Variable, values: NDArray[Any]) -> str:
    if variable.is_category:
        shown = list_names(list(dict.fromkeys(values.tolist())))
    else:
        shown = range_text(float(values.min()), float(values.max()), variable.unit)
    return f"{variable.name} {shown} ({valid_range_text(formula, variable)})"


def table_texts(formula: Formula, most: int = 12) -> list[str]:
    """Say what each table of categories in a formula holds; beyond `most` entries, how many more.

    Examples
    --------
    >>> from kanopt.formulas import Formula, Input, Table, Variable
    >>> rate = Table.of({"van": 1.0, "truck": 1.4, "bike": 0.2}, "vehicle", fallback=0.9, name="rate")
    >>> inputs = (Variable("km", "km"), Variable("vehicle", kind="category"))
    >>> law = Formula(Input("km") * rate, inputs, Variable("cost", "EUR"))
    >>> table_texts(law)
    ['rate(vehicle): van 1, truck 1.4, bike 0.2; any other 0.9']
    >>> table_texts(law, 2)
    ['rate(vehicle): van 1, truck 1.4 and 1 more; any other 0.9']
    """
    names = [to_infix(table) for table in formula.tables]
    texts = []
    for place, (name, table) in enumerate(zip(names, formula.tables, strict=True)):
        which = f", number {names[: place + 1].count(name)} of that name" if names.count(name) > 1 else ""
        entries = [f"{' and '.join(key)} {number_text(number)}" for key, number in table.entries]
        other = "" if table.fallback is None else f"; any other {number_text(table.fallback)}"
        texts.append(f"{name}{which}: {list_names(entries, most, quoted=False)}{other}")
    return texts
