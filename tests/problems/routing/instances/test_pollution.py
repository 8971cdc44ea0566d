"""Pollution-routing instances, written by hand."""

import pytest

from kanopt import read_instance
from kanopt.errors import FileFormatError

UK = "2\n\n6350 3650\n\n20\t90\n\n0 25000 50000 \n30000 0 10000\n50000 12500 0\n\n\n"
UK += "0\t Hull  0\t0\t32400\t0\n\n1\t Goole_Town  700\t2000\t22000\t1400\n2\t Hull  500\t644\t21000\t1000\n"


@pytest.fixture
def write(tmp_path):
    def put(text: str):
        file = tmp_path / "UK02_01.txt"
        file.write_text(text.replace("\n", "\r\n"))
        return file

    return put


def test_a_leg_costs_metres_times_weight(write):
    instance = read_instance(write(UK))
    problem = instance.problem
    assert (instance.name, instance.kind, instance.rounding) == ("UK02_01", "pollution", "given")
    assert problem.data.names == ("Hull (0)", "Goole Town", "Hull (2)")
    plan = problem.plan_from([["Goole Town", "Hull (2)"]])
    wanted = 25_000 * (6350 + 1200) + 10_000 * (6350 + 500) + 50_000 * 6350
    assert problem.price(plan).objective == pytest.approx(wanted)
    assert problem.unit == "kg*m"
    # 90 km/h are 25 m/s
    assert problem.drive(plan.routes).duration.tolist() == pytest.approx([1000, 400, 2000])
    assert problem.check(plan).ok
    assert (problem.clients[0].earliest, problem.clients[0].latest, problem.clients[0].service_duration) == (
        2000,
        22000,
        1400,
    )


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (
            "2\n\n6350",
            "3\n\n6350",
            "6 rows of distances and places where 8 are expected; the file is cut off",
        ),
        ("2\n\n6350", "99999999\n\n6350", r"UK02_01\.txt:1: 99,999,999 clients; kanopt reads at most"),
        ("6350 3650", "-6350 3650", "curb weight, payload and speeds must be positive"),
        ("20\t90", "90\t20", r"UK02_01\.txt:5: .*the lower speed first"),
        ("20\t90", "20\tnan", r"UK02_01\.txt:5: speeds: 'nan' is not a number"),
        ("30000 0 10000", "30000 0", r"UK02_01\.txt:8: 2 distances where 3 are expected"),
        ("30000 0 10000", "30000 0 -1", r"UK02_01\.txt:8: distance: −1 is negative"),
        ("30000 0 10000", "30000 0 x", r"UK02_01\.txt:8: distance: 'x' is not a number"),
        ("2\t Hull  500\t", "3\t Hull  500\t", r"UK02_01\.txt:15: place 3 where 2 is expected"),
        ("2\t Hull  500\t", "2\t 500\t", r"UK02_01\.txt:15: 5 words where"),
        ("2\t Hull  500\t", "2\t Hull -500\t", r"UK02_01\.txt:15: demand and service must be at least 0"),
        (
            "2\t Hull  500\t",
            "2\t Hull 5000\t",
            r"UK02_01\.txt:15: demand: 5000, more than any vehicle carries",
        ),
        ("0\t Hull  0\t", "0\t Hull  9\t", "but the depot demands nothing"),
        ("644\t21000", "21000\t644", r"UK02_01\.txt:15: the window closes \(644\) before it opens"),
    ],
)
def test_a_hostile_file_is_refused_with_its_place(write, old, new, told):
    assert old in UK
    with pytest.raises(FileFormatError, match=told):
        read_instance(write(UK.replace(old, new, 1)))
