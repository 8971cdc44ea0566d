"""``kanopt solve`` on a published instance: a short table, and a solution file as the field writes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kanopt.cli.echo import echo
from kanopt.cli.failures import exit_code_of
from kanopt.cli.progress import progress_reporter
from kanopt.files import replace_file
from kanopt.text import amount_text, money_text, number_text, percent_text, seconds_text

if TYPE_CHECKING:
    from kanopt.problems.result import Progress, Result
    from kanopt.problems.routing.instances import Instance
    from kanopt.problems.scheduling import SchedulingProblem

SHOP = "shop"
_TIME_LIMIT = 30.0


@dataclass(frozen=True)
class InstanceOptions:
    """How an instance is solved and where its solution goes.

    Parameters
    ----------
    convention
        How distances are rounded, None for the custom of the set.
    out
        File for the solution, ``.sol`` in the format of CVRPLIB and a table else; None writes none.
    seed, time_limit
        Of the search; None for 0 and 30 seconds.
    as_json, quiet
        Print JSON; write nothing to stderr.
    solver
        Name of the solver, None for the first that accepts it.
    """

    convention: str | None
    out: Path | None
    seed: int | None
    time_limit: float | None
    as_json: bool
    quiet: bool
    solver: str | None = None


def is_instance(file: Path) -> bool:
    """Say whether a file is read as an instance: every scenario ends in ``.toml``.

    Examples
    --------
    >>> is_instance(Path("X-n101-k25.vrp")), is_instance(Path("city.TOML"))
    (True, False)
    """
    return file.suffix.lower() != ".toml"


def solve_instance(file: Path, options: InstanceOptions) -> int:
    """Read, solve and print an instance; return the exit code."""
    from kanopt.cli.output import check_outputs, result_json, save_plan, to_json
    from kanopt.problems import RoutingProblem
    from kanopt.problems.routing.instances import solution_text

    check_outputs([] if options.out is None else [options.out], [file])
    _refuse_to_overwrite(file, options.out)
    instance = _read(file, options)
    result = _solve(instance, options)
    if options.out is not None and result.has_plan:
        if options.out.suffix == ".sol" and isinstance(instance.problem, RoutingProblem):
            plan: Any = result.plan
            text = solution_text(instance.problem, plan, float(result.objective or 0.0))
            replace_file(options.out, text, make_folders=True)
        else:
            save_plan(result, options.out)
    code = exit_code_of(result)
    facts = _result_facts(instance, result)
    if options.as_json:
        echo(to_json({**result_json(result), "instance": facts, "exit_code": int(code)}))
        return code
    echo(_table(facts, instance.problem.unit))
    if result.assessment is not None and result.assessment.broken_rules:
        echo("\n" + "\n".join(result.assessment.broken_rules))
    if options.out is not None and result.has_plan:
        echo(f"\nsolution: {options.out}")
    return code


@dataclass(frozen=True)
class ShopInstance:
    """A published shop or project; it says of itself what an instance of routing does.

    Parameters
    ----------
    name
        The name of the file.
    problem
        What is to be scheduled.
    """

    name: str
    problem: SchedulingProblem
    kind = SHOP
    best_known = None


def _read(file: Path, options: InstanceOptions) -> Instance | ShopInstance:
    """Read an instance, and tell what is worth a look in it."""
    from kanopt.problems.routing.instances import read_instance
    from kanopt.problems.scheduling.instances import ENDINGS, read_shop

    if file.suffix.lower() in ENDINGS:
        return ShopInstance(file.stem, read_shop(file))
    instance = read_instance(file, convention=options.convention)
    if not options.quiet:
        for finding in instance.findings:
            echo(f"note: {finding.message}", err=True)
    return instance


def _refuse_to_overwrite(file: Path, out: Path | None) -> None:
    from kanopt.problems.routing.instances import best_known_file

    beside = best_known_file(file)
    if out is not None and beside is not None and out.resolve() == beside.resolve():
        raise click.UsageError(f"--out {out} holds the best known solution of {file}; name another file")


def _solve(instance: Instance | ShopInstance, options: InstanceOptions) -> Result:
    from kanopt.solvers.solve import solve
    from kanopt.whatif.events import Event

    limit = _TIME_LIMIT if options.time_limit is None else options.time_limit
    unit = instance.problem.unit
    with progress_reporter(quiet=options.quiet) as report:
        report(Event("solve", f"solving: {instance.name} (at most {amount_text(limit, 's', 6)})"))

        def on_progress(step: Progress) -> None:
            price = "" if step.objective is None else f" {money_text(step.objective, unit)}"
            message = f"{seconds_text(step.seconds)}{price} {step.message}".rstrip()
            report(Event("solve", message, transient=True))

        return solve(
            instance.problem,
            solver=options.solver,
            time_limit=limit,
            seed=options.seed or 0,
            progress=on_progress,
        )


def _result_facts(instance: Instance | ShopInstance, result: Result) -> dict[str, Any]:
    """Return what the table shows, as plain data."""
    facts: dict[str, Any] = {
        "name": instance.name,
        "kind": instance.kind,
        "coverage": "" if result.coverage is None else result.coverage.text,
        "status": result.status.value,
        "objective": result.objective,
        "bound": result.bound,
        "best_known": instance.best_known,
        "seconds": result.wall_seconds,
        "solver": result.solver,
    }
    if isinstance(instance, ShopInstance):
        return {**facts, "tasks": len(instance.problem.tasks)}
    plan: Any = result.plan
    return {
        **facts,
        "rounding": instance.rounding,
        "clients": len(instance.problem.clients),
        "vehicles_used": 0 if plan is None else len(plan.routes),
        "vehicles": sum(vehicle.num_available for vehicle in instance.problem.vehicles),
        "gap": instance.gap(result.objective) if result.check.ok else None,  # else not like with like
    }


def _table(facts: dict[str, Any], unit: str) -> str:
    """Return one line per fact; what is not known is left out."""
    status, objective = ("status", facts["status"]), facts["objective"]
    if facts["kind"] == SHOP:
        rows = [("instance", f"{facts['name']} ({facts['tasks']:,} tasks)"), status]
        rows += [] if objective is None else [("length", number_text(objective, 6))]
        rows += [] if facts["bound"] is None else [("at least", number_text(facts["bound"], 6))]
    else:
        rows = [
            ("instance", f"{facts['name']} ({facts['kind']}, distances: {facts['rounding']})"),
            ("plan", facts["coverage"] or f"none for {facts['clients']:,} clients"),
            ("vehicles", f"{facts['vehicles_used']:,} of {facts['vehicles']:,}"),
            status,
        ]
        rows += [] if objective is None else [("objective", money_text(objective, unit))]
        rows += [] if facts["best_known"] is None else [("best known", money_text(facts["best_known"], unit))]
        rows += [] if facts["gap"] is None else [("gap", percent_text(facts["gap"], signed=True))]
    rows += [("time", seconds_text(facts["seconds"])), ("solver", facts["solver"])]
    return "\n".join(f"{name:<12}{value}" for name, value in rows)
