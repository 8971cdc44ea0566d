"""Plans under many draws of what is not known: constants of laws, errors of single rows, and inputs."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import KanoptError, nearest
from kanopt.faults import count_fault
from kanopt.formulas.law_draws import LawDraws, draw_laws
from kanopt.interrupt import Interrupt
from kanopt.parallel import cluster, how_far, run_tasks
from kanopt.plans.uncertainty import Uncertainty
from kanopt.progress import told_by_line
from kanopt.questions.axes import Axis, read_axes, refused
from kanopt.questions.point import Decision, PointResult, decisions_of
from kanopt.questions.point_search import Task, do_task
from kanopt.questions.question import (
    PLANS,
    Prepared,
    Question,
    SweepOptions,
    base_result,
    prepare,
    refuse_no_plan,
    require_scenario,
)
from kanopt.questions.risks.monte_carlo_result import MonteCarlo, PlanPrice, PricedDraw
from kanopt.scenarios.changes import Value
from kanopt.scenarios.events import Event, OnEvent, ignore_event
from kanopt.scenarios.files.layers import split_messages
from kanopt.scenarios.files.sections import SavedSpec
from kanopt.scenarios.scenario import Scenario
from kanopt.supply.draws import demand_law
from kanopt.supply.problem import SupplyProblem

if TYPE_CHECKING:
    from distributed import Client

    from kanopt.engines.base import SolveOptions
    from kanopt.formulas import Formula
    from kanopt.plans.base import Plan, Problem
    from kanopt.plans.result import Result

_FEWEST = 20
_MOST = 100_000
_LAWS, _INPUTS, _ERRORS, _DEMAND = range(4)  # streams of random numbers
_REPORT_SECONDS = 2.0


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
        from kanopt.engines.base import SolveOptions

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
    laws: Sequence[str] | None = None,
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
    laws
        Learned laws that err, also those read from files; left out, all of which no constant is set by a change or a
        range, and with ``()`` none.
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
        If a path, a range, a law or a number is none, nothing is uncertain, no draw makes a problem, or the scenario
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
    options, report, start = options or SweepOptions(), progress or ignore_event, time.perf_counter()
    _check_numbers(draws, candidates, plan)
    axes = read_axes(ranges) if ranges else ()
    prepared = prepare(scenario, axes, options, report, "monte_carlo")
    question = _question(prepared, axes, laws, draws)
    base = base_result(prepared, "today" if plan == "today" else "kept", report)
    refuse_no_plan(base, scenario, "monte_carlo")
    work = _Work(question, base, options, report)
    with cluster(options.dask) as client:
        interrupted = base.interrupted or not work.run(candidates, client, improve=plan == "kept")
    if work.priced and all(draw.message for draw in work.priced.values()):
        raise refused("monte_carlo", "", f"no draw makes a problem: {work.priced[0].message}")
    return MonteCarlo(
        scenario=scenario,
        axes=tuple(axes),
        base=work.base,
        points=question.points,
        laws=tuple(question.drawn),
        planned_in=tuple(work.planned_in),
        decided=tuple(work.decided()),
        priced=tuple(work.priced[number] for number in sorted(work.priced)),
        scores=_scores(question, draws, prepared.seed),
        replanned=tuple(work.found[number] for number in sorted(work.found)),
        interrupted=interrupted,
        seconds=time.perf_counter() - start,
    )


def _check_numbers(draws: Any, candidates: Any, plan: Any) -> None:
    for name, value, low, high in (("draws", draws, _FEWEST, _MOST), ("candidates", candidates, 0, draws)):
        if wrong := count_fault(value, low, high):
            raise refused("monte_carlo", name, f"is {wrong}")
    if plan not in PLANS or plan == "anew":
        raise refused(
            "monte_carlo", "plan", f"'kept' or 'today', not {plan!r}; plans made anew are the candidates"
        )


def _question(
    prepared: Prepared, axes: Sequence[Axis], laws: Sequence[str] | None, draws: int
) -> DrawnQuestion:
    streams = [np.random.default_rng([prepared.seed, stream]) for stream in (_LAWS, _INPUTS)]
    erring = _erring_laws(prepared, axes, laws)
    drawn = {name: draw_laws(law, draws, streams[_LAWS]) for name, law in erring.items()}
    drawn = {name: law for name, law in drawn.items() if law.varies}
    points = _points(axes, draws, streams[_INPUTS])
    asked = prepared.question(axes, points, anew=True)
    found = DrawnQuestion(**{one.name: getattr(asked, one.name) for one in fields(asked)}, drawn=drawn)
    if not drawn and not axes and not found.draws_demand:
        raise refused(
            "monte_carlo",
            "",
            "nothing is uncertain: no learned law tells its errors, no ranges are given, and no demand of a supply "
            "network has a demand_sd",
        )
    return found


def _erring_laws(prepared: Prepared, axes: Sequence[Axis], laws: Sequence[str] | None) -> dict[str, Formula]:
    """Return the laws that err, learned here or before, of which no constant is set: such a law is another one."""
    scenario = prepared.scenario
    saved = [name for name, spec in scenario.laws.items() if isinstance(spec, SavedSpec)]
    known = {**{name: scenario.drafts[name] for name in saved}, **prepared.formulas}
    made = [*scenario.changes, *(axis.change(axis.values.items[0]) for axis in axes)]
    parts = [change.column.partition(".") for change in made if change.table == "surrogates"]
    held = {name for name, _, constant in parts if constant}
    for name in laws or ():
        if name not in known:
            raise refused(
                "monte_carlo", "laws", f"there is no learned law {name!r}; {nearest(str(name), known)}"
            )
        if name in held:
            raise refused(
                "monte_carlo",
                "laws",
                f"constants of {name!r} are set, so that it does not err as learned; leave it out",
            )
    chosen = set(known) - held if laws is None else set(laws)
    return {name: law for name, law in known.items() if name in chosen}


def _points(axes: Sequence[Axis], draws: int, rng: np.random.Generator) -> list[tuple[Value, ...]]:
    from scipy.stats import qmc

    if not axes:
        return [()] * draws
    unit = qmc.LatinHypercube(len(axes), seed=rng).random(draws)
    return list(zip(*(_drawn(axis, column) for axis, column in zip(axes, unit.T, strict=True)), strict=True))


def _drawn(axis: Axis, unit: NDArray[np.float64]) -> list[Value]:
    items = axis.values.items
    if len(items) == 1:
        raise refused(
            "monte_carlo",
            axis.path,
            f"is drawn between two numbers or from a list of values, not from {axis} alone",
        )
    if len(items) == 2 and all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in items):
        low, high = float(items[0]), float(items[1])
        return [low + (high - low) * float(at) for at in unit]
    return [items[min(int(at * len(items)), len(items) - 1)] for at in unit]


def _scores(question: DrawnQuestion, draws: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """Return standard normal numbers by which the errors of single rows move prices, the same for all plans."""
    rng = np.random.default_rng([seed, _ERRORS])
    return {law.law.output.name: rng.standard_normal(draws) for law in question.drawn.values()}


def _price(asked: tuple[DrawnQuestion, tuple[Plan, ...]], task: Task) -> PricedDraw:
    """Price all plans in the world of a draw; workers call it."""
    question, plans = asked
    try:
        problem = question.problem_at(task.point)
    except KanoptError as error:
        return PricedDraw(task.point, message=split_messages(error)[0])
    return PricedDraw(task.point, tuple(_price_of(problem, plan, question.solve_options) for plan in plans))


def _price_of(problem: Problem[Any], plan: Plan, options: SolveOptions) -> PlanPrice:
    from kanopt.plans.money_at_stake import price_deviations

    result = _evaluated(problem, plan, options)
    if result is None or result.objective is None or result.assessment is None:
        return PlanPrice()
    rank = result.rank
    return PlanPrice(
        result.objective, rank.unserved, rank.violations, price_deviations(result.assessment.law_uses)
    )


def _evaluated(problem: Problem[Any], plan: Plan, options: SolveOptions) -> Result | None:
    """Return a plan as it is carried out and priced under a problem; None where that cannot be.

    What it decides stays. Times follow, and so do quantities, as flows do from which sites are open.
    """
    from kanopt.plans.result import evaluate
    from kanopt.solvers.solve import solver_of_quantities

    solver = solver_of_quantities(problem, plan)
    try:
        if solver is None:
            return evaluate(problem, problem.carried_over(plan))
        found = solver.with_quantities(problem, solver.whole_decisions(problem, plan), options)
        return None if found is None else evaluate(problem, found)
    except KanoptError:  # it names what is not there, or a drawn law has no value where it goes: it fails
        return None


def _content(problem: Problem[Any], plan: Plan) -> Hashable:
    """Return what two plans have in common that are carried out alike."""
    from kanopt.solvers.solve import solver_of_quantities

    solver = solver_of_quantities(problem, plan)
    if solver is not None:
        return solver.whole_decisions(problem, plan)
    return str(problem.carried_over(plan).to_frame().to_csv(index=False))


class _Work:
    """Draws under way.

    Attributes
    ----------
    plans
        Those that are priced: the one that is kept, then those found in draws.
    found
        What came of the draws that were planned anew, by draw.
    priced
        The prices of all plans, by draw.
    """

    def __init__(self, question: DrawnQuestion, base: Result, options: SweepOptions, report: OnEvent) -> None:
        self.question, self.base, self.options, self.report = question, base, options, report
        assert base.plan is not None
        self.plans: list[Plan] = [base.plan]
        self.planned_in: list[int | None] = [None]
        self.found: dict[int, PointResult] = {}
        self.priced: dict[int, PricedDraw] = {}

    def run(self, candidates: int, client: Client | None, *, improve: bool) -> bool:
        """Plan in some draws and price in all; return whether it came to the end.

        Parameters
        ----------
        candidates
            In how many draws a plan is made.
        client
            A Dask cluster that does the work.
        improve
            Whether a plan made for a draw is kept in place of the base's where it is better as it is too: that the
            search found it there says nothing of what is not known.
        """
        draws = len(self.question.points)
        try:
            with Interrupt() as stop, Interrupt(keeps=self.options.workers == 1 and client is None):
                how: dict[str, Any] = {"workers": self.options.workers, "client": client}
                chosen = [Task(number, self.plans[0]) for number in range(candidates)]
                planned = run_tasks(do_task, self.question, chosen, **how)
                self._take(planned, self.found, candidates, "planned", stop)
                self._choose_plans(improve=improve)
                every = [Task(number, None) for number in range(draws)]
                priced = run_tasks(_price, (self.question, tuple(self.plans)), every, **how)
                self._take(priced, self.priced, draws, "priced", stop)
        except KeyboardInterrupt:
            return False
        return True

    def _take(
        self, done: Iterator[Any], found: dict[int, Any], count: int, what: str, stop: Interrupt
    ) -> None:
        """Keep what comes of draws, and say how far it is.

        Raises
        ------
        KeyboardInterrupt
            After Ctrl-C.
        """
        began = told = time.perf_counter()
        for one in done:
            found[one.point] = one
            if stop.asked:
                raise KeyboardInterrupt
            if (now := time.perf_counter()) > told + _REPORT_SECONDS:
                told, message = now, f"{what} in {how_far(len(found), count, 'draw', began)}"
                self.report(Event("solve", message, transient=True))

    def decided(self) -> Iterator[Mapping[Decision, str]]:
        """Yield what each plan decides where nothing is changed; of one that cannot be carried out there, nothing."""
        spec = self.question.scenario.problem
        for plan in self.plans:
            result = _evaluated(self.base.problem, plan, self.question.solve_options)
            yield {} if result is None else decisions_of(result, spec, like=self.base)

    def _choose_plans(self, *, improve: bool) -> None:
        """Take each plan that was found once; with `improve`, the best of them where nothing is changed is kept."""
        problem, options = self.base.problem, self.question.solve_options
        known = {_content(problem, self.plans[0])}
        sound = {n: one.plan for n, one in self.found.items() if one.plan is not None and not one.violations}
        for number, plan in sorted(sound.items()):
            if (content := _content(problem, plan)) not in known:
                known.add(content)
                self.plans.append(plan)
                self.planned_in.append(number)
        offers = {
            place: result
            for place, plan in enumerate(self.plans[1:] if improve else [], start=1)
            if (result := _evaluated(problem, plan, options)) is not None
        }
        best = min(offers, key=lambda place: offers[place].rank, default=0)
        if best and offers[best].rank.is_better_than(self.base.rank):
            self.base = offers[best]
            self.plans[0] = self.plans.pop(best)
            del self.planned_in[best]
