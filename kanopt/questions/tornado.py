"""What moves the price most: each input alone from its low value to its high one, the others as they are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property, partial
from typing import Any

import pandas as pd

from kanopt.display import Part, grid_of
from kanopt.plans.findings import Status
from kanopt.progress import told_by_line
from kanopt.questions.answers import Answers
from kanopt.questions.ask import ask
from kanopt.questions.axes import Axis, check_word, read_axes, refused, value_text
from kanopt.questions.point import NO_DIFFERENCE, UNMEASURED, PointResult, Verdict, still_compare
from kanopt.questions.question import PLANS, Place, PlanChoice, SweepOptions, require_scenario
from kanopt.scenarios.events import OnEvent, ignore_event
from kanopt.scenarios.scenario import Scenario
from kanopt.text import count_text, fixed_text

_ENDS = ("low", "high")
_COLUMNS = (
    *("path", "low", "high", "kept_low", "kept_high", "low_effect", "high_effect", "swing", "kept_swing"),
    *("noise", "verdict", "low_status", "high_status"),
)
MOVES = "moves the price"


class Tornado(Answers):
    """How far each input alone moves the price: of each axis the points of its low and of its high value."""

    kind = "tornado"
    about_a_plan = True

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per input, the one that moves the price most first.

        Columns ``path``; ``low`` and ``high``, the values; ``kept_low`` and ``kept_high``, what they do to the price of
        the plan that is kept; ``low_effect`` and ``high_effect``, the same when planned anew; ``swing`` and
        ``kept_swing``, from the smallest to the largest price, that of the base among them; ``noise`` of the searches;
        ``verdict``; ``low_status`` and ``high_status``. A price is missing where the plan breaks other rules or leaves
        out something else than the base's.
        """
        frame = pd.DataFrame([self._ends(*pair) for pair in self.pairs], columns=list(_COLUMNS))
        order = frame["swing"].fillna(math.inf).sort_values(ascending=False, kind="stable").index
        return frame.loc[order].reset_index(drop=True)

    @property
    def pairs(self) -> list[tuple[Axis, PointResult, PointResult]]:
        """Each axis with what came of its low and of its high value, as far as both were reached."""
        found = {one.point: one for one in self.results}
        return [
            (axis, found[2 * number], found[2 * number + 1])
            for number, axis in enumerate(self.axes)
            if {2 * number, 2 * number + 1} <= found.keys()
        ]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"inputs": self.frame}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        return dict.fromkeys(_COLUMNS[3:10], "money")

    def plot(self, ax: Any = None) -> Any:
        """Draw a bar for each input, the widest on top, and return the matplotlib axes."""
        from kanopt.display import reports

        return reports.plot_tornado(self, ax=ax)

    def _ends(self, axis: Axis, *ends: PointResult) -> list[Any]:
        kept = [self._effect(found, found.kept_objective, found.kept_status) for found in ends]
        effects = [self._effect(found, found.objective, found.status) for found in ends]
        verdicts = [self.verdict(found) for found in ends]
        swing, values = _swing(effects), axis.values.items
        noise = max((one.noise for one in verdicts), key=lambda one: (one != one, one))
        place, told = (axis.label, values[0], values[-1]), (noise, self._word(swing, verdicts))
        return [*place, *kept, *effects, swing, _swing(kept), *told, *(found.status for found in ends)]

    def _effect(self, found: PointResult, price: float, status: str) -> float:
        """Return how far a price lies from the base's; NaN where they do not compare."""
        base = self.as_it_is
        keeps, kept = found.rank[:3], base.rank[:3]
        is_fair = still_compare(price - base.objective, does_more=keeps < kept, does_less=False)
        if status == found.status and keeps != kept and not is_fair:
            return math.nan
        if status != found.status and status in (Status.INFEASIBLE, Status.PARTIAL):
            return math.nan
        return price - base.objective

    def _word(self, swing: float, verdicts: list[Verdict]) -> str:
        """Say what the wider of both changes comes to."""
        if any(math.isnan(one.change) for one in verdicts):
            return next(one.word for one in verdicts if math.isnan(one.change))
        if math.isnan(swing):
            return "not like with like"
        changes = [replace(one, alike=True, why="") for one in verdicts]
        if any(one.is_known for one in changes):
            return MOVES
        return NO_DIFFERENCE if all(one.is_nothing for one in changes) else f"{MOVES}, {UNMEASURED}"

    def _shown(self) -> Iterator[Part]:
        how = f" one at a time, {'planned anew' if self.anew else 'the same plan'}"
        yield from self._heading(len(self.pairs), count_text(len(self.axes), "input"), how)
        if not self.pairs:
            yield "no input is done"
            return
        shown = self.frame[["path", "low", "high"]].copy()
        for end in _ENDS:
            shown[end] = shown[end].map(value_text)
            if self.anew:
                shown[f"kept, {end}"] = self.frame[f"kept_{end}"]
            shown[f"anew, {end}" if self.anew else f"at {end}"] = self.frame[f"{end}_effect"]
        shown[["swing", "noise", "verdict"]] = self.frame[["swing", "noise", "verdict"]]
        yield grid_of(shown, partial(fixed_text, decimals=2))
        yield from self.notes()

    def _notes(self) -> Iterator[str]:
        if self.frame[[f"{end}_effect" for end in _ENDS]].isna().any(axis=None):
            yield (
                "– stands where a value is refused, or the plan breaks other rules or serves something else there: its "
                "price would not compare like with like"
            )
        yield from super()._notes()


def _swing(effects: list[float]) -> float:
    return math.nan if any(map(math.isnan, effects)) else max(0.0, *effects) - min(0.0, *effects)


@told_by_line
def tornado(
    scenario: Scenario,
    axes: Mapping[str, Any],
    *,
    plan: PlanChoice = "anew",
    options: SweepOptions | None = None,
    progress: OnEvent | None = None,
) -> Tornado:
    """Find which inputs move the price most: each alone at its low and its high value, the others as they are.

    Parameters
    ----------
    scenario
        What is asked about.
    axes
        Path to a low and a high value: ``{"vehicles.fuel_price": (1.2, 2.0), "clients.demand_t": ko.factors(0.9, 1.1,
        2)}``, as in :func:`~kanopt.sweep`; of longer lists the first and the last.
    plan
        ``"anew"``, ``"kept"`` or ``"today"``, as in :func:`~kanopt.sweep`. What happens to the plan that is kept is
        told in either case.
    options
        Seeds, limits and workers; with ``repeats=2`` the noise of searches that prove nothing is known.
    progress
        Called with each stage; without it, a line tells at a terminal or in a notebook.

    Raises
    ------
    ScenarioError
        If a path or a value is none, or the scenario has no plan as it is (:class:`~kanopt.errors.NoPlanError`).
    FormulaError
        If a law predicts too poorly to be used.

    Examples
    --------
    >>> import kanopt as ko
    >>> base = ko.load_scenario("scenarios/supply_network.toml")                 # doctest: +SKIP
    >>> print(ko.tornado(base, {"sites.fixed_cost": ko.factors(0.8, 1.2, 2)}))   # doctest: +SKIP
    """
    require_scenario(scenario, "tornado")
    options = options or SweepOptions()
    check_word("tornado", "plan", plan, PLANS)
    read = read_axes(axes)
    for axis in read:
        if len(axis.values.items) < 2:
            raise refused("tornado", axis.path, f"has a low and a high value, not {axis} alone")
    read = tuple(map(_low_first, read))
    points: list[Place] = [
        tuple(value if axis is own else None for axis in read)
        for own in read
        for value in (own.values.items[0], own.values.items[-1])
    ]
    return ask(Tornado, scenario, read, points, plans=plan, options=options, report=progress or ignore_event)


def _low_first(axis: Axis) -> Axis:
    """Return an axis of numbers with its ends in order, whichever was named first."""
    items = axis.values.items
    ends = items[0], items[-1]
    if any(isinstance(end, (str, bool)) for end in ends):
        return axis
    return replace(axis, values=replace(axis.values, items=tuple(sorted(ends))))
