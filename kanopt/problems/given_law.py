"""What was given in place of a law that can be used, and how to write one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher

from kanopt.formulas.binding import BoundFormula
from kanopt.formulas.formula import Formula
from kanopt.formulas.references import Reference
from kanopt.formulas.variables import Variable
from kanopt.problems.column_units import read_header
from kanopt.problems.records import Quantity, Record
from kanopt.units import same_dimension

__all__ = ["law_mistake", "likely_reference", "references_to"]


def law_mistake(what: str, law: object, forms: str, references: Mapping[str, str]) -> list[str]:
    """Return what is wrong with a thing that is no law, and how to write one; nothing where it may be one.

    Parameters
    ----------
    what
        What it was given as, such as ``"duration"``.
    law
        What was given.
    forms
        What may be given.
    references
        What its inputs may be bound to, each with its unit.

    Examples
    --------
    >>> from kanopt.formulas import parse_formula
    >>> law = parse_formula("2 * km", [Variable("km", "km")], Variable("minutes", "min"))
    >>> print(*law_mistake("duration", law, "a bound formula", {"arc.distance": "km", "clock.hour": "h"}))
    duration: the formula for 'minutes' is not bound; write law.bind(km=refs.arc.distance), with refs from kanopt
    >>> law_mistake("duration", None, "a bound formula or a matrix", {})
    ['duration: is None; give a bound formula or a matrix']
    """
    if isinstance(law, Formula):
        bound = ", ".join(f"{each.name}=refs.{likely_reference(each, references)}" for each in law.inputs)
        told = f"the formula for {law.output.name!r} is not bound; write law.bind({bound}), with refs from kanopt"
    elif isinstance(law, str):
        told = f"is the text {law!r:.80}; make a formula of it with parse_formula and bind its inputs, or give {forms}"
    elif hasattr(law, "to_formula"):
        told = f"is a {type(law).__name__}; give its formula, law.to_formula(test), with its inputs bound"
    elif law is None:
        told = f"is None; give {forms}"
    elif callable(law) and not isinstance(law, BoundFormula):
        told = f"is a function of Python, of which nothing can be proved; give {forms}"
    else:
        return []
    return [f"{what}: {told}"]


def likely_reference(variable: Variable, references: Mapping[str, str]) -> str:
    """Return the reference that an input means most likely: of its unit, then of its name.

    Parameters
    ----------
    variable
        The input.
    references
        What there is, each with its unit.

    Examples
    --------
    >>> known = {"arc.distance": "km", "clock.hour": "h", "client.service": "min", "vehicle.fuel_price": ""}
    >>> likely_reference(Variable("hour", "h"), known), likely_reference(Variable("fuel_price"), known)
    ('clock.hour', 'vehicle.fuel_price')
    """
    wanted = variable.unit or read_header(variable.name).unit

    def likeness(reference: str) -> float:
        unit, name = references[reference], reference.partition(".")[2]
        measured = bool(unit and wanted) and (1.0 if same_dimension(unit, wanted) else -1.0)
        return measured + (
            2.0 if name == variable.name else SequenceMatcher(None, variable.name, name).ratio()
        )

    return max(references, key=likeness, default="scope.field")


def references_to(scope: str, records: Iterable[Record], units: Mapping[str, str]) -> dict[str, str]:
    """Return the references to the fields and attributes of records, each with its unit."""
    found = {str(Reference(scope, name)): unit for name, unit in units.items()}
    for record in records:
        for name, value in record.attributes.items():
            found.setdefault(str(Reference(scope, name)), value.unit if isinstance(value, Quantity) else "")
    return found
