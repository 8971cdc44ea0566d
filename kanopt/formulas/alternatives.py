"""The reasons why one formula was chosen among alternatives, in words, derived from their recorded measures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial
from textwrap import fill
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.display import Part, Shown, grid_of
from kanopt.errors import FormulaError, nearest
from kanopt.formulas.base_formula import Alternative, AnyFormula, BaseFormula
from kanopt.text import count_text, list_names, number_text, shorten

if TYPE_CHECKING:
    import pandas as pd


_ALIKE = 0.005
"""Errors that differ by a smaller share are called the same."""
_LEVEL = 0.05
"""Descriptions whose lengths differ by less are called as long."""
CLOSE = 6.0
"""A smaller difference is no strong evidence: lengths are twice a log likelihood (Kass and Raftery 1995, JASA 90)."""
_MOST_SHOWN = 20
_BEYOND_INPUTS = 3
"""Numbers of a known law beyond one for each input, at most; none of some 110 recovered laws of logistics has more."""
_LONGEST = 600
"""Letters of a law in the table of all; ``formulas[k]`` has it whole."""


class ConsideredFormulas(Sequence[AnyFormula], Shown):
    """The formulas that were considered for a law, each one that can be used; in the order of its ``considered()``.

    One is taken by its place, or by the name of its rung: ``formulas[2]``, ``formulas["sum of curves"]``.

    Its text is a table of them, with the reasons; where others explain the rows as well, it begins with that.

    Parameters
    ----------
    formula
        The law that was chosen.
    """

    def __init__(self, formula: AnyFormula) -> None:
        self._chosen = formula

    def __len__(self) -> int:
        return len(self._chosen.alternatives)

    def __getitem__(self, place: Any) -> Any:
        """Return one of them, by its place or its name, or several by a slice.

        Raises
        ------
        IndexError
            If there are fewer.
        FormulaError
            If none has that name, or it was compared, but is no formula of its own.
        """
        if isinstance(place, slice):
            return tuple(self[k] for k in range(*place.indices(len(self))))
        if isinstance(place, str):
            place = self._place_of(place)
        found = self._chosen.alternatives[place]
        if found.chosen:
            return self._chosen
        if found.law is None:
            raise FormulaError(
                f"formulas[{place}]: {found.text!r} was compared, but not written as a formula"
            )
        return found.law

    def _place_of(self, name: str) -> int:
        names = [each.rung for each in self._chosen.alternatives]
        if not name or name not in names:
            known = nearest(name, [each for each in names if each])
            raise FormulaError(f"formulas[{name!r}]: no formula that was considered has that name; {known}")
        return names.index(name)

    def _shown(self) -> Iterator[Part]:
        frame = considered_frame(self._chosen)
        yield f"{count_text(len(frame), 'formula')} considered"
        if alike := rivals_text(self._chosen):
            yield alike
        shown = frame[["chosen", "rung", "formula", "complexity", "error", "why"]].copy()
        shown["chosen"] = shown["chosen"].map({True: "chosen", False: ""})
        shown["formula"] = [shorten(text, _LONGEST) for text in frame["formula"]]
        table = grid_of(
            shown.reset_index(), partial(number_text, digits=3), most=_MOST_SHOWN, rest="considered() has all"
        )
        yield replace(table, heads=("", "", *table.heads[2:]))

    def text(self) -> str:
        """Return them as a table in which long formulas are wrapped."""
        frame = considered_frame(self._chosen)
        if not len(frame):
            return "none"
        sizes, errors = ([number_text(value, 3) for value in frame[name]] for name in ("complexity", "error"))
        table = [("", "complexity", "error", "formula, and why or why not")]
        table += [
            (" ".join(filter(None, (str(place), name, "(chosen)" * chosen))), size, error, text)
            for place, (chosen, name, size, error, text) in enumerate(
                zip(frame["chosen"], frame["rung"], sizes, errors, frame["formula"], strict=True)
            )
        ]
        first, second, third = (max(len(row[column]) for row in table) for column in range(3))
        margin = " " * (first + second + third + 6)
        lines = []
        for (place, size, error, text), why in zip(table, ["", *frame["why"]], strict=True):
            head = f"{place:<{first}}  {size:>{second}}  {error:>{third}}  "
            lines += [_wrapped(head + shorten(text, _LONGEST), margin)]
            lines += [_wrapped(margin + why, margin)] * bool(why)
        alike = rivals_text(self._chosen)
        return "\n".join([*([_wrapped(alike, ""), ""] if alike else []), *lines])


def _wrapped(text: str, margin: str) -> str:
    """Return a text in lines of 120 letters, those after the first with a margin; words are kept whole."""
    return fill(text, 120, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False)


def approximation_text(formula: BaseFormula) -> str:
    """Say why a learned law is rather an approximation of one; empty where it may be the law itself.

    A law that somebody has written down has few numbers beyond one for each of its inputs. One with more was put
    together term by term, and another one would explain the rows as well.
    """
    numbers = sum(constant.standard_error is not None for constant in formula.constants)
    inputs = len(formula.used)
    if formula.fit is None or formula.curves or formula.tables or numbers <= inputs + _BEYOND_INPUTS:
        return ""
    told = f"{count_text(numbers, 'number')} for {count_text(inputs, 'input')}"
    return f"an approximation: {told}; other forms may explain the rows as well"


def rivals_text(formula: BaseFormula) -> str:
    """Say which other structures explain the rows as well as the chosen one; empty where none does."""
    rivals = [each.text for each in formula.alternatives if each.rival]
    if not rivals:
        return ""
    listed = list_names(rivals, quoted=False)
    return f"{len(rivals) + 1} structures explain the rows alike: {formula} (chosen), and {listed}"


def considered_frame(formula: BaseFormula) -> pd.DataFrame:
    """Return the formulas that were considered, with the reason why each was chosen or not.

    Returns
    -------
    DataFrame
        A row for each of :attr:`alternatives`: chosen (bool), rung (the name by which :attr:`formulas` has it),
        formula (text), complexity, error in the unit of the output, length of the description of rows and formula
        (NaN where that did not decide), buys (the share of the error that it saves, of that of the best one with
        fewer operators), and why, in words.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> fuel = parse_formula("0.12 * km", [Variable("km", "km")], Variable("fuel", "l"))
    >>> tried = Alternative(1, 0.8, True, "0.12 · km", 310.0), Alternative(3, 0.8, False, "0.1 + 0.12 · km", 316.0)
    >>> print(replace(fuel, alternatives=tried).considered()["why"][1])
    2 operators more, same error; its description is longer: a close call
    """
    import pandas as pd

    _, _, decided = formula.provenance.get("written by", "").partition(": ")
    told = formula.alternatives
    kinds = {
        "chosen": bool,
        "rung": object,
        "text": object,
        "complexity": float,
        "error": float,
        "length": float,
    }
    frame = pd.DataFrame({name: [getattr(each, name) for each in told] for name in kinds}).astype(kinds)
    frame = frame.rename(columns={"text": "formula"})
    return frame.assign(buys=np.array(_bought(told), dtype=float), why=list(reasons(told, decided)))


def _bought(alternatives: Sequence[Alternative]) -> list[float]:
    """Return the share of the error that each formula saves, of that of the best one with fewer operators."""
    bought = []
    for each in alternatives:
        plainer = [other.error for other in alternatives if other.complexity < each.complexity]
        least = min(plainer, default=math.nan)
        bought.append(1.0 - each.error / least if least > 0.0 else math.nan)
    return bought


def reasons(alternatives: Sequence[Alternative], decided: str = "") -> tuple[str, ...]:
    """Say for every alternative why it was chosen, or why not.

    The reasons follow from the recorded measures, with one exception: an alternative with a shorter description length
    than the chosen one was passed over as more complex if it has more operators, and was refused in a check otherwise.
    Description lengths are comparable only for the same rows.

    Parameters
    ----------
    alternatives
        The alternatives, one of which was chosen.
    decided
        Further text, appended to the reason of the chosen one.

    Returns
    -------
    tuple of str
        One reason each; empty if none was chosen.

    Examples
    --------
    >>> short, long = Alternative(4, 2.1, length=341.0), Alternative(9, 1.0, length=230.0)
    >>> for why in reasons([Alternative(6, 1.0, True, length=223.0), short, long]):
    ...     print(why)
    shortest description
    2 operators fewer, its error is 2.1, not 1; its description is longer
    3 operators more, same error; its description is longer
    """
    chosen = next((each for each in alternatives if each.chosen), None)
    if chosen is None:
        return ("",) * len(alternatives)
    others = [each for each in alternatives if each is not chosen]
    of_chosen = "; ".join(filter(None, (_why_chosen(chosen, others), decided)))
    return tuple(of_chosen if each is chosen else _why_rejected(each, chosen) for each in alternatives)


def _why_chosen(chosen: Alternative, others: Sequence[Alternative]) -> str:
    if not others:
        return "the only formula considered"
    lengths = [each.length for each in others if each.length is not None]
    if chosen.rung:
        return ""  # what decided between the rungs of a ladder says it all
    if chosen.length is not None and lengths:
        shortest = chosen.length <= min(lengths) + _LEVEL
        return "shortest description" if shortest else "shortest description of those that could be taken"
    least = chosen.error <= min(each.error for each in others)
    fewest = chosen.complexity <= min(each.complexity for each in others)
    found = [word for word, true in (("smallest error", least), ("lowest complexity", fewest)) if true]
    return " and ".join(found) or "neither the smallest error nor the lowest complexity"


def _why_rejected(other: Alternative, chosen: Alternative) -> str:
    more, same = other.complexity - chosen.complexity, _is_same_error(other.error, chosen.error)
    size = f"{number_text(abs(more))} {'operator' if abs(more) == 1.0 else 'operators'}"
    size = f"{size} {'more' if more > 0 else 'fewer'}" if more else "as many operators"
    error = (
        "same error" if same else f"its error is {number_text(other.error)}, not {number_text(chosen.error)}"
    )
    text = f"{size}, {error}"
    if other.rival:
        return f"{text}; it explains the rows as well, in another way"
    if other.length is None or chosen.length is None:
        smaller = other.error < chosen.error and not same
        return f"{text}; {other.refused}" if other.refused and smaller else text
    longer = other.length - chosen.length
    if longer > _LEVEL:
        return f"{text}; its description is longer" + (": a close call" if longer <= CLOSE else "")
    if longer < -_LEVEL:
        return f"{text}; its description is shorter, but {other.refused or 'it could not be taken'}"
    return f"{text}; its description is as long"


def _is_same_error(other: float, chosen: float) -> bool:
    return abs(other - chosen) <= _ALIKE * max(abs(other), abs(chosen))
