"""See :mod:`kanopt.whatif.questions.prepare`."""

from kanopt.whatif.questions.prepare import (
    Prepared,
    as_it_is_text,
    base_result,
    prepare,
    refuse_folder,
    refuse_no_plan,
    require_scenario,
)

__all__ = [
    "Prepared",
    "as_it_is_text",
    "base_result",
    "prepare",
    "refuse_folder",
    "refuse_no_plan",
    "require_scenario",
]
