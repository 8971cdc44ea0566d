"""What was given in place of a law that can be used, and how to write one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import fields
from difflib import SequenceMatcher

from kanopt.faults import Fault, Setting
from kanopt.formulas.formula import BoundFormula, Formula
from kanopt.formulas.references import Reference
from kanopt.formulas.variables import Variable
from kanopt.records.headers import read_header
from kanopt.records.record import Quantity, Record
from kanopt.text import list_names
from kanopt.units import same_dimension

UNBOUND = "unbound"
"""The scope of references that stand in for what a file does not bind."""
_SPELT_ALIKE = 0.7
_SHOWN = 12


def law_mistake(
    what: str, law: object, forms: str, references: Mapping[str, str], unread: Collection[str] = ()
) -> list[Fault]:
    """Return what is wrong with a thing that is no law, and how to write one; nothing where it may be one.

    Of a law it is said what it is bound to that the problem does not know.

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
    unread
        Scopes whose tables could not be read, so that nobody knows what they hold.

    Examples
    --------
    >>> from kanopt.formulas import parse_formula
    >>> law = parse_formula("2 * km", [Variable("km", "km")], Variable("minutes", "min"))
    >>> print(*law_mistake("duration", law, "a bound formula", {"arc.distance": "km", "clock.hour": "h"}))
    duration: the formula for 'minutes' is not bound; write law.bind(km=refs.arc.distance), with refs from kanopt
    >>> print(*law_mistake("duration", None, "a bound formula or a matrix", {}))
    duration: is None; give a bound formula or a matrix
    >>> wrong = law.bind(km=Reference("arc", "lenght"))
    >>> print(*law_mistake("duration", wrong, "a bound formula", {"arc.distance": "km", "clock.hour": "h"}))
    duration: the problem does not know 'arc.lenght'; did you mean 'arc.distance'?
    """
    if isinstance(law, (BoundFormula, Reference)):
        units = {law: ""} if isinstance(law, Reference) else _units_of_references(law)
        return [
            _unknown(what, one, unit, references)
            for one, unit in units.items()
            if str(one) not in references and ("client" if one.end else one.scope) not in unread
        ]
    if isinstance(law, Formula):
        bound = ", ".join(f"{each.name}=refs.{likely_reference(each, references)}" for each in law.inputs)
        told = f"the formula for {law.output.name!r} is not bound; write law.bind({bound}), with refs from kanopt"
    elif isinstance(law, str):
        told = f"is the text {law!r:.80}; make a formula of it with parse_formula and bind its inputs, or give {forms}"
    elif hasattr(law, "to_formula"):
        told = f"is a {type(law).__name__}; give its formula, law.to_formula(test), with its inputs bound"
    elif law is None:
        told = f"is None; give {forms}"
    elif callable(law):
        told = f"is a function of Python, of which nothing can be proved; give {forms}"
    else:
        return []
    return [Fault(what, told)]


def _unknown(what: str, one: Reference, unit: str, references: Mapping[str, str]) -> Fault:
    """Return that a problem does not know a reference, and what may be meant."""
    if one.scope == UNBOUND:
        likely = Setting(one.field, likely_reference(Variable(one.field, unit), references))
        told = (f"the input {one.field!r} of its law is not bound; write ", likely, ", or a number")
        return Fault(what, told, reference=str(one))
    advice = nearest_reference(str(one), unit, references)
    return Fault(what, f"the problem does not know {str(one)!r}", advice=advice, reference=str(one))


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
    >>> known = {"arc.distance": "km", "clock.hour": "h", "client.service_duration": "min", "vehicle.fuel_price": ""}
    >>> likely_reference(Variable("hour", "h"), known), likely_reference(Variable("fuel_price"), known)
    ('clock.hour', 'vehicle.fuel_price')
    """
    wanted = variable.unit or read_header(variable.name).unit

    def likeness(reference: str) -> float:
        unit, name = references[reference], reference.partition(".")[2]
        measured = bool(unit and wanted) and (1.0 if same_dimension(unit, wanted) else -1.0)
        # where a leg begins and ends is less often meant than what it is
        measured -= 0.5 if name.startswith(("from_", "to_")) else 0.0
        return measured + (
            2.0 if name == variable.name else SequenceMatcher(None, variable.name, name).ratio()
        )

    return max(references, key=likeness, default="scope.field")


def nearest_reference(given: str, unit: str, references: Mapping[str, str]) -> str:
    """Return a hint, to end a message, that names the reference which is spelt most like one that is none.

    Parameters
    ----------
    given
        What was written.
    unit
        The unit of what is bound to it; what measures something else is not meant.
    references
        What there is, each with its unit.

    Examples
    --------
    >>> known = {"arc.distance": "km", "arc.duration": "min", "client.service_duration": "min"}
    >>> nearest_reference("arc.lenght", "km", known), nearest_reference("client.srvice_duration", "", known)
    ("did you mean 'arc.distance'?", "did you mean 'client.service_duration'?")
    """
    scope, _, field = given.partition(".")
    inside = {name: unit for name, unit in references.items() if name.partition(".")[0] == scope}

    def spelt(reference: str) -> float:
        return SequenceMatcher(None, field, reference.partition(".")[2]).ratio()

    close = [name for name in inside or references if spelt(name) >= _SPELT_ALIKE]
    measured = [name for name, other in inside.items() if unit and other and same_dimension(unit, other)]
    if close or measured:
        return f"did you mean {max(close, key=spelt) if close else measured[0]!r}?"
    if inside:
        return f"known: {list_names(sorted(inside), _SHOWN)}"
    scopes = dict.fromkeys(name.partition(".")[0] for name in references)
    return f"known: {', '.join(f'{scope}.…' for scope in scopes)}"


def _units_of_references(law: BoundFormula) -> dict[Reference, str]:
    pairs = [(law.bindings[variable.name], variable.unit) for variable in law.formula.inputs]
    return {one: unit for one, unit in pairs if isinstance(one, Reference)}


def references_to(
    scope: str, kind: type, records: Iterable[Record], units: Mapping[str, str]
) -> dict[str, str]:
    """Return the references to the fields and attributes of records of a kind, each with its unit."""
    names = [item.name for item in fields(kind) if item.name != "attributes"]
    found = {str(Reference(scope, name)): units.get(name, "") for name in [*names, *units]}
    for record in records:
        for name, value in record.attributes.items():
            found.setdefault(str(Reference(scope, name)), value.unit if isinstance(value, Quantity) else "")
    return found
