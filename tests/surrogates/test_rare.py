"""Categories of one or two rows, most often typos, do not decide what law is learned from all others."""

import numpy as np
import pandas as pd
import pytest

from kanopt import KanoptWarning, KANRegressor
from kanopt.formulas import Table
from kanopt.formulas.nodes import postorder
from kanopt.surrogates.categories import rare_categories
from kanopt.surrogates.encoding import encoding_of

COLUMNS = ["vehicle", "km", "stops"]


def trips(rows=593, seed=1):
    """Trips whose cost per kilometre, per stop and per trip all depend on the vehicle, with 5 % noise."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"vehicle": rng.choice(["Sprinter", "eVito"], rows, p=[0.69, 0.31])})
    frame["km"], frame["stops"] = rng.gamma(2.0, 20.0, rows) + 3.0, rng.integers(2, 40, rows).astype(float)
    diesel = frame["vehicle"] == "Sprinter"
    cost = frame["km"] * np.where(diesel, 0.35, 0.2) + frame["stops"] * np.where(diesel, 1.2, 1.9)
    frame["cost"] = (cost + np.where(diesel, 8.0, 14.0)) * rng.lognormal(0.0, 0.05, rows)
    return frame


def with_typo(frame, name="Sprnter", of="Sprinter", rows=1):
    places = frame.index[frame["vehicle"] == of][3 : 3 + rows]
    return frame.assign(vehicle=frame["vehicle"].where(~frame.index.isin(places), name)), places


def fitted(frame):
    return KANRegressor((), log_target=False, loss="squared", seed=0).fit(frame[COLUMNS], frame["cost"])


@pytest.mark.slow
def test_one_typo_leaves_the_law_what_it_is_without_it():
    frame = trips()
    train, test = frame[:474], frame[474:]
    clean = fitted(train).to_formula(test, "cost")
    mistyped, places = with_typo(train)
    with pytest.warns(
        KanoptWarning,
        match=rf"column 'vehicle' has categories of too few rows to learn from: 'Sprnter' \(1 row, the first is row "
        rf"{places[0]}\) is taken for 'Sprinter', which foretells it best; mend",
    ):
        model = fitted(mistyped)
    # rows that are held out judge the law also where they are of the rare category
    rare = test.assign(
        vehicle=test["vehicle"]
        .where(test.index % 2 == 0, "Sprnter")
        .where(test["vehicle"] != "eVito", "eVito")
    )
    law = model.to_formula(rare, "cost")
    assert law.fit.rows_test == len(test)
    assert law.fit.rmse < 1.01 * clean.fit.rmse
    assert law.provenance["rare categories"] == "vehicle: Sprnter as Sprinter"
    row = {"km": 30.0, "stops": 12.0}
    assert law.evaluate({**row, "vehicle": "Sprnter"}) == law.evaluate({**row, "vehicle": "Sprinter"})
    for table in (node for node in postorder(law.root) if isinstance(node, Table)):
        assert {key for (key,), _ in table.entries} == {"Sprinter", "Sprnter", "eVito"}
    assert law.domain.categories_of("vehicle") == ("Sprinter", "Sprnter", "eVito")
    assert law.domain.rare_of("vehicle") == ("Sprnter",)
    assert dict(law.domain.commonest) == {"vehicle": train["vehicle"].mode()[0]}
    assert not law.outside(pd.DataFrame([{**row, "vehicle": "Sprnter"}])).any()
    # the model itself knows it too
    rows = pd.DataFrame([{"vehicle": name, **row} for name in ("Sprnter", "Sprinter")])
    assert model.predict(rows)[0] == model.predict(rows)[1]


def test_it_is_taken_for_what_foretells_it_not_for_what_it_is_called():
    mistyped, _ = with_typo(trips(), "Sprint", of="eVito", rows=2)
    with pytest.warns(KanoptWarning, match=r"'Sprint' \(2 rows, .* is taken for 'eVito'"):
        model = fitted(mistyped)
    (vehicle,) = model.encoding_.categories
    assert vehicle.categories == ("Sprinter", "eVito")
    assert vehicle.taken_for == (("Sprint", "eVito"),)


def rare_in(names, weights=None):
    frame = pd.DataFrame({"km": np.arange(1.0, len(names) + 1.0), "name": names})
    ones = np.ones(len(names)) if weights is None else weights
    return rare_categories(frame, frame["km"].to_numpy(), ones, encoding_of(frame))


@pytest.mark.parametrize(
    ("names", "rare"),
    [
        (["a"] * 60 + ["b"] * 39 + ["c"], {"c"}),
        (["a"] * 60 + ["b"] * 38 + ["c"] * 2, {"c"}),
        (["a"] * 60 + ["b"] * 37 + ["c"] * 3, set()),
        (["a"] * 99 + ["c"], set()),  # of one category nothing could be learned
        (
            [f"{place // 2}" for place in range(100)],
            set(),
        ),  # where all are rare, they are what the table is of
        (["a"] * 60 + ["b"] * 10 + [f"{place}" for place in range(30)], set()),
    ],
)
def test_rare_is_what_has_few_rows_where_others_have_many(names, rare):
    found, gone = rare_in(names)
    assert set(found.get("name", ())) == rare
    assert gone.tolist() == [name in rare for name in names]
