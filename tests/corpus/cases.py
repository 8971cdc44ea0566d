"""What is recorded of each case: its problem, its frozen plans, its report."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pandas as pd

from tests.cases.answers import variant_of
from tests.corpus import recording as say
from tests.corpus.names import LearnedLaw, built, ko
from tests.corpus.problems import PLANS, PROBLEMS

__all__ = [
    "BASES",
    "CASES",
    "HERE",
    "VARIANTS",
    "comparison_of",
    "found_plan",
    "problem_of",
    "run_of",
    "scenario_of",
]

HERE = Path(__file__).parent
BASES = ("parcel_city", "sioux_falls", "workshop", "supply_network", "coffee")
VARIANTS = {
    "parcel_city": ("parcel_city_fuel", "parcel_city_demand", "parcel_city_van"),
    "sioux_falls": ("sioux_falls_capacity", "sioux_falls_outside"),
    "workshop": ("workshop_old_mill", "workshop_power"),
    "supply_network": ("supply_network_site", "supply_network_tariffs"),
    "coffee": ("coffee_costs", "coffee_frost"),
}
_REPORTED = ("errands", "shop", "speeds")
_TEXT_ALONE = ("sioux_falls", "workshop", "supply_network", "coffee")
_LEVELS = ("term", "group", "item")


@cache
def scenario_of(name: str) -> tuple[Any, dict[str, Any], Any, Any]:
    """Return a scenario of the corpus, its laws, its problem and today's plan."""
    scenario = ko.load_scenario(HERE / "scenarios" / f"{name}.toml", allow_outside=True)
    return (scenario, *built(scenario))


@cache
def problem_of(name: str) -> Any:
    """Return the problem of a case."""
    return PROBLEMS[name]() if name in PROBLEMS else scenario_of(name)[2]


def found_plan(name: str) -> pd.DataFrame | None:
    """Return the plan that was found for a case when the corpus was made; None where none was."""
    path = HERE / "plans" / f"{name}.csv"
    return say.plan_from_file(path) if path.exists() else None


def _problem(problem: Any) -> dict[str, str]:
    """Say what a problem is before there is a plan."""
    laws = [f"{name} [{law.output.unit}] = {law}" for name, law in problem.laws().items()]
    taken = [str(each) for each in ko.encodings(problem)]
    return {
        "problem": say.lines(problem.kind, problem.unit, *laws),
        "remarks": say.lines(*problem.remarks()),
        "frozen inputs": say.records(problem.frozen_inputs()),
        "encodings": say.lines(*taken),
        "reasons without a plan": say.records(problem.reasons(None)),
    }


def _plan(why: Any, *, today: Any = None, brief: bool = False) -> dict[str, str]:
    """Say everything about a plan that was explained."""
    result = why.result
    problem = result.problem
    planned = problem.price(result.plan, frozen=True)
    told = {
        "result": say.lines(result.status.value, result.objective, str(result)),
        "check": say.records(result.check.violations),
        **{f"price by {level}": say.frame(why.terms(level)) for level in _LEVELS[: 2 if brief else 3]},
        "price at planning values": say.lines(planned.objective, say.frame(planned.terms())),
        "reasons": say.records(why.causes),
        "outside": say.records(why.extrapolations),
        "explanation": why.text(today),
    }
    if brief:
        return told
    told["plan"] = say.frame(result.plan.to_frame())
    if (table := say.frame(result.to_frame())) != told["plan"]:
        told["table"] = table
    if hasattr(problem, "timetable"):
        told["timetable"] = say.frame(problem.timetable(result.plan))
    if hasattr(result.plan, "sites"):
        told["sites"] = say.frame(result.plan.sites())
    for place, view in enumerate(problem.views(result.plan), start=1):
        told[f"view {place}"] = "\n".join(_view(view))
    return told


def _view(view: Any) -> list[str]:
    told = [type(view).__name__]
    for each in fields(view):
        value = getattr(view, each.name)
        if isinstance(value, pd.DataFrame):
            value = value.reset_index() if view.title and each.name == "data" else value
            told += [f"{each.name}:", say.frame(value)]
        else:
            told.append(f"{each.name}: {value}")
    return told


def _explained(problem: Any, plan: Any) -> Any:
    return ko.explain(ko.evaluate(problem, plan))


def _made(name: str) -> dict[str, str]:
    """Record a problem made in Python."""
    problem = problem_of(name)
    plans: dict[str, Any] = dict(PLANS[name])
    if (found := found_plan(name)) is not None:
        plans["found"] = found
    whys = {label: _explained(problem, plan) for label, plan in plans.items()}
    told = _problem(problem)
    for label, why in whys.items():
        told |= {f"{label}: {part}": text for part, text in _plan(why).items()}
    for before, after in pairwise(whys):
        for level in ("term", "group"):
            change = ko.difference(whys[before].result, whys[after].result, level)
            told[f"difference from {before} to {after} by {level}"] = say.frame(change)
    if name in _REPORTED:
        why, today = _certified(whys["found"]), next(iter(whys.values())).result
        told["report"] = say.report(lambda path: why.to_html(path, title="A case", today=today))
    return told


def _certified(why: Any) -> Any:
    """Return an explanation as if a solver had made its plan, with numbers that are the same every time."""
    result, frozen = why.result, why.result.problem.frozen_inputs()
    planned = result.problem.price(result.plan, frozen=True).objective
    certificate = ko.Certificate(
        solver_objective=planned + 0.001,
        frozen_objective=planned,
        law_objective=result.objective,
        rounding_bound=0.01,
        frozen=frozen,
        solver_view=() if frozen else ("every law within 0.01",),
    )
    bound = None if frozen else (0.98 if result.objective >= 0 else 1.02) * result.objective
    about = {"solver": "the corpus", "seed": 7, "wall_seconds": 1.0, "cpu_seconds": 1.0}
    return replace(why, result=replace(result, certificate=certificate, bound=bound, **about))


@cache
def _found(name: str) -> Any:
    """Return the explanation of the frozen plan of a scenario."""
    return _explained(problem_of(name), found_plan(name))


@cache
def _today(name: str) -> Any:
    """Return the explanation of today's plan; a text where it cannot be carried out, None where there is none."""
    _, _, problem, today = scenario_of(name)
    return today if today is None or isinstance(today, str) else _explained(problem, today)


@cache
def run_of(name: str) -> Any:
    """Return a run of a scenario whose plan is the frozen one."""
    scenario, formulas, problem, _ = scenario_of(name)
    why, today = _certified(_found(name)), _today(name)
    return ko.Run(
        scenario=scenario,
        laws={law: LearnedLaw(law, formula, note="of the corpus") for law, formula in formulas.items()},
        problem=problem,
        result=why.result,
        explanation=why,
        today=None if today is None or isinstance(today, str) else today.result,
        tables={table: ko.report_of(rows) for table, rows in scenario.tables.items()},
        provenance={"seed": "7", "solver": "the corpus"},
    )


def _scenario(name: str) -> dict[str, str]:
    """Record a scenario and its frozen plan."""
    scenario, _, problem, _ = scenario_of(name)
    today, whole = _today(name), name in BASES
    driven = None if today is None or isinstance(today, str) else today.result
    told = {
        "scenario": say.lines(repr(scenario), *map(str, scenario.remarks())),
        **_problem(problem),
        **_plan(_found(name), today=driven, brief=not whole),
    }
    if name == "supply_network":
        del told["price by item"]  # too long
    if isinstance(today, str):
        told["today"] = today
    elif today is not None:
        told |= {f"today: {part}": text for part, text in _plan(today, brief=True).items()}
    if whole:
        run = run_of(name)
        told["run"] = str(run)
        if name != "supply_network":
            told["report"] = say.report(run.to_html)
    return told


def comparison_of(name: str) -> Any:
    """Return the comparison of a scenario with its variants, on the frozen plans."""
    base = run_of(name)
    variants = []
    for other in VARIANTS[name]:
        run = run_of(other)
        try:
            kept: Any = ko.evaluate(run.problem, base.result.plan)
        except ko.ProblemError as error:
            kept = str(error)
        change = run.result.objective - base.result.objective
        variants.append(variant_of(run, kept, change, change + 0.5))
    alone = base.result.objective + 1.0
    return ko.Comparison(base, tuple(variants), searched_again=True, standalone_objective=alone)


def _comparison(name: str) -> dict[str, str]:
    """Record the comparison of a scenario with its variants."""
    found = comparison_of(name)
    told = {
        "text": found.text(),
        "terms": say.frame(found.terms),
        "steps": say.frame(found.steps),
        "moved": say.frame(found.moved),
        "notes": say.lines(*found.notes),
    }
    return told if name in _TEXT_ALONE else {**told, "report": say.report(found.to_html)}


def _case(kind: Callable[[str], dict[str, str]], name: str) -> Callable[[], dict[str, str]]:
    def record() -> dict[str, str]:
        with say.warned() as told:
            sections = kind(name)
        return {**sections, "warnings": say.lines(*told)}

    return record


CASES: Mapping[str, Callable[[], dict[str, str]]] = {
    **{name: _case(_made, name) for name in PROBLEMS},
    **{name: _case(_scenario, name) for base in BASES for name in (base, *VARIANTS[base])},
    **{f"{name}_compared": _case(_comparison, name) for name in BASES},
}
"""What to record, by the name of the golden file."""
