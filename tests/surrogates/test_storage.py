"""A model file from a stranger is data: what is wrong with it is said, and nothing in it costs memory or time."""

import base64
import json
import pickle

import numpy as np
import pandas as pd
import pytest

from kanopt import FileFormatError, KANRegressor


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.uniform(1, 2, 60), "c": rng.choice(list("xy"), 60)})
    path = tmp_path_factory.mktemp("models") / "law.kan"
    KANRegressor((), bounds=(-2, 2)).fit(frame, np.sin(3 * frame["a"]).rename("y")).save(path)
    return path


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"km;cost\n1;2\n",
        pickle.dumps({"a": 1}),
        b"{}",
        b'{"format": "kanopt formula"}',
        b"[" * 200_000,
        b'{"x": ' * 200_000,
    ],
)
def test_what_is_no_model_file_is_called_so(tmp_path, content):
    path = tmp_path / "ship.csv"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match=r"ship\.csv: not written by KANRegressor\.save"):
        KANRegressor.load(path)


def test_a_file_that_is_cut_off_or_of_another_version_is_told(saved, tmp_path):
    content = saved.read_text()
    (tmp_path / "m").write_text(content[: len(content) // 2])
    with pytest.raises(FileFormatError, match="not written by KANRegressor"):
        KANRegressor.load(tmp_path / "m")
    (tmp_path / "m").write_text(content.replace('"version": 5', '"version": 99'))
    with pytest.raises(FileFormatError, match="version 99"):
        KANRegressor.load(tmp_path / "m")


def numbers(values, kind="<f8"):
    array = np.asarray(values, dtype=kind)
    return {"shape": list(array.shape), "numbers": base64.b64encode(array.tobytes()).decode()}


WRONG = [
    (("codes",), numbers(np.full((60, 1), 50), "<i8")),
    (("codes",), numbers(np.full((60, 1), -2), "<i8")),
    (("codes",), numbers(np.zeros((59, 1)), "<i8")),
    (("importance",), numbers([1.0])),
    (("residuals",), numbers([])),
    (("residuals",), numbers(np.arange(60.0)[::-1])),
    (("residuals",), [1.0, 2.0]),
    (("residuals",), {"shape": [10**12], "numbers": "AAAA"}),
    (("residual_weights",), numbers(-np.ones(60))),
    (("middle",), numbers(np.ones(59))),
    (("numbers",), numbers(np.full((60, 1), np.nan))),
    (("numbers",), numbers(np.zeros((0, 1)))),
    (("link",), {"kind": "Logistic", "low": 5.0, "high": 1.0}),
    (("link",), {"kind": "Softplus", "scale": 0.0, "low": 0.0}),
    (("link",), {"kind": "Evil"}),
    (("encoding",), []),
    (("encoding", "features"), []),
    (("encoding", "features", 0, "kind"), "evil"),
    (("encoding", "features", 0, "scale"), 0.0),
    (("encoding", "features", 0, "scale"), "x"),
    (("encoding", "features", 0, "name"), 5),
    (("encoding", "features", 0, "low"), None),
    (("encoding", "features", 0, "log"), "yes"),
    (("encoding", "features", 1, "name"), "a"),
    (("encoding", "features", 1, "categories"), ["x", "x"]),
    (("encoding", "features", 1, "categories"), ["x", "y", "z"]),
    (("measures",), {}),
    (("measures",), {"training": {"rows": "many"}}),
    (("measures", "training", "rows"), None),
    (("smearing",), "x"),
    (("floor",), True),
    (("variance",), -1.0),
    (("log_target",), "yes"),
    (("network", "root"), 0),
    (("network", "root"), 10**9),
    (("network", "inputs", 0, "name"), "c7"),
    (("network", "inputs", 1, "categories"), ["0"]),
    (("network", "evil"), 1),
    (("network", "domain", "ranges"), [{"name": "c7", "low": 0.0, "high": 1.0, "sparse": []}]),
    (("evil",), 1),
]
WRONG = [(("law", *place), value) for place, value in WRONG] + [
    (("arguments", "evil"), 1),
    (("fills",), [1]),
    (("fills",), {"zzz": 1.0}),
    (("fills",), {"a": "missing"}),
    (("alternatives",), 5),
    (("columns",), 99),
    (("columns",), []),
    (("columns",), ["c", "a"]),
    (("law",), {}),
]


@pytest.mark.parametrize(
    ("place", "value"),
    WRONG,
    ids=lambda each: ".".join(map(str, each))[:40] if isinstance(each, tuple) else "",
)
def test_what_does_not_fit_is_refused(saved, tmp_path, place, value):
    content = json.loads(saved.read_text())
    part = content
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    (tmp_path / "m").write_text(json.dumps(content))
    with pytest.raises(FileFormatError, match=r"m: .*; save the model again"):
        KANRegressor.load(tmp_path / "m")


def test_a_formula_that_is_no_network_is_refused(saved, tmp_path):
    content = json.loads(saved.read_text())
    network = content["law"]["network"]
    for kind in ("maximum", "product"):
        network["nodes"].append(
            {"kind": kind, "parts" if kind == "maximum" else "factors": [network["root"]]}
        )
        network["root"] = len(network["nodes"]) - 1
        (tmp_path / "m").write_text(json.dumps(content))
        with pytest.raises(FileFormatError, match="network"):
            KANRegressor.load(tmp_path / "m")
