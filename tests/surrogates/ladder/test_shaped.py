"""What was asked of a network is decided for its formula."""

from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pytest

from kanopt.formulas import Formula, Variable, parse_formula
from kanopt.kan.ranges import ShapeConstraints
from kanopt.kan.trainer import Link, Logistic, Softplus
from kanopt.surrogates import Feature, KANRegressor
from kanopt.surrogates.groups import Rows
from kanopt.surrogates.ladder.going_on import asked_of, decided, shaped
from tests.cases.city import city_law
from tests.cases.own_rows import judged_by_own_rows

NUMBERS = (Feature("km", "number"), Feature("hour", "cycle"), Feature("load", "number", log=True))


@dataclass
class Asked:
    """The part of a trained network that its shapes are read from."""

    wanted: ShapeConstraints = field(default_factory=ShapeConstraints)
    rows: Rows = field(default_factory=lambda: Rows(np.zeros((0, 3)), np.zeros(0), np.zeros(0)))
    link: Link | None = None
    features: tuple[Feature, ...] = (NUMBERS[0], NUMBERS[2], NUMBERS[1])


def law_of(text: str) -> Formula:
    inputs = [
        Variable("km", low=1, high=9),
        Variable("load", low=0, high=5),
        Variable("hour", low=0, high=24),
    ]
    return parse_formula(text, inputs, Variable("cost"))


def test_shapes_are_asked_by_the_names_of_columns() -> None:
    asked = Asked(ShapeConstraints(monotonic=(1, -1)))
    law = law_of("km - load + hour")
    assert asked_of(asked, law) == {
        "monotone": {"km": 1, "load": -1},
        "low": None,
        "high": None,
        "finite": True,
    }
    # of a column that was dropped there is nothing to say
    assert asked_of(asked, law_of("km"))["monotone"] == {"km": 1}


@pytest.mark.parametrize(
    ("asked", "ends"),
    [
        (Asked(), (None, None)),
        (Asked(rows=Rows(np.zeros((0, 3)), np.zeros(0), np.zeros(0), log=True)), (0.0, None)),
        (Asked(link=Softplus(low=2.0)), (2.0, None)),
        (Asked(link=Logistic(low=1.0, high=24.0)), (1.0, 24.0)),
    ],
)
def test_links_and_logarithms_have_ends(asked: Asked, ends: tuple[float | None, float | None]) -> None:
    found = asked_of(asked, law_of("km"))
    assert (found["low"], found["high"]) == ends


def test_verdicts_are_attached_whatever_they_are() -> None:
    law = shaped(law_of("km + (load - 1)^2"), Asked(ShapeConstraints(monotonic=(1, 1))))
    assert [fact.verdict for fact in law.shapes] == ["proved", "refuted", "proved"]
    texts = [text for what, text in law.facts() if what == "shape"]
    assert texts[0] == "rises with km: proved on the whole domain"
    assert texts[1].startswith("rises with load: refuted (")
    assert [fact.text for fact in shaped(law_of("km"), Asked()).shapes] == ["finite everywhere"]
    assert decided(law_of("km"), Asked()).proved
    assert str(decided(law_of("(3 - km)^0.5"), Asked()).refuted[0]).startswith(
        "finite everywhere: refuted (no"
    )


@pytest.mark.slow
def test_the_law_of_the_city_is_proved_to_rise_with_the_distance() -> None:
    law = city_law("travel_time")
    assert law.shapes[0].text == "rises with distance_km"
    assert all(fact.verdict == "proved" for fact in law.shapes)
    assert ("shape", "rises with distance_km: proved on the whole domain") in law.facts()
    assert Formula.from_json(law.to_json()).shapes == law.shapes


@pytest.mark.slow
@judged_by_own_rows
def test_a_bounded_law_is_proved_to_stay_within_its_ends() -> None:
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"x": rng.uniform(0, 4, 150), "z": rng.uniform(0, 1, 150)})
    frame["hours"] = 24.0 / (1.0 + np.exp(2.0 - frame["x"] - frame["z"]))
    model = KANRegressor((), seed=0, bounds=(0, 24), monotone={"x": 1}).fit(frame[["x", "z"]], frame["hours"])
    law = model.to_formula(frame)
    assert [(fact.text, fact.verdict) for fact in law.shapes] == [
        ("rises with x", "proved"),
        ("at least 0", "proved"),
        ("at most 24", "proved"),
        ("finite everywhere", "proved"),
    ]
