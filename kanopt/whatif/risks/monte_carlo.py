"""Plans under many draws of what is not known: constants of laws, errors of single rows, and inputs."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kanopt.errors import Issue, KanoptError, ScenarioError, nearest
from kanopt.formulas.law_draws import LawDraws, draw_laws
from kanopt.interrupt import Interrupt
from kanopt.parallel import cluster, run_tasks
from kanopt.problems.supply import SupplyProblem
from kanopt.problems.supply.draws import demand_law
from kanopt.problems.uncertainty import Uncertainty
from kanopt.progress import told_by_line
from kanopt.text import count_text, seconds_text
from kanopt.validation import count_fault
from kanopt.whatif.changes import Value
from kanopt.whatif.events import Event, OnEvent, ignore_event
from kanopt.whatif.questions.axes import Axis, read_axes
from kanopt.whatif.questions.plan_decisions import Decision, decisions_of
from kanopt.whatif.questions.point import PointResult
from kanopt.whatif.questions.point_search import solve_point
from kanopt.whatif.questions.prepare import (
    base_result,
    prepare,
    refuse_folder,
    refuse_no_plan,
    require_scenario,
)
from kanopt.whatif.questions.question import PLANS, Prepared, Question, SweepOptions
from kanopt.whatif.risks.monte_carlo_result import MonteCarlo, PlanPrice, PricedDraw
from kanopt.whatif.scenario import Scenario
from kanopt.whatif.scenario_files.layers import split_messages
from kanopt.whatif.scenario_files.spec import SavedSpec

if TYPE_CHECKING:
    from distributed import Client

    from kanopt.formulas import Formula
    from kanopt.problems.base import Plan, Problem
    from kanopt.problems.result import Result
    from kanopt.solvers.base import SolveOptions

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
        from kanopt.solvers.base import SolveOptions

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
    refuse_folder(options, "monte_carlo")
    axes = read_axes(ranges) if ranges else ()
    prepared = prepare(scenario, axes, options, report)
    question = _question(prepared, axes, laws, draws)
    base = base_result(prepared, "today" if plan == "today" else "kept", report)
    refuse_no_plan(base, scenario, "monte_carlo")
    work = _Work(question, base, options, report)
    with cluster(options.dask) as client:
        interrupted = base.interrupted or not work.run(candidates, client, improve=plan == "kept")
    if work.priced and all(draw.message for draw in work.priced.values()):
        raise _error("", f"no draw makes a problem: {work.priced[0].message}")
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
            raise _error(name, f"is {wrong}")
    if plan not in PLANS or plan == "anew":
        raise _error("plan", f"'kept' or 'today', not {plan!r}; plans made anew are the candidates")


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
        raise _error(
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
            raise _error("laws", f"there is no learned law {name!r}; {nearest(str(name), known)}")
        if name in held:
            raise _error(
                "laws", f"constants of {name!r} are set, so that it does not err as learned; leave it out"
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
        raise _error(
            axis.path, f"is drawn between two numbers or from a list of values, not from {axis} alone"
        )
    if len(items) == 2 and all(isinstance(one, (int, float)) and not isinstance(one, bool) for one in items):
        low, high = float(items[0]), float(items[1])
        return [low + (high - low) * float(at) for at in unit]
    return [items[min(int(at * len(items)), len(items) - 1)] for at in unit]


def _scores(question: DrawnQuestion, draws: int, seed: int) -> dict[str, NDArray[np.float64]]:
    """Return standard normal numbers by which the errors of single rows move prices, the same for all plans."""
    rng = np.random.default_rng([seed, _ERRORS])
    return {law.law.output.name: rng.standard_normal(draws) for law in question.drawn.values()}


@dataclass(frozen=True, eq=False)
class _Asked:
    """What workers read."""

    question: DrawnQuestion
    kept: Plan
    plans: tuple[Plan, ...]


@dataclass(frozen=True)
class _Draw:
    """A draw for a worker."""

    point: int


def _replan(asked: _Asked, task: _Draw) -> PointResult:
    return solve_point(asked.question, task.point, asked.kept, ())


def _price(asked: _Asked, task: _Draw) -> PricedDraw:
    """Price all plans in the world of a draw."""
    try:
        problem = asked.question.problem_at(task.point)
    except KanoptError as error:
        return PricedDraw(task.point, message=split_messages(error)[0])
    options = asked.question.solve_options
    return PricedDraw(task.point, tuple(_price_of(problem, plan, options) for plan in asked.plans))


def _price_of(problem: Problem[Any], plan: Plan, options: SolveOptions) -> PlanPrice:
    from kanopt.problems.money_at_stake import price_deviations

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
    from kanopt.problems.evaluate import evaluate
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
        self._began = self._told = time.perf_counter()

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
        kept = self.plans[0]
        try:
            with Interrupt() as stop, Interrupt(keeps=self.options.workers == 1 and client is None):
                chosen = [_Draw(number) for number in range(candidates)]
                for found in self._tasks(_replan, _Asked(self.question, kept, ()), chosen, client):
                    self.found[found.point] = found
                    self._tell(len(self.found), candidates, "planned")
                    if stop.asked:
                        return False
                self._take_plans()
                if improve:
                    self._improve_base()
                every = [_Draw(number) for number in range(len(self.question.points))]
                asked = _Asked(self.question, self.plans[0], tuple(self.plans))
                self._began = time.perf_counter()
                for priced in self._tasks(_price, asked, every, client):
                    self.priced[priced.point] = priced
                    self._tell(len(self.priced), len(every), "priced")
                    if stop.asked:
                        return False
        except KeyboardInterrupt:
            return False
        return True

    def decided(self) -> Iterator[Mapping[Decision, str]]:
        """Yield what each plan decides where nothing is changed; of one that cannot be carried out there, nothing."""
        spec = self.question.scenario.problem
        for plan in self.plans:
            result = _evaluated(self.base.problem, plan, self.question.solve_options)
            yield {} if result is None else decisions_of(result, spec, like=self.base)

    def _tasks(self, work: Any, asked: _Asked, tasks: Sequence[_Draw], client: Client | None) -> Any:
        return run_tasks(work, asked, tasks, workers=self.options.workers, client=client)

    def _take_plans(self) -> None:
        known = {_content(self.base.problem, self.plans[0])}
        for number, found in sorted(self.found.items()):
            plan: Any = found.plan
            if plan is None or found.violations or (content := _content(self.base.problem, plan)) in known:
                continue
            known.add(content)
            self.plans.append(plan)
            self.planned_in.append(number)

    def _improve_base(self) -> None:
        offers = {
            place: result
            for place, plan in enumerate(self.plans[1:], start=1)
            if (result := _evaluated(self.base.problem, plan, self.question.solve_options)) is not None
        }
        best = min(offers, key=lambda place: offers[place].rank, default=None)
        if best is None or not offers[best].rank.is_better_than(self.base.rank):
            return
        self.base = offers[best]
        self.plans[0] = self.plans.pop(best)
        del self.planned_in[best]

    def _tell(self, done: int, count: int, what: str) -> None:
        now = time.perf_counter()
        if now < self._told + _REPORT_SECONDS:
            return
        self._told = now
        left = seconds_text((count - done) * (now - self._began) / done)
        self.report(
            Event("solve", f"{what} in {done:,} of {count_text(count, 'draw')}, {left} left", transient=True)
        )


def _error(place: str, message: str) -> ScenarioError:
    return ScenarioError([Issue("monte_carlo", 0, place, message)])
