"""How often a plan is on time is told where learned times know their errors, and agrees with the textbook."""

from __future__ import annotations

from dataclasses import replace

import pytest
from scipy.stats import norm

import kanopt as ko
from kanopt.refs import mode
from kanopt.routing import Client
from kanopt.scheduling import Assignment, Job, Machine, Mode, Schedule, Task
from kanopt.whatif.risks.punctuality import punctuality
from tests.whatif.risks.test_risk import line, normal_law


def driven(*clients: Client, law: ko.Formula | None = None) -> ko.Result:
    return ko.evaluate(line([*clients], law or normal_law(3.0)), [[client.name for client in clients]])


def test_the_share_of_days_is_that_of_the_textbook() -> None:
    found = punctuality(driven(Client("a", latest=33.0)))
    assert found is not None
    assert found.share == pytest.approx(norm.cdf(1.0), abs=0.05)
    name, often = found.worst
    assert (name, often) == ("a", pytest.approx(1.0 - found.share))
    share = f"{100 * found.share:.0f} %"
    assert found.text() == (
        f"If travel times err as they did in the past, everyone is served in time on {share} of days; the stop most "
        f"often late is a ({100 * often:.0f} % of days)."
    )


def test_nothing_is_said_without_limits_or_known_errors() -> None:
    assert punctuality(driven(Client("a"))) is None
    given = ko.parse_formula("minutes", [ko.Variable("minutes", "km")], ko.Variable("took", "min"))
    assert punctuality(driven(Client("a", latest=33.0), law=given)) is None
    only_late = Client("a", latest=20.0, unit_lateness_cost=1.0)
    assert punctuality(driven(only_late)) is None


def test_jobs_of_a_schedule_are_looked_at_by_their_due_dates() -> None:
    law = replace(normal_law(3.0), per="task").bind(minutes=mode.work)
    problem = ko.SchedulingProblem(
        [Job("j", due_date=33.0, tardiness_cost=1.0), Job("free")],
        [Task("t", "j"), Task("u", "free")],
        [Machine("saw"), Machine("axe")],
        [Mode("t", "saw", attributes={"work": 30.0}), Mode("u", "axe", attributes={"work": 5.0})],
        duration=law,
        makespan_cost=1.0,
    )
    rows = (Assignment("j", "t", "saw", "", 0.0, 30.0), Assignment("free", "u", "axe", "", 0.0, 5.0))
    found = punctuality(ko.evaluate(problem, Schedule(rows)))
    assert found is not None
    assert found.share == pytest.approx(norm.cdf(1.0), abs=0.05)
    assert found.frame["name"].tolist() == ["j"]
    assert "every job is done in time on" in found.text()
