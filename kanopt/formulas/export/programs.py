"""Formulas as source of Python and of JavaScript: one function, with helpers for curves, steps and tables."""

from __future__ import annotations

import builtins
import json
import keyword
import re
from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.columns import GAP
from kanopt.formulas.export.source import SourceWriter, identifiers, nest_pairs
from kanopt.formulas.nodes import kind_of, postorder
from kanopt.formulas.pieces import gap_inputs
from kanopt.formulas.spelling import WORD, TextPart
from kanopt.formulas.variables import Variable

_PYTHON = {
    "curve": '''
def _curve(x, low, width, periodic, pieces):
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
''',
    "step": '''
def _step(x, breakpoints, values):
    """Staircase: values[k] from breakpoints[k - 1] up to breakpoints[k]."""
    return np.where(np.isnan(x), np.nan, np.array(values)[np.searchsorted(breakpoints, x, side="right")])
''',
    "table": '''
def _table(entries, fallback, *columns):
    """One number per combination of categories; KeyError where there is neither entry nor fallback."""
    def find(*key):
        return entries[key] if fallback is None else entries.get(key, fallback)
    return np.vectorize(find, otypes=[float])(*columns)
''',
    "filled": '''
def _filled(column):
    """Categories, with "missing" where there is none."""
    def fill(value):
        gap = value is None or (not isinstance(value, str) and str(value) in ("nan", "NaT", "<NA>"))
        return "missing" if gap else value
    return np.vectorize(fill, otypes=[object])(column)
''',
}
_JAVASCRIPT_WORDS = (
    "arguments await break case catch class const continue debugger default delete do else enum eval export extends "
    "false finally for function if implements import in instanceof interface let new null package private protected "
    "public return static super switch this throw true try typeof undefined NaN Infinity var void while with yield "
    "Math Map Number String JSON RangeError row number text curve step table"
)
_JAVASCRIPT = {
    "curve": """\
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
  };""",
    "step": """\
  const step = (x, breakpoints, values) =>
    Number.isNaN(x) ? NaN : values[breakpoints.filter((edge) => edge <= x).length];""",
    "table": """\
  const table = (entries, fallback, ...key) => {
    const found = new Map(entries).get(JSON.stringify(key.map(String)));
    if (found !== undefined) return found;
    if (fallback !== null) return fallback;
    throw new RangeError("no entry for " + key.join(", "));
  };""",
    # Number(null) and Number("") are 0, and String(null) is "null": what is missing must not become a value
    "number": """\
  const number = (x) => (String(x ?? "").trim() === "" ? NaN : Number(x));""",
    "text": """\
  const text = (name) => {
    if (row[name] === null || row[name] === undefined) throw new RangeError("no value for " + name);
    return String(row[name]);
  };""",
}


def to_python(formula: BaseFormula) -> str:
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
    return _Python(formula).program()


def to_javascript(formula: BaseFormula) -> str:
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
    return _JavaScript(formula).program()


class _Program(SourceWriter):
    """A language of programs, and a formula in it."""

    family: ClassVar[str] = "program"
    helpers: ClassVar[Mapping[str, str]]
    """Source of what is called for a kind of node, by the word for the kind, and of what reads inputs."""
    reserved: ClassVar[Collection[str]]
    """Words that no input can have."""
    taken: ClassVar[Collection[str]]
    """Words that the function cannot have, whose name the helpers see."""
    prefix = ""
    """Before the name of a helper."""

    def __init__(self, formula: BaseFormula, assign: str) -> None:
        super().__init__(identifiers([variable.name for variable in formula.inputs], self.reserved), assign)
        self.formula = formula
        self.function = identifiers([formula.output.name], self.taken)[formula.output.name]
        self.gaps = gap_inputs(formula.root)
        self.kinds = {kind_of(type(node)) for node in postorder(formula.root)}

    @property
    def headline(self) -> str:
        """What it computes, in one line: safe in a comment, since names contain no line breaks."""
        inputs = ", ".join(map(str, self.formula.inputs))
        return f"{self.formula.output} = {self.formula}" + (f", from {inputs}" if inputs else "")

    @abstractmethod
    def program(self) -> str:
        """Return the whole source."""

    @abstractmethod
    def entries(self, entries: Sequence[tuple[tuple[str, ...], float]]) -> TextPart:
        """Write the entries of a table."""

    @abstractmethod
    def literal(self, value: Any) -> TextPart:
        """Write a value of Python's plain types."""

    def helper(self, name: str, arguments: Sequence[TextPart]) -> TextPart:
        """Write a call of a helper."""
        return self.call(f"{self.prefix}{name}", arguments)


class _Python(_Program):
    language = "python"
    helpers = _PYTHON
    reserved: ClassVar = {*keyword.kwlist, "np", *(f"_{name}" for name in _PYTHON)}
    # its name is seen by the helpers, too, which call len and int
    taken: ClassVar = {*reserved, *dir(builtins)}
    prefix = "_"

    def __init__(self, formula: BaseFormula) -> None:
        super().__init__(formula, "{name} = {value}")
        self.arrays = {"np", *self.names.values()}

    def program(self) -> str:
        result = self.write(self.formula.root)
        used = [name for name in self.helpers if name in self.kinds or (name == "filled" and self.gaps)]
        lines = [f"# {self.headline}", "import numpy as np", "", *(self.helpers[name] for name in used), ""]
        lines.append(f"def {self.function}({', '.join(self.names.values())}):")
        for variable in self.formula.inputs:
            word = self.names[variable.name]
            value = f"np.asarray({word}, dtype={'object' if variable.is_category else 'float'})"
            lines.append(f"    {word} = {f'_filled({value})' if variable.name in self.gaps else value}")
        lines += [f"    {statement}" for statement in self.statements]
        return "\n".join([*lines, f"    return {result}", ""])

    def extreme(self, which: str, parts: list[TextPart]) -> TextPart:
        return nest_pairs(parts, lambda a, b: self.call(f"np.{which}imum", [a, b]))

    def power(self, base: TextPart, exponent: TextPart, value: float | None) -> TextPart:
        if self._is_array(base.text) or (base.text[0].isdigit() and base.level == WORD):
            return super().power(base, exponent, value)
        # a plain number of Python that is negative has complex roots
        return self.call("np.power", [base, exponent])

    def bound(self, value: TextPart) -> TextPart:
        named = super().bound(value)
        self.arrays |= {named.text} if self._is_array(value.text) else set()
        return named

    def _is_array(self, text: str) -> bool:
        """Whether numpy computes an expression: it reads an input, or calls numpy."""
        return not self.arrays.isdisjoint(re.findall(r"[^\W\d]\w*", text))

    def raised(self, base: TextPart, exponent: TextPart) -> TextPart:
        return self.spell("@1**@2", base, exponent)

    def entries(self, entries: Sequence[tuple[tuple[str, ...], float]]) -> TextPart:
        return self.literal(dict(entries))

    def literal(self, value: Any) -> TextPart:
        return TextPart(repr(value), WORD)


class _JavaScript(_Program):
    language = "javascript"
    helpers = _JAVASCRIPT
    reserved = taken = _JAVASCRIPT_WORDS.split()

    def __init__(self, formula: BaseFormula) -> None:
        super().__init__(formula, "const {name} = {value};")

    def program(self) -> str:
        result = self.write(self.formula.root)
        read = [variable for variable in self.formula.inputs if variable.name in self.formula.used]
        used = self.kinds | {"text" if variable.is_category else "number" for variable in read}
        lines = [f"// {self.headline.replace('<', '‹')}", f"function {self.function}(row) {{"]
        lines += [text for name, text in self.helpers.items() if name in used]
        lines += [f"  const {self.names[variable.name]} = {self._read(variable)};" for variable in read]
        lines += [f"  {statement}" for statement in self.statements]
        return "\n".join([*lines, f"  return {result};", "}", ""])

    def _read(self, variable: Variable) -> str:
        column = self.literal(variable.name).text
        value = f"text({column})" if variable.is_category else f"number(row[{column}])"
        filled = f"row[{column}] == null ? {self.literal(GAP).text} : "
        return filled + value if variable.name in self.gaps else value

    def extreme(self, which: str, parts: list[TextPart]) -> TextPart:
        return self.call(f"Math.{which}", parts)

    def raised(self, base: TextPart, exponent: TextPart) -> TextPart:
        return self.call("Math.pow", [base, exponent])

    def entries(self, entries: Sequence[tuple[tuple[str, ...], float]]) -> TextPart:
        # the keys as JavaScript's own JSON.stringify spells them, without spaces
        keys = (json.dumps(key, separators=(",", ":"), ensure_ascii=False) for key, _ in entries)
        return self.literal([[key, number] for key, (_, number) in zip(keys, entries, strict=True)])

    def literal(self, value: Any) -> TextPart:
        # so that no text of the user's ends the <script> element that the source may be put into
        return TextPart(json.dumps(value).replace("<", "\\u003c"), WORD)
