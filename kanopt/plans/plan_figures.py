"""What a manager asks of a plan, as figures and as tables with a row for each vehicle, job, machine or site."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from kanopt.array_types import Floats
from kanopt.plans.law_use import LawUse, unit_factor
from kanopt.text import amount_text, percent_text
from kanopt.units import same_dimension

_EMISSIONS = re.compile(r"co2|co₂|carbon|emission", re.IGNORECASE)
_MASS = "kg"


@dataclass(frozen=True)
class PlanFigure:
    """One figure of a plan.

    Parameters
    ----------
    key
        What it is, in a word that stays the same: ``"distance"``.
    label
        The same for people.
    value
        The figure, to be compared with that of another plan.
    text
        The figure as it is written, with its unit.
    how
        How it is added up, in a clause.
    note
        What to know beside it, in a few words; empty for nothing.
    better
        Which is better, ``"less"`` or ``"more"``; empty where neither is.
    unit
        The unit in which a difference of two values is written; ``"%"`` for shares.
    bad
        Whether the figure is not as it should be.
    rank
        How much it says: 1 for what everybody asks, 2 for what fills a page, 3 for what stands in the table alone.
    """

    key: str
    label: str
    value: float
    text: str
    how: str
    note: str = ""
    better: Literal["", "less", "more"] = ""
    unit: str = ""
    bad: bool = False
    rank: Literal[1, 2, 3] = 1

    def change_from(self, before: PlanFigure) -> str:
        """Return by how much it differs from the same figure of another plan.

        Examples
        --------
        >>> was, now = (PlanFigure("distance", "Distance", x, "", "", unit="km") for x in (402.25, 312.0))
        >>> now.change_from(was), now.change_from(now)
        ('−90.25 km', '0')
        """
        change = self.value - before.value
        if not math.isfinite(change):
            return "–"
        if abs(change) <= 1e-9 * max(abs(self.value), abs(before.value)):
            return "0"
        if self.unit == "%":
            return f"{percent_text(change, signed=True).removesuffix(' %')} points"
        return amount_text(change, self.unit, signed=True)


@dataclass(frozen=True)
class Roster:
    """A table with one row for each vehicle, job, machine, site or market; its first column is their names.

    Parameters
    ----------
    key
        What a row is about: ``"vehicle"``.
    caption
        What it shows.
    frame
        The table; heads as people read them, with units.
    clocks
        Columns with times since midnight, and the unit of these times.
    shares
        Columns with fractions, written as per cent.
    money
        Columns with prices.
    """

    key: str
    caption: str
    frame: pd.DataFrame
    clocks: tuple[str, ...] = ()
    time: str = ""
    shares: tuple[str, ...] = ()
    money: tuple[str, ...] = ()


def hours_figure(
    key: str, label: str, value: float, unit: str, how: str, *, rank: Literal[1, 2, 3] = 1
) -> PlanFigure:
    """Return a figure of time in hours.

    Examples
    --------
    >>> hours_figure("hours", "Time out", 1335.0, "min", "").text
    '22.25 h'
    """
    hours = unit_factor(unit, "h") * value
    return PlanFigure(key, label, hours, amount_text(hours, "h"), how, better="less", unit="h", rank=rank)


def shares_of(parts: ArrayLike, wholes: ArrayLike) -> Floats:
    """Return shares; NaN of nothing, and of what has no limit.

    Examples
    --------
    >>> shares_of([3.0, 1.0, 1.0], [4.0, 0.0, np.inf]).tolist()
    [0.75, nan, nan]
    """
    part, whole = np.asarray(parts, dtype=float), np.asarray(wholes, dtype=float)
    has_share = (whole > 0.0) & np.isfinite(whole)
    return np.asarray(np.divide(part, whole, out=np.full(whole.shape, np.nan), where=has_share))


def emissions(uses: Iterable[LawUse]) -> tuple[PlanFigure, ...]:
    """Return the CO₂ that laws give, where one does: its output is a mass and named for it; nothing is assumed else.

    A law counts where the price reads it, or reads a law that is built on it; each law counts once.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> law = parse_formula("0.7 * km", [Variable("km", "km")], Variable("co2", "kg"))
    >>> use = LawUse("cost 'co2'", law, {"km": np.array([10.0, 20.0])}, np.ones(2), (2,), ("leg", "legs"), term="co2")
    >>> emissions([use])[0].text, emissions([])
    ('21 kg', ())
    """
    found: dict[tuple[str, bytes, tuple[str, str]], float] = {}
    unit = ""
    for use in uses:
        if not use.term:
            continue
        for law in (use.formula, *use.formula.parts):
            if not (_EMISSIONS.search(law.output.name) and same_dimension(law.output.unit, _MASS)):
                continue
            unit = unit or law.output.unit
            values = np.broadcast_to(law.evaluate(use.arguments), use.shape) * use.times
            if use.cut_off:  # as the price counts it
                values = np.maximum(values, 0.0)
            amount = unit_factor(law.output.unit, unit) * float(np.sum(values))
            found[law.output.name, law.root.key, use.places] = amount
    if not found:
        return ()
    total = math.fsum(found.values())
    names = ", ".join(dict.fromkeys(name for name, _, _ in found))
    how = f"what the law {names} gives, added up over the plan"
    return (PlanFigure("co2", "CO₂", total, amount_text(total, unit), how, better="less", unit=unit),)
