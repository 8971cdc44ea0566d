"""How often a law is recovered from 2,000 rows, by kanopt and by others, with noise and without.

The laws come from a file. Of every law, noise and seed 2,000 rows are drawn to learn from and 500 more are held out;
the noise is normal, its standard deviation the given share of that of the truth. kanopt runs with everything at its
default: KANRegressor(seed=seed).fit(X, y).to_formula(test). One thread; CPU seconds are those of both steps.

A law is "recovered" where the formula has its structure, constants within the noise, and not many more operations, and
is as right in wider ranges as such constants explain. Otherwise the word is "near" (exponents such as 2 or 1/2, or an
offset, are only nearly so), "constants" or "long" (the structure is right, these are not), "structure" (a false one),
"approximation" (a false one of which Formula.approximation says so), "no formula" (curves are left, or the program
writes none), "refused", or "stopped" after 300 CPU seconds. What the words mean exactly is said in _recovery.py, and
--self-test shows it on formulas with known verdicts.

Peers see the same rows as arrays; operators they choose from, and their budgets, are in _peers.py. Their formulas may
be expanded or factored before operations are counted. A formula of theirs is "rounded" where it is recovered once its
numbers are rounded to 4, 3 or 2 decimals, as a reader might who sees that the residuals do not grow by 1 %. Ours are
judged as printed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from _bench import footer, installed
from _cases import self_test
from _laws import CONTENT, Law, drawn, load_laws
from _peers import PEERS
from _programs import OURS, ROUNDED, Program, Run, measured, ours
from _recovery import APPROXIMATION, NEAR, RECOVERED, STRUCTURE
from threadpoolctl import threadpool_limits

PROGRAMS = {OURS: Program("kanopt", "kanopt", ours, tidy=False), **PEERS}
_ALMOST = (RECOVERED, ROUNDED, NEAR)
Task = tuple[Path, str, str, float, int]

_laws = lru_cache(load_laws)


def run(task: Task) -> Run:
    """Learn one law once, in whatever process."""
    path, program, name, noise, seed = task
    torch.set_num_threads(1)
    law = next(law for law in _laws(path) if law.name == name)
    with threadpool_limits(1):
        return measured(program, PROGRAMS[program], law, noise, seed, drawn(law, noise, seed))


def tasks(arguments: argparse.Namespace, laws: list[Law], peers: list[str]) -> Iterator[Task]:
    """Yield what is to be run: law by law, ours before the peers."""
    few = {law.name for law in sorted(laws, key=lambda law: law.ops)[: arguments.slow_laws]}
    for law in laws:
        for noise in [] if arguments.no_ours else arguments.noise:
            for seed in range(arguments.seeds):
                yield arguments.laws, OURS, law.name, noise, seed
        for peer in peers:
            if PROGRAMS[peer].slow and law.name not in few:
                continue
            for noise in arguments.peer_noise:
                for seed in range(arguments.peer_seeds):
                    yield arguments.laws, peer, law.name, noise, seed


def done(work: Iterable[Task], jobs: int) -> Iterator[Run]:
    """Yield the runs in order, in so many processes."""
    if jobs == 1:
        yield from map(run, work)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(run, list(work))


def by_law(runs: list[Run]) -> pd.DataFrame:
    """Return a line for every program and law: how often recovered at every noise, and medians over all runs."""
    lines = []
    for program, law in dict.fromkeys((run.program, run.law) for run in runs):
        own = [run for run in runs if (run.program, run.law) == (program, law)]
        line: dict[str, object] = {"program": program, "law": law}
        for noise in sorted({run.noise for run in runs}):
            words = [run.word for run in own if run.noise == noise]
            line[f"{noise:.0%}"] = f"{words.count(RECOVERED)} of {len(words)}" if words else "–"
        words = [run.word for run in own if run.word != RECOVERED]
        line |= {
            "operations": np.nanmedian([run.ops for run in own]) if any(run.ops > 0 for run in own) else "–",
            "error": statistics.median(run.errors[0] for run in own),
            "10 % wider": statistics.median(run.errors[1] for run in own),
            "25 % wider": statistics.median(run.errors[2] for run in own),
            "CPU s": statistics.median(run.cpu for run in own),
            "otherwise": ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words)),
        }
        lines.append(line)
    return pd.DataFrame(lines)


def totals(runs: list[Run]) -> pd.DataFrame:
    """Return a line for every program and noise: laws recovered by most seeds and on average."""
    lines = []
    for program, noise in sorted({(run.program, run.noise) for run in runs}, key=_ours_first):
        own = [run for run in runs if (run.program, run.noise) == (program, noise)]
        laws = {run.law for run in own}
        seeds = len(own) / len(laws)
        share = [np.mean([run.word == RECOVERED for run in own if run.law == law]) for law in laws]
        words = [run.word for run in own]
        lines.append(
            {
                "program": program,
                "noise": f"{noise:.0%}",
                "laws": len(laws),
                "recovered by most seeds": sum(part > 0.5 for part in share),
                "on average": f"{sum(share):.1f}",
                "or near, rounded": f"{sum(word in _ALMOST for word in words) / seeds:.1f}",
                "false structures": f"{words.count(STRUCTURE)} of {len(own)} runs",
                "approximations": words.count(APPROXIMATION),
                "recovered but said to be one": sum(
                    run.word == RECOVERED and run.approximation for run in own
                ),
                "median error": statistics.median(run.errors[0] for run in own),
                "median CPU s": statistics.median(run.cpu for run in own),
            }
        )
    return pd.DataFrame(lines)


def _ours_first(key: tuple[str, float]) -> tuple[bool, str, float]:
    return key[0] != OURS, *key


def parser() -> argparse.ArgumentParser:
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("--laws", type=Path, help=f"the laws: {CONTENT}")
    options.add_argument(
        "--self-test", action="store_true", help="judge formulas with known verdicts, no more"
    )
    options.add_argument("--only", nargs="+", metavar="NAME", help="laws (default all of the file)")
    options.add_argument(
        "--noise",
        type=float,
        nargs="+",
        default=[0.0, 0.01, 0.05],
        help="noise of kanopt (default 0 0.01 0.05)",
    )
    options.add_argument("--seeds", type=int, default=5, help="seeds of rows and kanopt (default 5)")
    options.add_argument("--peers", nargs="+", default=[], choices=list(PEERS), help="run these too")
    options.add_argument(
        "--peer-noise", type=float, nargs="+", default=[0.01], help="noise of peers (default 0.01)"
    )
    options.add_argument("--peer-seeds", type=int, default=1, help="seeds of peers (default 1)")
    options.add_argument(
        "--slow-laws",
        type=int,
        default=6,
        help=f"laws of the slow peers ({', '.join(name for name in PEERS if PEERS[name].slow)}): "
        "so many of the fewest operations (default 6)",
    )
    options.add_argument("--no-ours", action="store_true", help="run the peers alone")
    options.add_argument("--jobs", type=int, default=1, help="processes (default 1)")
    return options


def main() -> None:
    options = parser()
    arguments = options.parse_args()
    if arguments.self_test:
        sys.exit(not self_test())
    if arguments.laws is None:
        options.error("--laws FILE is needed")
    laws = load_laws(arguments.laws)
    unknown = set(arguments.only or []) - {law.name for law in laws}
    if unknown:
        options.error(f"no law {', '.join(sorted(unknown))}; there are {', '.join(law.name for law in laws)}")
    laws = [law for law in laws if not arguments.only or law.name in arguments.only]
    peers = [peer for peer in arguments.peers if installed(PEERS[peer].package)]
    torch.set_num_threads(1)
    runs = []
    for each in done(tasks(arguments, laws, peers), arguments.jobs):
        runs.append(each)
        print(each, flush=True)
    if not runs:
        options.error("nothing to run: no peer of --peers is installed")
    formats = {"index": False, "float_format": lambda value: f"{value:.3g}"}
    print(f"\nrecovered, by law\n{by_law(runs).to_string(**formats)}")
    print(f"\nrecovered, of {len(laws)} laws\n{totals(runs).to_string(**formats)}")
    packages = ["sympy", "scikit-learn", *(PEERS[peer].package for peer in peers)]
    print(f"\n{footer(packages, f'0-{arguments.seeds - 1}, peers 0-{arguments.peer_seeds - 1}')}")


if __name__ == "__main__":
    main()
