"""Many what-ifs as one question: each point priced under its own data, and planned anew where that is asked."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kanopt.errors import Issue, ScenarioError, nearest
from kanopt.parallel import cluster
from kanopt.progress import told_by_line
from kanopt.whatif.events import OnEvent, ignore_event
from kanopt.whatif.learn import LearnedLaw
from kanopt.whatif.run import environment
from kanopt.whatif.scenario import Scenario
from kanopt.whatif.scenario_files.spec import SweepSpec
from kanopt.whatif.sweeps.axes import Axis, Design, design_points, read_axes
from kanopt.whatif.sweeps.prepare import base_results, prepare, require_scenario
from kanopt.whatif.sweeps.question import PlanChoice, SweepQuestion
from kanopt.whatif.sweeps.sweep_result import Sweep
from kanopt.whatif.sweeps.sweep_run import SweepRun
from kanopt.whatif.sweeps.sweep_store import open_store

if TYPE_CHECKING:
    from distributed import Client

PLANS = ("anew", "kept", "today")


@dataclass(frozen=True)
class SweepOptions:
    """How a sweep is carried out.

    Parameters
    ----------
    seed
        Of laws and searches, in place of the scenario's.
    time_limit
        Seconds for each search, in place of the scenario's.
    repeats
        Searches for each point, with other seeds; how far they lie apart is the noise.
    workers
        Processes side by side. Results do not depend on how many, as far as searches end by themselves or by counted
        work.
    out
        Folder to which results are written as they come, and from which a sweep that was stopped goes on.
    relearn
        Learn laws anew that are kept on disk.
    dask
        The address of a Dask scheduler, ``"tcp://host:8786"``, or a ``distributed.Client``, whose workers take the
        place of processes; needs ``pip install "kanopt[dask]"``.

    Raises
    ------
    ScenarioError
        If a number is none that can be, or both processes and a cluster are given.
    """

    seed: int | None = None
    time_limit: float | None = None
    repeats: int = 1
    workers: int = 1
    out: str | Path | None = None
    relearn: bool = False
    dask: str | Client | None = None

    def __post_init__(self) -> None:
        for name in ("repeats", "workers"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ScenarioError(
                    [Issue("sweep", 0, name, f"must be a whole number from 1, not {value!r}")]
                )
        if self.dask is not None and self.workers > 1:
            message = f"takes the place of {self.workers} workers of this machine; give one of the two"
            raise ScenarioError([Issue("sweep", 0, "dask", message)])
        if self.time_limit is not None and not self.time_limit > 0:
            raise ScenarioError(
                [Issue("sweep", 0, "time_limit", f"must be above 0, not {self.time_limit!r}")]
            )


@told_by_line
def sweep(
    scenario: Scenario,
    axes: Mapping[str, Any] | Sequence[Axis] | None = None,
    *,
    design: Design | None = None,
    samples: int | None = None,
    plan: PlanChoice | None = None,
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
        :func:`~kanopt.factors` by which what is there is multiplied. Paths are those of :meth:`Scenario.set`. Left out,
        what the section ``[sweep]`` of the file says, and so are design, samples and plan.
    design
        ``"grid"`` (left out, where axes are given), ``"list"`` or ``"latin"``; see
        :func:`~kanopt.whatif.sweeps.axes.design_points`.
    samples
        Points of a Latin hypercube.
    plan
        ``"anew"`` (left out, where axes are given); ``"kept"``: the base's plan at every point; ``"today"``: today's
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
    options, report, start = options or SweepOptions(), progress or ignore_event, time.perf_counter()
    asked = _asked(scenario, design, samples, plan, is_given=axes is not None)
    read = read_axes(axes) if axes is not None else asked.axes()
    plan = asked.plan
    seed = scenario.seed if options.seed is None else options.seed
    points = design_points(read, asked.design, samples=asked.samples, seed=seed)
    prepared = prepare(scenario, read, options, report)
    question = prepared.question(read, points, anew=plan == "anew")
    words = _question_words(question, prepared.laws, plan)
    with nullcontext() if options.out is None else open_store(Path(options.out), words) as store:
        bases = base_results(prepared, plan, report, store)
        question = replace(question, base_plans=tuple(base.plan for base in bases if base.plan is not None))
        made = SweepRun(question, prepared.problem, min(bases, key=attrgetter("rank")), report, store)
        with cluster(options.dask) as client:
            interrupted = bases[-1].interrupted or not made.run(workers=options.workers, client=client)
    return Sweep(
        scenario=scenario,
        axes=read,
        design_points=question.points,
        base=made.base,
        results=tuple(made.results[number] for number in sorted(made.results)),
        anew=question.anew,
        priced_by=made.priced_by,
        interrupted=interrupted,
        seconds=time.perf_counter() - start,
    )


def _asked(
    scenario: Scenario, design: Design | None, samples: int | None, plan: PlanChoice | None, *, is_given: bool
) -> SweepSpec:
    """Return how it is asked: as given in Python, else as the file says.

    Raises
    ------
    ScenarioError
        If neither says what is varied, or a word is none.
    """
    if not is_given and scenario.sweep_spec is None:
        message = "nothing is varied: name paths and their values, or write a section [sweep]"
        raise ScenarioError([Issue(str(scenario.path), 0, "sweep", message)])
    if plan is not None and plan not in PLANS:
        raise ScenarioError(
            [Issue("sweep", 0, "plan", f"unknown word {plan!r}; {nearest(str(plan), PLANS)}")]
        )
    known = SweepSpec() if scenario.sweep_spec is None or is_given else scenario.sweep_spec
    given = {"design": design, "samples": samples, "plan": plan}
    return known.model_copy(update={name: value for name, value in given.items() if value is not None})


def _question_words(
    question: SweepQuestion, laws: Mapping[str, LearnedLaw], plan: PlanChoice
) -> dict[str, Any]:
    """Return what tells one sweep from another: a folder holds the results of one."""
    import hashlib

    from kanopt.formulas import Formula
    from kanopt.tables import report_of

    scenario = question.scenario
    # as they are read from the cache, where they are the next time: a law just learned may write 1 in place of 1.0
    kept = {name: Formula.from_json(law.formula.to_json()).to_json() for name, law in laws.items()}
    texts = {name: hashlib.sha256(text.encode()).hexdigest() for name, text in kept.items()}
    return {
        "scenario": scenario.name,
        "files": [[doc.path.name, doc.sha256] for doc in scenario.layers.documents],
        "tables": {name: report_of(frame).sha256 for name, frame in scenario.tables.items()},
        "changes": [str(change) for change in scenario.changes],
        "laws": texts,
        "axes": [asdict(axis) for axis in question.axes],
        "points": [list(point) for point in question.points],
        "plan": plan,
        "seed": question.seed,
        "time limit": question.time_limit,
        "repeats": question.repeats,
        "kanopt": environment()["kanopt"],
    }
