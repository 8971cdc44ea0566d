"""Formulas as JavaScript source."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from kanopt.formulas.columns import GAP
from kanopt.formulas.export.source import SourceWriter, headline, identifiers, pieces_of
from kanopt.formulas.functions import function_named
from kanopt.formulas.nodes import postorder
from kanopt.formulas.pieces import Curve, Step, Table, gap_inputs
from kanopt.formulas.printing import WORD, TextPart

if TYPE_CHECKING:
    from kanopt.formulas.formula import Formula

__all__ = ["to_javascript"]

_WORDS = (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends "
    "false finally for function if implements import in instanceof interface let new null package private protected "
    "public return static super switch this throw true try typeof undefined NaN Infinity var void while with yield "
    "Math Map Number String JSON RangeError row number text curve stair table"
)
_CURVE = """\
  const curve = (x, low, width, periodic, pieces) => {
    const n = pieces.length;
    const place = (x - low) / width;
    const inside = periodic ? place - n * Math.floor(place / n) : Math.min(Math.max(place, 0), n);
    const span = Math.min(Math.floor(inside), n - 1);
    if (Number.isNaN(span)) return NaN;
    const t = inside - span;
    const [c0, c1, c2, c3] = pieces[span];
    const value = c0 + t * (c1 + t * (c2 + t * c3));
    if (periodic || place === inside) return value;
    const [, l1, l2, l3] = pieces[n - 1];
    return place < 0 ? value + pieces[0][1] * place : value + (l1 + 2 * l2 + 3 * l3) * (place - n);
  };"""
_STEP = """\
  const stair = (x, breakpoints, values) =>
    Number.isNaN(x) ? NaN : values[breakpoints.filter((edge) => edge <= x).length];"""
_TABLE = """\
  const table = (entries, fallback, ...key) => {
    const found = new Map(entries).get(JSON.stringify(key.map(String)));
    if (found !== undefined) return found;
    if (fallback !== null) return fallback;
    throw new RangeError("no entry for " + key.join(", "));
  };"""
# Number(null) and Number("") are 0, and String(null) is "null": what is missing must not become a value
_NUMBER = """\
  const number = (x) => (String(x ?? "").trim() === "" ? NaN : Number(x));"""
_CATEGORY = """\
  const text = (name) => {
    if (row[name] === null || row[name] === undefined) throw new RangeError("no value for " + name);
    return String(row[name]);
  };"""
_HELPERS = {Curve: _CURVE, Step: _STEP, Table: _TABLE}


def to_javascript(formula: Formula) -> str:
    """Return the source of one function of a row object; see :meth:`kanopt.formulas.Formula.to_javascript`.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> print(to_javascript(parse_formula("0.12 * km^2", [Variable("km", "km")], Variable("fuel", "l"))))
    // fuel [l] = 0.12 · km^2, from km [km]
    function fuel(row) {
      const number = (x) => (String(x ?? "").trim() === "" ? NaN : Number(x));
      const km = number(row["km"]);
      return 0.12 * Math.pow(km, 2.0);
    }
    <BLANKLINE>
    """
    names = identifiers([variable.name for variable in formula.inputs], _WORDS.split())
    function = identifiers([formula.output.name], _WORDS.split())[formula.output.name]
    kinds = {type(node) for node in postorder(formula.root)}
    source = _JavaScript(names, "const {name} = {value};")
    result = source.write(formula.root)
    lines = [f"// {headline(formula).replace('<', '‹')}", f"function {function}(row) {{"]
    lines += [text for kind, text in _HELPERS.items() if kind in kinds]
    read = [variable for variable in formula.inputs if variable.name in formula.used]
    gaps = gap_inputs(formula.root)
    categorical = {variable.is_category for variable in read}
    lines += [text for kind, text in ((False, _NUMBER), (True, _CATEGORY)) if kind in categorical]
    for variable in read:
        column = _literal(variable.name)
        value = f"text({column})" if variable.is_category else f"number(row[{column}])"
        if variable.name in gaps:
            value = f"row[{column}] == null ? {_literal(GAP)} : {value}"
        lines.append(f"  const {names[variable.name]} = {value};")
    lines += [f"  {statement}" for statement in source.statements]
    lines += [f"  return {result};", "}", ""]
    return "\n".join(lines)


def _literal(value: Any) -> str:
    # so that no text of the user's ends the <script> element that the source may be put into
    return json.dumps(value).replace("<", "\\u003c")


def _part(value: Any) -> TextPart:
    return TextPart(_literal(value), WORD)


class _JavaScript(SourceWriter):
    def apply(self, function: str, argument: TextPart) -> TextPart:
        return self.spell(function_named(function).javascript, argument)

    def extreme(self, which: str, parts: list[TextPart]) -> TextPart:
        return self.call(f"Math.{which}", parts)

    def raised(self, base: TextPart, exponent: TextPart) -> TextPart:
        return self.call("Math.pow", [base, exponent])

    def curve(self, curve: Curve, argument: TextPart) -> TextPart:
        given = [curve.low, curve.width, curve.periodic, pieces_of(curve)]
        return self.call("curve", [argument, *map(_part, given)])

    def step(self, step: Step, argument: TextPart) -> TextPart:
        return self.call("stair", [argument, _part(step.breakpoints), _part(step.values)])

    def table(self, table: Table) -> TextPart:
        # the keys as JavaScript's own JSON.stringify spells them, without spaces
        entries = [
            [json.dumps(key, separators=(",", ":"), ensure_ascii=False), number]
            for key, number in table.entries
        ]
        columns = [TextPart(self.name(name), WORD) for name in table.inputs]
        return self.call("table", [_part(entries), _part(table.fallback), *columns])
