"""How sure a plan is: ``kanopt risk`` and ``kanopt monte-carlo``."""

from __future__ import annotations

from dataclasses import fields
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from kanopt.cli.asking import Answer, Asked, answer_of, asked_option, question, worker_options
from kanopt.cli.options import is_on, note_value, noted
from kanopt.cli.varied import asked_ranges, axis_options, change_options, changed

if TYPE_CHECKING:
    from kanopt.problems.result import Result
    from kanopt.problems.uncertainty import Uncertainty
    from kanopt.whatif import Scenario

_STOPPED = "STOPPED while searching; the plan is the best until then"


@question(
    "risk",
    change_options,
    asked_option(
        "--plan",
        kind=click.Choice(["anew", "today"]),
        default="anew",
        text="Search for a plan, or take today's.",
    ),
    asked_option("--draws", kind=click.IntRange(min=20), default=1000, text="Days, or draws of demand."),
    click.option(
        "--uncertain",
        multiple=True,
        metavar="WHAT=VALUE",
        expose_value=False,
        callback=note_value,
        help="What is assumed in place of what laws know of their errors: travel=0.1, shared=0.5. Once for each.",
    ),
    asked_option(
        "--recourse",
        kind=click.Choice(["none", "flows"]),
        default="none",
        text="Of a supply plan, whether flows are decided anew when demand is known.",
    ),
    out="Folder for the report and the table as CSV.",
    tables=("risk",),
    examples="  kanopt risk FILE --draws 5000\n  kanopt risk FILE --plan today --uncertain travel=0.15\n",
)
def risk(asked: Asked) -> Answer:
    """Ask how sure a plan is.

    It is carried out on many days, on which laws err as they did on held-out rows. The plan is the one found, or
    with --plan today that of the file.
    """
    from kanopt.whatif import risk as asked_risk

    scenario = changed(asked.scenario)
    uncertainty = _uncertainty()
    result = _plan(asked, scenario)
    if not result.has_plan:
        return Answer(
            text=str(result),
            data=lambda: {"scenario": asked.scenario.name, "status": result.status.value},
            to_html=None,
            to_xlsx=None,
            base=result,
        )
    found = asked_risk(
        result,
        uncertainty,
        recourse=noted("recourse"),
        draws=noted("draws"),
        seed=scenario.seed if asked.seed is None else asked.seed,
    )
    rows, changes = found.to_frame(), list(scenario.change_sentences())
    stopped = [_STOPPED] if result.interrupted else []
    heading = [asked.scenario.name, *stopped, *(f"  changed: {change}" for change in changes)]
    return Answer(
        text="\n".join([*heading, str(found)]),
        data=lambda: {
            "scenario": asked.scenario.name,
            "changes": changes,
            "status": result.status.value,
            "unit": result.problem.unit,
            **found.to_json(),
            "rows": rows.to_dict("records"),
        },
        to_html=partial(found.to_html, scenario=scenario, notes=stopped),
        to_xlsx=found.to_xlsx,
        base=result,
        tables=(rows,),
    )


def _uncertainty() -> Uncertainty:
    """Return what ``--uncertain`` says."""
    from kanopt.errors import nearest
    from kanopt.problems.uncertainty import Uncertainty

    known = [each.name for each in fields(Uncertainty)]
    given: dict[str, Any] = {}
    for text in noted("uncertain"):
        name, is_given, value = text.partition("=")
        if not is_given or not value:
            raise click.UsageError(f"--uncertain {text!r} must be WHAT=VALUE, such as travel=0.1")
        if name not in known:
            raise click.UsageError(
                f"--uncertain {text!r}: nothing is called {name!r}; {nearest(name, known)}"
            )
        given[name] = _cell(value)
    return Uncertainty(**given)


def _cell(text: str) -> float | bool | str:
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _plan(asked: Asked, scenario: Scenario) -> Result:
    """Return the plan that is found, as ``kanopt run`` finds it, or today's."""
    if noted("plan") == "anew":
        found: Result = scenario.run(
            seed=asked.seed,
            time_limit=asked.time_limit,
            progress=asked.progress,
            relearn=is_on("relearn"),
        ).result
        return found
    from kanopt.whatif.questions.prepare import base_result, prepare
    from kanopt.whatif.run import today_in_time

    base = base_result(prepare(scenario, (), asked.options(), asked.progress), "today", asked.progress)
    return today_in_time(scenario, base) or base


@question(
    "monte-carlo",
    axis_options("low:high for any value between, or three and more, a,b,c, for one of these"),
    asked_option("--draws", kind=click.IntRange(min=20), default=100, text="How often is drawn."),
    asked_option(
        "--candidates",
        kind=click.IntRange(min=0),
        default=4,
        text="In how many of the draws a plan is made anew, to be compared.",
    ),
    asked_option("--laws", kind=str, text="Laws that err, parted by commas; all learned ones if left out."),
    asked_option(
        "--plan",
        kind=click.Choice(["kept", "today"]),
        default="kept",
        text="Search for the plan that is kept, or take today's.",
    ),
    worker_options,
    out="Folder for the report and the tables as CSV.",
    tables=("plans", "decisions", "draws"),
    examples=(
        "  kanopt monte-carlo FILE --set vehicles.fuel_price=1.4:2.0 --scale clients.demand_t=0.9:1.2\n"
        "  kanopt monte-carlo FILE --laws fuel --plan today --draws 500\n"
    ),
)
def monte_carlo(asked: Asked) -> Answer:
    """Ask whether another plan would be better, were laws and inputs not quite so.

    In each draw laws have constants and a bias as their data could as well have given them, and what --set and --scale
    say, else the section [sweep] of the file, a value of its range.
    """
    from kanopt.whatif import monte_carlo as asked_monte_carlo

    laws = noted("laws")
    found = asked_monte_carlo(
        asked.scenario,
        asked_ranges(asked.scenario, must=False),
        draws=noted("draws"),
        candidates=noted("candidates"),
        laws=None if laws is None else [name.strip() for name in laws.split(",") if name.strip()],
        plan=noted("plan"),
        options=asked.options(),
        progress=asked.progress,
    )
    return answer_of(found, found.to_json(), tables=(found.plans, found.decisions, found.draws))
