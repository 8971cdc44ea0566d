"""Many what-ifs as one question: each point priced under its own data, and planned anew where that is asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kanopt.progress import told_by_line
from kanopt.questions.answers import Sweep
from kanopt.questions.ask import ask
from kanopt.questions.axes import Axis, Design, check_word, design_points, read_axes
from kanopt.questions.prepare import require_scenario
from kanopt.questions.question import PLANS, PlanChoice, SweepOptions
from kanopt.scenarios.events import OnEvent, ignore_event
from kanopt.scenarios.scenario import Scenario


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
    options = options or SweepOptions()
    check_word("sweep", "plan", plan, PLANS)
    read = read_axes(axes)
    points = design_points(read, design)
    return ask(
        Sweep,
        scenario,
        read,
        points,
        plans=plan,
        options=options,
        report=progress or ignore_event,
    )
