"""The risk of a plan of any kind: how likely it holds, and what it costs on bad days."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.display import Part
from kanopt.scenarios.table_exports import TableExports
from kanopt.text import amount_text, clock_text, money_text, percent_text

Flags = NDArray[np.bool_]

TAIL = 0.95
"""Days cheaper than this share of all are left out of the conditional value at risk."""
_SHOWN = 5


@dataclass(frozen=True)
class Words:
    """How the risk of a kind of plan is told.

    Parameters
    ----------
    days, of_all
        What the days are, ``"days on which the plan is driven"``, and a share of them, ``"of the days"``.
    everyone
        What all things are that are in time: ``"every stop is on time"``.
    thing
        What one of them is.
    beyond
        By what things lie beyond their limits: ``"arrival after the end of the window"``.
    unit
        Of limits and of what lies against them.
    clock
        Whether they are times of day.
    limit
        What stands before a limit.
    one
        What it is that costs something.
    """

    days: str
    of_all: str
    everyone: str
    thing: str
    beyond: str
    unit: str
    clock: bool = False
    limit: str = "by"
    one: str = "A day"

    def amount(self, value: float) -> str:
        """Write a limit, or what lies against one."""
        return clock_text(value, self.unit) if self.clock else amount_text(value, self.unit)


@dataclass(frozen=True, eq=False)
class DayRanges:
    """What lies where on most days, one row for each thing that has a limit.

    Parameters
    ----------
    frame
        Columns ``name``; ``limit``; ``planned`` (on the laws); ``q05``, ``q50`` and ``q95`` (quantiles over days);
        ``share`` (of the days on which the limit holds).
    title, unit, clock
        By what things lie beyond their limits, in which unit, and whether these are times of day.
    """

    frame: pd.DataFrame
    title: str
    unit: str
    clock: bool = False


@dataclass(frozen=True, repr=False, eq=False)
class Risk(TableExports):
    """A plan carried out on many days, on which legs, tasks or demands are other than the laws say.

    Parameters
    ----------
    assessment
        The plan as it is on the laws.
    days
        What came of it, day by day.
    words
        How it is told.
    things
        What is looked at, a row for each stop, job or amount that is wanted; ``name`` is what it is called.
    values
        When each is reached or done, or how much of it is wanted; (days, things).
    limit, planned
        Up to where that is in time, infinite where nothing is asked, and where it lies on the laws; (things,).
    in_time, late_in_plan
        Whether each is in time, (days, things), and whether it is late in the plan itself; (things,).
    figures
        What else is told of all days, by name: shares of days and mean amounts.
    seed
        Seed of the days.
    assumptions
        What is taken to be uncertain, in sentences.
    notes
        What must be said beside it, in sentences.
    routes
        Of routes, a row each; None of other plans.
    broken
        Rule to the number of days on which it is broken, the most often broken first.

    Notes
    -----
    A probability is the share of the days, with its Monte Carlo error: the standard error of a share of so many days,
    which is not 0 where it never failed. Every day counts: one on which a rule is broken is told, and costs what it
    costs without a remedy; demand that must be delivered and is missing has no price. Errors of prices are taken for
    independent of those of times.
    """

    assessment: Any
    days: Any
    words: Words
    things: pd.DataFrame
    values: Floats
    limit: Floats
    planned: Floats
    in_time: Flags
    late_in_plan: Flags
    figures: Mapping[str, float]
    seed: int
    assumptions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    routes: pd.DataFrame | None = None
    broken: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per stop, job or amount that is wanted.

        Columns: what it is (``vehicle``, ``stop`` and ``client``; ``job``; ``market``, ``product`` and ``period``);
        ``limit`` (end of the last window, due date, what is delivered); ``planned`` (on the laws); ``q05``, ``q50``
        and ``q95`` (quantiles over days); ``on_time`` (share of days on which the limit holds) and ``error`` (of that,
        Monte Carlo). Of a stop also ``promised``, of an amount ``shortage`` (mean units missing), ``shortage_error``
        and ``fill_rate`` (part of it that is met).
        """
        low, middle, high = (quantile_of_days(self.values, level) for level in (0.05, 0.5, 0.95))
        on_time = self.in_time.mean(axis=0)
        columns = {"limit": self.limit, "planned": self.planned, "q05": low, "q50": middle, "q95": high}
        columns |= {"on_time": on_time, "error": share_error(on_time, self.draws)}
        after = [
            name for name in self.things if name in ("promised", "shortage", "shortage_error", "fill_rate")
        ]
        names = self.things.drop(columns=after)
        return pd.concat([names, pd.DataFrame(columns), self.things[after]], axis=1)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        shown = {f"{self.words.thing}s": self.to_frame()}
        return shown if self.routes is None else shown | {"routes": self.routes}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        return dict.fromkeys(
            ("on_time", "holds", "back", "overload", "error", "promised", "fill_rate"), "share"
        )

    def to_frame(self) -> pd.DataFrame:
        """Return :attr:`frame`, without the names that its columns have already."""
        return self.frame.drop(columns="name")

    @property
    def has_limit(self) -> Flags:
        """Whether each thing has a limit; (things,)."""
        return np.asarray(np.isfinite(self.limit))

    def ranges(self) -> DayRanges:
        """Return where things lie on most days against their limits, for :meth:`plot`."""
        columns = ["name", "limit", "planned", "q05", "q50", "q95", "on_time"]
        frame = self.frame.loc[self.has_limit, columns].rename(columns={"on_time": "share"})
        words = self.words
        return DayRanges(frame.reset_index(drop=True), words.beyond, words.unit, words.clock)

    @property
    def of_all(self) -> str:
        """What a share is of: the days, or the draws."""
        return self.words.of_all

    @property
    def on_time(self) -> float:
        """Share of days on which everything is in time."""
        return float(self.in_time.all(axis=1).mean())

    @property
    def cost(self) -> Floats:
        """What each day costs; (draws,)."""
        return np.asarray(self.days.cost)

    @property
    def cost_error(self) -> float:
        """Monte Carlo error of the mean cost."""
        return float(self.cost.std(ddof=1) / np.sqrt(self.draws))

    @property
    def draws(self) -> int:
        """How many days there are."""
        return len(self.cost)

    def cost_quantile(self, level: float) -> float:
        """Return the cost that is exceeded on ``1 − level`` of the days."""
        return float(np.quantile(self.cost, level))

    def cvar(self, level: float = TAIL) -> float:
        """Return the conditional value at risk: the mean cost of the dearest ``1 − level`` of the days.

        See Rockafellar and Uryasev 2000, "Optimization of conditional value-at-risk", Journal of Risk 2.
        """
        dearest = np.sort(self.cost)[min(int(np.floor(level * self.draws)), self.draws - 1) :]
        return float(dearest.mean())

    def cost_json(self) -> dict[str, float]:
        """Return the main figures of costs as plain data."""
        return {
            "planned": float(self.assessment.pricing.objective),
            "mean": float(self.cost.mean()),
            "error": self.cost_error,
            "sd": float(self.cost.std(ddof=1)),
            "q05": self.cost_quantile(0.05),
            "q95": self.cost_quantile(0.95),
            "cvar95": self.cvar(),
        }

    def cost_text(self) -> str:
        """Return them in a sentence."""
        told = {name: money_text(value) for name, value in self.cost_json().items()}
        mean = f"{told['mean']} {self.assessment.problem.unit}"
        return (
            f"{self.words.one} costs {mean} on average (planned {told['planned']}), "
            f"{told['q05']} to {told['q95']} on 90 % {self.words.of_all}; the dearest 5 % cost {told['cvar95']} on "
            "average."
        )

    def to_json(self) -> dict[str, Any]:
        """Return plain data: shares of days, costs, and what is assumed."""
        return {
            "draws": self.draws,
            "seed": self.seed,
            "on_time": self.on_time,
            **self.figures,
            "broken_days": dict(self.broken),
            "cost": self.cost_json(),
            "assumptions": list(self.assumptions),
        }

    def plot(self, ax: Any = None) -> Any:
        """Draw where things lie on most days against their limits, and return the matplotlib axes.

        Raises
        ------
        ProblemError
            If nothing has a limit.
        """
        from kanopt.display import reports

        return reports.plot_ranges(self, ax)

    def plot_costs(self, ax: Any = None) -> Any:
        """Draw how often a day costs how much, and return the matplotlib axes."""
        from kanopt.display import reports

        return reports.plot_day_costs(self, ax)

    def to_html(self, path: str | Path, *, scenario: Any = None, notes: Sequence[str] = ()) -> Path:
        """Write the risk: one HTML file that needs nothing else. Returns its path.

        Parameters
        ----------
        path
            The file.
        scenario
            The scenario of the plan, which the page names, with its files.
        notes
            What must be said beside it, such as that the search for the plan was stopped.
        """
        from kanopt.display import reports

        return reports.write_page(reports.risk_page(self, scenario, notes), path)

    @property
    def headline(self) -> str:
        """Say on how many days all is in time, and every rule is kept."""
        words, kept = self.words, self.figures.get("holds")
        rules = "" if kept is None else f" and every rule kept on {self._share(kept)}"
        return f"Of {self.draws:,} {words.days}, {words.everyone} on {self._share(self.on_time)}{rules}."

    def _shown(self) -> list[Part]:
        words, lines = self.words, list[Part]([self.headline])
        unsure = self.frame[self.has_limit & (self.frame["on_time"] < 1.0)]
        worst = unsure.sort_values("on_time", kind="stable").head(_SHOWN).to_dict("records")
        lines += [f"Least certain {words.thing}s:"] if worst else []
        for row in worst:
            where = f"{row['vehicle']}, " if "vehicle" in row else ""
            limit, planned, low, high = (words.amount(row[key]) for key in ("limit", "planned", "q05", "q95"))
            held, most = percent_text(row["on_time"]), f"90 % {words.of_all.replace('the ', '')}"
            place = f"{row['name']} ({where}{words.limit} {limit})"
            lines.append(f"  {place}: {held}, planned for {planned}, {most} {low} to {high}")
        return [*lines, self.cost_text(), *self.notes, f"Assumed: {'; '.join(self.assumptions)}."]

    def _share(self, share: float) -> str:
        return f"{percent_text(share)} (± {percent_text(float(share_error(share, self.draws)))})"


def quantile_of_days(values: Floats, level: float) -> Floats:
    """Return quantiles over days, one of the days' values each, so that infinite ones leave the others numbers."""
    return np.asarray(np.quantile(values, level, axis=0, method="lower"))


def share_error(share: Any, draws: int) -> Any:
    """Return the standard error of a share of days, which is not 0 where it is 0 or 1.

    See Agresti and Coull 1998, "Approximate is better than 'exact'", The American Statistician 52.
    """
    count = draws + 4.0
    middle = (np.asarray(share) * draws + 2.0) / count
    return np.sqrt(middle * (1.0 - middle) / count)
