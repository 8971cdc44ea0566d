"""What each input of a law does, in lines of text: a sentence for each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from kanopt.array_types import Floats
from kanopt.errors import FormulaError
from kanopt.pages.law_plots import fixed_inputs_text, plottable_inputs, reference_values, tabulate
from kanopt.text import amount_text, number_text, percent_text, range_text, shorten, wrap_line

if TYPE_CHECKING:
    from kanopt.scenarios import LearnedLaw

_NAME, _SHARE = 18, 5  # letters of a name, and of "100 %"
_MOST_LABELS = 8
_POINTS = 57
_FLAT = 1e-3  # of its size; less is no rise
_INDENT = "      "


def effect_lines(law: LearnedLaw, width: int | None = None) -> list[str]:
    """Return what each input does, the one that matters most first; nothing where no rows were learned from.

    Parameters
    ----------
    law
        The law.
    width
        Columns of a terminal; None where lines are not broken.
    """
    formula = law.formula
    if formula.fit is None:
        return []
    try:
        held = reference_values(formula)
        told = {name: _course(law, name, held) for name in plottable_inputs(formula)}
    except FormulaError as error:
        return [f"    what its inputs do is not known: {error}"]
    if not told:
        return []
    rows = [] if law.summary is None else law.summary[["feature", "importance"]].itertuples(index=False)
    shares = {str(name): float(share) for name, share in rows}
    others = f", the others held at {fixed_inputs_text(formula, held)}" if len(held) > 1 else ""
    share = " and its share of what varies" if shares else ""
    lines = wrap_line(f"    what each input does{share}{others}:", width, "    ")
    room = min(max(map(len, told)), _NAME)
    for name in sorted(told, key=lambda name: (-shares.get(name, 0.0), name)):
        importance = f"  {percent_text(shares[name]).rjust(_SHARE)}" if name in shares else ""
        line = f"{_INDENT}{shorten(name, _NAME).ljust(room)}{importance}  {told[name]}"
        lines += wrap_line(line, width, f"{_INDENT}  ")
    return lines


def _course(law: LearnedLaw, name: str, held: Mapping[str, Any]) -> str:
    """Say how a law goes along one input, the others held; of categories what it gives for each, the largest first."""
    formula, unit = law.formula, law.formula.output.unit
    variable = next(each for each in formula.inputs if each.name == name)
    table = tabulate(formula, name, {key: value for key, value in held.items() if key != name}, _POINTS)
    at, values = table.iloc[:, 0], table.iloc[:, 1].to_numpy(dtype=np.float64)
    if not variable.is_category:
        where = range_text(float(at.iloc[0]), float(at.iloc[-1]), variable.unit, 4)
        return f"{course_text(at.to_numpy(dtype=np.float64), values, unit, variable.unit)}, over {where}"
    order = np.argsort(-values, kind="stable")
    few = order if len(order) <= _MOST_LABELS else order[: _MOST_LABELS - 1]
    told = ", ".join(f"{at.iloc[place]} {number_text(values[place], 3)}" for place in few)
    if left := len(order) - len(few):
        return f"{told} and {left} more, down to {amount_text(float(values.min()), unit, 3)}"
    return f"{told} {unit}".strip()


def course_text(at: Floats, values: Floats, unit: str, unit_at: str = "") -> str:
    """Say how a curve goes, in words.

    Examples
    --------
    >>> at = np.linspace(0.0, 24.0, 49)
    >>> course_text(at, 2 * at, "min")
    'rises from 0 to 48 min'
    >>> course_text(at, 10 - np.abs(at - 8), "min", "h")
    'rises from 2 to 10 min at 8 h, then falls to −6 min'
    >>> course_text(at, np.sin(at), ""), course_text(at, np.full(49, 3.0), "l")
    ('goes up and down between −1 at 11 and 0.997 at 1.5', 'stays at 3 l')
    """

    def place(of: int) -> str:
        return f"{amount_text(float(values[of]), unit, 3)} at {amount_text(float(at[of]), unit_at, 3)}"

    low, high = float(values.min()), float(values.max())
    if high - low <= _FLAT * max(abs(low), abs(high)):
        return f"stays at {amount_text(float(np.median(values)), unit, 3)}"
    steps = np.diff(values)
    moves = np.sign(steps[np.abs(steps) > 1e-6 * (high - low)])
    turns = int((np.diff(moves) != 0).sum())
    first, last = number_text(float(values[0]), 3), amount_text(float(values[-1]), unit, 3)
    verbs = ("rises", "falls") if moves[0] > 0 else ("falls", "rises")
    if turns == 0:
        return f"{verbs[0]} from {first} to {last}"
    if turns == 1:
        turn = int(values.argmax() if moves[0] > 0 else values.argmin())
        return f"{verbs[0]} from {first} to {place(turn)}, then {verbs[1]} to {last}"
    return f"goes up and down between {place(int(values.argmin()))} and {place(int(values.argmax()))}"
