"""Formulas as source of Python, of JavaScript and of SQL: full precision, safe names, shared steps as statements."""

from __future__ import annotations

import builtins
import json
import keyword
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from kanopt.errors import FormulaError
from kanopt.formulas.base_formula import BaseFormula
from kanopt.formulas.functions import ATOM, FUNCTIONS, WORD, TextPart, Writer
from kanopt.formulas.nodes import Constant, Extreme, Input, Node, Power, fold, kind_of, postorder
from kanopt.formulas.pieces import Curve, Step, Table
from kanopt.formulas.variables import Variable

if TYPE_CHECKING:
    import sympy


def to_sympy(formula: BaseFormula) -> sympy.Expr:
    """Return a sympy expression of a formula without curves, steps and tables.

    Raises
    ------
    FormulaError
        If it has any, which sympy does not know, or a part of it has no finite value.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> to_sympy(parse_formula("0.5 * km^2", [Variable("km")], Variable("fuel")))
    0.5*km**2.0
    """
    import sympy

    if any(isinstance(node, Curve | Step | Table) for node in postorder(formula.root)):
        raise FormulaError(f"{formula.title}: sympy has no curves and tables; to_python computes them")
    # names of our own, so that no name of the user's is evaluated
    names = {name: f"_{place}" for place, name in enumerate(formula.used)}
    known: dict[str, Any] = {own: sympy.Symbol(name, real=True) for name, own in names.items()}
    for function in FUNCTIONS.values():
        if function.symbolic is not None:
            known[function.name] = partial(function.symbolic, sympy)
    known |= {"max": sympy.Max, "min": sympy.Min}
    try:
        return sympy.parse_expr(_Symbolic(names).write(formula.root), local_dict=known)
    except (TypeError, ValueError) as error:  # sympy's ways to say that an infinity is not comparable
        raise FormulaError(f"{formula.title}: a part of it has no finite value ({error})") from error


def identifiers(
    names: Iterable[str],
    reserved: Iterable[str],
    refused: Callable[[str], Any] = lambda word: None,
    fold: Callable[[str], str] = str,
) -> dict[str, str]:
    """Return for every name one in ASCII letters, digits and underscores, lengthened until it is distinct and allowed.

    Parameters
    ----------
    reserved, refused
        Words that it cannot be, and what tells others.
    fold
        What makes words alike that the language takes for one.

    Examples
    --------
    >>> identifiers(["distance_km", "Weight (kg)", "class"], {"class"})
    {'distance_km': 'distance_km', 'Weight (kg)': 'Weight_kg', 'class': 'class_'}
    """
    taken = set(reserved)
    found: dict[str, str] = {}
    for name in names:
        word = re.sub(r"\W+", "_", name, flags=re.ASCII).strip("_") or "x"
        word = f"x{word}" if word[0].isdigit() else word
        while fold(word) in taken or refused(word):
            word += "_"
        found[name] = word
        taken.add(fold(word))
    return found


def tell_apart(names: Iterable[str], output: str, where: str) -> None:
    """Refuse inputs whose names differ only in capitals, where these are the same column.

    Raises
    ------
    FormulaError
        If there are two, with both names.

    Examples
    --------
    >>> tell_apart(["km", "Km"], "fuel", "an Excel table")  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    ...
    kanopt.errors.FormulaError: formula for 'fuel': 'km' and 'Km' are the same column of an Excel table, ...
    """
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            raise FormulaError(
                f"formula for {output!r}: {other!r} and {name!r} are the same column of {where}, which does not tell "
                "capitals apart; rename one of the inputs"
            )


def nest_pairs(parts: list[TextPart], write: Callable[[TextPart, TextPart], TextPart]) -> TextPart:
    """Return a function of two arguments applied to many, as a balanced tree.

    Examples
    --------
    >>> parts = [TextPart(name, WORD) for name in "abc"]
    >>> nest_pairs(parts, lambda a, b: Writer().call("max", [a, b])).text
    'max(max(a, b), c)'
    """
    while len(parts) > 1:
        pairs = zip(parts[::2], parts[1::2], strict=False)
        parts = [write(a, b) for a, b in pairs] + (parts[-1:] if len(parts) % 2 else [])
    return parts[0]


class SourceWriter(Writer):
    """Infix notation at full precision, with statements for steps that are used more than once.

    Parameters
    ----------
    names
        Identifier of every input.
    assign
        Template of a statement that gives ``{name}`` the value ``{value}``; empty where the language has none.
    """

    times = " * "
    # deeper expressions are cut into statements, because parsers limit how far brackets nest
    deepest = 25

    def __init__(self, names: dict[str, str], assign: str = "") -> None:
        self.names = names
        self.assign = assign
        self.statements: list[str] = []
        self.uses: Counter[bytes] = Counter()

    def write(self, root: Node) -> str:
        """Return the expression of the result; the statements before it are in ``statements``."""
        self.uses = Counter(child.key for node in postorder(root) for child in node.children)
        return fold(root, self.visit).text

    def visit(self, node: Node, parts: list[TextPart]) -> TextPart:
        """Write one node; assign it to a name if that keeps the text short."""
        written = super().visit(node, parts)
        return self.bound(written) if self.needs_own_step(node, written) else written

    def needs_own_step(self, node: Node, written: TextPart) -> bool:
        """Return whether a node is written as a statement."""
        compound = not isinstance(node, Constant | Input | Power | Extreme)
        return bool(self.assign) and compound and (self.uses[node.key] > 1 or node.depth % self.deepest == 0)

    def bound(self, value: TextPart) -> TextPart:
        """Write a statement and return the name it gives the value."""
        name = f"step_{len(self.statements) + 1}"
        while name in self.names.values():
            name += "_"
        self.statements.append(self.assign.format(name=name, value=value.text))
        return TextPart(name, WORD)

    def spell(self, template: str, *parts: TextPart) -> TextPart:
        """Put parts into a template; one that occurs there more than once is given a name before."""
        marks = ["@"] if len(parts) == 1 else ["@1", "@2"]
        named = [
            part if template.count(mark) <= 1 else self.as_repeatable(part)
            for mark, part in zip(marks, parts, strict=True)
        ]
        return super().spell(template, *named)

    def as_repeatable(self, part: TextPart) -> TextPart:
        """Return a part that may be repeated: a name or number, if necessary the name of a new statement."""
        return part if not self.assign or part.level == WORD else self.bound(part)

    def number(self, value: float) -> str:
        """Write a number with enough digits to read back exactly."""
        return repr(value)

    def input(self, name: str) -> TextPart:
        """Write an input by its identifier."""
        return TextPart(self.names[name], WORD)


class _Symbolic(SourceWriter):
    language = "text"

    def raised(self, base: TextPart, exponent: TextPart) -> TextPart:
        return self.spell("@1**@2", base, exponent)


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
    """Return the source of a Python function on numpy arrays that needs nothing else; categories are text.

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
    """Return the source of a JavaScript function of one object with a property per input.

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
        used = [name for name in self.helpers if name in self.kinds]
        lines = [f"# {self.headline}", "import numpy as np", "", *(self.helpers[name] for name in used), ""]
        lines.append(f"def {self.function}({', '.join(self.names.values())}):")
        for variable in self.formula.inputs:
            word = self.names[variable.name]
            value = f"np.asarray({word}, dtype={'object' if variable.is_category else 'float'})"
            lines.append(f"    {word} = {value}")
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
        return f"text({column})" if variable.is_category else f"number(row[{column}])"

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


_LONGEST = 2_000_000
_SHADOWED = re.compile(
    "current_(catalog|date|role|schema|time|timestamp|user)|localtime|localtimestamp|session_user|user",
    re.IGNORECASE,
)
"""Names that DuckDB 1 and 2 take for functions of their own where a subquery reads a column outside it, even quoted."""


def to_sql(formula: BaseFormula) -> str:
    """Return one SQL expression over columns named as the inputs.

    It uses only functions available in SQLite 3.35, PostgreSQL and DuckDB, and is tested on SQLite and DuckDB. Columns
    are read as floating-point numbers, because whole and decimal ones overflow or are divided without a remainder. An
    argument that is needed more than once is computed in a scalar subquery. Where the formula is undefined, the
    expression is NULL or infinite, or raises the database's own error.

    Raises
    ------
    FormulaError
        If a name or category contains a backslash, which some databases treat as an escape; if two inputs differ only
        in capitals, which SQLite and DuckDB take for the same column; if a subquery would read a column such as
        ``user``, which DuckDB takes for a function; or if the text is over 2 million characters.

    Examples
    --------
    >>> from kanopt.formulas import Variable, parse_formula
    >>> to_sql(parse_formula("0.12 * km^2 / load", [Variable("km"), Variable("load")], Variable("fuel")))
    '0.12 * POWER(CAST("km" AS DOUBLE PRECISION), 2.0) / CAST("load" AS DOUBLE PRECISION)'
    """
    used = [variable for variable in formula.inputs if variable.name in formula.used]
    tell_apart([variable.name for variable in used], formula.output.name, "a table of SQLite or DuckDB")
    names = {variable.name: _column(variable) for variable in used}
    text = _Sql(names).write(formula.root)
    hidden = [name for name in names if _SHADOWED.fullmatch(name)] if "(SELECT" in text else []
    if hidden:
        raise FormulaError(
            f"{formula.title}: DuckDB takes the column {hidden[0]!r} for a function of its own "
            "in a subquery, which this formula needs; rename the input"
        )
    if len(text) > _LONGEST:
        raise FormulaError(f"{formula.title}: {len(text):,} characters of SQL are too many")
    return text


def _quoted(text: str, mark: str) -> str:
    if "\\" in text or "\x00" in text:
        raise FormulaError(
            f"{text!r} cannot be written in SQL: some databases take a backslash for an escape, and NUL for the end"
        )
    return f"{mark}{text.replace(mark, 2 * mark)}{mark}"


def _column(variable: Variable) -> str:
    column = _quoted(variable.name, '"')
    return column if variable.is_category else f"CAST({column} AS DOUBLE PRECISION)"


class _Sql(SourceWriter):
    """The SQL writer: expressions have no statements, so shared steps are repeated or bound in a subquery.

    Parameters
    ----------
    names
        How the column of every input is written. No alias has the name of a column, regardless of case.
    """

    language = family = "sql"

    def __init__(self, names: dict[str, str]) -> None:
        super().__init__(names)
        self.taken = {name.lower() for name in names}
        self.aliases = 0

    def alias(self) -> str:
        self.aliases += 1
        found = f"kanopt_{self.aliases}"
        return self.alias() if found in self.taken else found

    def spell(self, template: str, *parts: TextPart) -> TextPart:
        """Put parts into a template; one that occurs there more than once is computed once, in a subquery."""
        marks = ["@"] if len(parts) == 1 else ["@1", "@2"]
        named = [
            part if part.level == WORD or template.count(mark) <= 1 else TextPart(self.alias(), WORD)
            for mark, part in zip(marks, parts, strict=True)
        ]
        bound = [
            f"{part.text} AS {word.text}" for part, word in zip(parts, named, strict=True) if part != word
        ]
        filled = super().spell(template, *named)
        if not bound:
            return filled
        # without the limit a database may put the parts back where they are named, and parts of parts again
        source = f"(SELECT {', '.join(bound)} LIMIT 1) AS {self.alias()}"
        return TextPart(" ".join(["(SELECT", filled.text, "FROM", source]) + ")", ATOM)

    def raised(self, base: TextPart, exponent: TextPart) -> TextPart:
        return self.call("POWER", [base, exponent])

    def extreme(self, which: str, parts: list[TextPart]) -> TextPart:
        sign, other = (">=", "<") if which == "max" else ("<=", ">")
        # with NULL neither comparison holds, so that NULL comes out
        larger = f"CASE WHEN @1 {sign} @2 THEN @1 WHEN @1 {other} @2 THEN @2 END"
        return nest_pairs(parts, lambda a, b: self.spell(larger, a, b))

    def label(self, label: str) -> str:
        """Write a category."""
        return _quoted(label, "'")
