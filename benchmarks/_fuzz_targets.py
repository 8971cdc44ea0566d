"""The readers that ``fuzz.py`` feeds, with files to begin from and the modules whose branches count."""

from __future__ import annotations

import contextlib
import json
import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from _fuzz_mutations import mutate_bytes, mutate_text

import kanopt as ko
from kanopt.errors import FileFormatError
from kanopt.formulas import Formula
from kanopt.questions.point import PointResult
from kanopt.questions.store import line_of, open_store
from kanopt.routing.instances import read_solution
from kanopt.scenarios.learn import LawCache, LearnedLaw, _digest
from kanopt.tables import TextFormat

Mutate = Callable[[bytes, bytes, random.Random], bytes]
SEEDS = Path(__file__).with_name("fuzz")


@dataclass(frozen=True)
class Target:
    """One reader.

    Parameters
    ----------
    seeds
        Makes the inputs to begin from.
    read
        Reads an input; the folder is its own and is emptied in between.
    modules
        Beginnings of the paths below ``kanopt/`` of the modules that read.
    mutate
        Makes a new input of one, and of another one to borrow from.
    """

    seeds: Callable[[], list[bytes]]
    read: Callable[[Path, bytes], object]
    modules: tuple[str, ...]
    mutate: Mutate = mutate_text


def _files(folder: str) -> Callable[[], list[bytes]]:
    """Return what reads the files to begin from in a folder beside this script."""
    return lambda: [path.read_bytes() for path in sorted((SEEDS / folder).iterdir())]


def _reads(name: str, reader: Callable[[Path], object]) -> Callable[[Path, bytes], object]:
    """Return a reader of content that is first written to a file of this name."""

    def read(folder: Path, content: bytes) -> object:
        (folder / name).write_bytes(content)
        return reader(folder / name)

    return read


# formulas


def _parse(_: Path, content: bytes) -> object:
    inputs = [ko.Variable("km", "km"), ko.Variable("load", "t"), ko.Variable("hour")]
    return ko.parse_formula(content.decode("utf-8", "surrogateescape"), inputs, ko.Variable("cost", "EUR"))


def _formula_files() -> list[bytes]:
    inputs = [ko.Variable("km", "km"), ko.Variable("load", "t"), ko.Variable("hour")]
    laws = [ko.parse_formula(text.decode(), inputs, ko.Variable("cost")) for text in _files("formula")()[:4]]
    return [law.to_json().encode() for law in laws]


def _from_json(_: Path, content: bytes) -> object:
    return Formula.from_json(content.decode("utf-8", "surrogateescape"))


# tables


def _read_csv(folder: Path, content: bytes) -> object:
    (folder / "t.csv").write_bytes(content)
    # how a file is written is part of what a stranger chooses, in a scenario file
    chosen = random.Random(len(content))
    form = TextFormat(
        separator=chosen.choice([None, None, None, ";", "\t"]),
        decimal=chosen.choice([".", ".", ","]),
        encoding=chosen.choice([None, None, None, "utf-8", "latin-1", "utf-16", "shift_jis", "utf-7"]),
        quote=chosen.choice(['"', '"', "'", ""]),
        header=chosen.choice([1, 1, 1, 2]),
    )
    return ko.read_table(folder / "t.csv", form=form, on_bad=chosen.choice(["error", "missing", "drop"]))


# scenarios


def _read_scenario(folder: Path, content: bytes) -> object:
    shutil.copytree(SEEDS / "tables", folder, dirs_exist_ok=True)
    (folder / "s.toml").write_bytes(content)
    scenario = ko.load_scenario(folder / "s.toml")
    scenario.check()
    return scenario.remarks()


# laws


@cache
def _fitted() -> ko.KANRegressor:
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"km": rng.uniform(1, 9, 60), "zone": rng.choice(["u", "v"], 60)})
    return ko.KANRegressor(hidden=(), grid_size=3, seed=0).fit(
        table, 2 * table["km"] + (table["zone"] == "u")
    )


def _kept_laws() -> list[bytes]:
    """Return the files of one law without, and of one with all that was learned beside it."""
    model, files = _fitted(), []
    formula = ko.parse_formula(
        "2 * km + exp(-0.1 * km)", [ko.Variable("km", "km")], ko.Variable("minutes", "min")
    )
    for summary, diagram in ((None, None), (model.summary().effects, model.diagram())):
        law = LearnedLaw("minutes", formula, summary, diagram, seconds=1.5, note="two words")
        with tempfile.TemporaryDirectory() as folder:
            laws = LawCache(Path(folder))
            laws["key"] = law
            files.append(next(iter(laws.sizes())).read_bytes())
    return files


def _read_kept_law(folder: Path, content: bytes) -> object:
    laws = LawCache(folder / "laws")
    if not laws.sizes():
        laws["key"] = LearnedLaw("minutes", ko.parse_formula("2 * km", [ko.Variable("km")], ko.Variable("t")))
    # whoever changes a law can write the digest that belongs to it, and only then its fields are looked at
    with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
        changed = json.loads(content)
        content = json.dumps({**changed, "sha256": _digest(changed["law"])}).encode()
    next(iter(laws.sizes())).write_bytes(content)
    found = LawCache(folder / "laws").get("key")
    if found is None:
        raise FileFormatError("this kept law is ignored")
    return found


# sweeps

_QUESTION = {"axes": {"vehicles.fuel_price": [1.0, 2.0]}, "points": [[1.0], [2.0]], "repeats": 1}


def _sweep_logs() -> list[bytes]:
    plan = pd.DataFrame({"vehicle": ["van", "van"], "stop": [1, 2], "client": ["a", "b"]})
    results = [
        PointResult(0, "optimal", 3.5, 3.0, searches=(3.5, 3.6), terms={"fuel": 3.5}, plan=plan),
        PointResult(1, "refused", message="client 'a': demand is negative"),
    ]
    lines = [json.dumps(_QUESTION).encode(), *map(line_of, results)]
    return [b"".join(line + b"\n" for line in lines), b"\n".join(lines)]


def _read_sweep(folder: Path, content: bytes) -> object:
    (folder / "sweep").mkdir(exist_ok=True)
    (folder / "sweep" / "points.jsonl").write_bytes(content)
    with open_store(folder / "sweep", _QUESTION) as store:
        return store.done


TARGETS: dict[str, Target] = {
    "formula text": Target(_files("formula"), _parse, ("formulas/parser", "formulas/variables")),
    "formula file": Target(_formula_files, _from_json, ("formulas/serialize",)),
    "scenario": Target(
        _files("scenario"),
        _read_scenario,
        ("scenarios/files", "scenarios/scenario"),
    ),
    "CSV": Target(
        _files("csv"),
        _read_csv,
        ("tables/_text", "tables/table_reading", "tables/_convert"),
    ),
    "Parquet": Target(
        _files("parquet"),
        _reads("t.parquet", ko.read_table),
        ("tables/stores", "tables/_convert"),
        mutate_bytes,
    ),
    "VRPLIB": Target(
        _files("vrplib"),
        _reads("t.vrp", ko.read_instance),
        ("routing/instances", "plans/instance_text"),
    ),
    "Solomon": Target(_files("solomon"), _reads("t.txt", ko.read_instance), ("routing/instances",)),
    "solution": Target(
        _files("solution"),
        _reads("t.sol", read_solution),
        ("routing/instances",),
    ),
    "kept law": Target(_kept_laws, _read_kept_law, ("scenarios/learn",)),
    "sweep": Target(_sweep_logs, _read_sweep, ("questions/store",)),
}
