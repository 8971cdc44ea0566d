"""Switch points where quantities follow the input, so that no plan can be carried out at another value."""

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest

from kanopt.plans.base import told_elsewhere
from kanopt.questions import SweepOptions, factors, switch_points
from tests.cases.scenario_files import DEMAND, one_market, random_network, written
from tests.cases.supply import cost_of

QUICK = SweepOptions(time_limit=5.0)


@pytest.mark.slow
def test_sites_give_way_where_arithmetic_says(tmp_path):
    found = switch_points(one_market(tmp_path), {DEMAND: factors(0.2, 6.0, 3)}, most_solves=12, options=QUICK)
    told = found.frame.groupby(["decision", "above"])["switch_point"].agg(list)
    assert set(found.frame["verdict"]) == {"known"}
    # unmet 9 d, by north 30 + 2 d up to 20 t, then 70 + 9 (d - 20), by south 90 + 1.5 d; d is 10 t times the factor
    assert told["north", "in use"] == pytest.approx([3 / 7], abs=1e-5)
    assert told["south", "in use"] == pytest.approx([20 / 7.5], abs=1e-5)
    assert told["shortage", "nothing"] == pytest.approx([3 / 7, 20 / 7.5], abs=1e-5)
    assert set(found.frame["edge"]) == {""}
    # the flows of one plan to the tolerance
    assert told["shortage", "paid"] == pytest.approx([2.0], abs=0.001 * 5.8)


@pytest.mark.slow
def test_sites_in_use_are_those_of_trying_every_set(tmp_path):
    scenario = random_network(tmp_path, seed=2)
    axis, ends = {DEMAND: factors(0.3, 2.5, 3)}, (0.3, 2.5)
    frame = switch_points(scenario, axis, decisions="in use", options=QUICK).frame
    assert set(frame["verdict"]) <= {"known"}
    frame = frame[frame["kind"] == "in use"]
    first = scenario.scale(DEMAND, ends[0]).run(time_limit=5).result.assessment.in_use.names
    sets = list(itertools.product((False, True), repeat=3))
    for factor in np.linspace(*ends, 11):
        passed = frame[frame["switch_point"] <= factor]
        if np.abs(frame["switch_point"] - factor).min() < 0.002 * (ends[1] - ends[0]):
            continue
        in_use = {name: name in first for name in ("f0", "f1", "f2")}
        in_use |= {row.decision: row.above == "in use" for row in passed.itertuples()}
        changed = scenario.scale(DEMAND, factor)
        problem = changed.build(changed.formulas({}))
        costs = {
            opened: cost_of(
                _with_array(problem), np.repeat(np.array(opened)[:, None], len(problem.network.periods), 1)
            )
            for opened in sets
        }
        best = min(cost for cost in costs.values() if math.isfinite(cost))
        assert costs[tuple(in_use.values())] == pytest.approx(best, rel=1e-6)


def _with_array(problem):
    """Return a problem whose tariff is the array that a linear programme written from scratch reads."""
    with told_elsewhere():
        return replace(problem, tariff=np.array(problem.lane_tariff.rates))


def test_a_schedule_is_carried_over_in_its_order(tmp_path):
    tables = {
        "jobs": "name,due_date\nA,1000\n",
        "tasks": "name,job,order,size\na1,A,1,5\na2,A,2,5\n",
        "machines": "name\nfast\nslow\n",
        "modes": "task,machine,energy,pace\na1,fast,10,1\na2,fast,10,1\na1,slow,0,2\na2,slow,0,2\n",
        "power_price": "start,price\n0,1\n",
    }
    laws = '[surrogates.minutes]\nformula = "pace * size"\ninputs = { pace = "", size = "" }\nunit = "min"'
    problem = 'makespan_cost = 1.0\nhorizon = 500\nduration = { law = "minutes" }\n'
    bound = 'bind = { pace = "mode.pace", size = "task.size" }'
    scenario = written(tmp_path, "scheduling", tables, laws=laws, problem=problem + bound)
    found = switch_points(scenario, {"tasks.size": factors(1.0, 3.5, 2)}, options=QUICK)
    # a task on the fast machine takes as long as it is large, and 10 EUR more; on the slow one twice as long
    assert found.frame["switch_point"].unique() == pytest.approx([2.0], abs=1e-4)
    assert found.axes[0].solves <= 5
