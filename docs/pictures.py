"""Draws the pictures of formulas.md from the code of that page.

The blocks of code are run from top to bottom, as a reader would, and the pictures are drawn from the names they leave
behind: a picture cannot show another table, law or seed than the page does. About half a minute, one thread.

The same code, machine and versions give the same bytes: run it twice and compare, or look at `git status` after a run.
Every picture holds the digest of the code it was drawn from, by which a test finds the ones that are out of date.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.text import Text

from kanopt import Formula
from kanopt.errors import FormulaError
from kanopt.formulas import Alternative, parse_formula
from kanopt.formulas.parameters import parameters_of
from kanopt.pages import plot_diagram
from kanopt.pages.charts import ALARM, FAINT, INK, LINE, MUTED, series, set_y_title, style_axes
from kanopt.pages.law_plots import diagram_size

PAGE = Path(__file__).with_name("formulas.md")
OUT = PAGE.with_name("pictures")
STYLE = {
    "svg.fonttype": "path",  # looks the same wherever it is read
    "font.family": "DejaVu Sans",  # which matplotlib brings along
    "font.size": 10.5,
    "legend.frameon": False,
    "legend.fontsize": "small",
    "figure.facecolor": "white",
    "axes.facecolor": "white",
}
NUMBER = re.compile(r"[1-9]\d*\.\d{3,}")  # of which hundredths are enough; scales below one are left alone
COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
TRUTH = {"c1": "wait", "c2": "congestion"}
MEANING = {"c1": "c1, minutes per stop", "c2": "c2, congestion", "c3": "c3, exponent"}
EXPONENT = 4.0
SHORT = 8.0  # minutes
POINTS = 300  # rows that are drawn
POINT: dict[str, Any] = {"linestyle": "", "marker": "o", "markersize": 3, "markeredgewidth": 0}
WIDE, HIGH = 760, 330  # pixels of a picture

Names = Mapping[str, Any]
Row = tuple[str, Formula]


def blocks(page: Path) -> list[str]:
    """Return the code of a page, block by block."""
    return BLOCK.findall(page.read_text(encoding="utf-8"))


def digest(page: Path) -> str:
    """Return a fingerprint of the code of a page."""
    return hashlib.sha256("\n".join(blocks(page)).encode()).hexdigest()[:16]


def run(page: Path) -> dict[str, Any]:
    """Run the code of a page and return the names it leaves behind; what it prints is dropped."""
    names: dict[str, Any] = {"__name__": "page"}
    with contextlib.redirect_stdout(io.StringIO()):
        for block in blocks(page):
            exec(compile(block, page.name, "exec"), names)  # noqa: S102 - the code of our own page
    return names


def rows(figure: Figure, names: Names) -> None:
    """Draw the table: how much longer than on an empty road, against how full the road is."""
    ax, table = figure.add_subplot(), names["train"][:POINTS]
    full, longer = table["flow"] / table["capacity"], table["minutes"] / table["free_min"]
    short = table["free_min"] < SHORT
    for place, (which, label) in enumerate(
        [(~short, f"{SHORT:g} minutes and more"), (short, f"under {SHORT:g} minutes")]
    ):
        ax.plot(full[which], longer[which], color=series(place).light, label=label, **POINT)
    ax.set_xlabel("flow / capacity")
    style_axes(ax)
    ax.set_ylim(0, None)
    set_y_title(ax, "minutes / free_min")
    ax.legend(
        title="free-flow time", title_fontsize="small", loc="upper left", alignment="left", markerscale=2
    )


def network(figure: Figure, names: Names) -> None:
    """Draw the trained network."""
    plot_diagram(names["model"].diagram(), figure.add_subplot())


def front(figure: Figure, names: Names) -> None:
    """Draw what was considered: error against operators; readings of the network, where there are any, apart."""
    ax, formula = figure.add_subplot(), names["formula"]
    considered = formula.alternatives
    on_rows = [each for each in _front(considered) if _is_text_of(formula, each.text)]
    read = [each for each in considered if not _is_text_of(formula, each.text)]
    for place, (points, style, label) in enumerate(
        [(on_rows, "o-", "found on the rows"), (read, "s", "curves and network")]
    ):
        if not points:
            continue
        x, y = [each.complexity for each in points], [each.error for each in points]
        ax.plot(x, y, style, color=series(place).light, markersize=5, linewidth=1, label=label)
    ax.set_yscale("log")
    ax.set_xlabel("operators")
    style_axes(ax)
    ticks = [0.5, 1, 2, 5, 10, 20]
    ax.set_yticks(ticks, [f"{tick:g}" for tick in ticks])
    ax.minorticks_off()
    ax.set_ylim(0.45, 34)
    ax.set_xlim(-1, max(22, *(each.complexity + 5 for each in considered)))  # room for the texts
    set_y_title(ax, "error on the training rows (min)")
    ax.legend(loc="upper right")
    for each in on_rows[1:]:
        if not each.chosen:
            ax.annotate(each.text, (each.complexity, each.error), xytext=(9, 0), **_BESIDE)
    for whole in sorted(read, key=lambda each: each.complexity)[-1:]:
        ax.annotate(whole.rung, (whole.complexity, whole.error), xytext=(0, 11), ha="center", **_BESIDE)
    best = next(each for each in considered if each.chosen)
    place = (best.complexity, best.error)
    ax.plot(*place, "o", markersize=12, markerfacecolor="none", markeredgecolor=INK.light)
    ax.annotate(f"chosen: {best.text}", place, xytext=(-4, -17), **_BESIDE | {"color": INK.light})


def _front(considered: Sequence[Alternative]) -> list[Alternative]:
    """Return the laws that no law with as few operators beats, from the plainest on."""
    found: list[Alternative] = []
    for each in sorted(considered, key=lambda each: (each.complexity, each.error)):
        if not found or each.error < found[-1].error:
            found.append(each)
    return found


def held_out(figure: Figure, names: Names) -> None:
    """Draw what the law misses on the rows held out, and the law along one input."""
    left, right = figure.subplots(1, 2)
    formula, test = names["formula"], names["test"]
    predicted = formula.evaluate(test)
    quantiles = dict(formula.fit.residual_quantiles)
    left.axhspan(
        quantiles[0.05], quantiles[0.95], facecolor=FAINT.light, edgecolor=LINE.light, label="nine in ten"
    )
    left.axhline(0.0, color=MUTED.light, linewidth=0.8)
    left.plot(predicted, test["minutes"] - predicted, color=series(0).light, **POINT)
    left.set_xscale("log")
    style_axes(left)
    left.minorticks_off()
    ticks = [2, 5, 10, 20, 50, 100]
    left.set_xticks(ticks, [str(tick) for tick in ticks])
    left.set_xlabel("minutes by the law")
    most = 1.3 * float(np.abs(left.get_ylim()).max())
    left.set_ylim(-most, most)
    set_y_title(left, "measured less law (min)")
    left.legend(loc="upper right")
    formula.plot("flow", right)


def constants(figure: Figure, names: Names) -> None:
    """Draw the intervals of the constants, as found and after changes by hand."""
    laws = [
        ("as found", names["formula"]),
        ("c2 held at 0.15", names["handbook"]),
        ("exponent estimated", names["steeper"]),
    ]
    truth = {name: names["here"][word] for name, word in TRUTH.items()} | {"c3": EXPONENT}
    _whiskers(figure, laws, {name: [value] * len(laws) for name, value in truth.items()})


def city(figure: Figure, names: Names) -> None:
    """Draw the constants here and in another city."""
    laws = [
        ("here", names["formula"]),
        ("there, both", names["both"]),
        ("there, only c2", names["there"]),
    ]
    home, away = names["here"], names["away"]
    truth = {name: [home[word], away[word], away[word]] for name, word in TRUTH.items()}
    _whiskers(figure, laws, truth)


PICTURES: dict[str, Callable[[Figure, Names], None]] = {
    "rows": rows,
    "network": network,
    "front": front,
    "held_out": held_out,
    "constants": constants,
    "city": city,
}
_BESIDE: dict[str, Any] = {
    "textcoords": "offset points",
    "va": "center",
    "fontsize": "small",
    "color": MUTED.light,
}


def _is_text_of(formula: Formula, text: str) -> bool:
    """Whether what was considered is told as a formula, and not as a step from one state of the network to the next."""
    try:
        parse_formula(text, formula.inputs, formula.output)
    except FormulaError:
        return False
    return True


def _whiskers(figure: Figure, laws: Sequence[Row], truth: Mapping[str, Sequence[float]]) -> None:
    """Draw a panel for every constant: a row per law, its estimate and 95 % interval, and the truth."""
    panels = figure.subplots(1, len(truth), sharey=True)
    for place, (ax, (name, true)) in enumerate(zip(panels, truth.items(), strict=True)):
        for row, (_, law) in enumerate(laws):
            ax.plot([true[row]] * 2, [row - 0.36, row + 0.36], "--", color=ALARM.light, label="truth")
            if name in law.covariance.names:
                one = law.intervals().loc[name]
                ax.plot([one.low, one.high], [row, row], color=series(0).light, linewidth=2)
                ax.plot(one.estimate, row, "o-", color=series(0).light, label="estimate, 95 % interval")
            else:
                held = parameters_of(law.root).get(name, true[row])
                ax.plot(held, row, "o", color=series(0).light, markerfacecolor="white", label="held")
        ax.set_xlabel(MEANING[name])
        ax.set_yticks(range(len(laws)), [label for label, _ in laws])
        ax.set_ylim(len(laws) - 0.4, -0.6)
        ax.margins(x=0.15)
        style_axes(ax, grid="x")
        ax.locator_params(axis="x", nbins=5)
        ax.tick_params(axis="y", labelleft=place == 0)
    told = {label: mark for ax in panels for mark, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(told.values(), told.keys(), loc="outside upper left", ncols=len(told))
    figure.get_layout_engine().set(wspace=0.08)


def size_of(name: str, names: Names) -> tuple[int, int]:
    """Return width and height of a picture in pixels."""
    if name == "network":
        return diagram_size(names["model"].diagram())
    return WIDE, HIGH if name in ("rows", "front", "held_out") else 250


def svg_of(name: str, names: Names, mark: str) -> str:
    """Draw one picture.

    Parameters
    ----------
    name
        Which, of `PICTURES`.
    names
        What the code of the page left behind.
    mark
        Told in the file, by which it can be seen whether it is up to date.
    """
    width, height = size_of(name, names)
    buffer = io.StringIO()
    with rc_context(STYLE | {"svg.hashsalt": name}):
        figure = Figure(figsize=(width / 72, height / 72), layout="constrained")
        PICTURES[name](figure, names)
        for text in figure.findobj(Text):
            text.set_path_effects([])  # a halo draws every letter once more
        told = {"Title": name, "Description": f"code {mark}", "Creator": None, "Date": None}
        figure.savefig(buffer, format="svg", metadata=told)
    short = NUMBER.sub(lambda found: f"{float(found[0]):.2f}", COMMENT.sub("", buffer.getvalue()))
    lines = (line.strip() for line in short.replace("xlink:href", "href").splitlines())
    return "\n".join(filter(None, lines)) + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Draw all pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--page", type=Path, default=PAGE, help="the page whose code is run")
    parser.add_argument("--out", type=Path, default=OUT, help="folder of the pictures")
    asked = parser.parse_args(arguments)
    names, mark = run(asked.page), digest(asked.page)
    asked.out.mkdir(parents=True, exist_ok=True)
    for name in PICTURES:
        path = asked.out / f"{name}.svg"
        path.write_text(svg_of(name, names, mark), encoding="utf-8")
        print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
