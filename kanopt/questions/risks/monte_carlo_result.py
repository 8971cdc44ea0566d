"""How plans fare under many draws, as frames and in words."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.array_types import Floats
from kanopt.display import Alarm, Part, grid_of
from kanopt.questions.axes import Axis
from kanopt.questions.point import REFUSED
from kanopt.questions.question import as_it_is_text
from kanopt.questions.risks.risk import share_error
from kanopt.scenarios.changes import Value
from kanopt.scenarios.run import TableExports
from kanopt.text import count_text, fixed_text, join_list, list_names, money_text, percent_text, seconds_text

if TYPE_CHECKING:
    from kanopt.plans.result import Result
    from kanopt.questions.point import Decision, PointResult
    from kanopt.scenarios.scenario import Scenario


KEPT = "kept"
WORST = 0.1
"""Share of the draws that count as the worst ones."""
_EQUAL = 1e-9
_SHOWN = 8


@dataclass(frozen=True)
class PlanPrice:
    """What a plan costs in one draw.

    Parameters
    ----------
    objective
        On the laws of the draw; NaN where the plan cannot be carried out.
    unserved, violations
        What it leaves out of what must be served, and how many other rules it breaks.
    deviations
        Standard deviation that errors of single rows put on the price, by law.
    """

    objective: float = math.nan
    unserved: float = 0
    violations: int = 0
    deviations: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class PricedDraw:
    """All plans in one draw.

    Parameters
    ----------
    point
        The number of the draw.
    prices
        Of each plan; empty where there is no problem to price them on.
    message
        Why not.
    """

    point: int
    prices: tuple[PlanPrice, ...] = ()
    message: str = ""


@dataclass(frozen=True, eq=False, repr=False)
class MonteCarlo(TableExports):
    """The prices of plans under many draws of what is not known.

    Parameters
    ----------
    scenario
        What was asked about.
    axes
        Inputs that were drawn.
    base
        The plan that is kept, where nothing is changed.
    points
        The value of each input in each draw.
    laws
        Laws that err.
    planned_in
        For each plan the draw in which it was found; None of the one that is kept.
    decided
        For each plan what it decides, each with its choice in words.
    priced
        What came of each draw; those that were not reached are missing.
    scores
        For each output of a law, standard normal numbers by which errors of single rows move prices; (draws,).
    replanned
        What came of the draws that were planned anew.
    interrupted
        True where the user stopped it.
    seconds
        Wall seconds of it all.

    Notes
    -----
    A plan is carried out in every draw: what it decides stays, its times follow. It *fails* where it then leaves out
    more or breaks more rules than the kept one does as it is. Where it breaks a rule, it has the price of being carried
    out all the same, as in :func:`~kanopt.risk`; where it leaves out more, none that compares. Regret is how much
    dearer a plan is than the cheapest that does not fail in the same draw, and so the least that the true regret can
    be. Errors of single rows are part of what is paid, and of the worst draws, but not of regret: nobody can plan for
    them. Best are plans among those that fail most rarely, as far as is known: within two Monte Carlo errors.
    """

    scenario: Scenario
    axes: tuple[Axis, ...]
    base: Result
    points: tuple[tuple[Value, ...], ...]
    laws: tuple[str, ...]
    planned_in: tuple[int | None, ...]
    decided: tuple[Mapping[Decision, str], ...]
    priced: tuple[PricedDraw, ...]
    scores: Mapping[str, Floats]
    replanned: tuple[PointResult, ...] = ()
    interrupted: bool = False
    seconds: float = 0.0

    @property
    def unit(self) -> str:
        """Unit of all prices."""
        return self.base.problem.unit

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The plans: ``"kept"``, then ``"of draw 3"`` and so on."""
        return tuple(KEPT if number is None else f"of draw {number}" for number in self.planned_in)

    @cached_property
    def prices(self) -> Floats:
        """Price of each plan on the laws of each draw; NaN where it leaves out more; (draws, plans)."""
        return self._of_each(lambda price, _: price.objective if self._serves(price) else math.nan)

    @cached_property
    def paid(self) -> Floats:
        """The same with the errors of single rows; (draws, plans)."""

        def errors(price: PlanPrice, draw: int) -> float:
            erring = {law: size for law, size in price.deviations.items() if law in self.scores}
            return math.fsum(size * float(self.scores[law][draw]) for law, size in erring.items())

        return self.prices + self._of_each(errors)

    @cached_property
    def holds(self) -> NDArray[np.bool_]:
        """Whether each plan serves as much and keeps as many rules as the kept one as it is; (draws, plans)."""
        most = self.base.rank.violations
        return np.equal(self._of_each(lambda price, _: self._serves(price) and price.violations <= most), 1.0)

    def _serves(self, price: PlanPrice) -> bool:
        return price.unserved <= self.base.rank.unserved and not math.isnan(price.objective)

    def _of_each(self, read: Callable[[PlanPrice, int], float]) -> Floats:
        """Return something of each plan in each draw; NaN in draws without a problem."""
        found = [
            [read(price, draw.point) for price in draw.prices] or [math.nan] * len(self.names)
            for draw in self.priced
        ]
        return np.array(found, dtype=np.float64).reshape(-1, len(self.names))

    @cached_property
    def regret(self) -> Floats:
        """How much dearer each plan is than the cheapest that holds; NaN where it fails itself; (draws, plans)."""
        prices = np.where(self.holds, self.prices, np.nan)
        return np.asarray(prices - np.fmin.reduce(prices, axis=1)[:, None])

    @cached_property
    def fails(self) -> Floats:
        """In which share of the draws that make a problem each plan fails; NaN where none does; (plans,)."""
        if not self._posed.any():
            return np.full(len(self.names), math.nan)
        return np.asarray(1.0 - self.holds[self._posed].mean(axis=0))

    @cached_property
    def _posed(self) -> NDArray[np.bool_]:
        return np.array([not draw.message for draw in self.priced], dtype=bool)

    @cached_property
    def plans(self) -> pd.DataFrame:
        """One row per plan, the one that is kept first.

        Columns: ``plan``; ``fails``, in which share of the draws it breaks a rule or leaves out more; ``mean`` of what
        is paid, its ``error`` (Monte Carlo), ``q05``, ``q50``, ``q95`` and ``worst`` (mean of its worst tenth);
        ``regret`` on average and ``largest_regret``; ``cheapest``, in which share of the draws it is, of those plans
        that do not fail.
        """
        rows = [
            [name, float(self.fails[place]), *self._figures(place)] for place, name in enumerate(self.names)
        ]
        return pd.DataFrame(rows, columns=["plan", "fails", *_FIGURES])

    def _figures(self, place: int) -> list[float]:
        paid, regret = (each[~np.isnan(each)] for each in (self.paid[:, place], self.regret[:, place]))
        found = [math.nan] * len(_FIGURES)
        if len(paid):
            error = float(paid.std(ddof=1)) / math.sqrt(len(paid)) if len(paid) > 1 else math.nan
            found[:6] = [paid.mean(), error, *np.quantile(paid, [0.05, 0.5, 0.95]), _worst(paid)]
        if len(regret):
            found[6:8] = [regret.mean(), regret.max()]
        if posed := int(self._posed.sum()):
            found[8] = np.count_nonzero(regret <= self._least) / posed
        return [float(value) for value in found]

    @property
    def _least(self) -> float:
        """A difference of prices that is none: what the order of summation may change."""
        return _EQUAL * max(1.0, abs(self.base.rank.objective))

    @property
    def best(self) -> dict[str, str]:
        """The plan that is best ``"on average"``, ``"in the worst tenth"`` and ``"by regret"`` (the largest one).

        Compared are plans that fail as rarely as any, as far as is known, in draws in which all of them have a price.
        """
        posed = int(self._posed.sum())
        if not posed or not np.isfinite(self.prices).any():
            return {}
        least = float(self.fails.min())
        able = np.flatnonzero(self.fails <= least + 2.0 * float(share_error(least, posed)))
        paid, regret = self.paid[:, able], self.regret[:, able]
        paid, regret = (each[~np.isnan(each).any(axis=1)] for each in (paid, regret))
        scores = {"by regret": regret.max(axis=0)} if len(regret) else {}
        if len(paid):
            worst = np.apply_along_axis(_worst, 0, paid)
            scores = {"on average": paid.mean(axis=0), "in the worst tenth": worst, **scores}
        return {words: self.names[able[int(np.argmin(score))]] for words, score in scores.items()}

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """One row per decision of the plan that is kept, the least certain first.

        Columns: ``kind`` and ``thing``; ``choice``; ``keeps``, in which share of the draws the cheapest plan decides
        the same, of those in which a plan does not fail; ``error`` of that (Monte Carlo); ``instead``, what it most
        often decides otherwise.
        """
        cheapest = [int(np.nanargmin(row)) for row in self.regret if not np.isnan(row).all()]
        counts = Counter(cheapest)
        total, rows = len(cheapest), []
        for thing in sorted({one for decided in self.decided for one in decided}):
            choice = self.decided[0].get(thing, "not")
            others: Counter[str] = Counter()
            for place, count in counts.items():
                others[self.decided[place].get(thing, "not")] += count
            alike = others.pop(choice, 0)
            keeps = alike / total if total else math.nan
            instead = others.most_common(1)[0][0] if others else ""
            rows.append([*thing, choice, keeps, float(share_error(keeps, total)), instead])
        frame = pd.DataFrame(rows, columns=["kind", "thing", "choice", "keeps", "error", "instead"])
        return frame.sort_values("keeps", kind="stable", ignore_index=True)

    @cached_property
    def draws(self) -> pd.DataFrame:
        """One row per draw and plan.

        Columns: ``draw``; one for each input; ``plan``; ``price`` on the laws of the draw and ``paid``, with errors of
        single rows; ``regret``; ``holds``; ``message`` where the draw makes no problem.
        """
        each = zip(self.priced, self.prices, self.paid, self.regret, self.holds, strict=True)
        rows = [
            (draw.point, *self.points[draw.point], *plan, draw.message)
            for draw, *figures in each
            for plan in zip(self.names, *figures, strict=True)
        ]
        labels = [axis.label for axis in self.axes]
        columns = ["draw", *labels, "plan", "price", "paid", "regret", "holds", "message"]
        return pd.DataFrame(rows, columns=columns)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"plans": self.plans, "decisions": self.decisions, "draws": self.draws}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        shares = "plans.fails", "plans.cheapest", "decisions.keeps", "decisions.error"
        money = (f"plans.{name}" for name in _FIGURES[:-1])
        return dict.fromkeys(money, "money") | dict.fromkeys(shares, "share")

    def to_frame(self) -> pd.DataFrame:
        """Return :attr:`plans`."""
        return self.plans.copy()

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            "draws": len(self.priced),
            "laws": list(self.laws),
            "inputs": [axis.label for axis in self.axes],
            "plans": self.plans.to_dict("records"),
            "best": self.best,
            "decisions": self.decisions.to_dict("records"),
            "refused": sum(bool(draw.message) for draw in self.priced),
            "interrupted": self.interrupted,
        }

    def to_html(self, path: str | Path) -> Path:
        """Write the answer: one HTML file that needs nothing else. Returns its path."""
        from kanopt.display import reports

        return reports.write_page(reports.monte_carlo_page(self), path)

    def plot(self, ax: Any = None) -> Any:
        """Draw what each plan costs over the draws, and return the matplotlib axes."""
        from kanopt.display import reports

        return reports.plot_plans(self, ax)

    def plot_decisions(self, ax: Any = None) -> Any:
        """Draw how certain each decision of the plan that is kept is, and return the matplotlib axes."""
        from kanopt.display import reports

        return reports.plot_decisions(self, ax)

    def _shown(self) -> Iterator[Part]:
        yield from self._heading()
        yield ""
        if not self.priced:
            yield "no draw is done"
            return
        shown = self.plans.drop(columns="error").rename(
            columns={"mean": f"mean {self.unit}", "largest_regret": "largest"}
        )
        for share in ("fails", "cheapest"):
            shown[share] = shown[share].map(percent_text)
        yield grid_of(shown, partial(fixed_text, decimals=2))
        yield ""
        yield from self.sentences()

    def _heading(self) -> list[str]:
        done, asked = len(self.priced), len(self.points)
        what = [f"{count_text(len(self.axes), 'input')}"] if self.axes else []
        what += [f"{count_text(len(self.laws), 'law')} ({list_names(self.laws)})"] if self.laws else []
        lines = [
            f"{self.scenario.name}: {count_text(asked, 'draw')} of {join_list(what)} ({seconds_text(self.seconds)})"
        ]
        if self.interrupted or done < asked:
            lines.append(Alarm(f"STOPPED after {done:,} of {count_text(asked, 'draw')}"))
        lines += [f"  drawn: {axis}" for axis in self.axes]
        return [*lines, f"  {as_it_is_text(self.base)}"]

    def sentences(self) -> list[str]:
        """Return what came of it, a sentence each; the least certain decisions are indented."""
        found = []
        kept = self.plans.drop(columns="plan").iloc[0].to_dict()
        told = {str(name): money_text(value) for name, value in kept.items() if math.isfinite(value)}
        if "mean" in told:
            found.append(
                f"The plan that is kept costs {told['mean']} {self.unit} on average (± {told['error']}), {told['q05']} "
                f"to {told['q95']} in 90 % of the draws, {told['worst']} in the worst tenth."
            )
        if len(self.names) == 1:
            planned = count_text(sum(one.status != REFUSED for one in self.replanned), "draw")
            found.append(f"There is no other plan to compare it with, from {planned} planned anew.")
        elif float(kept["largest_regret"]) <= self._least:
            found.append("In no draw in which it does not fail another of the plans is cheaper.")
        elif "regret" in told:
            found.append(
                f"Where it does not fail, another of the plans is cheaper by {told['regret']} {self.unit} on average, "
                f"and by {told['largest_regret']} at most."
            )
        best: dict[str, list[str]] = {}
        for words, name in self.best.items():
            best.setdefault(name, []).append(words)
        found += [
            f"Best {join_list(words)}: the plan {name}."
            for name, words in best.items()
            if len(self.names) > 1
        ]
        return [*found, *self._uncertain(), *self._failures()]

    def _uncertain(self) -> list[str]:
        if self.decisions["keeps"].isna().all():  # every plan fails in all draws
            return []
        open_ones = self.decisions[self.decisions["keeps"] < 1.0]
        if open_ones.empty:
            return ["Every decision of the plan that is kept is also that of the cheapest plan in all draws."]
        lines = ["Least certain decisions (share of the draws in which the cheapest plan decides so):"]
        for row in open_ones.head(_SHOWN).to_dict("records"):
            keeps, error = (percent_text(row[name]) for name in ("keeps", "error"))
            lines.append(f"  {row['thing']}: {row['choice']} {keeps} (± {error}), else {row['instead']}")
        if len(open_ones) > _SHOWN:
            lines.append(f"  and {count_text(len(open_ones) - _SHOWN, 'other')}; .decisions has all")
        return lines

    def _failures(self) -> list[str]:
        found = []
        refused = [draw for draw in self.priced if draw.message]
        if refused:
            found.append(
                f"{count_text(len(refused), 'draw')} make no problem, the first: {refused[0].message}"
            )
        if self.fails[0] > 0:
            error = float(share_error(float(self.fails[0]), int(self._posed.sum())))
            found.append(
                f"In {percent_text(float(self.fails[0]))} (± {percent_text(error)}) of the draws the plan that is kept "
                "breaks a rule or leaves out more."
            )
        if none := int(np.count_nonzero(~self.holds[self._posed].any(axis=1))):
            found.append(f"In {count_text(none, 'draw')} every one of the plans does.")
        planned = [one for one in self.replanned if one.status != REFUSED]
        if without := sum(math.isnan(one.objective) or one.violations > 0 for one in planned):
            found.append(
                f"In {without:,} of {count_text(len(planned), 'draw')} planned anew no plan was found that keeps all "
                "rules."
            )
        return found


_FIGURES = ["mean", "error", "q05", "q50", "q95", "worst", "regret", "largest_regret", "cheapest"]


def _worst(paid: Floats) -> float:
    """Return the mean of the worst tenth."""
    return float(np.sort(paid)[-max(1, math.ceil(WORST * len(paid))) :].mean())
