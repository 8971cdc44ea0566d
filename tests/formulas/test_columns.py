import numpy as np
import pandas as pd
import pytest

from kanopt.errors import FormulaError
from kanopt.formulas import Variable
from kanopt.formulas.columns import read_columns

KM = Variable("km", "km")
KIND = Variable("kind", kind="category")


def read(variable, values):
    return read_columns([variable], {variable.name: values}, frozenset())[variable.name]


@pytest.mark.parametrize(
    "values",
    [
        [1, 2],
        (1.0, 2.0),
        pd.Series([1, 2], dtype="Int64"),
        pd.Series([1.0, 2.0], index=[7, 3]),
        pd.Series([1.0, 2.0], dtype="double[pyarrow]"),
        np.array([1, 2], dtype=object),
        np.array([1.0, 2.0], dtype=np.float32),
    ],
)
def test_numbers_of_any_make_become_float64(values):
    found = read(KM, values)
    assert found.dtype == np.float64
    assert found.tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (["1", "2"], "the data hold string: '1'"),
        (np.array([1.0, "x"], dtype=object), "the data hold mixed.*'x'"),
        (pd.Series(["7 km"]), "is a number, but the data"),
        (pd.to_datetime(["2024-01-01"]), "datetime64"),
        (np.array([1j]), "complex"),
        ([1.0, np.nan], "1 missing value of 2, the first at position 1"),
        (pd.Series([None, 2], dtype="Int64"), "1 missing value of 2, the first at position 0"),
    ],
)
def test_what_is_no_number_is_refused(values, message):
    with pytest.raises(FormulaError, match=message):
        read(KM, values)


def test_categories_become_labels():
    assert read(KIND, pd.Series([2014.0, 2015.0])).tolist() == ["2014", "2015"]
    assert read(KIND, pd.Categorical(["van", "truck", "van"])).tolist() == ["van", "truck", "van"]
    assert read(KIND, np.array([["a", "b"]])).tolist() == [["a", "b"]]
    assert read(KIND, "van").shape == ()
    with pytest.raises(FormulaError, match="'kind' has 1 missing value of 2"):
        read(KIND, ["van", None])


def test_an_empty_column_of_another_kind_is_told():
    with pytest.raises(FormulaError, match="nothing"):
        read(KM, np.array([], "U3"))
