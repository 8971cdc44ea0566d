"""The script that lets HiGHS search in a process of its own, see :mod:`kanopt.worker`.

Measured with highspy 1.16: it calls back with incumbents and bounds and runs beside other threads, but notices a
request to stop between long steps only (4.5 s late in the root node of a model with 18,000 variables, later in larger
ones), and where it crashes it takes the program with it. So it runs in a process that can be ended. Beside highspy and
NumPy this file imports :mod:`kanopt.worker` alone, so that it starts quickly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import highspy
import numpy as np

if TYPE_CHECKING:
    from kanopt.worker import Channel


def work(order: dict[str, Any], channel: Channel) -> str:
    """Search; send incumbents, bounds and in the end the solution. Return the status of the model.

    Parameters
    ----------
    order
        ``model``: the arrays of a model; ``options`` of HiGHS; ``hint``: a point to start from, or None.
    channel
        Is sent ``{"bound": …}``, with ``objective`` and ``values`` where there is a point.
    """
    highs = highspy.Highs()
    for name, value in order["options"].items():
        highs.setOptionValue(name, value)
    if highs.passModel(_model(order["model"])) == highspy.HighsStatus.kError:
        raise ValueError("HiGHS refused the model")

    def on_point(values: Any, price: float, bound: float) -> None:
        channel.send({"bound": bound, "objective": price, "values": np.asarray(values).tolist()})

    watch(highs, order["hint"], on_point, lambda bound: channel.send({"bound": bound}))
    highs.run()
    status, info = highs.getModelStatus(), highs.getInfo()
    whole = bool(np.any(order["model"]["integer"]))
    solved = status == highspy.HighsModelStatus.kOptimal
    message: dict[str, Any] = {"bound": None}
    if info.primal_solution_status == highspy.SolutionStatus.kSolutionStatusFeasible:
        message["values"] = list(highs.getSolution().col_value)
        message["objective"] = info.objective_function_value
    if status == highspy.HighsModelStatus.kModelEmpty:
        message = {"bound": 0.0, "objective": 0.0, "values": []}
    elif whole:
        message["bound"] = info.mip_dual_bound
    elif solved:
        message["bound"] = info.objective_function_value
    channel.send(message)
    return str(status.name)


def watch(
    highs: Any,
    hint: Any,
    on_point: Callable[[Any, float, float], None],
    on_bound: Callable[[float], None],
) -> None:
    """Let HiGHS begin its branching at a point, where one is given, and tell of incumbents and bounds."""
    starts = [] if hint is None else [hint]

    def give_start(event: Any) -> None:
        if starts:
            event.data_in.setSolution(starts.pop())

    def on_solution(event: Any) -> None:
        data = event.data_out
        on_point(data.mip_solution, data.objective_function_value, data.mip_dual_bound)

    # not by setSolution: HiGHS 1.16 then leaves out what presolve has taken from the price
    highs.cbMipUserSolution += give_start
    highs.cbMipImprovingSolution += on_solution
    highs.cbMipLogging += lambda event: on_bound(event.data_out.mip_dual_bound)


def _model(given: dict[str, Any]) -> Any:
    """Return the model as HiGHS reads it: entries of the matrix row by row."""
    model = highspy.HighsLp()
    model.num_col_, model.num_row_ = len(given["cost"]), len(given["row_lower"])
    model.col_cost_, model.col_lower_, model.col_upper_ = given["cost"], given["lower"], given["upper"]
    model.row_lower_, model.row_upper_ = given["row_lower"], given["row_upper"]
    kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
    model.integrality_ = [kinds[int(whole)] for whole in given["integer"]]
    order = np.lexsort((given["columns"], given["rows"]))
    counts = np.bincount(given["rows"], minlength=model.num_row_)
    matrix = model.a_matrix_
    matrix.format_ = highspy.MatrixFormat.kRowwise
    matrix.start_ = np.concatenate([[0], np.cumsum(counts)])
    matrix.index_, matrix.value_ = given["columns"][order], given["values"][order]
    return model


if __name__ == "__main__":
    from kanopt.worker import serve

    serve(work)
