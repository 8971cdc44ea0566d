"""Variants of a scenario that are planned beside it: another fleet, another demand."""

from __future__ import annotations

from collections.abc import Iterable

from kanopt.errors import ScenarioError
from kanopt.whatif.changes import Change
from kanopt.whatif.events import Event, OnEvent, ignore_event
from kanopt.whatif.scenario import Scenario
from kanopt.whatif.scenario_files.layers import Mistake
from kanopt.whatif.scenario_files.toml_positions import Key


def variants_of(scenario: Scenario, report: OnEvent = ignore_event) -> list[Scenario]:
    """Return the variants of a scenario that are planned beside it, checked.

    They are those that its file names; the usual ones of its kind of problem where the file asks for them, or names
    none.

    Parameters
    ----------
    scenario
        The scenario.
    report
        Is told of usual ones that cannot be: of a fleet that a plan under way needs, say.

    Raises
    ------
    ScenarioError
        If the data of one that is named contradict themselves, or the file names none and there are no usual ones.
    """
    said, found = scenario.report, list[Scenario]()
    for name, spec in said.variants.items():
        try:
            found.append(_checked(scenario, name, spec.changes()))
        except ScenarioError as error:
            raise scenario.layers.error(told_under(("report", "variants", name), error)) from error
    if found and not said.usual_variants:
        return found
    if mistake := _no_usual(scenario, "variants"):
        raise scenario.layers.error([mistake])
    for name, changes in scenario.problem.usual_variants(scenario.changed).items():
        if name in said.variants:
            continue
        try:
            found.append(_checked(scenario, name, changes))
        except ScenarioError as error:
            report(Event("build", f"note: {name!r} is left out: {error.issues[0].message}"))
    return found


def variant_mistakes(scenario: Scenario) -> list[Mistake]:
    """Return what is wrong with the variants that a file names, as far as its tables and keys say."""
    found = list[Mistake]()
    for name, spec in scenario.report.variants.items():
        key = ("report", "variants", name)
        if name == scenario.name:
            found.append(Mistake(key, "is the scenario's own name; take another"))
        try:
            _varied(scenario, name, spec.changes())
        except ScenarioError as error:
            found += told_under(key, error)
    if scenario.report.usual_variants and (mistake := _no_usual(scenario, "usual_variants")):
        found.append(mistake)
    return found


def _varied(scenario: Scenario, name: str, changes: Iterable[Change]) -> Scenario:
    for change in changes:
        scenario = scenario.with_change(change)
    return scenario.named(name)


def _checked(scenario: Scenario, name: str, changes: Iterable[Change]) -> Scenario:
    made = _varied(scenario, name, changes)
    made.check(planning=True)
    return made


def told_under(key: Key, error: ScenarioError) -> list[Mistake]:
    """Return what an error says as mistakes under a key."""
    return [Mistake(key, f"{issue.key}: {issue.message}".removeprefix(": ")) for issue in error.issues]


def _no_usual(scenario: Scenario, key: str) -> Mistake | None:
    """Say that there are no usual variants of a problem; None where there are."""
    if scenario.problem.usual_variants(scenario.changed):
        return None
    message = (
        f"this {scenario.kind} problem has no usual variants; name what may be otherwise, as in "
        '[report.variants."a dearer day"] with set = { "table.column" = 5 } or scale = { "table.column" = 1.1 }'
    )
    return Mistake(("report", key), message)
