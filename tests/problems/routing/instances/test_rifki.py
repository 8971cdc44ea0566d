"""Time-dependent instances, written by hand."""

import gzip
import hashlib
import json
from pathlib import Path

import pytest

from kanopt import read_instance
from kanopt.errors import FileFormatError, ProblemError
from kanopt.problems.routing.instances import read_solution
from kanopt.problems.routing.instances.reading import best_known_file

ARCS = [
    [0, 1, [0, 100, 100, 1000], [10, 110, 150, 1050]],
    [1, 0, [0, 1000], [20, 1020]],
    [0, 2, [0, 1000], [30, 1030]],
    [2, 0, [0, 1000], [30, 1030]],
    [1, 2, [0, 1000], [5, 1005]],
    [2, 1, [0, 1000], [7, 1007]],
]
HEAD = {
    "instance_name": "T-1",
    "num_customers": 2,
    "num_vehicles": 2,
    "vehicle_capacity": 10,
    "coordinates": [[0, 0], [1, 1], [2, 0]],
    "demands": [0, 4, 5],
    "service_times": [0, 3, 2],
    "time_windows": [[0, 900], [100, 300], [0, 800]],
    "depot": 0,
    "horizon": [0, 1000],
    "td": {"model": "atf-ndcpwlf", "atf_path": "T-1.atf.json.gz", "atf_sha256": ""},
}
BEST = {
    "routes": [[1, 2]],
    "cost": 50.0,
    "metadata": {"route_departure_times": [90.0]},
    "objective_function": "Duration",
}


@pytest.fixture
def write(tmp_path):
    """Write an instance and what lies beside it; whoever changes the functions gets their checksum too."""

    def put(head=None, arcs=ARCS, best=None, content=None, checksum=None):
        data = content or json.dumps({"format": "mamut-td-atf", "format_version": 1, "arcs": arcs}).encode()
        (tmp_path / "T-1.atf.json.gz").write_bytes(gzip.compress(data))
        whole = {**HEAD, **(head or {})}
        whole["td"] = {**whole["td"], "atf_sha256": checksum or hashlib.sha256(data).hexdigest()}
        file = tmp_path / "T-1.vrp.json"
        file.write_text(json.dumps(whole))
        if best is not None:
            (tmp_path / "T-1.bks.Duration.json").write_text(json.dumps(best))
        return file

    return put


def test_routes_are_paid_by_the_second_at_the_true_clock(write):
    file = write(best=BEST)
    instance = read_instance(file)
    problem = instance.problem
    assert (instance.name, instance.kind, instance.rounding, instance.best_known) == (
        "T-1",
        "tdvrptw",
        "given",
        50,
    )
    plan = read_solution(file.with_name("T-1.bks.Duration.json")).plan(problem)
    assert plan.routes[0].departure == 90
    # 90 → 100 at 1, 103 → 108 at 2, 110 → 140
    assert problem.price(plan).objective == 50
    assert problem.check(plan).ok
    later = problem.plan_from(plan.to_frame().assign(departure=100.5))
    # past the jump: 100.5 → 150.5
    assert problem.price(later).objective == 50 + 3 + 5 + 2 + 30
    assert problem.vehicles[0].shift_end == 900
    assert problem.duration.fifo_repaired == 0


def test_functions_that_fall_are_repaired_and_counted(write):
    arcs = [[0, 1, [0, 100, 100, 1000], [50, 150, 110, 1010]], *ARCS[1:]]
    assert read_instance(write(arcs=arcs)).problem.duration.fifo_repaired == 1


@pytest.mark.parametrize(
    ("head", "told"),
    [
        ({"num_customers": 3}, "time_windows: must be 4 × 2 numbers"),
        ({"num_customers": 10**9}, "num_customers: must be a whole number from 1 to 1,000"),
        ({"num_customers": True}, "num_customers: must be a whole number"),
        ({"depot": 1}, "depot: must be a whole number from 0 to 0"),
        ({"demands": [0, "x", 5]}, "demands: must be 3 numbers"),
        ({"demands": [0, -1, 5]}, "demands: node 1 has a negative one"),
        ({"demands": [0, 11, 5]}, "demands: node 1 demands more than any vehicle carries"),
        ({"demands": [1, 1, 5]}, "demands: the depot, node 0, must have 0"),
        ({"demands": [0, 1e300, 5]}, "none larger than 1,000,000,000,000"),
        ({"time_windows": [[0, 9], [5, 4], [0, 1]]}, "time_windows: that of node 1 closes before it opens"),
        ({"horizon": 5}, "horizon: must be 2 numbers"),
        ({"instance_name": 5}, "instance_name: must be a text"),
        ({"td": 5}, "td: must be an object, not a int"),
        (
            {"td": {"atf_path": "../T-1.atf.json.gz"}},
            "td.atf_path: .* must be the name of a file in the folder",
        ),
        ({"td": {"atf_path": "none.gz"}}, "none.gz: no file there"),
        ({"td": {"atf_path": "x" * 300}}, "T-1.vrp.json: td.atf_path: .* is no path: File name too long"),
        ({"td": {"atf_path": "a\0b"}}, "td.atf_path: .* is no path: it holds a zero byte"),
    ],
)
def test_a_hostile_instance_is_refused_by_key(write, head, told):
    if not isinstance(head.get("td", {}), dict):
        file = write()
        file.write_text(json.dumps({**HEAD, **head}))
    else:
        file = write(head)
    with pytest.raises(FileFormatError, match=told):
        read_instance(file)


@pytest.mark.parametrize(
    ("arcs", "told"),
    [
        (ARCS[:-1], "arcs: 5 functions, but 3 nodes have 6 arcs"),
        (7, "arcs: no functions"),
        ([*ARCS[:-1], ARCS[0]], r"arcs\[5\]: the arc 0 → 1 stands there twice"),
        ([*ARCS[:-1], [2, 1, [0]]], r"arcs\[5\]: must be from, to"),
        ([*ARCS[:-1], [2, 1, ["a"], [1]]], r"arcs\[5\]: must have lists of numbers"),
        ([*ARCS[:-1], [2, 1, [[0], [1, 2]], [1]]], r"arcs\[5\]: must have lists of numbers"),
        ([*ARCS[:-1], [2, 1, [0, 5], [1, 2]]], "arcs: arrival function 2 → 1: leaving at 5 arrives before"),
        ([*ARCS[:-1], [2, 9, [0, 5], [1, 6]]], "arcs: arrival function 2 → 9: an arc leads"),
    ],
)
def test_hostile_functions_are_refused_by_arc(write, arcs, told):
    with pytest.raises(FileFormatError, match=told):
        read_instance(write(arcs=arcs))


@pytest.mark.parametrize("name", ["x" * 300 + ".vrp", "x" * 300 + ".vrp.json", "a\0b.vrp"])
@pytest.mark.parametrize("read", [read_instance, read_solution])
def test_what_is_no_path_is_no_instance(tmp_path, read, name):
    with pytest.raises(FileFormatError, match="is no path: "):
        read(tmp_path / name)


def test_a_name_that_leaves_none_for_the_best_known_solution(write):
    file = write()
    assert read_instance(file.rename(file.with_name("x" * 240 + ".vrp.json"))).best_known is None


@pytest.mark.parametrize("path", ["/", "."])
def test_a_folder_is_no_instance(path):
    assert best_known_file(Path(path)) is None
    with pytest.raises(FileFormatError, match="a folder; give the path of an instance file"):
        read_instance(path)


def test_damaged_files_are_refused(write, tmp_path):
    with pytest.raises(FileFormatError, match="another file than the instance was made with"):
        read_instance(write(checksum="0" * 64))
    with pytest.raises(FileFormatError, match=r"json\.gz:1: no JSON, or cut off"):
        read_instance(write(content=b'{"format": "mamut-td-atf", "arcs": [[0, 1,'))
    with pytest.raises(FileFormatError, match="NaN is not a number"):
        read_instance(write(content=b'{"arcs": NaN}'))
    with pytest.raises(FileFormatError, match="nests too deep"):
        read_instance(write(content=b"[" * 100_000))
    with pytest.raises(FileFormatError, match="format: must be 'mamut-td-atf'"):
        read_instance(write(content=b'{"format": "other", "format_version": 1}'))
    file = write()
    (tmp_path / "T-1.atf.json.gz").write_bytes(gzip.compress(b"{}")[:-9])
    with pytest.raises(FileFormatError, match="the archive is damaged or cut off"):
        read_instance(file)


def test_an_archive_that_unpacks_without_end_is_refused(write, tmp_path):
    file = write()
    (tmp_path / "T-1.atf.json.gz").write_bytes(gzip.compress(b" " * 100_000_010))
    with pytest.raises(FileFormatError, match="unpacks to more than 100,000,000 bytes"):
        read_instance(file)


@pytest.mark.parametrize(
    ("best", "told"),
    [
        ({**BEST, "objective_function": "Makespan"}, "objective_function: must be 'Duration'"),
        ({**BEST, "routes": [[0, 1]]}, "routes: must be lists of clients"),
        ({**BEST, "cost": "x"}, "cost: must be a number"),
        ({**BEST, "metadata": {"route_departure_times": [1, 2]}}, "route_departure_times: must be 1 numbers"),
    ],
)
def test_a_bad_best_known_solution_is_refused(write, best, told):
    with pytest.raises(FileFormatError, match=told):
        read_instance(write(best=best))


def test_a_convention_has_nothing_to_round(write):
    with pytest.raises(
        FileFormatError, match="holds distances or travel times; leave convention='round' out"
    ):
        read_instance(write(), convention="round")
    with pytest.raises(ProblemError, match="unknown convention"):
        read_instance(write(), convention="nearest")
