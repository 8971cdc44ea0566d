"""Where a plan uses a law, and what its price cannot be trusted for: values cut off, inputs outside the data."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from difflib import SequenceMatcher
from functools import cache, cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.errors import LawValueError, ProblemError, nearest
from kanopt.faults import Fault, Setting
from kanopt.formulas.columns import CALENDAR
from kanopt.formulas.formula import BoundFormula, Formula
from kanopt.formulas.variables import Reference, ReferenceValue, Variable
from kanopt.plans.findings import Extrapolation
from kanopt.records.headers import read_header
from kanopt.records.reading import Quantity, Record
from kanopt.text import amount_text, fixed_text, join_list, list_names
from kanopt.units import convert, same_dimension

# What was given in place of a law that can be used, and how to write one.

UNBOUND = "unbound"
"""The scope of references that stand in for what a file does not bind."""


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
    duration: the problem does not know 'arc.lenght'; known: 'arc.distance'
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
    of_scope = [name for name in references if name.startswith(f"{one.scope}.")]
    advice = nearest(str(one), of_scope or references)
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


# The day a plan is for, and what laws read of it: what a column of dates gives in a history.

DAY_REFERENCES: Mapping[str, str] = {
    f"day.{name}": function.unit
    for name, function in CALENDAR.items()
    if function.arguments == 1 and not function.takes_clock
}
"""What laws may read of the day of a plan, each with its unit."""


def read_day(given: object) -> date | None:
    """Return the day of a plan: a date, or one written as ``"2026-03-02"``; None where none is stated.

    Raises
    ------
    ProblemError
        If it is no day.

    Examples
    --------
    >>> read_day("2026-03-02")
    datetime.date(2026, 3, 2)
    """
    if given is None:
        return None
    if isinstance(given, date) and not isinstance(given, datetime):
        return given
    try:
        if isinstance(given, str):
            return date.fromisoformat(given)
    except ValueError:
        pass
    raise ProblemError(f'day: {str(given)!r:.80} is no day; write year, month and day, as in "2026-03-02"')


@cache
def day_value(day: date | None, reference: Reference) -> ReferenceValue:
    """Return what a law reads of the day of a plan, one number.

    Examples
    --------
    >>> float(day_value(date(2026, 3, 2), Reference("day", "weekday")).values)
    1.0
    """
    import pandas as pd

    function = CALENDAR[reference.field]
    found = function.value(pd.Series([day], dtype="datetime64[ns]"))
    return ReferenceValue(np.asarray(found[0]), function.unit)


def laws_without_day(laws: Mapping[str, object], day: object) -> Iterator[Fault]:
    """Yield, for each law that reads the day of the plan where none is stated, what to write.

    Parameters
    ----------
    laws
        What was given as laws, by what each is called.
    day
        The day of the plan; None where none is stated.
    """
    for what, law in laws.items():
        read = law.references if isinstance(law, BoundFormula) else ()
        of_day = [str(each) for each in read if str(each) in DAY_REFERENCES]
        if of_day and day is None:
            advice = ("write ", Setting("day", "2026-03-02"), ", the day of the plan")
            yield Fault(
                what, f"it reads {of_day[0]!r}, but no day is stated", advice=advice, reference=of_day[0]
            )


_ROUNDING = 1e-9
"""So much below zero, beside the largest value, is what rounding leaves of zero."""


@dataclass(frozen=True, eq=False)
class LawUse:
    """The places at which a plan uses one law.

    Parameters
    ----------
    law
        What the law is in the problem, as a sentence begins: ``"duration"``, ``"cost 'fuel'"``.
    formula
        The law itself.
    arguments
        Its inputs in its own units; each broadcasts to `shape`.
    rise
        By how much the price of the plan rises for each unit by which the output of the law rises there; broadcasts
        to `shape`. What the plan decides stays as it is.
    shape
        Shape of the places; ``(n,)``.
    places
        What a place is, one and many: ``("leg", "legs")``.
    cut_off
        Whether a value below zero is counted as zero.
    price_change
        Where the price does not rise in proportion, as with delays that waiting takes up: from changes of the law's
        output, shape ``(draws, n)``, to those of the price, ``(draws,)``. The rise is not read then.
    where
        Returns the group and item of each place, as the lines of the price have them; None where places have no names.
    term
        Term of the price whose lines are the law's values times the rise, place by place; where the item is empty, all
        lines of the term and group together. Empty where the price is not made so.
    times
        How often the law counts at each place: once, or the amount that is carried where it is paid by the amount.
    """

    law: str
    formula: Formula
    arguments: Mapping[str, NDArray[Any]]
    rise: Floats
    shape: tuple[int]
    places: tuple[str, str]
    cut_off: bool = False
    price_change: Callable[[Floats], Floats] | None = None
    where: Callable[[], Sequence[tuple[str, str]]] | None = None
    term: str = ""
    times: Floats | float = 1.0

    @cached_property
    def values(self) -> Floats:
        """The law's output at every place, in its own unit and as it is."""
        return np.asarray(np.broadcast_to(self.formula.evaluate(self.arguments), self.shape))

    @cached_property
    def below_zero(self) -> NDArray[np.bool_]:
        """Where a value below zero is counted as zero."""
        return (self.values < 0) if self.cut_off else np.zeros(self.shape, dtype=bool)

    @cached_property
    def outside(self) -> NDArray[np.bool_]:
        """Where the law is used outside the data it was learned from."""
        return np.asarray(np.broadcast_to(self.formula.outside(self.arguments), self.shape))

    @property
    def amounts(self) -> Floats:
        """What each place adds to the lines of :attr:`term`."""
        values = np.maximum(self.values, 0.0) if self.cut_off else self.values
        return np.asarray(values * np.broadcast_to(self.rise, self.shape))

    @property
    def caveats(self) -> tuple[str, ...]:
        """What the price cannot be trusted for, in clauses.

        Examples
        --------
        >>> from kanopt.formulas import Variable, parse_formula
        >>> fuel = parse_formula("km - 5", [Variable("km", "km", low=0, high=20)], Variable("fuel", "EUR"))
        >>> km = np.array([2.0, 8.0, 30.0])
        >>> use = LawUse("cost 'fuel'", fuel, {"km": km}, np.ones(3), (3,), ("leg", "legs"), cut_off=True)
        >>> print(*use.caveats, sep="; ")
        cost 'fuel' is below zero on 1 of 3 legs and counted as 0; cost 'fuel' is used outside its data on 1 of 3 legs
        """
        below, outside = int(self.below_zero.sum()), int(self.outside.sum())
        said = [f"{self.law} is below zero{self.on(below)} and counted as 0"] if below else []
        said += [f"{self.law} is used outside its data{self.on(outside)}"] if outside else []
        return tuple(said)

    def extrapolations(self) -> Iterator[Extrapolation]:
        """Yield an entry for each group of places, such as a lane or a machine, of which some are outside the data."""
        if not self.outside.any():
            return
        groups: dict[str, list[tuple[int, str]]] = {}
        for place, (group, item) in enumerate([] if self.where is None else self.where()):
            groups.setdefault(group, []).append((place, item))
        full = {name: np.broadcast_to(values, self.shape) for name, values in self.arguments.items()}
        for group, places in groups.items():
            here = [place for place, _ in places if self.outside[place]]
            if here:
                items = join_list([item for place, item in places if self.outside[place] and item], 3)
                of_inputs = self.formula.outside_inputs({name: values[here] for name, values in full.items()})
                inputs, named = "; ".join(of_inputs), group or "the plan"
                count = f", on {len(here):,} of {len(places):,} {self.places[len(places) > 1]} ({items})"
                told = f"{self.law} of {named} is used outside the data it was learned from"
                yield Extrapolation(self.law, named, inputs, f"{told}{count * bool(items)}: {inputs}")

    def on(self, count: int) -> str:
        """Return on how many of the places something holds: ``" on 1 of 3 legs"``."""
        total = self.shape[0]
        one, many = self.places
        if not one:
            return ""
        return f" on {fixed_text(count, 0)} of {fixed_text(total, 0)} {one if total == 1 else many}"


def caveats(uses: Iterable[LawUse]) -> tuple[str, ...]:
    """Return what is to be said of all laws together, each clause once."""
    return tuple(dict.fromkeys(clause for use in uses for clause in use.caveats))


def _falls_below_zero(values: Floats) -> NDArray[np.bool_]:
    """Say which values of a law are below zero by more than rounding."""
    finite = np.abs(values[np.isfinite(values)])
    return np.asarray(values < -_ROUNDING * max(1.0, finite.max(initial=0.0)))


def refuse_impossible(uses: Iterable[LawUse]) -> None:
    """Refuse a plan that rests on a law of time or of an amount where that falls below zero; money may.

    Parameters
    ----------
    uses
        The places at which the plan uses its laws.

    Raises
    ------
    LawValueError
        If it does; names the law, the places, the value and what to do.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> minutes = parse_formula("km - 5", [Variable("km", "km", low=0, high=20)], Variable("minutes", "min"))
    >>> use = LawUse("duration", minutes, {"km": np.array([2.0, 8.0])}, np.ones(2), (2,), ("leg", "legs"), cut_off=True)
    >>> refuse_impossible([use])
    Traceback (most recent call last):
    ...
    kanopt.errors.LawValueError: duration (law 'minutes') falls to −3 min on 1 of 2 legs: no time and no amount is ...
    """
    lines = []
    for use in uses:
        wrong = (
            _falls_below_zero(use.values) if use.cut_off and not use.term else np.zeros(use.shape, dtype=bool)
        )
        if not wrong.any():
            continue
        named = [] if use.where is None else use.where()
        places = [": ".join(filter(None, each)) for each, bad in zip(named, wrong, strict=False) if bad]
        where = use.on(int(wrong.sum())) + (f" ({list_names(places, 3, quoted=False)})" if places else "")
        lines.append(_impossible_value(use.law, use.formula, float(use.values[wrong].min()), where))
    if lines:
        raise LawValueError("\n".join(lines))


def refuse_below_zero(
    what: str, law: BoundFormula, values: Floats, unit: str, place: Callable[[int], str], many: str = ""
) -> None:
    """Refuse a law of a time or an amount that falls below zero by more than rounding.

    Parameters
    ----------
    what, law
        What the law is in the problem, and the law.
    values, unit
        What it says, and the unit of that.
    place
        Returns the words for a place, by its position among the values.
    many
        What all places are called.

    Raises
    ------
    LawValueError
        Names the law, the least value, its place and what to do.
    """
    below = _falls_below_zero(values)
    if below.any():
        least, output = int(np.argmin(values)), law.formula.output
        value = unit_factor(unit, output.unit) * float(values.min())
        where = f" {place(least)} ({int(below.sum())} of {f'{below.size} {many}'.rstrip()})"
        raise LawValueError(_impossible_value(what, law.formula, value, where))


def _impossible_value(what: str, formula: Formula, value: float, where: str) -> str:
    """Return the message on a law of a time or an amount that falls below zero.

    Parameters
    ----------
    what, formula
        What the law is in the problem, and the law.
    value
        The least value, in the law's unit.
    where
        The places, such as ``" on 1 of 2 legs"``.
    """
    output = formula.output
    return (
        f"{what} (law {output.name!r}) falls to {amount_text(value, output.unit, 6)}{where}: no time and no amount is "
        "below zero, so that there is no plan; hold the law above zero (positive = true or bounds where it is learned, "
        "max(0, …) where it is written), or leave out the rows of its history that say so (drop_where)"
    )


def unit_factor(source: str, target: str) -> float:
    """Return the conversion factor between two units; 1 where either is not declared.

    Examples
    --------
    >>> unit_factor("min", "h") == 1 / 60, unit_factor("", "h")
    (True, 1.0)
    """
    return 1.0 if not source or not target or source == target else convert(1.0, source, target)
