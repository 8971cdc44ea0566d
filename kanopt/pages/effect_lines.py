"""What each input of a law does, in lines of text: a sentence, and a small picture where a terminal can show one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from kanopt.array_types import Floats
from kanopt.errors import FormulaError
from kanopt.formulas import Variable
from kanopt.pages.law_plots import fixed_inputs_text, plottable_inputs, reference_values, tabulate
from kanopt.text import amount_text, number_text, percent_text, range_text, shorten, wrap_line

if TYPE_CHECKING:
    from kanopt.scenarios import LearnedLaw


_LEVELS = "▁▂▃▄▅▆▇█"
_EIGHTHS = " ▏▎▍▌▋▊▉"
_SPARK = 28  # letters of a picture where there is room
_NARROWEST = 60  # columns of a terminal with room for pictures
_NAME = 18
_SHARE = 5  # letters of "100 %"
_MOST_LABELS = 8
_POINTS = 57
_FLAT = 1e-3  # of its size; less is no rise
_INDENT = "      "


@dataclass(frozen=True)
class _Effect:
    """A law along one input, the others held: its values there."""

    variable: Variable
    at: tuple[object, ...]
    values: Floats
    importance: str


def effect_lines(law: LearnedLaw, width: int | None = None) -> list[str]:
    """Return what each input does, the one that matters most first; nothing where no rows were learned from.

    Parameters
    ----------
    law
        The law.
    width
        Columns of a terminal that shows block characters; None for sentences alone, which are not broken.
    """
    formula = law.formula
    if formula.fit is None:
        return []
    try:
        held = reference_values(formula)
        found = [_effect(law, name, held) for name in plottable_inputs(formula)]
    except FormulaError as error:
        return [f"    what its inputs do is not drawn: {error}"]
    if not found:
        return []
    shares = (
        {}
        if law.summary is None
        else dict(zip(law.summary["feature"], law.summary["importance"], strict=True))
    )
    found.sort(key=lambda effect: (-float(shares.get(effect.variable.name, 0.0)), effect.variable.name))
    others = f", the others held at {fixed_inputs_text(formula, held)}" if len(held) > 1 else ""
    share = " and its share of what varies" if shares else ""
    lines = wrap_line(f"    what each input does{share}{others}:", width, "    ")
    names = min(max(len(effect.variable.name) for effect in found), _NAME)
    unit = formula.output.unit
    for effect in found:
        lines += _lines(effect, unit, names, width)
    return lines


def _effect(law: LearnedLaw, name: str, held: Mapping[str, float | str]) -> _Effect:
    formula = law.formula
    variable = next(each for each in formula.inputs if each.name == name)
    table = tabulate(formula, name, {key: value for key, value in held.items() if key != name}, _POINTS)
    importance = ""
    if law.summary is not None:
        known = law.summary.loc[law.summary["feature"] == name, "importance"]
        importance = percent_text(float(known.iloc[0])) if len(known) else ""
    return _Effect(variable, tuple(table.iloc[:, 0]), table.iloc[:, 1].to_numpy(dtype=np.float64), importance)


def _lines(effect: _Effect, unit: str, names: int, width: int | None) -> list[str]:
    drawn = width is not None and width >= _NARROWEST
    name = shorten(effect.variable.name, _NAME).ljust(names)
    if effect.importance:
        name = f"{name}  {effect.importance.rjust(_SHARE)}"
    if effect.variable.is_category:
        return list(_category_lines(effect, unit, name, width if drawn else None))
    where = range_text(float(effect.at[0]), float(effect.at[-1]), effect.variable.unit, 4)  # type: ignore[arg-type]
    told = f"{course_text(np.array(effect.at, dtype=np.float64), effect.values, unit, effect.variable.unit)}"
    head = f"{_INDENT}{name}  "
    if drawn:
        assert width is not None
        head += f"{spark_text(effect.values, min(_SPARK, width // 4))}  "
    return wrap_line(f"{head}{told}, over {where}", width, " " * len(head) if drawn else f"{_INDENT}  ")


def _category_lines(effect: _Effect, unit: str, name: str, width: int | None) -> Iterator[str]:
    """Yield a bar for every category; on one line without bars where there is no picture."""
    order = np.argsort(-effect.values, kind="stable")
    labels = [str(effect.at[place]) for place in order]
    values = effect.values[order]
    shown = slice(None) if len(labels) <= _MOST_LABELS else slice(_MOST_LABELS - 1)
    left = "" if len(labels) <= _MOST_LABELS else f"and {len(labels) - _MOST_LABELS + 1} more, down to "
    rest = f"{left}{amount_text(float(values[-1]), unit, 3)}" if left else ""
    if width is None:
        told = ", ".join(
            f"{label} {number_text(value, 3)}"
            for label, value in zip(labels[shown], values[shown], strict=True)
        )
        tail = f" {rest}" if rest else f" {unit}" if unit else ""
        yield f"{_INDENT}{name}  {told}{tail}"
        return
    reach = max(len(shorten(label, _NAME)) for label in labels[shown])
    full = min(_SPARK, width // 4)
    largest = float(np.abs(values).max()) or 1.0
    for place, (label, value) in enumerate(zip(labels[shown], values[shown], strict=True)):
        head = name if place == 0 else " " * len(name)
        bar = bar_text(value / largest, full) if values.min() >= 0 else ""
        yield f"{_INDENT}{head}  {shorten(label, _NAME).ljust(reach)}  {bar}  {amount_text(value, unit, 3)}"
    if rest:
        yield f"{_INDENT}{' ' * len(name)}  {rest}"


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
    low, high = float(values.min()), float(values.max())
    size = max(abs(low), abs(high))
    if high - low <= _FLAT * size:
        return f"stays at {amount_text(float(np.median(values)), unit, 3)}"
    steps = np.diff(values)
    moves = np.sign(np.where(np.abs(steps) <= 1e-6 * (high - low), 0.0, steps))
    moves = moves[moves != 0]
    turns = int((np.diff(moves) != 0).sum())
    first, last = number_text(float(values[0]), 3), amount_text(float(values[-1]), unit, 3)
    verbs = ("rises", "falls") if moves[0] > 0 else ("falls", "rises")
    if turns == 0:
        return f"{verbs[0]} from {first} to {last}"
    peak, valley = int(values.argmax()), int(values.argmin())
    if turns == 1:
        turn = peak if moves[0] > 0 else valley
        there = f"{amount_text(float(values[turn]), unit, 3)} at {amount_text(float(at[turn]), unit_at, 3)}"
        return f"{verbs[0]} from {first} to {there}, then {verbs[1]} to {last}"
    ends = [
        f"{amount_text(float(values[place]), unit, 3)} at {amount_text(float(at[place]), unit_at, 3)}"
        for place in (valley, peak)
    ]
    return f"goes up and down between {ends[0]} and {ends[1]}"


def spark_text(values: Floats, letters: int) -> str:
    """Draw a curve in one line of blocks, from its smallest value to its largest.

    Examples
    --------
    >>> spark_text(np.linspace(0.0, 1.0, 33), 8), spark_text(np.full(9, 2.0), 4)
    ('▁▂▃▄▅▆▇█', '▄▄▄▄')
    """
    places = np.linspace(0.0, len(values) - 1.0, letters)
    drawn = np.interp(places, np.arange(len(values)), values)
    low, high = float(values.min()), float(values.max())
    if high - low <= _FLAT * max(abs(low), abs(high)):
        return _LEVELS[3] * letters
    levels = np.clip(np.round((drawn - low) / (high - low) * 7), 0, 7).astype(int)
    return "".join(_LEVELS[level] for level in levels)


def bar_text(share: float, letters: int) -> str:
    """Draw a bar in eighths of a letter, padded to so many letters.

    Examples
    --------
    >>> bar_text(0.5, 3), bar_text(1.0, 3), bar_text(0.0, 2)
    ('█▌ ', '███', '  ')
    """
    whole, eighths = divmod(round(8 * letters * share), 8)
    return f"{'█' * whole}{_EIGHTHS[eighths] if eighths else ''}".ljust(letters)
