"""Facts about a formula, and where data are outside its domain, in words."""

from __future__ import annotations

from kanopt.formulas.alternatives import approximation_text, rivals_text
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.dimensions.analysis import dimensions
from kanopt.formulas.printing import to_infix
from kanopt.text import list_names, number_text


def formula_facts(formula: BaseFormula) -> list[tuple[str, str]]:
    """Return facts about the formula as pairs of a label and a text: output, inputs, constants, tables, fit.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> parse_formula("0.12 * km", [Variable("km", "km", low=0)], Variable("fuel", "l"), per="leg").facts()
    [('output', 'fuel [l] per leg'), ('input', 'km [km], valid from 0')]
    """
    found = [("output", f"{formula.output}" + (f" per {formula.per}" if formula.per else ""))]
    for variable in formula.inputs:
        valid = formula.valid_text(variable)
        found.append(("input", f"{variable}, {valid}" if valid else f"{variable}"))
    units = dimensions(formula)
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


def table_texts(formula: BaseFormula, most: int = 12) -> list[str]:
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
