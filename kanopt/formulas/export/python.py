"""Formulas as Python source."""

from __future__ import annotations

import builtins
import keyword
from typing import TYPE_CHECKING, Any

from kanopt.formulas.export.source import SourceWriter, headline, identifiers, nest_pairs, pieces_of
from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import Power, postorder
from kanopt.formulas.pieces import Curve, Step, Table, gap_inputs
from kanopt.formulas.printing import WORD, TextPart

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["to_python"]

_CURVE = '''
def _curve(x, low, width, pieces, periodic):
    """Piecewise cubic on equal spans, straight beyond them or repeated."""
    pieces = np.array(pieces)
    place = (x - low) / width
    inside = np.mod(place, len(pieces)) if periodic else np.clip(place, 0.0, len(pieces))
    span = np.minimum(np.nan_to_num(inside).astype(int), len(pieces) - 1)
    t = inside - span
    c0, c1, c2, c3 = np.moveaxis(pieces[span], -1, 0)
    value = c0 + t * (c1 + t * (c2 + t * c3))
    if periodic:
        return value
    first, last = pieces[0][1], pieces[-1] @ [0.0, 1.0, 2.0, 3.0]
    return value + first * np.minimum(place, 0.0) + last * np.maximum(place - len(pieces), 0.0)

'''
_STEP = '''
def _step(x, breakpoints, values):
    """Staircase: values[k] from breakpoints[k - 1] up to breakpoints[k]."""
    return np.where(np.isnan(x), np.nan, np.array(values)[np.searchsorted(breakpoints, x, side="right")])

'''
_TABLE = '''
def _table(entries, fallback, *columns):
    """One number per combination of categories; KeyError where there is neither entry nor fallback."""
    def find(*key):
        return entries[key] if fallback is None else entries.get(key, fallback)
    return np.vectorize(find, otypes=[float])(*columns)

'''
_FILLED = '''
def _filled(column):
    """Categories, with "missing" where there is none."""
    def fill(value):
        gap = value is None or (not isinstance(value, str) and str(value) in ("nan", "NaT", "<NA>"))
        return "missing" if gap else value
    return np.vectorize(fill, otypes=[object])(column)

'''
_HELPERS = {Curve: _CURVE, Step: _STEP, Table: _TABLE}


def to_python(formula: Formula) -> str:
    """Return the source of a module with one function; see :meth:`kanopt.formulas.Formula.to_python`.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> print(to_python(parse_formula("0.12 * km^2", [Variable("km", "km")], Variable("fuel", "l"))))
    # fuel [l] = 0.12 · km^2, from km [km]
    import numpy as np
    <BLANKLINE>
    <BLANKLINE>
    def fuel(km):
        km = np.asarray(km, dtype=float)
        return 0.12 * km**2.0
    <BLANKLINE>
    """
    reserved = {*keyword.kwlist, "np", "_curve", "_step", "_table", "_filled"}
    names = identifiers([variable.name for variable in formula.inputs], reserved)
    # its name is seen by the helpers, too, which call len and int
    function = identifiers([formula.output.name], {*reserved, *dir(builtins)})[formula.output.name]
    kinds = {type(node) for node in postorder(formula.root)}
    source = _Python(names, "{name} = {value}")
    result = source.write(formula.root)
    lines = [f"# {headline(formula)}", "import numpy as np", ""]
    lines += [text.rstrip("\n") + "\n" for kind, text in _HELPERS.items() if kind in kinds]
    gaps = gap_inputs(formula.root)
    lines += [_FILLED.rstrip("\n") + "\n"] if gaps else []
    lines += ["", f"def {function}({', '.join(names.values())}):"]
    for variable in formula.inputs:
        word = names[variable.name]
        value = f"np.asarray({word}, dtype={'object' if variable.is_category else 'float'})"
        lines.append(f"    {word} = {f'_filled({value})' if variable.name in gaps else value}")
    lines += [f"    {statement}" for statement in source.statements]
    return "\n".join([*lines, f"    return {result}", ""])


class _Python(SourceWriter):
    def apply(self, function: str, argument: TextPart) -> TextPart:
        return self.spell(function_named(function).python, argument)

    def extreme(self, which: str, parts: list[TextPart]) -> TextPart:
        return nest_pairs(parts, lambda a, b: self.call(f"np.{which}imum", [a, b]))

    def power(self, node: Power, base: TextPart, exponent: TextPart) -> TextPart:
        if any(below.names for below in postorder(node.base)) or base.level == WORD:
            return super().power(node, base, exponent)
        # a plain number of Python that is negative has complex roots
        return self.call("np.power", [base, exponent])

    def raised(self, base: TextPart, exponent: TextPart) -> TextPart:
        return self.spell("@1**@2", base, exponent)

    def curve(self, curve: Curve, argument: TextPart) -> TextPart:
        given = [curve.low, curve.width, pieces_of(curve), curve.periodic]
        return self.call("_curve", [argument, *map(_part, given)])

    def step(self, step: Step, argument: TextPart) -> TextPart:
        return self.call("_step", [argument, *map(_part, (list(step.breakpoints), list(step.values)))])

    def table(self, table: Table) -> TextPart:
        columns = [TextPart(self.name(name), WORD) for name in table.inputs]
        return self.call("_table", [_part(dict(table.entries)), _part(table.fallback), *columns])


def _part(value: Any) -> TextPart:
    return TextPart(repr(value), WORD)
