import numpy as np
import pandas as pd
import pytest

from kanopt.errors import FormulaError
from kanopt.formulas import Variable
from kanopt.formulas.columns import common_shape, describe_place, in_bounds, read_columns

KM = Variable("km", "km")
KIND = Variable("kind", kind="category")


def read(variable, values):
    return read_columns([variable], {variable.name: values}, frozenset())[variable.name]


def test_all_missing_inputs_are_named():
    inputs = [KM, Variable("flow"), KIND]
    with pytest.raises(FormulaError, match=r"inputs 'km', 'kind' are missing; given: 'flow', 'other'$"):
        read_columns(inputs, {"flow": 1.0, "other": 2.0}, frozenset({"km", "flow", "kind"}))
    many = [Variable(f"x{place}") for place in range(20)]
    with pytest.raises(FormulaError, match=r"'x11' and 8 more are missing; given: none$"):
        read_columns(many, {}, frozenset(each.name for each in many))


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
        (["1", "2"], "the data are <U1: '1'"),
        (np.array([1.0, "x"], dtype=object), "the data hold mixed.*'x'"),
        (pd.Series(["7 km"]), "is a number, but the data"),
        (pd.to_datetime(["2024-01-01"]), "datetime64"),
        (np.array([1j]), "complex128"),
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


def test_a_missing_input_names_the_nearest():
    with pytest.raises(FormulaError, match="'km' is missing; did you mean 'kmm'"):
        read_columns([KM], pd.DataFrame({"kmm": [1.0]}), frozenset({"km"}))
    assert read_columns([KM], {}, frozenset()) == {}


def test_a_frame_that_declares_another_unit_is_converted():
    frame = pd.DataFrame({"km": [1500.0]})
    frame.attrs["kanopt"] = {"units": {"km": "m"}}
    assert read_columns([KM], frame, frozenset())["km"].tolist() == [1.5]
    frame.attrs["kanopt"] = {"units": {"km": "kg"}}
    with pytest.raises(FormulaError, match="'km': cannot convert 'kg'"):
        read_columns([KM], frame, frozenset())


def test_shapes_that_do_not_meet_are_named():
    assert common_shape({"a": np.zeros((3, 1)), "b": np.zeros(4)}) == (3, 4)
    assert common_shape({}) == ()
    with pytest.raises(FormulaError, match=r"a \(3,\), b \(4,\)"):
        common_shape({"a": np.zeros(3), "b": np.zeros(4)})


def test_the_first_place_is_described():
    columns = {"km": np.array([[1.0], [2.5]]), "kind": np.array(["van", "truck"], dtype=object)}
    where = np.array([[False, False], [False, True]])
    assert describe_place(columns, where) == "km=2.5, kind='truck'"


def test_bounds_forgive_rounding_and_nothing_else():
    values = np.array([-1e-12, 0.0, 10.0, 10.0 + 1e-10, 10.001])
    assert in_bounds(values, 0.0, 10.0).tolist() == [True, True, True, True, False]
    assert in_bounds(values, None, None).all()
    assert in_bounds(values, 1.0, None).tolist() == [False, False, True, True, True]


LAW = [KM, Variable("km_missing", kind="category")]


@pytest.mark.parametrize(
    "frame",
    [{"km": [1.0, np.nan], "km_missing": ["no", "yes"]}, {"km": [1.0, 2.0]}],
    ids=["gap", "no indicator"],
)
def test_a_law_that_knows_gaps_says_how_it_wants_them_written(frame):
    words = r"where 'km' is missing it wants 'yes' in 'km_missing', .*Indicators\.of\(fitted_rows\)\.filled\(data\)"
    with pytest.raises(FormulaError, match=words):
        read_columns(LAW, pd.DataFrame(frame), frozenset({"km", "km_missing"}))


def test_a_gap_of_a_category_that_knows_gaps_is_its_label():
    found = read_columns([KIND], {"kind": ["van", None, np.nan]}, frozenset({"kind"}), frozenset({"kind"}))
    assert found["kind"].tolist() == ["van", "missing", "missing"]
