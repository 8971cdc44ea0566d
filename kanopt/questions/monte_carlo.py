"""Plans under many draws of what is not known: constants of laws, errors of single rows, and inputs."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from kanopt.display import Grid, KeyFigure
from kanopt.engines.base import SolveOptions
from kanopt.engines.solve import carried, whole_decisions
from kanopt.errors import KanoptError
from kanopt.faults import count_fault
from kanopt.formulas import Formula
from kanopt.formulas.law_draws import LawDraws, draw_laws
from kanopt.interrupt import Interrupt
from kanopt.parallel import how_far
from kanopt.plans.base import Plan, Problem
from kanopt.plans.money_at_stake import price_deviations
from kanopt.plans.result import Result, evaluate
from kanopt.plans.uncertainty import Uncertainty
from kanopt.progress import told_by_line
from kanopt.questions.answer import Answer, Picture, Said, as_it_is
from kanopt.questions.axes import Axis, read_axes, refused
from kanopt.questions.point import REFUSED, Decision, PointResult, decisions_of
from kanopt.questions.point_search import Task, do_task, hands_of
from kanopt.questions.question import (
    PLANS,
    Prepared,
    Question,
    SweepOptions,
    as_it_is_text,
    base_result,
    prepare,
    refuse_no_plan,
    require_scenario,
    varied_text,
)
from kanopt.questions.risk import share_error
from kanopt.scenarios.changes import Value
from kanopt.scenarios.events import Event, OnEvent, ignore_event
from kanopt.scenarios.files.layers import split_messages
from kanopt.scenarios.files.sections import SavedSpec
from kanopt.scenarios.scenario import Scenario
from kanopt.supply.draws import demand_law
from kanopt.supply.problem import SupplyProblem
from kanopt.text import count_text, join_list, money_text, percent_text

KEPT = "kept"
WORST = 0.1
"""Share of the draws that count as the worst ones."""
_FEWEST, _MOST = 20, 100_000
_LAWS, _INPUTS, _ERRORS, _DEMAND = range(4)  # streams of random numbers
_REPORT_SECONDS = 2.0
_EQUAL = 1e-9


@dataclass(frozen=True, eq=False, repr=False)
class MonteCarlo(Answer):
    """The prices of plans under many draws of what is not known.

    Parameters
    ----------
    scenario
        What was asked about.
    axes, laws
        Inputs that were drawn, and laws that err.
    base
        The plan that is kept, where nothing is changed.
    decided
        By plan (``"kept"``, then ``"of draw 3"`` and so on) what it decides, each with its choice in words.
    draws
        One row per draw and plan: ``draw``; one for each input; ``plan``; ``price`` on the laws of the draw and
        ``paid``, with errors of single rows; ``regret``; ``holds``; ``message`` where the draw makes no problem.
    asked
        How many draws were asked for.
    replanned
        What came of the draws that were planned anew.
    interrupted
        True where the user stopped it.

    Notes
    -----
    A plan is carried out in every draw: what it decides stays, its times follow. It *fails* where it then leaves out
    more or breaks more rules than the kept one does as it is. Where it breaks a rule, it has the price of being carried
    out all the same, as in :func:`~kanopt.risk`; where it leaves out more, none that compares. Regret is how much
    dearer a plan is than the cheapest that does not fail in the same draw, and so the least that the true regret can
    be. Errors of single rows are part of what is paid, and of the worst draws, but not of regret: nobody can plan for
    them. The figures are told of the plan with the lowest of them, among those that fail most rarely, as far as is
    known: within two Monte Carlo errors.
    """

    scenario: Scenario
    axes: tuple[Axis, ...]
    laws: tuple[str, ...]
    base: Result
    decided: Mapping[str, Mapping[Decision, str]]
    draws: pd.DataFrame
    asked: int
    replanned: tuple[PointResult, ...] = ()
    interrupted: bool = False

    kind = "monte-carlo"

    @property
    def done(self) -> int:
        """How many draws were priced."""
        return self.draws["draw"].nunique()

    def of_each(self, column: str) -> pd.DataFrame:
        """Return a column of :attr:`draws`: one row per draw that makes a problem, one column per plan."""
        posed = self.draws[self.draws["message"] == ""]
        return posed.pivot(index="draw", columns="plan", values=column).reindex(columns=list(self.decided))

    @cached_property
    def plans(self) -> pd.DataFrame:
        """One row per plan, the one that is kept first.

        Columns: ``plan``; ``fails``, in which share of the draws it breaks a rule or leaves out more; ``mean`` of what
        is paid, its ``error`` (Monte Carlo), ``q05``, ``q50``, ``q95`` and ``worst`` (mean of its worst tenth);
        ``regret`` on average and ``largest_regret``; ``cheapest``, in which share of the draws it is, of those plans
        that do not fail.
        """
        paid, regret = self.of_each("paid"), self.of_each("regret")
        # the order of summation may change a price by this
        least = _EQUAL * max(1.0, abs(self.base.rank.objective))
        figures = {
            "plan": list(self.decided),
            "fails": 1.0 - self.of_each("holds").astype(float).mean(),
            "mean": paid.mean(),
            "error": paid.sem(),
            **{f"q{round(100 * level):02d}": paid.quantile(level) for level in (0.05, 0.5, 0.95)},
            "worst": paid.apply(_worst),
            "regret": regret.mean(),
            "largest_regret": regret.max(),
            "cheapest": (regret <= least).mean(),
        }
        return pd.DataFrame(figures, index=list(self.decided)).reset_index(drop=True)

    @property
    def best(self) -> dict[str, str]:
        """The plan with the lowest ``"mean"``, ``"mean of the worst tenth"`` and ``"largest regret"``.

        Compared are plans that fail as rarely as any, as far as is known, in draws in which all of them have a price.
        """
        fails, posed = self.plans.set_index("plan")["fails"], len(self.of_each("price"))
        least = float(fails.min()) if posed else 0.0
        able = fails.index[fails <= least + 2.0 * float(share_error(least, posed))]
        paid, regret = self.of_each("paid")[able].dropna(), self.of_each("regret")[able].dropna()
        scores = {
            "mean": paid.mean(),
            "mean of the worst tenth": paid.apply(_worst),
            "largest regret": regret.max(),
        }
        return {words: str(score.idxmin()) for words, score in scores.items() if score.notna().any()}

    @cached_property
    def decisions(self) -> pd.DataFrame:
        """One row per decision of the plan that is kept, the least certain first.

        Columns: ``kind`` and ``thing``; ``choice``; ``keeps``, in which share of the draws the cheapest plan decides
        the same, of those in which a plan does not fail; ``error`` of that (Monte Carlo); ``instead``, what it most
        often decides otherwise.
        """
        regret, rows = self.of_each("regret").dropna(how="all"), []
        cheapest, total = regret.idxmin(axis=1).value_counts(), len(regret)
        for thing in sorted({one for each in self.decided.values() for one in each}):
            choices = pd.Series({name: each.get(thing, "not") for name, each in self.decided.items()})
            counts = cheapest.groupby(choices[cheapest.index], sort=False).sum()
            others = counts.drop(choices[KEPT], errors="ignore")
            keeps = counts.get(choices[KEPT], 0) / total if total else math.nan
            instead = others.idxmax() if len(others) else ""
            rows.append([*thing, choices[KEPT], keeps, float(share_error(keeps, total)), instead])
        frame = pd.DataFrame(rows, columns=["kind", "thing", "choice", "keeps", "error", "instead"])
        return frame.sort_values("keeps", kind="stable", ignore_index=True)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return its tables, by what they hold."""
        return {"plans": self.plans, "decisions": self.decisions, "draws": self.draws}

    def forms(self) -> dict[str, str]:
        """Return what numbers are, for the workbook."""
        money = ("mean", "error", "q05", "q50", "q95", "worst", "regret", "largest_regret")
        shares = "plans.fails", "plans.cheapest", "decisions.keeps", "decisions.error"
        return dict.fromkeys((f"plans.{name}" for name in money), "money") | dict.fromkeys(shares, "share")

    def to_json(self) -> dict[str, Any]:
        """Return the laws that err, and the plans with the lowest figures."""
        return {"laws": list(self.laws), "lowest": self.best}

    def said(self) -> Said:
        """Return what it says."""
        draws, tables = count_text(self.asked, "draw"), list[Grid]()
        laws = [f"laws {join_list(self.laws)}"] if self.laws else []
        drawn = "; ".join([*laws, *(varied_text(self.scenario, axis) for axis in self.axes)])
        sentences = self.sentences() if self.done else ["No draw is done."]
        if self.done:
            note = "Regret is against the cheapest of these plans in the same draw."
            title, heads = self._priced("The plans"), {"error": "error of the mean (±)"}
            tables.append(self._table("plans", self.plans, title, heads=heads, note=note))
            heads = {"error": "error of that (±)"}
            tables.append(self._table("decisions", self.decisions, "The decisions", heads=heads))
        return Said(
            title=f"{self.scenario.name}: would another plan be better?",
            answer=tuple(sentences[:2]),
            lines=tuple(sentences[2:]),
            figures=(as_it_is(self.base), *(self._keys() if self.done else ())),
            sure=(f"{draws}: {drawn}." if drawn else f"{draws}.", as_it_is_text(self.base)),
            notices=self._warnings(self.done, draws, ()),
            tables=tuple(tables),
            pictures=(Picture("plot_plans", "What each plan costs over the draws"),) if self.done else (),
        )

    def _keys(self) -> Iterator[KeyFigure]:
        kept = self.plans.iloc[0].to_dict()
        told = {
            "mean": "paid for the plan that is kept",
            "worst": "mean of the worst tenth",
            "regret": "against the cheapest of the plans, on average",
        }
        yield from (KeyFigure(name, money_text(kept[name]), self.unit, note) for name, note in told.items())
        fails = kept["fails"]
        yield KeyFigure("fails", percent_text(fails), "", "of the draws", "bad" if fails > 0.0 else "")
        if len(self.decided) > 1:
            yield from (KeyFigure(f"lowest {words}", name) for words, name in self.best.items())

    def sentences(self) -> tuple[str, ...]:
        """Return what came of it, a sentence each; decisions stand in their table."""
        return tuple(self._told())

    def _told(self) -> Iterator[str]:
        kept = self.plans.drop(columns="plan").iloc[0].to_dict()
        told = {str(name): money_text(value) for name, value in kept.items() if math.isfinite(value)}
        if "mean" in told:
            yield (
                f"The plan that is kept costs {told['mean']} {self.unit} on average (± {told['error']}), {told['q05']} "
                f"to {told['q95']} in 90 % of the draws, {told['worst']} in the worst tenth."
            )
        planned = [one for one in self.replanned if one.status != REFUSED]
        anew = count_text(len(planned), "draw")
        if len(self.decided) == 1:
            yield f"There is no other plan to compare it with, from {anew} planned anew."
        elif "regret" in told:
            yield (
                f"Where it does not fail, another of the plans is cheaper by {told['regret']} {self.unit} on average, "
                f"and by {told['largest_regret']} at most."
            )
        lowest = pd.Series(self.best, dtype=object)
        for name, figures in lowest.groupby(lowest, sort=False) if len(self.decided) > 1 else ():
            yield f"Lowest {join_list(list(figures.index))}: the plan {name}."
        row = self.decisions.iloc[0] if len(self.decisions) else {"keeps": math.nan}
        if row["keeps"] < 1.0:
            keeps, error = (percent_text(row[name]) for name in ("keeps", "error"))
            yield (
                f"The least certain decision: {row['thing']} is {row['choice']} in the cheapest plan of {keeps} "
                f"(± {error}) of the draws, else {row['instead']}."
            )
        elif row["keeps"] == 1.0:
            yield "Every decision of the plan that is kept is also that of the cheapest plan in all draws."
        without = self.draws.loc[self.draws["message"] != "", ["draw", "message"]].drop_duplicates("draw")
        if len(without):
            yield f"{count_text(len(without), 'draw')} make no problem, the first: {without['message'].iloc[0]}"
        if kept["fails"] > 0:
            error = percent_text(float(share_error(kept["fails"], len(self.of_each("holds")))))
            yield (
                f"In {percent_text(kept['fails'])} (± {error}) of the draws the plan that is kept breaks a rule or "
                "leaves out more."
            )
        if none := sum(math.isnan(one.objective) or one.violations > 0 for one in planned):
            yield f"In {none:,} of {anew} planned anew no plan was found that keeps all rules."


def _worst(paid: pd.Series[float]) -> float:
    """Return the mean of the worst tenth."""
    known = np.sort(paid.dropna().to_numpy(float))
    return float(known[-max(1, math.ceil(WORST * len(known))) :].mean()) if len(known) else math.nan


@dataclass(frozen=True, eq=False, kw_only=True)
class DrawnQuestion(Question):
    """A sweep whose points also have laws, and of a supply network demands, of their own.

    Parameters
    ----------
    drawn
        For each learned law that errs, what it is at every point.
    """

    drawn: Mapping[str, LawDraws] = field(default_factory=dict)

    @cached_property
    def draws_demand(self) -> bool:
        """Whether amounts that markets want vary by a ``demand_sd``."""
        problem = self.base_problem
        return isinstance(problem, SupplyProblem) and bool(problem.demand_deviation.any())

    @property
    def solve_options(self) -> SolveOptions:
        """Limits of working out quantities."""
        return SolveOptions(time_limit=self.time_limit, seed=self.seed)

    def problem_at(self, point: int) -> Problem[Any]:
        """Return the problem of a draw.

        Raises
        ------
        KanoptError
            If its data contradict themselves, or a law has no value there.
        """
        scenario = self.scenario_at(point)
        laws = {**self.formulas, **{name: law.at(point) for name, law in self.drawn.items()}}
        return self._with_demand(scenario.build(scenario.formulas(laws)), point)

    def _with_demand(self, problem: Problem[Any], point: int) -> Problem[Any]:
        if not self.draws_demand:
            return problem
        assert isinstance(problem, SupplyProblem)
        law, demand = demand_law(problem, Uncertainty()), np.zeros_like(problem.demand_array)
        demand[law.cells] = law.draw(1, np.random.default_rng([self.seed, _DEMAND, point]))[0]
        return problem.with_demand(demand)


@told_by_line
def monte_carlo(
    scenario: Scenario,
    ranges: Mapping[str, Any] | None = None,
    *,
    draws: int = 100,
    candidates: int = 4,
    plan: str = "kept",
    options: SweepOptions | None = None,
    progress: OnEvent | None = None,
) -> MonteCarlo:
    """Draw what is not known many times, and say how plans fare: prices, regret, and which decisions last.

    A draw is a world: each learned law with constants and a bias as its data could as well have given them, every
    input of `ranges` at a value of its range, and what markets of a supply network want as far as the table of demands
    has a ``demand_sd``. The plan of the scenario is priced in all of them, and so are candidates: plans that are best
    in some of the draws. Errors of single rows come on top of prices (not of regret, since nobody
    can plan for them).

    Parameters
    ----------
    scenario
        What is asked about.
    ranges
        Path to two numbers, between which any value is drawn, or to a list of values or factors, one of which is:
        ``{"vehicles.fuel_price": (1.4, 2.0), "clients.demand_t": ko.factors([0.8, 1.0, 1.3])}``. Inputs are drawn
        independently, spread out as a Latin hypercube.
    draws
        How many.
    candidates
        In how many of the draws a plan is made anew, each of which is priced in all draws.
    plan
        The plan that is kept: ``"kept"``, the best that is found where nothing is changed, or ``"today"``, today's.
    options
        Seed, limits and workers.
    progress
        Called with each stage; without it, a line tells at a terminal or in a notebook.

    Returns
    -------
    MonteCarlo
        After Ctrl-C with the draws until then.

    Raises
    ------
    ScenarioError
        If a path, a range or a number is none, nothing is uncertain, no draw makes a problem, or the scenario
        has no plan as it is.
    FormulaError
        If a law predicts too poorly to be used.

    Examples
    --------
    >>> import kanopt as ko
    >>> base = ko.load_scenario("scenarios/parcel_city.toml")                     # doctest: +SKIP
    >>> print(ko.monte_carlo(base, {"vehicles.fuel_price": (1.4, 2.0)}))          # doctest: +SKIP
    """
    require_scenario(scenario, "monte_carlo")
    options, report = options or SweepOptions(), progress or ignore_event
    for name, value, low, high in (("draws", draws, _FEWEST, _MOST), ("candidates", candidates, 0, draws)):
        if wrong := count_fault(value, low, high):
            raise refused("monte_carlo", name, f"is {wrong}")
    if plan not in PLANS or plan == "anew":
        told = f"'kept' or 'today', not {plan!r}; plans made anew are the candidates"
        raise refused("monte_carlo", "plan", told)
    axes = read_axes(ranges) if ranges else ()
    prepared = prepare(scenario, axes, options, report, "monte_carlo")
    question = _question(prepared, axes, draws)
    base = base_result(prepared, "today" if plan == "today" else "kept", report)
    refuse_no_plan(base, scenario, "monte_carlo")
    assert base.plan is not None
    plans: dict[str, Plan] = {KEPT: base.plan}
    found: list[PointResult] = []
    priced: list[list[dict[str, Any]]] = []
    interrupted = base.interrupted
    if not interrupted:
        try:
            # a first Ctrl-C is kept until the draw under way is done
            with hands_of(options) as hands, Interrupt():
                tasks = [Task(number, base.plan) for number in range(draws)]
                hands.do(do_task, question, tasks[:candidates], _teller(found, candidates, "planned", report))
                found.sort(key=attrgetter("point"))
                base, plans = _candidates(question, base, found, improve=plan == "kept")
                hands.do(_price, (question, plans), tasks, _teller(priced, draws, "priced", report))
        except KeyboardInterrupt:
            interrupted = True
    rows = [row for each in sorted(priced, key=lambda rows: rows[0]["draw"]) for row in each]
    if rows and all(row["message"] for row in rows):
        raise refused("monte_carlo", "", f"no draw makes a problem: {rows[0]['message']}")
    decided = {}
    for name, each in plans.items():
        # of one that cannot be carried out where nothing is changed, nothing is said
        result = _evaluated(base.problem, each, question.solve_options)
        decided[name] = {} if result is None else decisions_of(result, question.scenario.problem, like=base)
    return MonteCarlo(
        scenario=scenario,
        axes=tuple(axes),
        laws=tuple(question.drawn),
        base=base,
        decided=decided,
        draws=_frame(question, base, rows),
        asked=draws,
        replanned=tuple(found),
        interrupted=interrupted,
    )


def _frame(question: DrawnQuestion, base: Result, rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Return the draws as a frame; errors of single rows move the prices of all plans by the same scores."""
    rng, most = np.random.default_rng([question.seed, _ERRORS]), base.rank
    scores = {law.law.output.name: rng.standard_normal(question.count) for law in question.drawn.values()}
    frame = pd.DataFrame(
        [*rows], columns=["draw", "plan", "price", "unserved", "violations", "errors", "message"]
    )
    serves = frame["unserved"] <= most.unserved  # of a plan without a price nothing is known
    frame["price"] = frame["price"].where(serves)
    frame["paid"] = frame["price"] + [
        math.fsum(size * scores[law][draw] for law, size in errors.items() if law in scores)
        for draw, errors in zip(frame["draw"], frame["errors"], strict=True)
    ]
    frame["holds"] = serves & (frame["violations"] <= most.violations)
    held = frame["price"].where(frame["holds"])
    frame["regret"] = held - held.groupby(frame["draw"]).transform("min")
    for place, axis in enumerate(question.axes):
        frame[axis.label] = [question.points[draw][place] for draw in frame["draw"]]
    labels = [axis.label for axis in question.axes]
    return frame[["draw", *labels, "plan", "price", "paid", "regret", "holds", "message"]]


def _question(prepared: Prepared, axes: Sequence[Axis], draws: int) -> DrawnQuestion:
    laws, inputs = (np.random.default_rng([prepared.seed, stream]) for stream in (_LAWS, _INPUTS))
    drawn = {name: draw_laws(law, draws, laws) for name, law in _erring_laws(prepared, axes).items()}
    drawn = {name: law for name, law in drawn.items() if law.varies}
    found = DrawnQuestion.of(prepared, axes, _points(axes, draws, inputs), drawn=drawn)
    if not drawn and not axes and not found.draws_demand:
        told = (
            "nothing is uncertain: no learned law tells its errors, no ranges are given, and no demand of a supply "
            "network has a demand_sd"
        )
        raise refused("monte_carlo", "", told)
    return found


def _erring_laws(prepared: Prepared, axes: Sequence[Axis]) -> dict[str, Formula]:
    """Return the laws that err, learned here or before, of which no constant is set: such a law is another one."""
    scenario = prepared.scenario
    saved = [name for name, spec in scenario.laws.items() if isinstance(spec, SavedSpec)]
    known = {**{name: scenario.drafts[name] for name in saved}, **prepared.formulas}
    made = [*scenario.changes, *(axis.change(axis.values.items[0]) for axis in axes)]
    parts = [change.column.partition(".") for change in made if change.table == "surrogates"]
    held = {name for name, _, constant in parts if constant}
    return {name: law for name, law in known.items() if name not in held}


def _points(axes: Sequence[Axis], draws: int, rng: np.random.Generator) -> list[tuple[Value, ...]]:
    from scipy.stats import qmc

    if not axes:
        return [()] * draws
    unit = qmc.LatinHypercube(len(axes), seed=rng).random(draws)
    return list(zip(*(_drawn(axis, column) for axis, column in zip(axes, unit.T, strict=True)), strict=True))


def _drawn(axis: Axis, unit: NDArray[np.float64]) -> list[Value]:
    items = axis.values.items
    if len(items) == 1:
        told = f"is drawn between two numbers or from a list of values, not from {axis} alone"
        raise refused("monte_carlo", axis.path, told)
    if len(items) == 2 and all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in items):
        low, high = float(items[0]), float(items[1])
        return [low + (high - low) * float(at) for at in unit]
    return [items[min(int(at * len(items)), len(items) - 1)] for at in unit]


def _price(asked: tuple[DrawnQuestion, Mapping[str, Plan]], task: Task) -> list[dict[str, Any]]:
    """Price all plans in the world of a draw, a row each; workers call it."""
    question, plans = asked
    problem, message = None, ""
    try:
        problem = question.problem_at(task.point)
    except KanoptError as error:
        message = split_messages(error)[0]
    rows = []
    for name, plan in plans.items():
        row: dict[str, Any] = {"draw": task.point, "plan": name, "message": message, "errors": {}}
        result = None if problem is None else _evaluated(problem, plan, question.solve_options)
        if result is not None and result.assessment is not None:
            rank, errors = result.rank, price_deviations(result.assessment.law_uses)
            row |= {"price": rank.objective, "unserved": rank.unserved, "violations": rank.violations}
            row["errors"] = errors
        rows.append(row)
    return rows


def _evaluated(problem: Problem[Any], plan: Plan, options: SolveOptions) -> Result | None:
    """Return a plan as it is carried out and priced under a problem, with quantities that follow; None where none can.

    It names what is not there, or a drawn law has no value where it goes: it fails.
    """
    with suppress(KanoptError):
        there = carried(problem, plan, options)
        return None if there is None else evaluate(problem, there)
    return None


def _content(problem: Problem[Any], plan: Plan) -> Hashable:
    """Return what two plans have in common that are carried out alike."""
    whole = whole_decisions(problem, plan)
    return str(problem.carried_over(plan).to_frame().to_csv(index=False)) if whole is None else whole


def _candidates(
    question: DrawnQuestion, base: Result, found: Sequence[PointResult], *, improve: bool
) -> tuple[Result, dict[str, Plan]]:
    """Return the plan that is kept, and by name it and each plan that was found for a draw, once.

    With `improve` the best of them where nothing is changed is kept: that the search found it for a draw says nothing
    of what is not known.
    """
    problem, plans, known = base.problem, dict[str, Plan](), set[Hashable]()
    named = {KEPT: base.plan} | {f"of draw {one.point}": one.plan for one in found if not one.violations}
    for name, plan in named.items():
        if plan is not None and (content := _content(problem, plan)) not in known:
            known.add(content)
            plans[name] = plan
    best = base, KEPT
    for name, plan in plans.items() if improve else ():
        offer = None if name == KEPT else _evaluated(problem, plan, question.solve_options)
        if offer is not None and offer.rank.is_better_than(best[0].rank):
            best = offer, name
    base, name = best
    return base, {KEPT: plans.pop(name)} | {each: plan for each, plan in plans.items() if each != KEPT}


def _teller(found: list[Any], count: int, what: str, report: OnEvent) -> Callable[[Any], None]:
    """Return what keeps what comes of a draw, and says how far it is."""
    began = told = time.perf_counter()

    def take(one: Any) -> None:
        nonlocal told
        found.append(one)
        if (now := time.perf_counter()) > told + _REPORT_SECONDS:
            told, message = now, f"{what} in {how_far(len(found), count, 'draw', began)}"
            report(Event("solve", message, transient=True))

    return take
