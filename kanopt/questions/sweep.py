"""Many what-ifs as one question: sweeps, and which input moves the price most."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import Any

import pandas as pd

from kanopt.display import Grid, KeyFigure, tone_of
from kanopt.plans.findings import Status
from kanopt.progress import told_by_line
from kanopt.questions.answer import Picture, Said, as_it_is, noise_sentence
from kanopt.questions.ask import Answers, ask
from kanopt.questions.axes import Axis, Design, design_points, read_axes, refused, value_text
from kanopt.questions.point import (
    NO_DIFFERENCE,
    REFUSED,
    UNMEASURED,
    PointResult,
    Verdict,
    still_compare,
)
from kanopt.questions.question import (
    Place,
    PlanChoice,
    SweepOptions,
    as_it_is_text,
    require_scenario,
    varied_text,
)
from kanopt.scenarios.events import OnEvent
from kanopt.scenarios.scenario import Scenario
from kanopt.text import count_text, join_list, money_text

_MOST_VARIED = 4


class Sweep(Answers):
    """Prices and plans at the points of a sweep."""

    kind = "sweep"

    @property
    def status(self) -> Status:
        """That of the plan as it is; infeasible where no plan holds at any point."""
        solved = (Status.OPTIMAL, Status.FEASIBLE)
        holds = self.base.status not in solved or any(found.status in solved for found in self.results)
        return self.base.status if holds else Status.INFEASIBLE

    def said(self) -> Said:
        """Return what it says."""
        asked = count_text(len(self.design_points), "point")
        varied = join_list([varied_text(self.scenario, axis) for axis in self.axes], _MOST_VARIED)
        how = "is planned anew" if self.anew else "has the price of the same plan"
        caption = f"Price of {'plans made anew' if self.anew else 'the same plan'} at each point"
        noise = noise_sentence(self.points["noise"] if self.anew else None, self.unit)
        return Said(
            title=f"{self.scenario.name}: what if {varied}?",
            answer=(
                self.extremes() or "At no point is there a plan that holds.",
                f"Each of {asked} {how}. {as_it_is_text(self.base)}",
            ),
            figures=(as_it_is(self.base), *self._extreme_keys(), self._counted()),
            sure=(noise, *self._learned()),
            notices=self._warnings(len(self.results), asked, self.notes()),
            tables=(self._points(),) if self.results else (),
            pictures=(Picture("plot_sweep", caption),) if self.results else (),
        )

    def _extreme_keys(self) -> Iterator[KeyFigure]:
        """Yield the lowest and the highest price; in colour where they differ by more than luck from that as it is."""
        ends = self.cheapest_and_dearest() or ()
        for name, found in zip(("cheapest", "dearest"), dict.fromkeys(ends), strict=False):
            verdict = self.verdict(found)
            tone = tone_of(verdict.change if verdict.is_known else 0.0)
            yield KeyFigure(name, money_text(found.objective), self.unit, f"at {self.place_of(found)}", tone)

    def _counted(self) -> KeyFigure:
        failed = sum(one.status in (REFUSED, Status.NO_PLAN, Status.INFEASIBLE) for one in self.results)
        note = f"{failed:,} without a plan that holds" if failed else "all with a plan"
        return KeyFigure("points", f"{len(self.results):,}", "", note, "bad" if failed else "")

    def _points(self) -> Grid:
        labels = [axis.label for axis in self.axes]
        planned = ["data_effect", "replanning_effect", "noise"] if self.anew else []
        why = ["message"] if self.points["message"].any() else []
        heads = {label: label for label in labels} | {
            "objective": f"price, {self.unit}" if self.unit else "price"
        }
        columns = ["point", *labels, "objective", "change", "verdict", *planned, *why]
        note = "Change = new data + new plan, against the plan as it is." if self.anew else ""
        frame = self.points[columns]
        return self._table("points", frame, "The points", heads=heads, values=labels, note=note)

    def extremes(self) -> str:
        """Say where the price is lowest and where it is highest, beside the plan as it is; empty where no plan holds.

        A point whose price differs from that of the plan as it is by no more than luck is neither.
        """
        found = self.cheapest_and_dearest()
        if found is None:
            return ""
        base, told = self.as_it_is, []
        others = [one for one in self.results if one.objective != found[0].objective]
        if found[0] is found[1] and others and all(one.unlike(base) or one.serves_nobody for one in others):
            return "At every other point something else is served: their prices do not compare with the plan as it is."
        for word, more, one, sign in zip(("cheap", "dear"), ("less", "more"), found, (-1, 1), strict=True):
            verdict = self.verdict(one)
            place = f"{word.title()}est is {self.place_of(one)}: {money_text(one.objective, self.unit)}"
            if math.isnan(verdict.change):
                told.append(f"{place}.")
            elif verdict.change * sign > 0 and not verdict.is_nothing:
                told.append(f"{place}, {money_text(abs(verdict.change), self.unit)} {more} than now.")
            else:
                told.append(f"No point is {word}er than the plan as it is.")
        return " ".join(told)

    def cheapest_and_dearest(self) -> tuple[PointResult, PointResult] | None:
        """Return the points with the lowest and the highest price among those that leave out least.

        One that serves nobody is none of them; nor is one that serves something else than the plan as it is, where
        others serve the same.
        """
        finest = min((found.rank[:3] for found in self.results), default=None)
        cheapest = [found for found in self.results if found.rank[:3] == finest and not found.serves_nobody]
        cheapest = [found for found in cheapest if not found.unlike(self.as_it_is)] or cheapest
        if not cheapest or cheapest[0].rank[0]:
            return None
        return (
            min(cheapest, key=lambda found: found.objective),
            max(cheapest, key=lambda found: found.objective),
        )


@told_by_line
def sweep(
    scenario: Scenario,
    axes: Mapping[str, Any] | Sequence[Axis],
    *,
    design: Design = "grid",
    plan: PlanChoice = "anew",
    options: SweepOptions | None = None,
    progress: OnEvent | None = None,
) -> Sweep:
    """Ask what if at many points at once.

    Laws are learned once, the scenario is planned once, and its plan is priced under the data of every point; with
    ``plan="anew"`` every point is planned too, from the plan of a point nearby, and is offered the plans of its
    neighbours. What the new data do to the old plan and what planning anew gains stay apart.

    Parameters
    ----------
    scenario
        What is asked about.
    axes
        Path to values: ``{"vehicles.fuel_price": ko.grid(1.0, 2.0, 11), "vehicles[name=van].num_available": [4, 5]}``,
        or
        :func:`~kanopt.factors` by which what is there is multiplied. Paths are those of :meth:`Scenario.set`.
    design
        ``"grid"`` or ``"list"``; see :func:`~kanopt.questions.axes.design_points`. Points of another design,
        such as a Latin hypercube of scipy, are asked as a list.
    plan
        ``"anew"``: each point is planned; ``"kept"``: the base's plan at every point; ``"today"``: today's
        plan, and nothing is solved.
    options
        Seeds, limits, workers and where results go.
    progress
        Called with each stage; without it, a line tells at a terminal or in a notebook.

    Returns
    -------
    Sweep
        After Ctrl-C with the points until then.

    Raises
    ------
    ScenarioError
        If a path, a value or the design is none, or the first point cannot be made. A point whose data contradict
        themselves later is told of as refused.
    FormulaError
        If a law predicts too poorly to be used.

    Examples
    --------
    >>> import kanopt as ko
    >>> base = ko.load_scenario("scenarios/parcel_city.toml")           # doctest: +SKIP
    >>> prices = {"vehicles.fuel_price": ko.grid(1.0, 2.0, 11)}         # doctest: +SKIP
    >>> print(ko.sweep(base, prices, plan="kept"))                      # doctest: +SKIP
    """
    require_scenario(scenario, "sweep")
    read = read_axes(axes)
    return ask(Sweep, scenario, read, design_points(read, design), plan, options, progress)


_ENDS = ("low", "high")
_COLUMNS = (
    *("path", "low", "high", "kept_low", "kept_high", "low_effect", "high_effect", "swing", "kept_swing"),
    *("noise", "verdict", "low_status", "high_status"),
)
MOVES = "moves the price"
_SAID, _TIMES = 3, " ×"


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

    def said(self) -> Said:
        """Return what it says."""
        inputs = count_text(len(self.axes), "input")
        how = "planned anew at each value" if self.anew else "the same plan at all values"
        noise = noise_sentence(self.frame["noise"] if self.anew else None, self.unit)
        kept = ("kept_low", "kept_high") if self.anew else ()
        columns = ["path", "low", "high", *kept, "low_effect", "high_effect", "swing", "noise", "verdict"]
        title = self._priced("What each input does to the price")
        swings = [
            KeyFigure(str(row["path"]), money_text(row["swing"]), self.unit, f"swing; {row['verdict']}")
            for row in self._known()[:_SAID]
        ]
        one_at_a_time = f"{inputs} one at a time, the others as they are; {how}. {as_it_is_text(self.base)}"
        caption = "Change of the price by each input alone, from its low to its high value"
        table = self._table("inputs", self.frame[columns], title, values=_ENDS)
        return Said(
            title=f"{self.scenario.name}: what moves the price most?",
            answer=(*self._movers(), one_at_a_time),
            figures=(as_it_is(self.base), *swings),
            sure=(noise, *self._learned()),
            notices=self._warnings(len(self.pairs), inputs, self.notes() if self.pairs else ()),
            tables=(table,) if self.pairs else (),
            pictures=(Picture("plot_tornado", caption),) if self.pairs else (),
        )

    def _known(self) -> list[dict[str, Any]]:
        known = self.frame.dropna(subset=["swing"])
        return [{str(name): value for name, value in row.items()} for row in known.to_dict("records")]

    def _movers(self) -> Iterator[str]:
        """Say which input to watch, and which come after it."""
        if not (known := self._known()):
            return
        first, *others = known
        name, times = _named(str(first["path"]))
        low, high = (
            f"{money_text(first[f'{end}_effect'], self.unit, signed=True)} at {times}{value_text(first[end])}"
            for end in _ENDS
        )
        if not first["verdict"].startswith(MOVES):
            widest = f"{low}, {high} of {name}"
            yield f"No input moves the price beyond the noise of the search; the widest swing is {widest}."
            return
        yield f"{name} moves the price most: {low}, {high}."
        told = [
            f"{_named(str(row['path']))[0]} (by {money_text(row['swing'], self.unit)})"
            for row in others
            if row["verdict"] == MOVES
        ][: _SAID - 1]
        if told:
            yield f"After it {'comes' if len(told) == 1 else 'come'} {join_list(told)}."

    def _notes(self) -> Iterator[str]:
        if self.frame[[f"{end}_effect" for end in _ENDS]].isna().any(axis=None):
            yield (
                "– stands where a value is refused, or the plan breaks other rules or serves something else there: its "
                "price would not compare like with like"
            )
        yield from super()._notes()


def _named(label: str) -> tuple[str, str]:
    """Return the name of an input, and what stands ahead of its values, which may be factors."""
    return (label.removesuffix(_TIMES), "× ") if label.endswith(_TIMES) else (label, "")


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
    return ask(Tornado, scenario, read, points, plan, options, progress)


def _low_first(axis: Axis) -> Axis:
    """Return an axis of numbers with its ends in order, whichever was named first."""
    items = axis.values.items
    ends = items[0], items[-1]
    if any(isinstance(end, (str, bool)) for end in ends):
        return axis
    return replace(axis, values=replace(axis.values, items=tuple(sorted(ends))))
