"""The exceptions and warnings of kanopt, in one tree.

::

    KanoptError
    ├── TableError      (ValueError)    a table: file, row, column, value
    ├── UnitError       (ValueError)    a unit that is unknown or does not convert
    ├── FitError        (ValueError)    a law that cannot be learned from these data
    ├── FormulaError    (ValueError)    a formula that cannot be read, evaluated or trusted
    ├── ProblemError    (ValueError)    a problem whose data contradict each other
    ├── ScenarioError   (ValueError)    a scenario file, every mistake at once
    │   └── NoPlanError                 a question about a plan, of which there is none
    ├── ArgumentError   (TypeError)     an argument that there is not
    ├── FileFormatError (ValueError)    a saved file that is not what it says it is
    ├── PlotError       (ValueError)    a picture that there is no room for, or nothing to draw in
    └── SolverError     (RuntimeError)  a solver that failed or cannot take the problem

    KanoptWarning (UserWarning)
    └── DomainWarning                   a law used outside the data it was learned from

Each is also a standard exception, so that ``except ValueError`` keeps working. A message names
the thing, the value, the place and what to do. An infeasible problem is not an error: it is a
:class:`~kanopt.plans.result.Result` with a status and reasons.
"""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import wraps
from inspect import signature
from types import FrameType
from typing import Any, Self, TypeVar, cast

__all__ = [
    "ArgumentError",
    "FileFormatError",
    "FitError",
    "FormulaError",
    "Issue",
    "NoPlanError",
    "PlotError",
    "ProblemError",
    "ScenarioError",
    "SolverError",
    "TableError",
    "UnitError",
]
_LONGEST = 1_000
CallT = TypeVar("CallT", bound=Any)


class KanoptError(Exception):
    """Base of every exception raised on purpose by kanopt; long lines are cut in their middle, between words.

    Attributes
    ----------
    law, reference
        The law that it is about, and what of the problem that is bound to, such as ``"arc.distance"``; empty where it
        is about none.
    """

    law: str = ""
    reference: str = ""

    def __init__(self, *arguments: object) -> None:
        super().__init__(*(_cut(one) if isinstance(one, str) else one for one in arguments))

    def about(self, law: str, reference: str = "") -> Self:
        """Return the error with the law that it is about, where that was not known before."""
        if not self.law:
            self.law, self.reference = law, reference
        return self


def _cut(text: str) -> str:
    if len(text) <= _LONGEST:
        return text
    return "\n".join(line if len(line) <= _LONGEST else _cut_line(line) for line in text.split("\n"))


def _cut_line(line: str) -> str:
    half = _LONGEST // 2 - 2
    head, tail = line[:half], line[-half:]
    # a word may be as long as the line
    head = head[: head.rfind(" ", half // 2)] if " " in head[half // 2 :] else head
    tail = tail[tail.find(" ", 0, half // 2) + 1 :]
    return f"{head} … {tail}"


class TableError(KanoptError, ValueError):
    """A table that cannot be read or does not meet its schema.

    Parameters
    ----------
    message
        What is wrong, a text or its parts (:data:`kanopt.faults.Message`).

    Attributes
    ----------
    message
        The same, for whoever has other words than Python.
    faults
        Where it is about texts on how to read the table: the key of each, such as ``("derive", "minutes")`` or
        ``("drop_where", 0)``, and what is wrong with it.
    """

    def __init__(
        self, message: Any = "", *, faults: Sequence[tuple[tuple[str | int, ...], Any]] = ()
    ) -> None:
        super().__init__(message if isinstance(message, str) else "".join(map(str, message)))
        self.message = message
        self.faults = tuple(faults)


class UnitError(KanoptError, ValueError):
    """A unit that is unknown, or a conversion between units that do not measure the same thing."""


class FitError(KanoptError, ValueError):
    """A law that cannot be learned from the data given."""


class FormulaError(KanoptError, ValueError):
    """A formula that cannot be read or evaluated, or that predicts too poorly to be used."""


class LawValueError(FormulaError):
    """A law that says what cannot be where a plan uses it: a time or an amount below zero."""


class ProblemError(KanoptError, ValueError):
    """A problem whose data contradict each other or miss something.

    Attributes
    ----------
    faults
        The mistakes as data (:class:`kanopt.faults.Fault`), where they are known as such.
    """

    def __init__(self, *arguments: object, faults: Sequence[object] = ()) -> None:
        super().__init__(*arguments)
        self.faults = tuple(faults)

    @classmethod
    def of(cls, faults: Sequence[object]) -> ProblemError:
        """Return the error that lists mistakes, one a line."""
        return cls("\n".join(map(str, faults)), faults=faults)


class ArgumentError(KanoptError, TypeError):
    """An argument that a function or a class does not have."""


class FileFormatError(KanoptError, ValueError):
    """A saved file that is damaged, of another kind, or of a newer version."""


class PlotError(KanoptError, ValueError):
    """A picture that cannot be drawn: on what is no axes, or of something that has none."""


class SolverError(KanoptError, RuntimeError):
    """A solver that failed, or that cannot take the problem it was asked for by name."""


@dataclass(frozen=True)
class Issue:
    """One mistake in a file.

    Parameters
    ----------
    file, line
        Where it stands; ``line`` counts from 1 and is 0 where the file as a whole is meant.
    key
        The dotted key, such as ``surrogates.travel_time.target``.
    message
        What is wrong and what to write instead.

    Examples
    --------
    >>> str(Issue("city.toml", 7, "problem.kind", "unknown kind 'ruting'; did you mean 'routing'?"))
    "city.toml:7: problem.kind: unknown kind 'ruting'; did you mean 'routing'?"
    """

    file: str
    line: int
    key: str
    message: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", _cut(self.message))

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        line = f"{place}: {self.key}: {self.message}" if self.key else f"{place}: {self.message}"
        # a text that cannot be printed is what some messages are about
        return line.encode(errors="backslashreplace").decode()


class ScenarioError(KanoptError, ValueError):
    """Everything that is wrong with a scenario file, one line per mistake.

    Attributes
    ----------
    issues
        The mistakes, in the order of the file.
    """

    def __init__(self, issues: Sequence[Issue]) -> None:
        self.issues: tuple[Issue, ...] = tuple(issues)
        super().__init__("\n".join(str(issue) for issue in self.issues))


class NoPlanError(ScenarioError):
    """A question about the plan of a scenario that has none.

    Attributes
    ----------
    status
        How the search for one ended, in the words of :class:`~kanopt.Status`.
    """

    def __init__(self, issue: Issue, status: str) -> None:
        super().__init__([issue])
        self.status = status


class KanoptWarning(UserWarning):
    """Base of every warning issued by kanopt."""


class DomainWarning(KanoptWarning):
    """A law used outside the data it was learned from."""


def warn_user(message: str, category: type[KanoptWarning] = KanoptWarning) -> None:
    """Warn at the line of the user's code from which kanopt was called, however deep the mistake is found."""
    frame: FrameType | None = sys._getframe(1)
    level = users = 2
    while frame is not None:
        # what dataclasses and functools put in between counts as kanopt's where kanopt stands behind it
        if frame.f_globals.get("__name__", "").partition(".")[0] == "kanopt":
            users = level + 1
        frame, level = frame.f_back, level + 1
    warnings.warn(_cut(message), category, stacklevel=users)


_COMPARED = 2_000_000


def nearest(name: str, known: Iterable[str], are: str = "known") -> str:
    """Return a hint that names the known word closest to `name`, to end an error message; `are` says what they are.

    Examples
    --------
    >>> nearest("dist_km", ["distance_km", "load_t"])
    "did you mean 'distance_km'?"
    >>> nearest("x", ["distance_km", "load_t"])
    "known: 'distance_km', 'load_t'"
    >>> nearest("x", [], "given")
    'none is given'
    """
    words = sorted(set(known))
    # to compare takes a microsecond a letter and more: not among so many that the error would be late
    few = len(name) * sum(map(len, words)) <= _COMPARED
    close = get_close_matches(name, words, n=1, cutoff=0.6) if few else []
    if close:
        return f"did you mean {close[0]!r}?"
    if not words:
        return f"none is {are}"
    shown = ", ".join(repr(word) for word in words[:12])
    return f"{are}: {shown}" + (", …" if len(words) > 12 else "")


_IN_OPTIONS = ("seed", "time_limit", "repeats", "workers", "out", "relearn", "dask")


def knows_arguments(asked: CallT) -> CallT:
    """Tell of an argument that a function or a class does not have in a sentence, as of a column.

    Examples
    --------
    >>> knows_arguments(lambda seed=0: seed)(sed=1)
    Traceback (most recent call last):
    ...
    kanopt.errors.ArgumentError: <lambda> has no 'sed'; did you mean 'seed'?
    """
    makes: Any = asked.__init__ if isinstance(asked, type) else asked  # type: ignore[misc]
    known = [name for name in signature(makes).parameters if name != "self"]

    @wraps(makes)
    def call(*given: Any, **named: Any) -> Any:
        for name in named:
            if name not in known:
                hint = nearest(name, known)
                if "options" in known and name in _IN_OPTIONS:
                    hint = f"give it by options=ko.SweepOptions({name}=…)"
                raise ArgumentError(f"{asked.__name__} has no {name!r}; {hint}")
        return makes(*given, **named)

    if not isinstance(asked, type):
        return cast("CallT", call)
    asked.__init__ = call  # type: ignore[misc]
    return asked
