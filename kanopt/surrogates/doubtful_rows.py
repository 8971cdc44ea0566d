"""Which rows of a table a law cannot be about, by how their values look: zeros, codes, far values, odd ratios.

These are suspicions, each a condition in the words of ``drop_where``; whether the rows hold a law back is measured by
:mod:`kanopt.surrogates.cleaning`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.records.headers import read_header
from kanopt.text import number_text
from kanopt.units import convert, same_dimension

SOME = 0.05
"""Share of the rows that may be odd: where there are more, the table is about them."""
GROUP, APART = 0.004, 1.0
"""Share of the rows from which far ones are a group, if the gap to the others has so many robust standard deviations:
the ends of skewed and heavy-tailed columns are fewer, and lie closer to one another."""
CODES = (-999.0, -99.0, -9.0, -1.0, 99.0, 999.0, 9999.0, 99999.0, 999999.0)
"""Numbers that stand for "not known" in tables of many makers."""
REPEATED = 3
"""Rows that must hold a number for it to be a code."""
NEAR, MOST = 0.1, 0.8
"""Part of the width of the middle half of a column within which numbers are near, and the share of a lump that is one
number."""
FAR = 5.0
"""Robust standard deviations from the median beyond which a value is looked at."""
NORMAL = 1.349
"""Width of the middle half of a normal distribution, in standard deviations."""
FASTEST = 130.0
"""km/h that hardly a road allows."""
LINKED = 0.5
"""Correlation of the logarithms of feature and target above which their ratio means something."""


@dataclass(frozen=True)
class Suspicion:
    """A condition that rows meet which may be no part of a law.

    Parameters
    ----------
    rule
        The condition.
    why
        What is odd about such rows.
    of_target
        Whether it means rows for their target: these are what a law misses most in any case, so that more is asked of
        such a rule.
    lump
        Whether it means rows that hold one number, and few others hold one that is near.
    group
        Whether it means far rows that are many for an end of a column, behind a wide gap.
    isolated
        Whether it means rows farther from all others than these lie apart, as a wind of 1,048 mph.
    far
        Whether it means rows because they are far from others, and not because of a value that cannot be.
    certain
        Whether such rows cannot be, whatever a law makes of them.
    """

    rule: str
    why: str
    of_target: bool = False
    lump: bool = False
    group: bool = False
    isolated: bool = False
    far: bool = False
    certain: bool = False


def suspicions(
    numbers: Mapping[str, Floats], target: str, units: Mapping[str, str] | None = None
) -> list[Suspicion]:
    """Return conditions that a few rows of a table meet.

    Parameters
    ----------
    numbers
        Name to values, NaN where missing; the target among them.
    target
        What is to be foretold.
    units
        Units of columns; of others the header is asked.

    Examples
    --------
    >>> km = np.r_[np.linspace(2.0, 9.0, 97), 0.0, 999.0, -1.0]
    >>> [each.rule for each in suspicions({"km": km, "litres": np.linspace(4.0, 30.0, 100)}, "litres")]
    ['km < 0', 'km <= 0', 'km > 100', 'litres / km < 0.2']
    """
    found: dict[str, Suspicion] = {}
    for name, values in numbers.items():
        known = values[np.isfinite(values)]
        if len(known) < 20 or known.min() == known.max():
            continue
        for rule, why, at in (*_not_positive(name, known), *_codes(name, known)):
            found.setdefault(rule, Suspicion(rule, why, name == target, lump=_is_lump(known, at)))
        for rule, why, sort in _far(_quoted(name), known):
            found.setdefault(rule, Suspicion(rule, why, name == target, far=True, **sort))
    for name, values in numbers.items():
        if name != target:
            for rule, why, sort in _ratios(name, values, target, numbers[target]):
                found.setdefault(rule, Suspicion(rule, why, of_target=True, far=True, **sort))
    units = {name: (units or {}).get(name) or _hinted_unit(name) for name in numbers}
    for name, values in numbers.items():
        if units[name] and same_dimension(units[name], "km") and same_dimension(units[target] or "km", "h"):
            found |= {each.rule: each for each in _speeds(name, values, target, numbers[target], units)}
    return list(found.values())


def _hinted_unit(name: str) -> str:
    """Return the unit that a header hints at; a distance of none is taken for one of km, which miles are beyond."""
    header = read_header(name)
    return header.unit or ("km" if {"distance", "dist"} & set(header.words) else "")


def _speeds(
    name: str, values: Floats, target: str, wanted: Floats, units: Mapping[str, str]
) -> Iterator[Suspicion]:
    """Yield that a way takes less time than any road allows, and that no way takes more than the usual row."""
    most = FASTEST * convert(1.0, units[target], "h") / convert(1.0, units[name], "km")
    usual, way, time = float(np.nanmedian(wanted)), _quoted(name), _quoted(target)
    for at, rule, why in (
        (values > most * wanted, f"{way} > {most:.6g} * {time}", f"faster than {FASTEST:g} km/h"),
        (
            (values <= 0.0) & (wanted > usual),
            f"{way} <= 0 and {time} > {usual:.6g}",
            "at zero, and longer than usual",
        ),
    ):
        if 0 < at.mean() <= SOME:
            yield Suspicion(rule, why, of_target=True, certain=True)


def _quoted(name: str) -> str:
    """Return a name as a text about columns has it."""
    from kanopt.formulas.grammar import CALLED
    from kanopt.formulas.row_parser import KEYWORDS

    return name if name.isidentifier() and name.lower() not in {*KEYWORDS, *CALLED} else f"`{name}`"


def _is_lump(known: Floats, at: NDArray[np.bool_]) -> bool:
    """Return whether some rows hold one number that stands by itself."""
    held, counts = np.unique(known[at], return_counts=True)
    value = held[counts.argmax()]
    others = np.unique(known[~at])
    step = float(np.diff(others).min()) if len(others) > 1 else 0.0
    low, high = np.quantile(known[~at], (0.25, 0.75))
    near = np.abs(known[~at] - value) <= max(NEAR * (high - low), 1.01 * step)
    return bool(counts.max() >= MOST * at.sum() and near.sum() < 0.5 * at.sum())


def _not_positive(name: str, known: Floats) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    for rule, at, why in (
        ("< 0", known < 0, "below zero"),
        ("<= 0", known <= 0, "at zero or below" if (known < 0).any() else "at zero"),
    ):
        if 0 < at.mean() <= SOME:
            yield f"{_quoted(name)} {rule}", why, at


def _codes(name: str, known: Floats) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    for code in CODES:
        count = int((known == code).sum())
        if REPEATED <= count <= SOME * len(known):
            others = known[known != code]
            # among others a code would be one value of many
            if not np.quantile(others, 0.01) <= code <= np.quantile(others, 0.99):
                rule = f"{_quoted(name)} == {number_text(code)}"
                yield rule, "a number that stands for not known", known == code


def _far(text: str, known: Floats) -> Iterator[tuple[str, str, dict[str, bool]]]:
    """Yield limits in gaps of the values, far from where most of them are."""
    for positive in (False, True):
        there = known[known > 0] if positive else known
        if len(there) < 20 or (positive and len(there) < (1.0 - SOME) * len(known)):
            continue
        scaled = np.log(there) if positive else there
        low, middle, high = np.quantile(scaled, (0.25, 0.5, 0.75))
        spread = (high - low) / NORMAL
        if not spread > 0.0:
            continue
        for sign in (1.0, -1.0):
            ordered = np.sort(sign * (scaled - middle) / spread)
            least = max(REPEATED, math.ceil(GROUP * len(ordered)))
            for several in (least, 1):
                limit = _limit(ordered, several)
                if limit is None:
                    continue
                inner, outer = (middle + sign * spread * each for each in limit)
                ends = (math.exp(inner), math.exp(outer)) if positive else (inner, outer)
                rule = f"{text} {'>' if sign > 0 else '<'} {_simple_between(*ends)}"
                group = several == least and limit[1] - limit[0] >= APART
                yield rule, "far from all others", {"group": group, "isolated": _is_isolated(known, *ends)}


def _is_isolated(known: Floats, inner: float, outer: float) -> bool:
    """Return whether the gap between two values is wider than all others on its inner side lie apart."""
    others = known[known < outer] if outer > inner else known[known > outer]
    # numbers of very different size, rounded on the way through logarithms, may leave none
    return bool(len(others) and abs(outer - inner) > np.ptp(others))


def _limit(ordered: Floats, several: int) -> tuple[float, float] | None:
    """Return the ends of the widest gap with several values beyond, in standard deviations; None where none is far."""
    first = max(int(np.searchsorted(ordered, FAR)), math.ceil((1.0 - SOME) * len(ordered)), 1)
    last = len(ordered) - several
    if first > last:
        return None
    place = first + int((ordered[first : last + 1] - ordered[first - 1 : last]).argmax())
    return float(ordered[place - 1]), float(ordered[place])


def _simple_between(one: float, other: float) -> str:
    """Return a number of few digits between two others.

    Examples
    --------
    >>> _simple_between(9.2, 999.0), _simple_between(183.4, 171.2), _simple_between(-0.31, -7.0)
    ('100', '180', '-1')
    """
    low, high = sorted((one, other))
    middle = math.sqrt(low * high) if low > 0 else -math.sqrt(low * high) if high < 0 else (low + high) / 2.0
    for digits in range(1, 8):
        step = 10.0 ** (math.floor(math.log10(max(abs(middle), 1e-300))) - digits + 1)
        for choice in (5.0 * step, step):
            if low < (value := round(middle / choice) * choice) < high:
                return f"{value:.10g}"
    return f"{middle:.10g}"


def _ratios(
    name: str, values: Floats, target: str, wanted: Floats
) -> Iterator[tuple[str, str, dict[str, bool]]]:
    """Yield limits of what one unit of a feature takes of the target, such as minutes for a mile."""
    both = (values > 0) & (wanted > 0)
    if both.sum() < max(20, (1.0 - SOME) * len(values)):
        return
    x, y = np.log(values[both]), np.log(wanted[both])
    if x.min() == x.max() or y.min() == y.max() or not _linked(x, y):
        return
    for rule, _, sort in _far(f"{_quoted(target)} / {_quoted(name)}", np.exp(y - x)):
        yield rule, "an odd ratio", sort


def _linked(x: Floats, y: Floats) -> bool:
    """Return whether most rows rise together, whatever a few of them do."""
    first, second = (np.argsort(np.argsort(each)) for each in (x, y))
    return bool(np.corrcoef(first, second)[0, 1] > LINKED)
