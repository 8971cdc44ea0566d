"""What was learned once is not learned again, and nothing else is taken for it."""

from __future__ import annotations

import json
import multiprocessing
import os
from dataclasses import replace
from importlib import import_module

import numpy as np
import pandas as pd
import pytest

import kanopt as ko
from kanopt.errors import KanoptWarning
from kanopt.formulas import Variable, parse_formula
from kanopt.pages.law_section import law_sections
from kanopt.scenarios import Event, LearnedLaw, load_scenario
from kanopt.scenarios.events import ignore_event
from kanopt.scenarios.learn import LawCache, learn
from kanopt.surrogates.curves import Diagram, DiagramEdge

module = import_module("kanopt.scenarios.learn")


def small_law(name="minutes"):
    formula = parse_formula("2 * km", [Variable("km", "km")], Variable(name, "min"))
    edge = DiagramEdge(0, 0, 0, np.array([0.5, 30.0]), np.array([0.1, 0.3]), (), 1.0)
    summary = {"feature": ["km"], "kind": ["number"], "from": ["0.5"], "to": ["30"], "lowest_effect": [1.0]}
    summary |= {"highest_effect": [60.0], "direction": ["rises"], "importance": [1.0]}
    return LearnedLaw(
        name,
        formula,
        pd.DataFrame(summary),
        Diagram((("km",), (name,)), (edge,)),
        note="from trips",
        seconds=2.1,
    )


@pytest.fixture
def fits(monkeypatch, empty_cache):
    """Count how often a law is learned; it takes no time."""
    done = []

    def fit(name, spec, frame, seed, progress):
        done.append(seed)
        return small_law(name)

    monkeypatch.setattr(module, "fit_law", fit)
    return done


def learned_again(path, seed=3, **options):
    events: list[Event] = []
    laws = learn(load_scenario(path), seed, events.append, LawCache(**options))
    return laws["minutes"], [event.message for event in events]


@pytest.mark.slow
def test_a_second_run_learns_nothing_and_says_the_same(learned, monkeypatch, empty_cache):
    first = load_scenario(learned).run()
    (path,) = empty_cache.glob("*.json")
    monkeypatch.setattr(module, "fit_law", lambda *_: pytest.fail("a law was learned again"))
    events: list[Event] = []
    second = load_scenario(learned).run(progress=events.append)
    one, other = first.laws["minutes"], second.laws["minutes"]
    today = json.loads(path.read_text())["law"]["learned_on"]
    assert events[0].message.startswith(f"law 'minutes' from the cache (learned {today} in ")
    assert second.provenance["seconds learning"].endswith(" ('minutes' before, from the cache)")
    assert other.formula == one.formula
    km = np.linspace(1.0, 29.0, 50)
    np.testing.assert_array_equal(other.formula.evaluate({"km": km}), one.formula.evaluate({"km": km}))
    assert one.summary is not None
    assert other.summary is not None
    pd.testing.assert_frame_equal(other.summary, one.summary)

    assert law_sections({"minutes": other}) == law_sections({"minutes": one})
    pd.testing.assert_frame_equal(second.result.to_frame(), first.result.to_frame())


@pytest.mark.parametrize("relearn", [False, True])
def test_a_comparison_reads_a_law_once_and_learns_it_anew_once(learned, fits, relearn):
    learned_again(learned)
    base = load_scenario(learned)
    events: list[Event] = []
    scenarios = [base, base.scale("clients.demand", 0.5)]
    ko.compare(scenarios, repeats=1, time_limit=0.1, progress=events.append, relearn=relearn)
    told = [event.message.split()[0] for event in events if event.stage == "learn"]
    assert told == (["learning", "minutes"] if relearn else ["law"])
    assert fits == ([3, 3] if relearn else [3])


def test_other_rows_settings_seeds_and_programs_are_other_laws(learned, fits, monkeypatch):
    learned_again(learned)
    learned_again(learned)
    assert len(fits) == 1
    learned_again(learned, seed=4)
    assert len(fits) == 2
    table = learned.parent / "trips.csv"
    rows = table.read_text()
    table.write_text(rows.replace(rows.split()[5], "7.0,14.1"))
    learned_again(learned)
    assert len(fits) == 3
    learned.write_text(learned.read_text().replace("grid_size = 4", "grid_size = 5"))
    learned_again(learned)
    assert len(fits) == 4
    monkeypatch.setattr(module, "_program", lambda: " learned by another")
    learned_again(learned)
    assert len(fits) == 5


def changed(**fields):
    """Change fields so that the digest no longer fits."""

    def change(text):
        content = json.loads(text)
        return json.dumps({**content, "law": content["law"] | fields})

    return change


def rewritten(**fields):
    """Change fields as somebody who knows the digest, too."""
    return lambda text: with_digest(json.loads(text)["law"] | fields)


def with_digest(law):
    return json.dumps({"format": module._FORMAT, "sha256": module._digest(law), "law": law})


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda text: text[: len(text) // 2], "it is damaged"),
        (lambda _: "[" * 100_000, "it is damaged"),
        (lambda _: "\udcff", "it is damaged"),
        (lambda text: text + " " * 8_000_000, "bytes are too many for a kept law"),
        (changed(seconds=2), "it is damaged"),
        (lambda _: with_digest({"key": "k"}), "it is damaged"),
        (rewritten(key="another"), "it is the law of other rows or settings"),
        (rewritten(formula="__import__('os')"), "it is damaged"),
    ],
)
def test_a_file_that_is_not_what_was_written_is_ignored_once(learned, fits, empty_cache, change, why):
    learned_again(learned)
    (path,) = empty_cache.glob("*.json")
    path.write_bytes(change(path.read_text()).encode(errors="surrogateescape"))
    with pytest.warns(KanoptWarning, match=why) as told:
        learned_again(learned)
    assert len(told) == 1
    assert str(told[0].message).startswith(f"{path}: this kept law is ignored and learned anew: ")
    learned_again(learned)
    assert len(fits) == 2  # the new one has taken its place
    learned_again(learned, relearn=True)
    assert len(fits) == 3


def test_a_law_that_was_cut_short_is_not_kept(learned, monkeypatch, empty_cache):
    def cut_short(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "fit_law", cut_short)
    with pytest.raises(KeyboardInterrupt, match="stopped while law 'minutes' was learned"):
        learned_again(learned)
    assert not empty_cache.exists()


def stopped_early(law, why="the fit by its budget of 9 s after 2 structures"):
    return replace(law, formula=replace(law.formula, provenance={"stopped": why}))


def with_budget(path, seconds):
    text = path.read_text().replace('target = "minutes"', f'target = "minutes"\nbudget = {seconds}', 1)
    return edited(path, text)


def edited(path, text):
    path.with_name("budget.toml").write_text(text)
    return path.with_name("budget.toml")


def test_a_law_that_its_budget_stopped_is_on_no_disk_and_that_of_one_run(learned, monkeypatch, empty_cache):
    def fit(name, spec, frame, seed, progress):
        done.append(spec.budget)
        return stopped_early(small_law(name)) if spec.budget == 9.0 else small_law(name)

    done = []
    monkeypatch.setattr(module, "fit_law", fit)
    cache, short = LawCache(), load_scenario(with_budget(learned, 9))
    for _ in range(2):
        assert learn(short, 3, ignore_event, cache)["minutes"].formula.stopped
    assert done == [9.0]
    assert not empty_cache.exists()
    # whoever gives more time gets another law, and one that is finished serves every budget
    learn(load_scenario(learned), 3, ignore_event, cache)
    assert done == [9.0, None]
    assert not learn(short, 3, ignore_event, LawCache())["minutes"].formula.stopped
    assert done == [9.0, None]
    assert learn(short, 3, ignore_event, LawCache(relearn=True), budget=4.0)["minutes"]
    assert done == [9.0, None, 4.0]


def write_many(folder):
    cache = LawCache(folder)
    for place in range(20):
        cache[f"law {place % 4}"] = small_law()


@pytest.mark.slow
def test_two_processes_may_write_at_once(tmp_path):
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        pool.map(write_many, [tmp_path] * 4)
    cache = LawCache(tmp_path)
    assert all(cache.get(f"law {place}").formula == small_law().formula for place in range(4))
    assert len(list(tmp_path.iterdir())) == 4


def test_the_law_that_was_not_used_for_longest_goes_first(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_MOST_FILES", 2)
    cache = LawCache(tmp_path)
    for place, key in enumerate(("one", "two")):
        cache[key] = small_law()
        os.utime(cache._path(key), (place, place))
    assert LawCache(tmp_path).get("one").note == "from trips"
    cache["three"] = small_law()
    kept = LawCache(tmp_path)
    assert [kept.get(key) is not None for key in ("one", "two", "three")] == [True, False, True]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_nobody_else_looks_into_a_folder_that_was_made(tmp_path):
    LawCache(tmp_path / "new" / "laws")["one"] = small_law()
    assert (tmp_path / "new" / "laws").stat().st_mode & 0o077 == 0


def test_other_files_are_left_alone(tmp_path):
    (tmp_path / "notes.json").write_text("mine")
    cache = LawCache(tmp_path)
    cache["one"] = small_law()
    assert len(cache.sizes()) == 1
    cache.clear()
    assert cache.get("one") is None
    assert [path.name for path in tmp_path.iterdir()] == ["notes.json"]
