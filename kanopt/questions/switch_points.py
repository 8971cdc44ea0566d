"""Where it tips: the values at which a plan gives way to another one, as a frame and in sentences.

The scenario is planned at the values given. Where the prices of two plans cross between two of them, the problem is
solved: if no plan is better there, that is where the one gives way to the other; else the better plan stands between
them, and both halves are looked at (Eisner and Severance, J. ACM 23, 1976). Where quantities follow the axis, what
crosses are the prices of decisions as a whole, such as which sites are open.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from operator import attrgetter
from typing import Any, Literal, NamedTuple, TypeAlias

import pandas as pd

from kanopt.display import Grid, KeyFigure
from kanopt.engines.base import SolveOptions
from kanopt.engines.solve import carried, whole_decisions
from kanopt.errors import KanoptError
from kanopt.faults import count_fault
from kanopt.interrupt import Interrupt
from kanopt.plans.base import NO_PLAN, Plan, Problem, Rank
from kanopt.plans.findings import Status
from kanopt.plans.result import Result, evaluate
from kanopt.progress import told_by_line
from kanopt.questions.answer import Answer, Picture, Said, as_it_is
from kanopt.questions.axes import check_word, read_axes, refused
from kanopt.questions.point import (
    NO_DIFFERENCE,
    REFUSED,
    REPEAT,
    UNMEASURED,
    Decision,
    PointResult,
    decisions_of,
    edge_between,
)
from kanopt.questions.point_search import Hands, Task, do_task, hands_of
from kanopt.questions.question import (
    Question,
    SweepOptions,
    base_result,
    prepare,
    require_scenario,
    unit_of_axis,
)
from kanopt.scenarios.events import Event, OnEvent, ignore_event
from kanopt.scenarios.scenario import Scenario
from kanopt.text import amount_text, count_text, join_list, money_text, number_text, range_text

_COLUMNS = (
    *("path", "switch_point", "low", "high", "kind", "decision", "below", "above"),
    *("price_below", "price_above", "edge", "verdict"),
)
_POINT_COLUMNS = ["path", "value", "status", "price", "noise"]
_NAMES, _CHANGES, _DIGITS = 3, 4, 4
KNOWN, WIDE = "known", "not narrowed down"
Compared: TypeAlias = Literal["all", "in use"]
_KINDS = {"in use": ("in use", "term"), "all": ("in use", "term", "assignment")}
_NOTHING = {"in use": "not in use", "assignment": "nothing", "term": "nothing"}
_NARROWEST = 1e-6
"""Share of the range to which the crossing of two prices is found."""
_FOLLOWED = 0.001
"""The same where quantities follow the axis, as flows follow demand, so that prices of plans do not say it."""
_EQUAL, _JUMP = 1e-8, 1e-5
"""Shares of a price: by which a plan has to be better to count as another one, and by which a difference jumps."""
_HELD = 32
"""So many priced plans are kept in full."""


@dataclass(frozen=True)
class SwitchPoint:
    """One place at which decisions change.

    Parameters
    ----------
    path, unit
        What was varied; the unit is empty where it is not known, or values are factors.
    value
        From here on the plan above is better.
    low, high
        The place lies between these: as far as prices are compared, and beyond it as far as the plans differ by less
        than the noise.
    changes
        What changes: decision, choice below, choice above.
    price_below, price_above
        Of the plan below just before it, and of the plan above just behind it.
    edge
        The edge of a law, or the rule, that is reached there; empty where prices merely cross.
    verdict
        ``"known"``, ``"no difference"`` (beyond the noise of the search), ``"noise not measured"``, or ``"not narrowed
        down"`` where the limit of solves was reached before.
    noise
        How far searches along this path lie apart.
    """

    path: str
    unit: str
    value: float
    low: float
    high: float
    changes: tuple[tuple[Decision, str, str], ...]
    price_below: float
    price_above: float
    edge: str
    verdict: str
    noise: float

    @property
    def is_known(self) -> bool:
        """Whether the place is known to as many digits as are told, as far as searches say."""
        ends = {number_text(end, _DIGITS) for end in (self.low, self.high)}
        return self.verdict == UNMEASURED or (self.verdict == KNOWN and (self.noise > 0 or len(ends) == 1))

    def text(self, money: str) -> str:
        """Say where it is, why there, and what changes, things with the same change together."""
        alike: dict[tuple[str, str, str], list[str]] = {}
        order = _KINDS["all"].index
        for (kind, thing), below, above in sorted(self.changes, key=lambda change: order(change[0][0])):
            alike.setdefault((kind, below, above), []).append(thing)
        groups = list(alike.items())
        told = [
            f"{join_list(things, _NAMES)}: {above} instead of {below}"
            for (_, below, above), things in groups[:_CHANGES]
        ]
        if left := sum(len(things) for _, things in groups[_CHANGES:]):
            told.append(count_text(left, "more decision changes", "more decisions change"))
        place = f"somewhere in {range_text(self.low, self.high, self.unit, _DIGITS)}"
        doubt = "" if self.verdict == KNOWN else self.verdict
        if self.is_known:
            place = f"from {'about ' * bool(doubt)}{amount_text(self.value, self.unit, _DIGITS)} on"
        if self.verdict == NO_DIFFERENCE:
            doubt += f" beyond the noise of the search, {money_text(self.noise, money)}"
        why = f", since {self.edge}" * bool(self.edge) + f" ({doubt})" * bool(doubt)
        return f"{self.path} {place}{why}: {'; '.join(told)}"

    def key(self) -> KeyFigure:
        """Return its place as a figure; of one that is not known, between which values it lies."""
        ends = number_text(self.value, _DIGITS), range_text(self.low, self.high, "", _DIGITS)
        why = self.edge or "prices cross"
        return KeyFigure(
            self.path, ends[not self.is_known], self.unit, why if self.verdict == KNOWN else self.verdict
        )


@dataclass(frozen=True, eq=False, repr=False)
class SwitchPoints(Answer):
    """Where decisions change, along one path or several.

    Parameters
    ----------
    scenario
        What was asked about.
    base
        Its plan as it is.
    switches
        The switch points, path after path and in order.
    points
        One row per value at which the problem was solved: ``path``, ``value``, ``status``, ``price``, ``noise``.
    units
        Of the values of each path that was searched, with the noise of its searches, NaN where that is not known.
    interrupted
        True where the user stopped it.
    """

    scenario: Scenario
    base: Result
    switches: tuple[SwitchPoint, ...]
    points: pd.DataFrame
    units: Mapping[str, tuple[str, float]]
    interrupted: bool = False

    kind = "switch-points"

    @cached_property
    def frame(self) -> pd.DataFrame:
        """One row per decision that changes.

        Columns ``path``; ``switch_point``, from which on the plan above is better, with its interval ``low`` to
        ``high``; ``kind`` and ``decision``; ``below`` and ``above``, what is decided on either side; ``price_below``
        and ``price_above`` of the plans there; ``edge`` (of a law, or the rule that is reached; empty where prices
        merely cross); ``verdict``.
        """
        rows = []
        for one in self.switches:
            place = one.path, one.value, one.low, one.high
            ends = one.price_below, one.price_above, one.edge, one.verdict
            rows += [(*place, *thing, below, above, *ends) for thing, below, above in one.changes]
        return pd.DataFrame(rows, columns=list(_COLUMNS))

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"switch points": self.frame, "values": self.points}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        return dict.fromkeys(("price_below", "price_above", "price", "noise"), "money")

    def to_json(self) -> dict[str, Any]:
        """Return the sentences as plain data."""
        return {"sentences": list(self.sentences())}

    def sentences(self) -> tuple[str, ...]:
        """Return one sentence per switch point."""
        return tuple(one.text(self.unit) for one in self.switches)

    def notes(self) -> Iterator[str]:
        """Yield what must be said beside them: paths without one, values without a plan, noise not known."""
        for path, rows in self.points.groupby("path", sort=False):
            unit, noise = self.units[str(path)]
            if not self.interrupted and all(one.path != path for one in self.switches):
                ends = range_text(rows["value"].min(), rows["value"].max(), unit)
                yield f"{path}: the same decisions from {ends}"
            bad = rows[rows["status"].isin([REFUSED, str(Status.NO_PLAN)])]
            if len(bad):
                told = ", ".join(number_text(value, _DIGITS) for value in bad["value"].head(_NAMES))
                yield f"{path}: {count_text(len(bad), 'value')} without a plan, first {told}"
            if math.isnan(noise):
                yield f"{path}: searches prove nothing, and their noise is not known; {REPEAT}"

    def said(self) -> Said:
        """Return what it says."""
        sentences, paths = self.sentences(), count_text(len(self.units), "path")
        places = count_text(len(sentences), "place")
        answer: tuple[str, ...] = (f"No place on {paths} at which decisions change.",)
        sure = f"After {count_text(len(self.points), 'solve')}"
        if sentences:
            answer = (f"{sentences[0]}.", f"{places} on {paths} in all.")
            known = sum(one.is_known for one in self.switches)
            rest = "; of others, between which values they lie" if known < len(sentences) else ""
            sure += (
                f", {known:,} of {places} {'are' if known > 1 else 'is'} known to where prices cross{rest}"
            )
        caption = (
            "The ranges, parted where decisions change; ticks are values at which the problem was solved"
        )
        points = self._table("values", self.points, self._priced("Where it was solved"), values=("value",))
        return Said(
            title=f"{self.scenario.name}: where does the plan tip?",
            answer=answer,
            lines=sentences[1:],
            figures=(as_it_is(self.base), *(one.key() for one in self.switches[:_NAMES])),
            sure=(f"{sure}.", *self._learned()),
            notices=self._warnings(0, "", tuple(self.notes())),
            tables=(*([self._changes()] if sentences else []), points),
            pictures=(Picture("plot_switch_points", caption),) if len(self.points) else (),
        )

    def _changes(self) -> Grid:
        ends = ["low", "high"] if not all(one.is_known for one in self.switches) else []
        prices = ["price_below", "price_above"]
        columns = ["path", "switch_point", *ends, "decision", "below", "above", *prices, "edge", "verdict"]
        heads = {"switch_point": "from", "low": "at least", "high": "at most", "edge": "why there"}
        frame = self.frame.assign(edge=self.frame["edge"].replace("", "prices cross"))[columns]
        places = ("switch_point", "low", "high")
        return self._table("switch points", frame, "What changes", heads=heads, values=places)


def crossing(
    difference: Callable[[float], float], low: float, high: float, tolerance: float
) -> tuple[float, float]:
    """Return an interval at whose ends a difference has other signs, no wider than a tolerance.

    Rounds of a secant, a point just beyond it, and the middle: few values where the difference is smooth, and a third
    of bisection's speed at worst, where it jumps or is infinite.

    Parameters
    ----------
    difference
        Below zero or zero at `low`, above zero at `high`.
    low, high
        Where it is searched.
    tolerance
        The width of the interval.

    Examples
    --------
    >>> low, high = crossing(lambda x: x * x - 2, 0.0, 2.0, 1e-9)
    >>> low <= 2**0.5 <= high <= low + 1e-9
    True
    """
    ends = {low: difference(low), high: difference(high)}
    rounds = 0
    while high - low > tolerance:
        x = 0.5 * (low + high)
        rise = ends[high] - ends[low]
        if rounds % 3 < 2 and math.isfinite(rise) and rise > 0:
            # the first try just below the secant and the second just above it take it between them
            x = low + (high - low) * -ends[low] / rise + (-0.4, 0.4)[rounds % 3] * tolerance
            x = min(max(x, low + 0.25 * tolerance), high - 0.25 * tolerance)
        if not low < x < high:
            break
        ends[x] = difference(x)
        low, high = (x, high) if ends[x] <= 0 else (low, x)
        rounds += 1
    return low, high


class _Step(NamedTuple):
    """One plan gives way to another between two values; `gap` are those around them at which it was solved.

    Where prices of both are not crossed there, the values merely lie within the tolerance.
    """

    low: float
    below: int
    high: float
    above: int
    gap: tuple[float, float]
    crossed: bool = True


class _Search:
    """A search along one axis: plans found at some values, priced exactly at all others.

    Which plan is the best between, and where one gives way to another, follows from prices and is worked out again
    after every solve. Where a plan names quantities that follow the axis, as flows follow demand, it cannot be carried
    out anywhere else. There its price is that of the best plan with the same decisions as a whole.

    Attributes
    ----------
    plans
        Every plan with the value that it was made for.
    solved, own
        What came of the values at which the problem was solved, and the numbers of the plans found there.
    follows
        Whether quantities follow the axis.
    """

    def __init__(
        self, question: Question, base: Result, kinds: Sequence[str], most_solves: int, hands: Hands
    ) -> None:
        self.question, self.base, self.kinds, self.hands = question, base, kinds, hands
        self.most_solves = most_solves
        self.plans: list[tuple[Plan, float]] = []
        self.solved: dict[float, PointResult] = {}
        self.own: dict[float, int] = {}
        self.follows = self.interrupted = False
        self.problem = lru_cache(8)(self._problem)
        self.priced = lru_cache(_HELD)(self._priced)
        self.rank = lru_cache(None)(self._rank)
        self.decisions = lru_cache(None)(self._decisions)
        self.quantities = lru_cache(None)(self._quantities)
        self._stop = Interrupt()

    def run(self, values: Sequence[float]) -> None:
        """Solve at the values, then where plans differ, until nothing is left or a limit is reached."""
        self.range = max(values) - min(values)
        try:
            with Interrupt() as self._stop:
                self._solve(sorted(values))
                while (left := self.most_solves - len(self.solved)) > 0 and (asked := self._asked()):
                    self._solve(asked[:left])
        except KeyboardInterrupt:
            self.interrupted = True

    def _solve(self, values: Sequence[float]) -> None:
        question = replace(self.question, points=tuple((x,) for x in values))
        tasks = []
        for number, x in enumerate(values):
            near = (
                max((one for one in self.own if one < x), default=x),
                min((one for one in self.own if one > x), default=x),
            )
            starts = tuple(self.plans[self.own[one]][0] for one in near if one in self.own)
            tasks.append(Task(number, self.base.plan, starts))
        done: list[PointResult] = []
        try:
            self.hands.do(do_task, question, tasks, done.append)
        finally:
            for found in sorted(done, key=attrgetter("point")):
                x = values[found.point]
                self.solved[x] = found
                if found.plan is not None:
                    self.own[x] = len(self.plans)
                    self.plans.append((found.plan, x))

    def _asked(self) -> list[float]:
        """Return the values at which to solve next, those in the widest gaps first."""
        steps = sorted(self.steps(), key=lambda step: step.gap[0] - step.gap[1])
        return list(dict.fromkeys(x for step in steps if step.crossed for x in self._unsolved(step)))

    def _unsolved(self, step: _Step) -> list[float]:
        """Return where a step is to be confirmed: on both sides where prices jump, as a third may be better there."""
        ends = [self.difference(step.below, step.above, x) for x in (step.low, step.high)]
        found = self.rank(step.below, step.low)
        price = 1.0 if found is None else max(1.0, abs(found.objective))
        jumps = not all(map(math.isfinite, ends)) or ends[1] - ends[0] > _JUMP * price
        sides, near = [step.low, step.high][not jumps :], 2.0 * _NARROWEST * self.range
        return [x for x in sides if not any(abs(one - x) <= near for one in self.solved)]

    # -- plans at any value

    def _problem(self, x: float) -> Problem[Any]:
        return replace(self.question, points=((x,),)).problem_at(0)

    def _rank(self, plan: int, x: float) -> Rank | None:
        """Return how good a plan is at a value; None where it cannot be carried out there."""
        found = self.priced(plan, x)
        return None if found is None else found.rank

    def _decisions(self, plan: int, x: float) -> Mapping[Decision, str]:
        """Return what a plan decides at a value, of the kinds that are compared."""
        result, spec = self.priced(plan, x), self.question.scenario.problem
        found = {} if result is None else decisions_of(result, spec, self.base)
        return {one: way for one, way in found.items() if one.kind in self.kinds}

    def _priced(self, plan: int, x: float) -> Result | None:
        """Return a plan priced at a value, as it was made or with what follows from its decisions."""
        made, home = self.plans[plan]
        found: list[Result] = []
        if x == home:
            with suppress(KanoptError):
                found.append(evaluate(self.problem(x), made))
        if self.follows or not found:
            with suppress(KanoptError):
                there = self.quantities(plan, x) if self.follows else self.problem(x).carried_over(made)
                found += [] if there is None else [evaluate(self.problem(x), there)]
        return min(found, key=attrgetter("rank"), default=None)

    def _whole(self, plan: int) -> Hashable:
        """Return what a plan decides as a whole; None where no quantities follow from that."""
        return whole_decisions(self.base.problem, self.plans[plan][0])

    def _quantities(self, plan: int, x: float) -> Plan | None:
        """Return the best plan with the decisions of another as a whole; None where there is none."""
        options = SolveOptions(time_limit=self.question.time_limit, seed=self.question.seed)
        return carried(self.problem(x), self.plans[plan][0], options)

    def difference(self, one: int, other: int, x: float) -> float:
        """Return by how much a plan is dearer than another; infinite where they do not compare by price."""
        first, second = (known or NO_PLAN for known in (self.rank(one, x), self.rank(other, x)))
        if first[:-1] != second[:-1]:
            return math.inf if first[:-1] > second[:-1] else -math.inf
        return 0.0 if first == second else first.objective - second.objective

    def _is_worse(self, one: int, other: int, x: float) -> bool:
        """Say whether a plan is dearer than another by more than nothing, and than what a solver left unproved."""
        rank, found = self.rank(other, x), self.solved.get(x)
        least = 0.0 if rank is None else _EQUAL * max(1.0, abs(rank.objective))
        if found is not None and found.proved and not math.isnan(found.bound):
            least = max(least, found.objective - found.bound)
        return self.difference(one, other, x) > least

    def best(self, x: float) -> int | None:
        """Return the best plan at a value; None where none holds."""
        if x in self.solved and (self.solved[x].proved or x not in self.own):
            return self.own.get(x)
        ranks = [(rank, plan) for plan in range(len(self.plans)) if (rank := self.rank(plan, x)) is not None]
        return min(ranks)[1] if ranks else None

    def best_known(self) -> dict[float, int]:
        """Return the best plan at each solved value; among plans that are as good, one stays from value to value."""
        found: dict[float, int] = {}
        before: int | None = None
        for x in sorted(self.solved):
            if (best := self.best(x)) is not None:
                before = best if before is None or self._is_worse(before, best, x) else before
                found[x] = before
        return found

    # -- where one gives way to another

    def steps(self) -> list[_Step]:
        """Return every place at which a plan gives way to another one, as far as prices of known plans say it.

        Quantities follow the axis from when a plan breaks a rule, or leaves out more, where another one does not.
        """
        pairs = list(pairwise(self.best_known().items()))
        if not self.follows and any(self._fails(left, right) for (_, left), (_, right) in pairs):
            self.follows = self._whole(0) is not None
            for known in (self.priced, self.rank, self.decisions):
                known.cache_clear()
            pairs = list(pairwise(self.best_known().items()))
        return [step for left, right in pairs for step in self._between(*left, *right, (left[0], right[0]))]

    def _fails(self, left: int, right: int) -> bool:
        """Say whether one of two plans breaks more rules, or leaves out more, than the other where that was made."""
        return any(
            (here := self.rank(one, self.plans[one][1])) is not None
            and (self.rank(other, self.plans[one][1]) or NO_PLAN)[:-1] > here[:-1]
            for one, other in ((left, right), (right, left))
        )

    def _between(
        self, low: float, below: int, high: float, above: int, gap: tuple[float, float]
    ) -> Iterator[_Step]:
        """Yield where a plan gives way to another one: where their prices cross, unless a third one is better there."""
        if self._stop.asked and not self.interrupted:
            raise KeyboardInterrupt
        same = below == above or (self.follows and self._whole(below) == self._whole(above))
        if (same and not self.follows) or self.decisions(below, low) == self.decisions(above, high):
            return
        if high - low <= (_FOLLOWED if same else _NARROWEST) * self.range:
            yield _Step(low, below, high, above, gap, not same)
        elif same:  # the quantities of one plan change, which needs no solver
            middle = 0.5 * (low + high)
            if self.rank(below, middle) is None:
                yield _Step(low, below, high, above, gap, crossed=False)
                return
            yield from self._between(low, below, middle, below, gap)
            yield from self._between(middle, below, high, above, gap)
        else:
            tolerance = _NARROWEST * self.range
            left, right = crossing(lambda x: self.difference(below, above, x), low, high, tolerance)
            third = self.best(right) if low < right < high else None
            if third is not None and all(self._is_worse(one, third, right) for one in (below, above)):
                yield from self._between(low, below, right, third, gap)
                yield from self._between(right, third, high, above, gap)
                return
            yield from self._between(low, below, left, below, gap)
            yield _Step(left, below, right, above, gap)
            yield from self._between(right, above, high, above, gap)

    # -- what came of it

    @cached_property
    def noise(self) -> float:
        """How far searches lie apart: repeated ones, and those that missed a plan found elsewhere; NaN unmeasured."""
        unproved = {x: found for x, found in self.solved.items() if not found.proved}
        spreads = [found.noise for found in unproved.values() if not math.isnan(found.noise)]
        if not unproved or not spreads:
            return math.nan if unproved else 0.0
        best = {x: self.best(x) for x in unproved if x in self.own}
        missed = [self.difference(self.own[x], one, x) for x, one in best.items() if one is not None]
        return max(*spreads, *filter(math.isfinite, missed), 0.0)

    def rows(self, path: str) -> Iterator[tuple[Any, ...]]:
        """Yield the values at which it was solved, with what came of them."""
        best = self.best_known()
        for x, found in sorted(self.solved.items()):
            rank = self.rank(best[x], x) if x in best else None
            yield path, x, found.status, math.nan if rank is None else rank.objective, found.noise

    def switches(self, path: str, unit: str) -> Iterator[SwitchPoint]:
        """Yield every place where a plan gives way to one that decides otherwise."""
        steps = self.steps()
        ends = [min(self.solved), *(x for step in steps for x in (step.low, step.high)), max(self.solved)]
        for number, step in enumerate(steps):
            below, above = self.decisions(step.below, step.low), self.decisions(step.above, step.high)
            changes = tuple(
                (one, below.get(one, _NOTHING[one.kind]), above.get(one, _NOTHING[one.kind]))
                for one in dict.fromkeys([*below, *above])
                if below.get(one) != above.get(one)
            )
            if changes:
                found = self._switch(step, (ends[2 * number], ends[2 * number + 3]))
                yield SwitchPoint(path, unit, changes=changes, noise=self.noise, **found)

    def _switch(self, step: _Step, gap: tuple[float, float]) -> dict[str, Any]:
        """Return a place at which a plan gives way, between the ends of the gap in which no third one is better."""
        before, after = self.priced(step.below, step.low), self.priced(step.above, step.high)
        assert before is not None, "a plan is the better one where it can be carried out"
        assert after is not None, "a plan is the better one where it can be carried out"
        confirmed = step.crossed and not self._unsolved(step)
        ends, verdict, edge = step.gap if step.crossed else (step.low, step.high), WIDE, ""
        if confirmed or (not step.crossed and step.high - step.low <= _FOLLOWED * self.range):
            ends = (
                self._within_noise(step.below, step.above, gap[0], step.low),
                self._within_noise(step.above, step.below, gap[1], step.high),
            )
            known = not confirmed or (gap[0] < ends[0] and ends[1] < gap[1])
            verdict = UNMEASURED if math.isnan(self.noise) else KNOWN if known else NO_DIFFERENCE
        if confirmed:
            there = self.priced(step.below, step.high), self.priced(step.above, step.low)
            edge = edge_between((before, there[0]), (after, there[1]))
        return {
            "value": step.high if edge else 0.5 * (step.low + step.high),
            "low": ends[0],
            "high": ends[1],
            "price_below": before.rank.objective,
            "price_above": after.rank.objective,
            "edge": edge,
            "verdict": verdict,
        }

    def _within_noise(self, better: int, other: int, end: float, place: float) -> float:
        """Return how far from a crossing towards an end a plan is better by no more than the noise."""
        if not self.noise > 0 or end == place:
            return place
        if -self.difference(better, other, end) <= self.noise:
            return end
        sign, low, high = (1.0, end, place) if end < place else (-1.0, place, end)
        tolerance = _NARROWEST * self.range
        return crossing(
            lambda x: sign * (self.difference(better, other, x) + self.noise), low, high, tolerance
        )[sign < 0]


@told_by_line
def switch_points(
    scenario: Scenario,
    axes: Mapping[str, Any],
    *,
    decisions: Compared = "all",
    most_solves: int = 60,
    options: SweepOptions | None = None,
    progress: OnEvent | None = None,
) -> SwitchPoints:
    """Find the values at which decisions of the best plan change: "rail instead of truck from 1.92 EUR/l on".

    The scenario is planned at the values given; between two of them whose plans differ, the exact prices of both plans
    are crossed, and the problem is solved where they cross, for a third plan that is better there. Where quantities
    follow the input, as flows follow demand, a plan is priced elsewhere with its sites and the best flows through them.
    Between two values whose plans agree nothing is looked for: give more values where something may come and go
    between.

    Parameters
    ----------
    scenario
        What is asked about.
    axes
        Path to two or more numbers: ``{"vehicles.fuel_price": (1.0, 2.0)}``, :func:`~kanopt.grid` or
        :func:`~kanopt.factors`, as in :func:`~kanopt.sweep`. Of several paths each is varied alone.
    decisions
        ``"all"``: what is used, what is served, made or sent from where, and what is paid for at all; ``"in use"``:
        without what is served from where.
    most_solves
        How often the problem is solved at most, for each path.
    options
        Seeds, limits and workers; with ``repeats=2`` the noise of searches that prove nothing is known.
    progress
        Called with each stage; without it, a line tells at a terminal or in a notebook.

    Returns
    -------
    SwitchPoints
        After Ctrl-C with the points until then.

    Raises
    ------
    ScenarioError
        If a path, a value or a limit is none.
    FormulaError
        If a law predicts too poorly to be used.

    Examples
    --------
    >>> import kanopt as ko
    >>> base = ko.load_scenario("scenarios/supply_network.toml")                # doctest: +SKIP
    >>> print(ko.switch_points(base, {"sites.fixed_cost": ko.factors(0.5, 2.0, 4)}))   # doctest: +SKIP
    """
    require_scenario(scenario, "switch_points")
    options, report = options or SweepOptions(), progress or ignore_event
    read = read_axes(axes)
    check_word("switch points", "decisions", decisions, _KINDS)
    if wrong := count_fault(most_solves, 2):
        raise refused("switch points", "most_solves", f"must be {wrong}")
    for axis in read:
        numbers = [value for value in axis.values.items if not isinstance(value, (str, bool))]
        if len(numbers) < max(2, len(axis.values.items)):
            told = f"switch points lie between two numbers or more, not in {axis}"
            raise refused("switch points", axis.path, told)
    prepared = prepare(scenario, read, options, report, "switch points")
    base = base_result(prepared, "anew", report)
    switches, rows, units, interrupted = list[SwitchPoint](), list[Any](), {}, base.interrupted
    with hands_of(options) as hands:
        for axis in read if not interrupted else ():
            report(Event("solve", f"switch points of {axis}"))
            question = Question.of(prepared, [axis], [])
            search = _Search(question, base, _KINDS[decisions], most_solves, hands)
            search.run([float(value) for value in axis.values.items])
            unit = unit_of_axis(question.scenario, axis)
            units[axis.label] = unit, search.noise
            rows += search.rows(axis.label)
            switches += search.switches(axis.label, unit)
            if interrupted := search.interrupted:
                break
    points = pd.DataFrame(rows, columns=_POINT_COLUMNS)
    return SwitchPoints(scenario, base, tuple(switches), points, units, interrupted)
