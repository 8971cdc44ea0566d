"""How large kanopt is, how it hangs together, and how often one plan is driven, for the checkout this file lies in.

Lines are of code: without blank lines, comments and docstrings. A module is a file that is no ``__init__.py``; it is
imported by another where any import statement names it, also within a function or for types alone. Class names count
wherever a class stands, also within a class or a function.

The problem of scenarios/parcel_city.toml, on laws that are saved, is solved with a time limit that counts work,
explained, and reported by Explanation.to_html; today's plan is left out. Every call of the functions in COUNTED and
DURING below is seen. A plan is known by who serves which clients in which order, whenever its routes leave; driving a
set of routes is one drive, however many they are. The final plan is the one that is returned.

Functions passed through are code objects in files of kanopt that run, lambdas and functions within functions among
them, comprehensions and what runs at import not. Child processes are not seen.
"""

from __future__ import annotations

import argparse
import functools
import json
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Any

import pandas as pd
import torch
from _bench import footer
from _code_calls import functions, load_all, passing, replace_everywhere
from _code_source import PACKAGE, ROOT, Source

import kanopt as ko

# What is counted, as module:name. These functions may be renamed; nothing below knows them by name.
COUNTED = {
    "driven": "kanopt.problems.routing.simulate.departures:drive",
    "priced": "kanopt.problems.routing.simulate.referee:price_plan",
    "checked": "kanopt.problems.routing.simulate.referee:check_plan",
}
# While one of these runs, calls are counted there; the innermost wins.
DURING = {
    "kanopt.solvers.solve:solve": "solve, outside of searches",
    "kanopt.solvers.routing.pyvrp_engine.search:PyVrpRun.search": "solve, PyVRP",
    "kanopt.solvers.routing.racer.refine:RacerRun.__init__": "solve, search on the law",
    "kanopt.solvers.routing.racer.refine:RacerRun.run": "solve, search on the law",
    "kanopt.explain.explanation:explain": "explain",
}
REPORT, BEFORE = "report", "before"
AFTER = ("solve, outside of searches", "explain", REPORT)  # the search has ended
SEED = 7
LEARNED = ("travel_time", "fuel")  # laws of the scenario that are learned
ROWS, HELD_OUT = 300, 100  # of the trips of the example city, for to_formula


def key_of(values: Iterable[Any]) -> frozenset[Any] | None:
    """Return what a plan, or routes, among arguments are known by."""
    for value in values:
        routes = getattr(value, "routes", value)
        if isinstance(routes, list | tuple) and all(hasattr(route, "clients") for route in routes):
            return frozenset((r.vehicle, r.index, r.depot, tuple(r.clients)) for r in routes if r.clients)
    return None


class Counts:
    """Calls by what was done, when and to which plan."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str, frozenset[Any] | None]] = Counter()
        self.frozen: Counter[frozenset[Any] | None] = Counter()
        self.passed: set[CodeType] = set()
        self.phases = [BEFORE]
        load_all()
        for what, path in COUNTED.items():
            replace_everywhere(path, functools.partial(self._counting, what))
        for path, phase in DURING.items():
            replace_everywhere(path, functools.partial(self._marking, phase))

    @contextmanager
    def during(self, phase: str) -> Iterator[None]:
        self.phases.append(phase)
        try:
            yield
        finally:
            self.phases.pop()

    def _counting(self, what: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            plan = key_of((*args, *kwargs.values()))
            self.calls[what, self.phases[-1], plan] += 1
            self.frozen[plan] += what == "driven" and self.phases[-1] in AFTER and bool(kwargs.get("frozen"))
            return call(*args, **kwargs)

        return counted

    def _marking(self, phase: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def marked(*args: Any, **kwargs: Any) -> Any:
            with self.during(phase), passing(self.passed if phase == AFTER[0] else None):
                return call(*args, **kwargs)

        return marked

    def table(self, final: frozenset[Any]) -> pd.DataFrame:
        """Return calls by phase, of the final plan and of others, and how many these others are."""
        rows: dict[str, Counter[str]] = {phase: Counter() for phase in (BEFORE, *DURING.values(), *AFTER)}
        for (what, phase, plan), count in self.calls.items():
            rows[phase][f"final {what}" if plan == final else f"others {what}"] += count
            rows[phase][f"different others {what}"] += plan != final
        columns = [f"{whose} {what}" for whose in ("final", "others") for what in COUNTED]
        columns.insert(len(COUNTED) + 1, "different others driven")
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).fillna(0).astype(int)


def reading() -> int:
    """Return how many functions `to_formula` passes through on a few trips."""
    trips = ko.load_city().trips
    train, test = trips[:ROWS], trips[ROWS : ROWS + HELD_OUT]
    model = ko.KANRegressor(monotone={"distance_km": 1}, seed=SEED).fit(
        train[["distance_km", "hour"]], train["minutes"]
    )
    passed: set[CodeType] = set()
    with passing(passed):
        law = model.to_formula(test, "minutes")
    print(f"\nto_formula on {ROWS} trips of the example city: minutes = {law}")
    return functions(passed)


def scenario_on(laws: Path) -> Path:
    """Write a scenario that reads the learned laws from a folder, into which they are fitted where it lacks them."""
    base = ROOT / "scenarios" / "parcel_city.toml"
    if not all((laws / f"{name}.json").exists() for name in LEARNED):
        command = "import sys; from kanopt.cli import main; main(sys.argv[1:])"
        fit = [sys.executable, "-c", command, "fit", str(base), "--out", str(laws)]
        subprocess.run(fit, check=True, cwd=ROOT, stdout=sys.stderr)
    lines = ["[scenario]", 'name = "Parcel city on saved laws"', f"base = {json.dumps(str(base))}"]
    for name in LEARNED:
        lines += [f"[surrogates.{name}]", f'file = "{name}.json"']
    file = laws / "parcel_city_on_saved_laws.toml"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def planned(counts: Counts, file: Path, seconds: float) -> ko.Result:
    """Solve, explain and report the problem of a scenario that has nothing to learn; return its plan."""
    scenario = ko.load_scenario(file)
    problem = scenario.build(scenario.formulas({}))
    result = ko.solve(problem, time_limit=seconds, seed=SEED, deterministic=True)
    why = ko.explain(result)
    with counts.during(REPORT), tempfile.TemporaryDirectory() as folder:
        why.to_html(Path(folder) / "report.html")
    return result


def show(title: str, names: dict[str, list[str]]) -> None:
    print(f"\n{title}: {len(names)}")
    for name, places in names.items():
        print(f"  {name}: {', '.join(places)}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    folder = Path(tempfile.gettempdir()) / "kanopt_laws_of_parcel_city"
    parser.add_argument(
        "--laws", type=Path, default=folder, help=f"learned before, or fitted into ({folder})"
    )
    parser.add_argument("--time-limit", type=float, default=3.0, help="seconds' worth of work (default 3)")
    parser.add_argument("--names", action="store_true", help="name the modules that one other imports")
    given = parser.parse_args()
    if not Path(ko.__file__).is_relative_to(PACKAGE):
        parser.error(f"kanopt is imported from {Path(ko.__file__).parent}; set PYTHONPATH={ROOT}")
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    source = Source()
    one, none = source.modules_with(1), source.modules_with(0)
    again, thrice = source.classes_defined_again(), source.files_in_three_folders()
    show("class names defined more than once", again)
    show("file names in three folders or more", thrice)
    show("modules that no other imports", {name: [source.paths[name].name] for name in none})
    if given.names:
        show("modules that one other imports", {name: sorted(source.importers[name]) for name in one})
    rooms = source.rooms()
    read = reading()
    counts = Counts()
    result = planned(counts, scenario_on(given.laws.resolve()), given.time_limit)
    final = key_of([result.plan])
    assert final is not None  # the city has a plan
    calls = counts.table(final)
    total = calls.drop(BEFORE).sum()
    after = calls.loc[list(AFTER)].sum()
    print(f"\n{result.status.value}, {result.objective:,.2f} {result.problem.unit} by {result.solver}")
    print(f"counted: {', '.join(f'{what} by {path}' for what, path in COUNTED.items())}")
    print(f"\n{calls.to_string()}\n\n{rooms.to_string()}\n")
    figures: dict[str, object] = {
        "lines of code": f"{rooms.lines['all']:,} in {rooms.files['all']} files",
        "modules that one other imports": f"{len(one)} of {rooms.modules['all']}",
        "of them, by their own package alone": rooms["its package alone"]["all"],
        "modules that no other imports": len(none),
        "exported names": len(ko.__all__),
        "class names defined more than once": len(again),
        "file names in three folders or more": len(thrice),
        "driven by solve + explain + report, any plan": total["final driven"] + total["others driven"],
        **{f"final plan {what}, search ended": after[f"final {what}"] for what in COUNTED},
        "final plan driven at planning values, search ended": counts.frozen[final],
        "final plan driven in searches": total["final driven"] - after["final driven"],
        "other sets of routes driven": total["others driven"],
        "functions passed by to_formula": read,
        "functions passed by solve": functions(counts.passed),
    }
    print("\n".join(f"{name:<52} {value}" for name, value in figures.items()))
    print(f"\n{footer(['ortools', 'pyvrp'], SEED)}")


if __name__ == "__main__":
    main()
