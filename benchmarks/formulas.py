"""How often a law is recovered from 2,000 rows, by kanopt and by others, with noise and without.

The laws come from a file. Of every law, noise and seed 2,000 rows are drawn to learn from and 500 more are held out;
the noise is normal, its standard deviation the given share of that of the truth. kanopt runs with everything at its
default: KANRegressor(seed=seed).fit(X, y).to_formula(test). One thread; CPU seconds are those of both steps.

A law is "recovered" where the formula has its structure, constants within the noise, and not many more operations, and
is as right in wider ranges as such constants explain. Otherwise the word is "near" (exponents such as 2 or 1/2, or an
offset, are only nearly so), "constants" or "long" (the structure is right, these are not), "structure" (a false one),
"approximation" (a false one of which Formula.approximation says so), "no formula" (curves are left, or the program
writes none), "refused", or "stopped" after 300 CPU seconds. What the words mean exactly is said in _recovery.py, and
--self-test shows it on formulas with known verdicts (laws/judged.toml).

Peers see the same rows as arrays; operators they choose from, and their budgets, are in _peers.py. Their formulas may
be expanded or factored before operations are counted. A formula of theirs is "rounded" where it is recovered once its
numbers are rounded to 4, 3 or 2 decimals, as a reader might who sees that the residuals do not grow by 1 %. Ours are
judged as printed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from _bench import asked, footer, installed, print_table
from _laws import CONTENT, Law, drawn, load_laws
from _peers import PEERS
from _programs import OURS, ROUNDED, Program, Run, measured, ours
from _recovery import APPROXIMATION, NEAR, RECOVERED, STRUCTURE, judge

PROGRAMS = {OURS: Program("kanopt", "kanopt", ours, tidy=False), **PEERS}
JUDGED = Path(__file__).parent / "laws" / "judged.toml"
_ALMOST = (RECOVERED, ROUNDED, NEAR)


def tasks(
    given: argparse.Namespace, laws: list[Law], peers: list[str]
) -> Iterator[tuple[str, Law, float, int]]:
    """Yield what is to be run: law by law, ours before the peers."""
    for law in laws:
        for program in [*([] if given.no_ours else [OURS]), *peers]:
            mine = program == OURS
            for noise in given.noise if mine else given.peer_noise:
                for seed in range(given.seeds if mine else given.peer_seeds):
                    yield program, law, noise, seed


def by_law(runs: list[Run]) -> list[dict[str, object]]:
    """Return a line for every program and law: how often recovered at every noise, and medians over all runs."""
    lines = []
    for program, law in dict.fromkeys((run.program, run.law) for run in runs):
        own = [run for run in runs if (run.program, run.law) == (program, law)]
        line: dict[str, object] = {"program": program, "law": law}
        for noise in sorted({run.noise for run in runs}):
            words = [run.word for run in own if run.noise == noise]
            line[f"{noise:.0%}"] = f"{words.count(RECOVERED)} of {len(words)}" if words else "–"
        words = [run.word for run in own if run.word != RECOVERED]
        line["operations"] = (
            np.nanmedian([run.ops for run in own]) if any(run.ops > 0 for run in own) else "–"
        )
        for place, what in enumerate(("error", "10 % wider", "25 % wider")):
            line[what] = statistics.median(run.errors[place] for run in own)
        line["CPU s"] = statistics.median(run.cpu for run in own)
        line["otherwise"] = ", ".join(f"{words.count(word)} {word}" for word in dict.fromkeys(words))
        lines.append(line)
    return lines


def totals(runs: list[Run]) -> list[dict[str, object]]:
    """Return a line for every program and noise: laws recovered by most seeds and on average."""
    lines = []
    for program, noise in sorted(
        {(run.program, run.noise) for run in runs}, key=lambda key: (key[0] != OURS, *key)
    ):
        own = [run for run in runs if (run.program, run.noise) == (program, noise)]
        laws = {run.law for run in own}
        share = [np.mean([run.word == RECOVERED for run in own if run.law == law]) for law in laws]
        words = [run.word for run in own]
        lines.append(
            {
                "program": program,
                "noise": f"{noise:.0%}",
                "laws": len(laws),
                "recovered by most seeds": sum(part > 0.5 for part in share),
                "on average": f"{sum(share):.1f}",
                "or near, rounded": f"{sum(word in _ALMOST for word in words) * len(laws) / len(own):.1f}",
                "false structures": f"{words.count(STRUCTURE)} of {len(own)} runs",
                "approximations": words.count(APPROXIMATION),
                "recovered but said to be one": sum(
                    run.word == RECOVERED and run.approximation for run in own
                ),
                "median error": statistics.median(run.errors[0] for run in own),
                "median CPU s": statistics.median(run.cpu for run in own),
            }
        )
    return lines


def self_test() -> bool:
    """Judge formulas with known verdicts; print those judged otherwise, and say how many there are."""
    laws, cases = {law.name: law for law in load_laws(JUDGED)}, tomllib.loads(JUDGED.read_text())["CASES"]
    wrong = 0
    for name, text, noise, expected in cases:
        law = laws[name]
        rows = drawn(law, noise, 0)
        verdict = judge(law.read(text), law, rows.x, rows.sigma)
        if verdict.word != expected:
            wrong += 1
            print(f"{name} at noise {noise:g}: {text}\n  {verdict}\n  expected {expected}")
    print(f"self-test: {len(cases) - wrong} of {len(cases)} formulas judged as they should be")
    return not wrong


def main() -> None:
    given = asked(
        __doc__,
        laws=(Path(__file__).parent / "laws" / "tuning.toml", f"the laws: {CONTENT}"),
        self_test=(False, "judge formulas with known verdicts, no more"),
        only=([str], "laws, by name"),
        noise=([0.0, 0.01, 0.05], "noise of kanopt"),
        seeds=(5, "seeds of rows and kanopt"),
        peers=([str], "run these too", PEERS),
        peer_noise=([0.01], "noise of peers"),
        peer_seeds=(1, "seeds of peers"),
        no_ours=(False, "run the peers alone"),
    )
    if given.self_test:
        sys.exit(not self_test())
    laws = [law for law in load_laws(given.laws) if not given.only or law.name in given.only]
    peers = [peer for peer in given.peers or [] if installed(PEERS[peer].package)]
    runs = []
    for program, law, noise, seed in tasks(given, laws, peers):
        rows = drawn(law, noise, seed)
        runs.append(measured(program, PROGRAMS[program], law, noise, seed, rows))
        print(runs[-1], flush=True)
    print_table(by_law(runs))
    print_table(totals(runs))
    packages = ["sympy", "scikit-learn", *(PEERS[peer].package for peer in peers)]
    print(f"\n{footer(packages, f'0-{given.seeds - 1}, peers 0-{given.peer_seeds - 1}')}")


if __name__ == "__main__":
    main()
