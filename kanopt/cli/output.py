"""What commands write: text for people, JSON for machines, files beside the report."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kanopt.files import check_target, csv_text, file_name, replace_file

if TYPE_CHECKING:
    import pandas as pd

    from kanopt.plans.result import Result
    from kanopt.questions import Comparison
    from kanopt.scenarios import LearnedLaw, Run, Scenario

_COVERAGE = ("text", "served", "wanted", "unit", "things", "left_out")
_CONSTANT = ("name", "value", "standard_error")
_MEASURES = ("r2", "rmse", "mae", "ratio", "rows_train", "rows_test")


def check_outputs(outputs: Iterable[Path], inputs: Iterable[Path], exported: Iterable[Path] = ()) -> None:
    """Refuse files that cannot be written, before anything is learned or solved.

    Parameters
    ----------
    outputs
        What is to be written.
    inputs
        What is read, and must not be replaced.
    exported
        Further files to be written, none into a folder of what is read: tables of a plan among those it was made from
        are taken for inputs the next time.

    Raises
    ------
    OSError
        If there is no writing where a file is to go.
    click.UsageError
        If a file is to replace one that is read, or another that is written, or is a link to one in another folder, or
        an export is to lie beside what is read.
    """
    read, written = {path.resolve() for path in inputs}, set[Path]()
    exports, folders = list(exported), {path.parent for path in read if path.suffix != ".toml"}
    for path in [*outputs, *exports]:
        check_target(path)
        if path.resolve() in read:
            raise click.UsageError(
                f"{path} is read, and would be replaced by what is written; name another file"
            )
        if path.resolve() in written:
            raise click.UsageError(
                f"{path} would be written twice, the second time over the first; give the report another name"
            )
        written.add(path.resolve())
        # a folder from a stranger may hold the link where a report goes by itself
        if path.is_symlink() and path.resolve().parent != path.parent.resolve():
            raise click.UsageError(
                f"{path} is a link to {path.resolve()}, in another folder, which would be replaced; remove the link, "
                "or name the file itself"
            )
    for path in exports:
        if path.resolve().parent in folders:
            raise click.UsageError(
                f"--export would write {path.name} into {path.parent.resolve()}, where tables lie that are read; name "
                "another folder by --out or --report, such as reports"
            )


def input_files(scenario: Scenario) -> list[Path]:
    """Return the files that a scenario and its tables were read from."""
    from kanopt.tables import report_of

    files = [document.path for document in scenario.layers.documents]
    return [*files, *(Path(report_of(frame).source) for frame in scenario.tables.values())]


def to_json(data: Any) -> str:
    """Return JSON; numbers that JSON lacks become null."""
    return json.dumps(_json_value(data), indent=2, ensure_ascii=False, allow_nan=False)


def _json_value(value: Any) -> Any:
    if hasattr(value, "to_json"):
        value = value.to_json()
    if isinstance(value, Mapping):
        return {str(key): _json_value(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(inner) for inner in value]
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _some(thing: Any, names: Iterable[str]) -> dict[str, Any] | None:
    """Return some attributes by their names; None of nothing."""
    return None if thing is None else {name: getattr(thing, name) for name in names}


def law_lines(laws: Iterable[LearnedLaw]) -> list[str]:
    """Return the laws as a person reads them: formula, then fit and trust, and what explains the rows as well."""
    from kanopt.formulas.alternatives import approximation_text, rivals_text
    from kanopt.formulas.validity import table_texts

    lines = []
    for law in laws:
        unit = f" [{law.formula.output.unit}]" if law.formula.output.unit else ""
        lines.append(f"{law.name}{unit} = {law.formula}")
        lines += [f"    {text}" for text in table_texts(law.formula)]
        fit = law.formula.fit
        notes = [str(fit)] if fit is not None else []
        notes += [law.note] if law.note else []
        notes += [] if law.trusted else ["LOW TRUST"]
        lines += [f"    {'; '.join(notes)}"] if notes else []
        verdict = law.formula.verdict
        lines += [f"    verdict: {verdict}"] if verdict is not None and fit is not None else []
        lines += [f"    to clean: {text}" for text in law.cleaning]
        told = filter(None, (approximation_text(law.formula), rivals_text(law.formula)))
        lines += [f"    {text}" for text in told]
    return lines


def law_json(law: LearnedLaw) -> dict[str, Any]:
    """Return a law as plain data."""
    fit, units = law.formula.fit, law.formula.dimensions()
    constants = [
        {**{name: getattr(each, name) for name in _CONSTANT}, "unit": units.unit_of(each)}
        for each in law.formula.constants
    ]
    return {
        "formula": str(law.formula),
        "unit": law.formula.output.unit,
        "inputs": {variable.name: variable.unit for variable in law.formula.inputs},
        "constants": constants,
        "rivals": [each.text for each in law.formula.alternatives if each.rival],
        "fit": _some(fit, _MEASURES),
        "trusted": law.trusted,
        "verdict": law.formula.verdict,
        "note": law.note,
        "cleaning": list(law.cleaning),
    }


def result_json(result: Result) -> dict[str, Any]:
    """Return a result as plain data."""
    pricing = result.pricing
    return {
        "status": result.status.value,
        "coverage": _some(result.coverage, _COVERAGE),
        "objective": result.objective,
        "unit": result.problem.unit,
        "bound": result.bound,
        "gap": result.gap,
        "days_in_time": result.days_in_time,
        "money_at_stake": result.money_at_stake,
        "caveats": [] if result.assessment is None else list(result.assessment.law_caveats),
        "terms": {} if pricing is None else pricing.terms().to_dict(),
        "violations": [violation.message for violation in result.check.violations],
        "solver": result.solver,
        "seed": result.seed,
        "seconds": result.wall_seconds,
        "interrupted": result.interrupted,
    }


def run_json(run: Run) -> dict[str, Any]:
    """Return a run as plain data."""
    why = run.explanation
    return {
        "scenario": run.scenario.name,
        "kind": run.scenario.kind,
        "changes": list(run.scenario.change_sentences()),
        "unanswered": [str(issue) for issue in run.scenario.unanswered()],
        **result_json(run.result),
        "reasons": why.reasons().to_dict("records"),
        "outside": why.outside().to_dict("records"),
        "frozen": why.frozen().to_dict("records"),
        "today": None if run.today is None else result_json(run.today),
        "laws": {name: law_json(law) for name, law in run.laws.items()},
        "provenance": dict(run.provenance),
    }


def comparison_json(comparison: Comparison) -> dict[str, Any]:
    """Return what is told of a comparison beside its tables."""
    return {
        "base": comparison.base.scenario.name,
        "changes": {each.name: list(comparison.changes_of(each)) for each in comparison.variants},
        "terms": comparison.terms.to_dict("records"),
        "notes": list(comparison.notes),
        "old_plans": {each.name: comparison.old_plan_note(each) for each in comparison.variants},
        "results": {run.scenario.name: result_json(run.result) for run in comparison.runs},
        "interrupted": comparison.interrupted,
    }


def save_table(frame: pd.DataFrame, path: Path) -> Path:
    """Write a frame as CSV, in which no text is a formula to a spreadsheet."""
    return replace_file(path, csv_text(frame), make_folders=True)


def law_files(names: Iterable[str], folder: Path | None) -> list[Path]:
    """Return the files that laws are saved in; none where there is no folder."""
    return [] if folder is None else [folder / file_name(name, ".json") for name in names]


def save_laws(laws: Iterable[LearnedLaw], folder: Path) -> list[Path]:
    """Write each law as the JSON that a scenario reads with ``file = "…"``."""
    by_name = {law.name: law.formula for law in laws}
    return [
        replace_file(path, formula.to_json(), make_folders=True)
        for path, formula in zip(law_files(by_name, folder), by_name.values(), strict=True)
    ]


@contextmanager
def save_laws_on_interrupt(folder: Path | None) -> Iterator[None]:
    """On Ctrl-C while laws are learned, write those that were finished to a folder, and say so."""
    from kanopt.scenarios.learn import LearningInterrupted

    try:
        yield
    except LearningInterrupted as stopped:
        if folder is None or not stopped.laws:
            raise
        save_laws(stopped.laws.values(), folder)
        raise KeyboardInterrupt(f"{stopped}, written to {folder}") from None
