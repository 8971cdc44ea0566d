"""Text that is no category: numbers kept as text, and identifiers."""

import numpy as np
import pandas as pd
import pytest

from kanopt import KANRegressor
from kanopt.errors import FitError


def trips(rows=120):
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"weight_t": rng.uniform(1, 9, rows).round(2), "km": rng.uniform(5, 80, rows)})
    return table, (table["weight_t"] * table["km"]).rename("cost")


def text(column):
    return column.astype(str).astype(object)


def test_numbers_as_text_name_the_cells_that_are_none():
    table, cost = trips()
    table = table.set_axis([f"T{row}" for row in range(len(table))])
    words = text(table["weight_t"]).where(table.index != "T7", "n/a")
    with pytest.raises(
        FitError, match=r"'weight_t' holds numbers.*'n/a' in row 'T7'.*on_bad=.*pd\.to_numeric"
    ):
        KANRegressor(()).fit(table.assign(weight_t=words), cost.to_numpy())
    mixed = table["weight_t"].astype(object).where(table.index != "T7", "n/a")
    with pytest.raises(FitError, match=r"'weight_t' holds numbers kept as text, but for 'n/a' in row 'T7'"):
        KANRegressor(()).fit(table.assign(weight_t=mixed), cost.to_numpy())


def test_words_among_few_numbers_and_declared_codes_are_categories():
    table, cost = trips()
    rng = np.random.default_rng(1)
    sizes = rng.choice(["S", "M", "L", "40"], len(table))
    codes = pd.Categorical(rng.choice(["1", "2", "3"], len(table)))
    truth = pd.Series(rng.choice([True, False], len(table)), dtype=object)
    model = KANRegressor(()).fit(table.assign(size=sizes, zone=codes, cold=truth), cost)
    assert [feature.name for feature in model.encoding_.categories] == ["size", "zone", "cold"]


@pytest.mark.parametrize("dtype", [object, "category"])
def test_an_id_is_refused(dtype):
    table, cost = trips()
    ids = pd.Series([f"S{row:04}" for row in range(len(table))], dtype=dtype)
    with pytest.raises(FitError, match=r"column 'shipment' has 120 different values.*an id.*leave it out"):
        KANRegressor(()).fit(table.assign(shipment=ids), cost)


def test_many_customers_of_several_rows_are_a_category():
    table, cost = trips(240)
    table["customer"] = [f"C{row % 60}" for row in range(len(table))]
    model = KANRegressor((), log_target=False, log_features=[]).fit(table, cost)
    assert len(model.encoding_.categories[0].categories) == 60


def test_a_column_of_more_values_than_can_be_learned_is_refused_with_what_to_do():
    """Twenty thousand rows of ten thousand customers, of which nothing is known but their names."""
    table, cost = trips(20_000)
    customers = np.arange(len(table)) // 2
    table["customer"] = pd.Series(customers).map("C{}".format)
    table["customer"] = table["customer"].astype("category")
    with pytest.raises(
        FitError, match=r"'customer' has 10,000 different values in 20,000 rows.* at most 1,000"
    ):
        KANRegressor(()).fit(table, cost)
