"""The outcome of a sweep, as frames and in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from kanopt.display import Alarm, Grid, Part, grid_of
from kanopt.explain.service import Service, still_holds
from kanopt.files import replace_file
from kanopt.problems.result import Status
from kanopt.text import count_text, fixed_text, money_text, seconds_text
from kanopt.whatif.changes import Value
from kanopt.whatif.sweeps.axes import Axis, value_text
from kanopt.whatif.sweeps.kept_plan import PricedBy
from kanopt.whatif.sweeps.point_result import REFUSED, REPEAT, PointResult, is_noise
from kanopt.whatif.sweeps.prepare import as_it_is_text
from kanopt.whatif.table_exports import TableExports

if TYPE_CHECKING:
    from kanopt.problems.result import Result
    from kanopt.whatif.scenario import Scenario
    from kanopt.whatif.sensitivity.switch_result import SwitchPoints

_SHOWN = 12
"""Rows of the printed table."""
_EQUAL = 1e-9
"""Share of a price by which the order of summation may change it."""


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(TableExports):
    """Prices and plans at the points of a sweep.

    Parameters
    ----------
    scenario
        What was asked about.
    axes
        What was varied.
    design_points
        The value of each axis at each point.
    base
        The plan of the scenario as it is, which every point is compared with.
    results
        What came of each point, in the order of their numbers; those that are missing were not reached.
    anew
        Whether every point was planned; else the base's plan was priced there.
    priced_by
        How the kept plan was priced; None where points were planned.
    interrupted
        True where the user stopped it.
    seconds
        Wall seconds of it all.
    """

    scenario: Scenario
    axes: tuple[Axis, ...]
    design_points: tuple[tuple[Value, ...], ...]
    base: Result
    results: tuple[PointResult, ...]
    anew: bool
    priced_by: PricedBy | None = None
    interrupted: bool = False
    seconds: float = 0.0

    @property
    def unit(self) -> str:
        """Unit of all amounts."""
        return self.base.problem.unit

    @property
    def holds_somewhere(self) -> bool:
        """Whether at some point the plan serves what must be served and breaks no rule."""
        return any(found.status in (Status.OPTIMAL, Status.FEASIBLE) for found in self.results)

    @cached_property
    def points(self) -> pd.DataFrame:
        """One row per point.

        Columns ``point``; one for each axis, by its path (with ``×`` where values are factors); ``status``;
        ``objective``; ``change`` against the base; ``kept_objective`` (the base's plan under the data of the point) and
        ``kept_status``; ``data_effect`` (the base's plan here less there) and ``replanning_effect`` (the plan of the
        point less the base's, same data), which add up to the change, and are missing where the base's plan breaks a
        rule under the data of the point; ``noise`` (how far apart lie what repeated searches say of the change);
        ``verdict``; ``unlike`` (what the plan serves instead of what the base's serves, or which rule one of them
        breaks; empty where prices compare like with like); ``unserved`` and ``violations``; ``bound``; ``seconds``;
        ``message``; ``caveat`` (what the price cannot be trusted for).
        """
        rows = [self._row(found) for found in self.results]
        labels = [axis.label for axis in self.axes]
        return pd.DataFrame(rows, columns=["point", *labels, *_COLUMNS])

    @cached_property
    def terms(self) -> pd.DataFrame:
        """One row per point and cost term: columns ``point``, ``term``, ``amount`` and ``kept_amount``."""
        rows = [
            (found.point, term, found.terms.get(term, 0.0), found.kept_terms.get(term, math.nan))
            for found in self.results
            for term in dict.fromkeys([*found.terms, *found.kept_terms])
        ]
        return pd.DataFrame(rows, columns=["point", "term", "amount", "kept_amount"])

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"points": self.points, "costs": self.terms}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        return dict.fromkeys(
            (
                "objective",
                "change",
                "kept_objective",
                "data_effect",
                "replanning_effect",
                "noise",
                "bound",
                "amount",
                "kept_amount",
            ),
            "money",
        )

    def to_frame(self) -> pd.DataFrame:
        """Return :attr:`points`."""
        return self.points

    def to_parquet(self, path: str | Path) -> Path:
        """Write :attr:`points` to a file, as a whole. Returns its path."""
        import io

        buffer = io.BytesIO()
        self.points.to_parquet(buffer, index=False)
        return replace_file(path, buffer.getvalue(), make_folders=True)

    def to_html(self, path: str | Path) -> Path:
        """Write the sweep: one HTML file that needs nothing else. Returns its path."""
        from kanopt.display import reports

        return reports.write_page(reports.sweep_page(self), path)

    def plot(self, ax: Any = None, switches: SwitchPoints | None = None) -> Any:
        """Draw a line over one number that varies, or cells over two things that do; return the matplotlib axes.

        Parameters
        ----------
        ax
            Where to draw; a new figure if None.
        switches
            Switch points of the same path, to be marked on the line.
        """
        from kanopt.display import reports

        return reports.plot_sweep(self, ax, switches)

    def _row(self, found: PointResult) -> list[object]:
        base = self.base.objective
        before = math.nan if base is None else base
        held = found.kept_objective if still_holds(found.kept_status, self.base.status) else math.nan
        return [
            found.point,
            *self.design_points[found.point],
            found.status,
            found.objective,
            found.objective - before,
            found.kept_objective,
            found.kept_status,
            held - before,
            found.objective - held,
            self._noise(found),
            self._verdict(found, before),
            self._unlike(found),
            found.unserved,
            found.violations,
            found.bound,
            found.seconds,
            found.message,
            found.caveat,
        ]

    def _noise(self, found: PointResult) -> float:
        return found.noise_beside(self.base) if self.anew else 0.0

    @cached_property
    def _service(self) -> Service | None:
        return Service.of(self.base)

    def _unlike(self, found: PointResult) -> str:
        """Say what the plan of a point does that the base's does not; empty where their prices compare."""
        known = self._service
        return "" if known is None or found.service is None else found.service.against(known)

    def _verdict(self, found: PointResult, before: float) -> str:
        """Say what the change comes to, apart from the luck of the search."""
        if found.status == REFUSED:
            return "refused"
        if math.isnan(found.objective) or math.isnan(before):
            return "no plan"
        if self._unlike(found):
            return "not like with like"
        change, noise = found.objective - before, self._noise(found)
        if abs(change) <= _EQUAL * max(1.0, abs(before)):
            return "no effect"
        if is_noise(change, noise, found.differences):
            return "no effect beyond the noise"
        return ("dearer" if change > 0 else "cheaper") + (", noise unknown" if math.isnan(noise) else "")

    def _shown(self) -> Iterator[Part]:
        yield from self._heading()
        yield ""
        if not self.results:
            yield "no point is done"
            return
        yield self._table()
        notes = [note for note in (*self._shown_note(), *self.notes(), self.extremes()) if note]
        yield from ("", *notes) if notes else ()

    def _heading(self) -> list[str]:
        done, asked = len(self.results), len(self.design_points)
        how = "each planned anew" if self.anew else "the same plan at all of them"
        lines = [f"{self.scenario.name}: {count_text(asked, 'point')}, {how} ({seconds_text(self.seconds)})"]
        if self.interrupted or done < asked:
            lines.append(Alarm(f"STOPPED after {done:,} of {count_text(asked, 'point')}"))
        lines += [f"  varied: {axis}" for axis in self.axes]
        return [*lines, f"  {as_it_is_text(self.base)}"]

    def _table(self) -> Grid:
        frame = self.points
        if len(frame) > _SHOWN:
            chosen = [round(k * (len(frame) - 1) / (_SHOWN - 1)) for k in range(_SHOWN)]
            frame = frame.iloc[chosen]
        shown = frame[["point", *(axis.label for axis in self.axes), "objective", "change"]].copy()
        shown.columns = ["point", *(axis.label for axis in self.axes), self.unit, "change"]
        if self.anew:
            shown["new data"], shown["new plan"] = frame["data_effect"], frame["replanning_effect"]
            shown["noise"] = frame["noise"]
        shown["verdict"] = frame["verdict"]
        return grid_of(shown, partial(fixed_text, decimals=2))

    def _shown_note(self) -> list[str]:
        count = len(self.results)
        return [f"{_SHOWN} of {count:,} points are shown; sweep.points has all"] if count > _SHOWN else []

    def notes(self) -> tuple[str, ...]:
        """Return what must be said beside the prices: points without one, laws in doubt, noise that is not known."""
        notes = []
        statuses = Counter(found.status for found in self.results)
        for status in (REFUSED, Status.NO_PLAN, Status.INFEASIBLE, Status.PARTIAL):
            if statuses[status]:
                first = next(found for found in self.results if found.status == status)
                told = f": {first.message}" if first.message else ""
                notes.append(
                    f"{count_text(statuses[status], 'point')} {_WORDS[status]}, first point {first.point}{told}"
                )
        unlike = [(found, told) for found in self.results if (told := self._unlike(found))]
        if unlike:
            first, told = unlike[0]
            notes.append(
                f"at {count_text(len(unlike), 'point')} prices do not compare like with like, first point "
                f"{first.point}: its plan {told}"
            )
        broken = sum(found.kept_status == Status.INFEASIBLE for found in self.results) if self.anew else 0
        if broken:
            notes.append(f"at {count_text(broken, 'point')} the plan as it is breaks a rule")
        known = "" if self.base.assessment is None else "; ".join(self.base.assessment.law_caveats)
        doubtful = [found for found in self.results if found.caveat and found.caveat != known]
        if doubtful:
            notes.append(
                f"at {count_text(len(doubtful), 'point')} laws are not to be trusted, first point {doubtful[0].point}: "
                f"{doubtful[0].caveat}"
            )
        if self.anew and any(
            math.isnan(self._noise(found)) for found in self.results if found.status != REFUSED
        ):
            notes.append(f"the noise of the search is not measured; {REPEAT}")
        if self.priced_by is not None and self.priced_by is not PricedBy.AT_ONCE and self.seconds > 10.0:
            notes.append(f"priced {self.priced_by}")
        return tuple(notes)

    def extremes(self) -> str:
        """Say where the price is lowest and where it is highest; empty where no plan holds."""
        found = self.cheapest_and_dearest()
        if found is None:
            return ""
        best, dearest = found
        differ = dearest.objective - best.objective > _EQUAL * max(1.0, abs(best.objective))
        return f"cheapest {self._told(best)}" + (f"; dearest {self._told(dearest)}" if differ else "")

    def cheapest_and_dearest(self) -> tuple[PointResult, PointResult] | None:
        """Return the points with the lowest and the highest price among those that leave out least."""
        finest = min((found.rank[:3] for found in self.results), default=None)
        cheapest = [found for found in self.results if found.rank[:3] == finest]
        if not cheapest or cheapest[0].rank[0]:
            return None
        return (
            min(cheapest, key=lambda found: found.objective),
            max(cheapest, key=lambda found: found.objective),
        )

    def place_of(self, found: PointResult) -> str:
        """Return the values of a point in words."""
        values = zip(self.axes, self.design_points[found.point], strict=True)
        return ", ".join(f"{axis.label} {value_text(value)}" for axis, value in values)

    def _told(self, found: PointResult) -> str:
        return f"{money_text(found.objective, self.unit)} at {self.place_of(found)}"


_COLUMNS = [
    "status",
    "objective",
    "change",
    "kept_objective",
    "kept_status",
    "data_effect",
    "replanning_effect",
    "noise",
    "verdict",
    "unlike",
    "unserved",
    "violations",
    "bound",
    "seconds",
    "message",
    "caveat",
]
_WORDS = {
    REFUSED: "refused, since the data contradict themselves",
    str(Status.NO_PLAN): "without a plan",
    str(Status.INFEASIBLE): "at which the plan breaks a rule",
    str(Status.PARTIAL): "at which something is left out",
}
