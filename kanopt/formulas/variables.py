"""The inputs and outputs of formulas: names, units and allowed values."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from numbers import Real
from typing import Any, Literal

import numpy as np

from kanopt.errors import FormulaError, nearest
from kanopt.units import check_unit
from kanopt.validation import WHOLE_TEXT, float_array, is_whole

Kind = Literal["number", "category"]
_LONGEST_NAME = 200


def is_name(name: str) -> bool:
    """Say whether a text can be a name, as headers of strangers' tables need not be.

    Examples
    --------
    >>> is_name("Weight (kg)"), is_name("pick`up")
    (True, False)
    """
    try:
        check_name(name, "name")
    except FormulaError:
        return False
    return True


def check_name(name: str, what: str) -> str:
    """Return `name` if it is valid in a formula and in every export of it.

    Spaces, quotes and any script are fine: real tables have such columns. Refused are the empty name, control
    characters, back-quotes (they quote names in formulas), and names of the form ``__x__``.

    Raises
    ------
    FormulaError
        If it cannot.

    Examples
    --------
    >>> check_name("Weight (kg)", "input")
    'Weight (kg)'
    """
    if not isinstance(name, str) or not name.strip() or name != name.strip():
        raise FormulaError(
            f"{what} {name!r}: a name is a text that neither is empty nor begins or ends with a space"
        )
    if len(name) > _LONGEST_NAME:
        raise FormulaError(f"{what} {name[:40]!r}…: a name has at most {_LONGEST_NAME} characters")
    if not name.isprintable() or "`" in name:
        raise FormulaError(f"{what} {name!r}: a name has no control characters and no back-quotes")
    if name.startswith("__"):
        raise FormulaError(f"{what} {name!r}: a name must not begin with two underscores")
    return name


def check_label(label: str, what: str) -> str:
    """Return the label of a category, or another free text of a formula, if a file can hold it.

    Raises
    ------
    FormulaError
        If it cannot.
    """
    if not is_whole(label):
        raise FormulaError(f"{what}: {label!r:.80} must be {WHOLE_TEXT}")
    return label


def category_label(value: Any) -> str:
    """Return the label of a category: integers without a decimal point, other values as their text.

    Examples
    --------
    >>> category_label(2014.0), category_label("van")
    ('2014', 'van')
    """
    if isinstance(value, str):
        return str(value)
    if isinstance(value, (bool, np.bool_, int, np.integer)):
        return str(value)
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    if not (math.isfinite(number) and number.is_integer()):
        return str(value)
    return str(int(number))


def settle(record: Any, what: str) -> None:
    """Make the lists and arrays in the fields of a frozen record tuples, and refuse numbers there that are not finite.

    Raises
    ------
    FormulaError
        If a field holds such a number; names the field.
    """
    for each in fields(record):
        value = _as_tuples(getattr(record, each.name))
        wrong = [number for number in _numbers(value) if not _is_finite(number)]
        if wrong:
            raise FormulaError(f"{what}: {each.name} must have finite numbers only, not {wrong[0]!r:.80}")
        object.__setattr__(record, each.name, value)


def _as_tuples(value: Any) -> Any:
    plain = value.tolist() if isinstance(value, np.ndarray) else value
    return tuple(map(_as_tuples, plain)) if isinstance(plain, list | tuple) else plain


def _numbers(value: Any) -> Iterator[Real]:
    if isinstance(value, tuple):
        for part in value:
            yield from _numbers(part)
    elif isinstance(value, Real):
        yield value


def _is_finite(number: Real) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # a whole number that no float holds
        return False


@dataclass(frozen=True)
class Variable:
    """An input or the output of a formula.

    Parameters
    ----------
    name
        The name of its column.
    unit
        Its unit, such as ``"km"``; ``""`` for none.
    kind
        ``"number"`` or ``"category"``.
    low, high
        Declared bounds of a number; None for no bound. A value beyond them is outside the domain.
    categories
        The declared values of a category; empty if not declared.

    Raises
    ------
    FormulaError
        If the name is not valid in a formula, or bounds and categories contradict the kind.
    UnitError
        If the unit is unknown.

    Examples
    --------
    >>> Variable("distance_km", "km", low=0.0)
    Variable(name='distance_km', unit='km', kind='number', low=0.0, high=None, categories=())
    """

    name: str
    unit: str = ""
    kind: Kind = "number"
    low: float | None = None
    high: float | None = None
    categories: tuple[str, ...] = ()

    def _bound(self, which: str) -> float | None:
        value: Any = getattr(self, which)
        if value is None:
            return None
        try:
            number = float(float_array(value))
        except (TypeError, ValueError) as error:
            raise FormulaError(f"variable {self.name!r}: {which} is no number: {error}") from None
        return None if math.isinf(number) else number

    def __post_init__(self) -> None:
        check_name(self.name, "variable")
        for bound in ("low", "high"):
            object.__setattr__(self, bound, self._bound(bound))
        object.__setattr__(self, "unit", check_unit(self.unit))
        labels = (category_label(value) for value in self.categories)
        what = f"variable {self.name!r}, a category"
        object.__setattr__(self, "categories", tuple(check_label(label, what) for label in labels))
        if self.kind not in ("number", "category"):
            raise FormulaError(
                f"variable {self.name!r}: kind is 'number' or 'category', not {str(self.kind)[:40]!r}"
            )
        bounds = [bound for bound in (self.low, self.high) if bound is not None]
        if self.kind == "category" and (bounds or self.unit):
            raise FormulaError(f"variable {self.name!r}: a category has neither bounds nor a unit")
        if self.kind == "number" and self.categories:
            raise FormulaError(f"variable {self.name!r}: a number has no categories")
        if any(math.isnan(bound) for bound in bounds) or (len(bounds) == 2 and bounds[0] > bounds[1]):
            raise FormulaError(f"variable {self.name!r}: bounds {self.low!r} to {self.high!r} hold no number")
        if len(set(self.categories)) != len(self.categories):
            raise FormulaError(f"variable {self.name!r}: a category is named twice")

    def __str__(self) -> str:
        return f"{self.name} [{self.unit}]" if self.unit else self.name

    @property
    def is_category(self) -> bool:
        """Whether its values are labels instead of numbers."""
        return self.kind == "category"


def variable_of(given: Any, what: str) -> Variable:
    """Return a variable; a text is the name of a number without a unit.

    Examples
    --------
    >>> variable_of("km", "output")
    Variable(name='km', unit='', kind='number', low=None, high=None, categories=())

    Raises
    ------
    FormulaError
        If it is neither.
    """
    if not isinstance(given, str | Variable):
        raise FormulaError(f'{what} {given!r:.80} is no variable; use Variable("km", "km"), or its name')
    return Variable(given) if isinstance(given, str) else given


def variables_of(given: Any, what: str) -> tuple[Variable, ...]:
    """Return the inputs of a formula as variables; see :func:`variable_of`."""
    if isinstance(given, str | Variable) or not isinstance(given, Iterable):
        raise FormulaError(f"{what}: inputs={given!r:.80} must be a list of variables or of their names")
    return tuple(variable_of(each, f"{what}: input") for each in given)


# Letters that typefaces draw alike, after the confusables of Unicode Technical Standard 39, those of one alphabet that
# stand for another in practice: Cyrillic and Greek for Latin, and the micro sign for the Greek letter.
_ALIKE = str.maketrans(
    "АВЕЅІЈКМНОРСТХУаеѕіјорсхуһԁԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧοµ",
    "ABESIJKMHOPCTXYaesijopcxyhdqwABEZHIKMNOPTYXoμ",
)


def _shape(name: str) -> str:
    return unicodedata.normalize("NFC", name).translate(_ALIKE)


def hint(name: str, known: Iterable[str]) -> str:
    r"""Return a hint for an error about an unknown name: the known one that looks the same, or the nearest.

    Examples
    --------
    >>> hint("dist_km", ["distance_km", "load_t"])
    "did you mean 'distance_km'?"
    >>> hint("lo\u0430d", ["load"])
    "it looks like 'load', but its letter 3 is U+0430 CYRILLIC SMALL LETTER A"
    """
    words = list(known)
    for word in words:
        if word != name and _shape(word) == _shape(name):
            return f"it looks like {word!r}, but {_difference(name, word)}"
    return nearest(name, words)


def refuse_lookalikes(names: Iterable[str], what: str) -> None:
    """Refuse distinct names that look the same.

    Raises
    ------
    FormulaError
        If two do; names the letters that differ.
    """
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.setdefault(_shape(name), name)
        if twin != name:
            raise FormulaError(
                f"{what}: two names look like {twin!r}: in one of them {_difference(name, twin)}; rename one"
            )


def _difference(name: str, other: str) -> str:
    """Name the first letter of `name` that is not the one in `other`."""
    place = next((k for k, (a, b) in enumerate(zip(name, other, strict=False)) if a != b), None)
    if place is None:
        return "a letter is written in two signs"
    letter = name[place] if ord(name[place]) > ord(other[place]) else other[place]
    return f"its letter {place + 1} is U+{ord(letter):04X} {unicodedata.name(letter, '')}".rstrip()
