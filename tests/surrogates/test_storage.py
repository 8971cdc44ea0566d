"""A model file from a stranger is data: what is wrong with it is said, and nothing in it costs memory or time."""

import io
import json
import pickle
import zipfile

import numpy as np
import pandas as pd
import pytest

from kanopt import FileFormatError, KANRegressor
from tests.effort import at_most


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.uniform(1, 2, 60), "c": rng.choice(list("xy"), 60)})
    path = tmp_path_factory.mktemp("models") / "law.kan"
    KANRegressor((), bounds=(-2, 2)).fit(frame, np.sin(3 * frame["a"]).rename("y")).save(path)
    return path


@pytest.fixture
def parts(saved):
    with np.load(saved) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return json.loads(arrays.pop("header").tobytes()), arrays


def written(path, header, arrays):
    text = header if isinstance(header, str) else json.dumps(header)
    with path.open("wb") as file:
        np.savez_compressed(file, header=np.frombuffer(text.encode(), dtype=np.uint8), **arrays)
    return path


def with_covariance(saved, path, shape, content):
    """Write the saved model with a covariance of another shape and content."""
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(head, {"descr": "<f8", "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(saved) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for item in source.infolist():
            if item.filename != "covariance.npy":
                archive.writestr(item.filename, source.read(item.filename))
        archive.writestr("covariance.npy", head.getvalue() + content)
    return path


def test_what_is_no_model_file_is_called_so(tmp_path):
    path = tmp_path / "ship.csv"
    array = io.BytesIO()
    np.save(array, np.zeros(3))
    for content in (b"", b"km;cost\n1;2\n", pickle.dumps({"a": 1}), array.getvalue()):
        path.write_bytes(content)
        with pytest.raises(FileFormatError, match=r"ship\.csv: not written by KANRegressor\.save") as caught:
            KANRegressor.load(path)
        assert "pickle" not in str(caught.value)


def test_no_error_advises_to_unpickle(tmp_path):
    path = tmp_path / "m"
    with path.open("wb") as file:
        np.savez(file, header=np.array([{"a": 1}], dtype=object))
    with pytest.raises(FileFormatError, match="holds Python objects") as caught:
        KANRegressor.load(path)
    assert "allow_pickle" not in str(caught.value)


@pytest.mark.parametrize("shape", [(10**12,), (2**40, 2**40)])
def test_arrays_that_claim_to_be_huge_are_refused(saved, tmp_path, shape):
    with pytest.raises(FileFormatError, match="not a readable model file"):
        KANRegressor.load(with_covariance(saved, tmp_path / "m", shape, bytes(100)))


def test_a_bomb_is_refused_before_it_is_unpacked(saved, tmp_path, monkeypatch):
    size = (1 << 24) + 8
    monkeypatch.setattr("kanopt.surrogates.storage.LARGEST", size - 8)
    path = with_covariance(saved, tmp_path / "m", (size // 8,), bytes(size))
    with (
        at_most(20_000, megabytes=2.0),
        pytest.raises(FileFormatError, match="bytes when unpacked are too many"),
    ):
        KANRegressor.load(path)


def test_what_packs_to_a_fiftieth_is_no_model(saved, tmp_path, monkeypatch):
    monkeypatch.setattr("kanopt.surrogates.storage.UNPACKED", 1 << 20)
    path = with_covariance(saved, tmp_path / "m", ((1 << 18) + 1,), bytes(((1 << 18) + 1) * 8))
    with pytest.raises(FileFormatError, match="are too many for a model file of"):
        KANRegressor.load(path)


@pytest.mark.parametrize(
    ("offset", "value"), [(8, 1), (10, 99)], ids=["encrypted", "packed in an unknown way"]
)
def test_archives_that_python_cannot_unpack_are_refused(saved, tmp_path, offset, value):
    content = bytearray(saved.read_bytes())
    place = content.find(b"PK\x01\x02")
    while place >= 0:
        content[place + offset] = value
        place = content.find(b"PK\x01\x02", place + 4)
    (tmp_path / "m").write_bytes(content)
    with pytest.raises(FileFormatError, match="not a readable model file"):
        KANRegressor.load(tmp_path / "m")


def test_headers_that_nest_too_deep_are_refused(parts, tmp_path):
    deep = '{"format": "kanopt-model", "version": 3, "x": ' + "[" * 200_000 + "]" * 200_000 + "}"
    with pytest.raises(FileFormatError, match="not a readable model file"):
        KANRegressor.load(written(tmp_path / "m", deep, parts[1]))


ARRAYS = {
    "codes out of range": ("codes", lambda codes: codes + 50),
    "codes below zero": ("codes", lambda codes: codes - 2),
    "codes of rows that are not there": ("codes", lambda codes: codes[1:]),
    "importance of fewer columns": ("importance", lambda values: values[:1]),
    "no residuals": ("residuals", lambda values: values[:0]),
    "residuals in text": ("residuals", lambda values: values.astype(str)),
    "residuals in disorder": ("residuals", lambda values: values[::-1]),
    "weights below zero": ("residual_weights", lambda values: -values),
    "middles of other rows": ("middle", lambda values: values[:-1]),
    "covariance of other parameters": ("covariance", lambda values: np.zeros((3, 3))),
    "numbers that are none": ("numbers", lambda values: values * np.nan),
    "no rows": ("numbers", lambda values: values[:0]),
    "coefficients that are none": ("layer0_coefficients", lambda values: values * np.nan),
    "complex coefficients": ("layer0_coefficients", lambda values: values + 1j),
    "coefficients of other inputs": ("layer0_coefficients", lambda values: np.concatenate([values, values])),
    "flat coefficients": ("layer0_coefficients", lambda values: values.ravel()),
    "ranges without width": ("layer0_upper", lambda values: values * 0.0),
    "tables of other categories": ("layer0_table0", lambda values: values[:1]),
    "bounds of other parameters": ("at_bound", lambda values: values[:1]),
    "smoothing that is none": ("smoothing", lambda values: values * np.inf),
}


@pytest.mark.parametrize("case", ARRAYS)
def test_arrays_that_do_not_fit_are_refused(parts, tmp_path, case):
    header, arrays = parts
    name, spoil = ARRAYS[case]
    with pytest.raises(FileFormatError, match=r"m: .*; save the model again"):
        KANRegressor.load(written(tmp_path / "m", header, {**arrays, name: spoil(arrays[name])}))


def test_files_from_before_there_were_floors_are_read(saved, parts, tmp_path):
    header, arrays = parts
    del header["floor"]
    rows = pd.DataFrame({"a": [1.1, 1.9], "c": ["x", "y"]})
    old = KANRegressor.load(written(tmp_path / "m", header, arrays))
    assert np.array_equal(old.predict(rows), KANRegressor.load(saved).predict(rows))


HEADERS = [
    (("products",), [-1]),
    (("products",), ["many"]),
    (("tables",), [10**9]),
    (("tables",), []),
    (("link",), {"kind": "Logistic", "low": 5, "high": 1}),
    (("link",), {"kind": "Softplus", "scale": 0}),
    (("link",), {"kind": "Evil"}),
    (("encoding",), []),
    (("encoding", 0, "kind"), "evil"),
    (("encoding", 0, "scale"), 0),
    (("encoding", 0, "scale"), "x"),
    (("encoding", 0, "name"), 5),
    (("encoding", 0, "low"), None),
    (("encoding", 0, "log"), "yes"),
    (("encoding", 1, "name"), "a"),
    (("encoding", 1, "categories"), ["x", "x"]),
    (("encoding", 1, "categories"), [["x"], ["y"]]),
    (("encoding", 1, "categories"), ["x", "y", "z"]),
    (("arguments", "evil"), 1),
    (("fills",), [1]),
    (("fills",), {"zzz": 1.0}),
    (("fills",), {"a": "missing"}),
    (("alternatives",), 5),
    (("measures",), {}),
    (("measures",), {"training": {"rows": "many"}}),
    (("measures", "training", "rows"), None),
    (("smearing",), "x"),
    (("floor",), "x"),
    (("floor",), True),
    (("floor",), float("inf")),
    (("variance",), -1.0),
    (("log_target",), "yes"),
    (("columns",), 99),
    (("columns",), -1),
    (("domain", "joints"), [{"names": ["c0"]}]),
    (("domain", "ranges"), [{"name": "c7", "low": 0.0, "high": 1.0}]),
]


@pytest.mark.parametrize(("place", "value"), HEADERS)
def test_headers_that_do_not_fit_are_refused(parts, tmp_path, place, value):
    header, arrays = parts
    part = header
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    with pytest.raises(FileFormatError, match=r"m: .*; save the model again"):
        KANRegressor.load(written(tmp_path / "m", header, arrays))
