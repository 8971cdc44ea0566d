"""What came of the points of a question: one table, one verdict for each, and what a sweep says of them."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from kanopt.display import Grid, KeyFigure, tone_of
from kanopt.plans.findings import Status
from kanopt.questions.answer import Answer, Picture, Said, as_it_is, noise_sentence
from kanopt.questions.axes import Axis, value_text
from kanopt.questions.point import BASE, REFUSED, REPEAT, PointResult, Verdict, point_of
from kanopt.questions.question import Place, as_it_is_text, varied_text
from kanopt.text import count_text, join_list, money_text

if TYPE_CHECKING:
    from kanopt.plans.result import Result
    from kanopt.scenarios.scenario import Scenario

_NAMES = 4


@dataclass(frozen=True, eq=False, repr=False)
class Answers(Answer):
    """Prices and plans at points, each beside the plan of the scenario as it is.

    Parameters
    ----------
    scenario
        What was asked about.
    axes
        What was varied.
    design_points
        The value of each axis at each point; None where it was left as it is.
    base
        The plan of the scenario as it is, which every point is compared with.
    results
        What came of each point, in the order of their numbers; those that are missing were not reached.
    anew
        Whether every point was planned; else the base's plan was priced there.
    interrupted
        True where the user stopped it.
    seconds
        Wall seconds of it all.
    """

    about_a_plan: ClassVar[bool] = False
    """Whether there is no answer where the scenario has no plan as it is."""

    scenario: Scenario
    axes: tuple[Axis, ...]
    design_points: tuple[Place, ...]
    base: Result
    results: tuple[PointResult, ...]
    anew: bool
    interrupted: bool = False
    seconds: float = 0.0

    @cached_property
    def as_it_is(self) -> PointResult:
        """The base, as a point."""
        return point_of(BASE, self.base)

    def verdict(self, found: PointResult) -> Verdict:
        """Return what the change of a point against the base comes to."""
        return found.verdict(self.as_it_is, anew=self.anew)

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
        labels = [axis.label for axis in self.axes]
        columns = ["point", *labels, *_COLUMNS]
        return pd.DataFrame([self._row(found) for found in self.results], columns=columns)

    def _row(self, found: PointResult) -> list[object]:
        verdict, held = self.verdict(found), found.held_price(self.as_it_is)
        effects = held - self.as_it_is.objective, found.objective - held
        kept = found.kept_objective, found.kept_status
        price = found.status, found.objective, verdict.change, *kept, *effects
        told = verdict.noise, verdict.word, verdict.why, found.unserved, found.violations
        place = found.point, *self.design_points[found.point]
        return [*place, *price, *told, found.bound, found.seconds, found.message, found.caveat]

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
        return dict.fromkeys((*_MONEY, "amount", "kept_amount"), "money")

    def to_json(self) -> dict[str, Any]:
        """Return the price of the plan of the scenario as it is."""
        return {"price": self.base.objective}

    def notes(self) -> tuple[str, ...]:
        """Return what must be said beside the prices: points without one, laws in doubt, noise that is not known."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        statuses = Counter(found.status for found in self.results)
        for status, words in _WORDS.items():
            if statuses[status]:
                first = next(found for found in self.results if found.status == status)
                told = f": {first.message}" if first.message else ""
                yield f"{count_text(statuses[status], 'point')} {words}, first {self.place_of(first)}{told}"
        unlike = [(found, told) for found in self.results if (told := found.unlike(self.as_it_is))]
        if unlike:
            first, told = unlike[0]
            yield (
                f"at {count_text(len(unlike), 'point')} prices do not compare like with like, first "
                f"{self.place_of(first)}: its plan {told}"
            )
        broken = sum(found.kept_status == Status.INFEASIBLE for found in self.results) if self.anew else 0
        if broken:
            yield f"at {count_text(broken, 'point')} the plan as it is breaks a rule"
        doubtful = [found for found in self.results if found.caveat not in ("", self.as_it_is.caveat)]
        if doubtful:
            yield (
                f"at {count_text(len(doubtful), 'point')} laws are not to be trusted, first "
                f"{self.place_of(doubtful[0])}: {doubtful[0].caveat}"
            )
        verdicts = [self.verdict(found) for found in self.results if found.status != REFUSED]
        if any(math.isnan(verdict.noise) for verdict in verdicts if not math.isnan(verdict.change)):
            yield f"the noise of the search is not measured; {REPEAT}"

    def place_of(self, found: PointResult) -> str:
        """Return the values of a point in words."""
        values = zip(self.axes, self.design_points[found.point], strict=True)
        told = [f"{axis.label} {value_text(value)}" for axis, value in values if value is not None]
        return ", ".join(told)


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
        varied = join_list([varied_text(self.scenario, axis) for axis in self.axes], _NAMES)
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
        columns = ["point", *labels, "objective", "change", *planned, "verdict", *why]
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


_MONEY = ("objective", "change", "kept_objective", "data_effect", "replanning_effect", "noise", "bound")
_COLUMNS = (
    *("status", "objective", "change", "kept_objective", "kept_status", "data_effect", "replanning_effect"),
    *("noise", "verdict", "unlike", "unserved", "violations", "bound", "seconds", "message", "caveat"),
)
_WORDS = {
    REFUSED: "refused, since the data contradict themselves",
    str(Status.NO_PLAN): "without a plan",
    str(Status.INFEASIBLE): "at which the plan breaks a rule",
    str(Status.PARTIAL): "at which something is left out",
}
