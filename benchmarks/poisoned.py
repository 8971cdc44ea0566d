"""Tables with a fault that flatters or spoils their law: which are called good or usable without a word of it.

Each table is learned as a scenario learns it (a fifth of the rows held out at random; an additive network, which takes
seconds), and the verdict of the law is looked at. It is *calm* where it is good or usable and nothing that is said of
the law names the fault: no finding of one of the kinds that the fault may be called, no groups that were taken for it,
no cleaning that leaves the rows out. A law that is refused or weak is not calm. Clean tables are made with other laws,
sizes and noises: normal, heavy-tailed, skewed and rounded, with whole numbers, categories, groups that are declared,
codes of stores that come again, and rows that repeat by chance. Any finding there is a false alarm.

Faults are in two halves. "tuned" is what thresholds were looked at with; "fresh" has other makers of tables, other
columns, other faults of a kind (another transformation, another factor), and other seeds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from _bench import asked, footer, print_table

from kanopt.errors import KanoptError
from kanopt.scenarios.events import ignore_event
from kanopt.scenarios.files.sections import LearnedSpec
from kanopt.scenarios.learn import learn_law

Rng = np.random.Generator


@dataclass(frozen=True, eq=False)
class Case:
    """A table, what is learned from it, and the words by which its fault may be told; none of a clean one."""

    name: str
    frame: pd.DataFrame
    target: str
    features: tuple[str, ...]
    told: tuple[str, ...] = ()
    settings: tuple[tuple[str, object], ...] = ()


def main() -> None:
    given = asked(
        __doc__,
        parts=(["tuned", "fresh", "clean"], "which", ("tuned", "fresh", "clean")),
        seed=(0, "added to every seed"),
        clean=(30, "clean tables"),
        only=("", "only cases whose name holds this text"),
    )
    parts = {
        "tuned": poisoned(trips, 100 + given.seed),
        "fresh": poisoned(orders, 900 + given.seed),
        "clean": clean(given.clean, 5_000 + given.seed),
    }
    totals = []
    for part in given.parts:
        cases = [case for case in parts[part] if given.only in case.name]
        wrong = [case.name for case in cases if told_of(part, case)]
        total = {"part": part, "tables": len(cases), "calm verdicts, false alarms": len(wrong)}
        totals.append(total | {"which": ", ".join(wrong)})
    print_table(totals)
    print(f"\n{footer([], given.seed)}")


def told_of(part: str, case: Case) -> bool:
    """Learn a case, print what is said of it, and return whether that is wrong."""
    settings = {"network": {"hidden": []}, **dict(case.settings)}
    spec = LearnedSpec(table="t", target=case.target, features=case.features, **settings)
    try:
        law = learn_law(case.target, spec, case.frame, 1, ignore_event, None)
    except KanoptError as error:
        print(f"{part:7} {case.name:28} refused: {str(error).splitlines()[0][:150]}", flush=True)
        return not case.told
    verdict = law.formula.verdict
    assert verdict is not None, "a law that was learned has a verdict"
    kinds = [each.kind for each in verdict.reasons if each.kind]
    said = " ".join([str(verdict), law.note, *law.cleaning, *kinds])
    if case.told:
        wrong = verdict.level != "weak" and not any(word in said for word in case.told)
    else:
        wrong = bool(kinds) or "groups =" in law.note
    mark = ("CALM" if case.told else "FALSE ALARM") if wrong else ""
    print(f"{part:7} {case.name:28} {verdict.level:7} {', '.join(kinds) or '-':40} {mark}", flush=True)
    if wrong or (not case.told and verdict.reasons):
        print(f"        {law.formula.fit}\n        {verdict}", flush=True)
    return wrong


def trips(rng: Rng, rows: int = 600) -> tuple[pd.DataFrame, str, tuple[str, ...]]:
    """Return trips through a town: minutes by distance, hour and load."""
    km, hour, load = rng.uniform(0.5, 30.0, rows), rng.uniform(6.0, 20.0, rows), rng.gamma(2.0, 0.6, rows)
    busy = 1.0 + 0.35 * np.exp(-(((hour - 8.5) / 1.5) ** 2))
    minutes = (4.0 + 1.7 * km * busy + 1.5 * load) * rng.lognormal(0.0, 0.12, rows)
    frame = pd.DataFrame({"km": km.round(2), "hour": hour.round(1), "load_t": load, "minutes": minutes})
    return frame, "minutes", ("km", "hour", "load_t")


def orders(rng: Rng, rows: int = 450) -> tuple[pd.DataFrame, str, tuple[str, ...]]:
    """Return jobs of a workshop: what each draws in power, by pieces, thickness and alloy."""
    pieces, thick = rng.integers(1, 60, rows), rng.lognormal(1.0, 0.4, rows)
    alloy = rng.choice(["A", "B", "C"], rows, p=[0.5, 0.3, 0.2])
    slow = pd.Series(alloy).map({"A": 1.0, "B": 1.3, "C": 1.8}).to_numpy()
    draw = 6.0 + 0.5 * pieces**0.8 * thick * slow + 0.4 * thick * rng.standard_t(4, rows)
    frame = pd.DataFrame({"pieces": pieces, "thick": thick, "alloy": alloy, "draw": np.maximum(draw, 1.0)})
    return frame, "draw", ("pieces", "thick", "alloy")


FAULTS: dict[
    str, tuple[Callable[..., tuple[pd.DataFrame, tuple[str, ...]]], tuple[str, ...], int | None]
] = {}


def fault(name: str, *told: str, rows: int | None = None) -> Callable[[Any], Any]:
    """Note a way to spoil a table: what it is called, the words that tell of it, and of how many rows it is."""

    def note(spoil: Any) -> Any:
        FAULTS[name] = (spoil, told, rows)
        return spoil

    return note


def poisoned(maker: Callable[..., tuple[pd.DataFrame, str, tuple[str, ...]]], seed: int) -> Iterator[Case]:
    """Yield one case for each kind of fault, made of tables of one maker.

    A fault changes the frame or returns another, with the features that it adds.
    """
    for place, (name, (spoil, told, rows)) in enumerate(FAULTS.items()):
        rng, fresh = np.random.default_rng([seed, place]), maker is orders
        if name == "tiny":
            rows = 150 if fresh else 50
        frame, target, features = maker(rng) if rows is None else maker(rng, rows)
        frame, more = spoil(frame, target, features[0], rng, fresh)
        settings = (("holdout", {"by": "week", "last": 4}),) if name == "sums off" else ()
        yield Case(name, frame, target, (*features, *more), told, settings)


Spoilt = tuple[pd.DataFrame, tuple[str, ...]]


@fault("copy", "copy of the target")
def copied(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    return frame.assign(again=frame[target].round(1 if fresh else 3)), ("again",)


@fault("monotone transform", "copy of the target")
def transformed(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    index = 1000.0 / frame[target] if fresh else np.log(frame[target]).round(5)
    return frame.assign(index=index), ("index",)


@fault("scaled", "copy of the target")
def scaled(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    frame[target] = frame[target].round(1)
    other = 3.0 - 0.8621 * frame[target] if fresh else 60.0 * frame[target]
    return frame.assign(other=other), ("other",)


@fault("difference of two columns", "parts of")
def difference(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    begin = rng.uniform(0.0, 5_000.0 if fresh else 700.0, len(frame))
    frame["from_"], frame["to_"] = begin, begin + frame[target]
    if not fresh:
        frame = frame.assign(from_=frame["from_"].round(), to_=frame["to_"].round())
        frame[target] = frame["to_"] - frame["from_"]
    return frame, ("from_", "to_")


@fault("sum of three columns", "parts of")
def summed(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    cuts = np.sort(rng.uniform(0.1, 0.9, (len(frame), 2)), axis=1)
    frame["one"], frame["two"] = cuts[:, 0] * frame[target], (cuts[:, 1] - cuts[:, 0]) * frame[target]
    frame["three"] = frame[target] - frame["one"] - frame["two"]
    if fresh:
        frame = frame.round({"one": 2, "two": 2, "three": 2})
        frame[target] = frame["one"] + frame["two"] + frame["three"]
    return frame, ("one", "two", "three")


@fault("product or ratio", "factors of")
def multiplied(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    if fresh:
        return frame.assign(speed=(frame[first] / frame[target]).round(4)), ("speed",)
    return frame.assign(rate=(frame[target] / frame[first]).round(3)), ("rate",)


@fault("row counter", "row number")
def numbered(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    frame["nr"] = np.arange(len(frame)) + (70_001 if fresh else 1)
    frame[target] *= 1.0 + 0.4 * np.arange(len(frame)) / len(frame)
    return frame, ("nr",)


@fault("unique code", "row number", "does not read 'doc'")
def coded(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    order = rng.permutation(len(frame))
    if fresh:
        order = np.argsort(np.argsort(frame[target].to_numpy() + 5 * rng.standard_normal(len(frame))))
    return frame.assign(doc=1_000 + order * (1 if fresh else 2)), ("doc",)


@fault("known afterwards, rounded", "copy of the target")
def rounded(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    frame["booked"] = (np.ceil(frame[target] * 4.0) / 4.0) if fresh else frame[target].round()
    frame[target] = frame[target].round(2)
    return frame, ("booked",)


@fault("duplicates", "rows known before", rows=300)
def duplicated(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    frame = frame.round(1) if fresh else frame
    again = frame if not fresh else frame.sample(120, random_state=3)
    both = pd.concat([frame, again], ignore_index=True).sample(frac=1.0, random_state=5)
    return both.reset_index(drop=True), ()


@fault("tiny", "rows in all", "held-out rows only")
def tiny(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    return frame, ()


@fault("one row dominates", "row that dominates", "missed row", rows=300)
def dominated(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    """Return noise with one row far out: with it R² is high, without it low."""
    noise = frame[target].std() * (1.0 if fresh else 1.3)
    frame[target] = np.abs(frame[target] + noise * rng.standard_normal(len(frame)))
    row = held_out_place(frame)
    for column in (first, target):
        frame[column] = frame[column].astype(float)
        frame.loc[row, column] = (40.0 if fresh else 100.0) * frame[column].median()
    return frame, ()


@fault("one typing error", "missed row", "row that dominates")
def mistyped(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    frame.loc[held_out_place(frame), target] *= 100.0 if fresh else 1000.0
    return frame, ()


@fault("rows share errors", "errors shared", "groups =")
def clustered(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    groups = 25 if fresh else 40
    code = rng.integers(0, groups, len(frame))
    effect = (rng.standard_t(4, groups) if fresh else rng.standard_normal(groups)) * (0.15 if fresh else 0.25)
    frame[target] *= np.exp(effect[code])
    frame["crew" if fresh else "day"] = [f"crew {value}" for value in code] if fresh else code
    return frame, ()


@fault("repeated entity", "errors shared", "groups =", rows=60)
def repeated(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    """Return a few things measured often, each with features that never change and an error of its own."""
    own, code = rng.lognormal(0.0, 0.3, len(frame)), rng.integers(0, len(frame), 600)
    often = frame.iloc[code].reset_index(drop=True)
    often[target] = often[target] * own[code] * rng.lognormal(0.0, 0.05, len(often))
    often["customer" if fresh else "site"] = [f"c{value}" for value in code] if fresh else code
    return often, ()


@fault("mixed units", "mixed units", "hold the law back")
def mixed(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    rows = rng.random(len(frame)) < (0.08 if fresh else 0.3)
    if fresh:
        frame.loc[rows, target] /= 60.0
    else:
        frame.loc[rows, first] *= 1000.0
    return frame, ()


@fault("drift", "drift")
def drifting(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    frame[target] *= 1.0 + (0.5 if fresh else 0.6) * np.linspace(0.0, 1.0, len(frame)) ** (2 if fresh else 1)
    return frame, ()


@fault("nearly constant", "nearly constant", rows=800)
def nearly_constant(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    score = frame[target] / frame[target].quantile(0.93 if fresh else 0.9)
    frame[target] = np.where(score > 1.0, 5.0 * score, 4.0 if fresh else 0.0)
    return frame, ()


@fault("sums off", "add up to")
def biased(frame: pd.DataFrame, target: str, first: str, rng: Rng, fresh: bool) -> Spoilt:
    """Return weeks of which the last, which are held out, are dearer by far: sums are off by a third."""
    frame["week"] = np.arange(len(frame)) // 30
    frame.loc[frame["week"] >= frame["week"].max() - 3, target] *= 0.75 if fresh else 1.4
    return frame, ()


def held_out_place(frame: pd.DataFrame) -> int:
    """Return a row that will be held out."""
    import kanopt as ko

    return int(ko.split(frame, holdout=0.2, seed=1)[1].index[3])


def clean(count: int, seed: int) -> Iterator[Case]:
    """Yield tables without a fault, of seven kinds in turn."""
    for place in range(count):
        rng = np.random.default_rng([seed, place])
        yield CLEAN[place % len(CLEAN)](rng, int(rng.integers(250, 1_500)))


def clean_costs(rng: Rng, rows: int) -> Case:
    """Return freight with skewed sizes and multiplicative noise."""
    frame = pd.DataFrame({"way": rng.lognormal(4.5, 0.7, rows), "tonnes": rng.lognormal(0.5, 1.0, rows)})
    frame["carrier"] = rng.choice(["road", "rail", "sea"], rows)
    frame["cost"] = 30.0 + 0.9 * frame["way"] ** 0.8 * frame["tonnes"] ** 0.6 * rng.lognormal(0.0, 0.25, rows)
    return Case("clean costs", frame, "cost", ("way", "tonnes", "carrier"))


def clean_heavy(rng: Rng, rows: int) -> Case:
    """Return times with heavy tails, and columns that are not read."""
    frame = pd.DataFrame({"metres": rng.uniform(100, 9_000, rows), "lights": rng.integers(0, 15, rows)})
    frame["seconds"] = (
        60 + 0.09 * frame["metres"] + 20 * frame["lights"] + 60 * rng.standard_t(3, rows)
    ).abs()
    frame["driver"], frame["weekday"] = rng.integers(1, 30, rows), rng.integers(1, 8, rows)
    return Case("clean heavy tails", frame, "seconds", ("metres", "lights"))


def clean_stores(rng: Rng, rows: int) -> Case:
    """Return sales by the code of a store, which is a category and comes again, a price and a month."""
    stores = int(rng.integers(6, 20))
    code, price, month = rng.integers(0, stores, rows), rng.uniform(2, 6, rows), rng.integers(1, 13, rows)
    level = rng.lognormal(3.5, 0.5, stores)
    sold = rng.poisson(level[code] * (price / 4.0) ** -1.3 * (1.0 + 0.3 * np.sin(month / 12 * 2 * np.pi)))
    frame = pd.DataFrame(
        {"store": [f"s{c}" for c in code], "price": price.round(2), "month": month, "sold": sold}
    )
    return Case("clean stores", frame, "sold", ("store", "price", "month"), settings=(("min_r2", -9.0),))


def clean_groups(rng: Rng, rows: int) -> Case:
    """Return days that share an error, as the file says."""
    day = rng.integers(0, 30, rows)
    frame = pd.DataFrame({"day": day, "stops": rng.integers(3, 40, rows), "km": rng.uniform(5, 80, rows)})
    shared = rng.normal(0.0, 0.15, 30)[day]
    frame["hours"] = (0.5 + 0.12 * frame["stops"] + 0.03 * frame["km"]) * np.exp(
        shared + rng.normal(0, 0.1, rows)
    )
    return Case("clean declared groups", frame, "hours", ("stops", "km"), settings=(("groups", "day"),))


def clean_repeats(rng: Rng, rows: int) -> Case:
    """Return whole numbers throughout, so that rows repeat one another by chance."""
    crates, floor = rng.integers(1, 8, rows), rng.integers(0, 4, rows)
    minutes = (5 + 2 * crates + 1.5 * floor + rng.normal(0, 2.0, rows)).round()
    frame = pd.DataFrame(
        {"crates": crates, "floor": floor, "minutes": minutes, "route": rng.integers(1, 25, rows)}
    )
    return Case("clean repeats", frame, "minutes", ("crates", "floor"))


def clean_yield(rng: Rng, rows: int) -> Case:
    """Return a process with a peak, an interaction, values below zero, and a sorted table."""
    heat, acid, flow = rng.normal(80, 10, rows), rng.uniform(3, 9, rows), rng.gamma(3, 2, rows)
    made = 40 - ((heat - 78) / 8) ** 2 * 3 - 4 * (acid - 6) ** 2 + 0.8 * flow + rng.normal(0, 3, rows)
    frame = pd.DataFrame({"heat": heat, "acid": acid, "flow": flow, "made": made}).sort_values("heat")
    return Case("clean yield, sorted", frame.reset_index(drop=True), "made", ("heat", "acid", "flow"))


def clean_scales(rng: Rng, rows: int) -> Case:
    """Return two kinds of vehicle whose loads differ by an order or two, with one law."""
    big = rng.random(rows) < 0.3
    load = np.where(big, rng.lognormal(9.5, 0.3, rows), rng.lognormal(5.5, 0.4, rows))
    age = rng.integers(0, 15, rows)
    fuel = 3.0 * load**0.45 * (1 + 0.02 * age) * rng.lognormal(0.0, 0.1, rows)
    plate = rng.choice(rng.permutation(90_000)[: rows // 3] + 10_000, rows)
    frame = pd.DataFrame({"load_kg": load.round(), "age": age, "fuel": fuel.round(1), "plate": plate})
    return Case("clean two sizes", frame, "fuel", ("load_kg", "age"))


CLEAN = (clean_costs, clean_heavy, clean_stores, clean_groups, clean_repeats, clean_yield, clean_scales)


if __name__ == "__main__":
    main()
