"""The process in which HiGHS runs: reads a model from a folder, writes the answer there.

HiGHS runs in a process of its own for three reasons, each measured with OR-Tools 9.15: it offers neither
callbacks nor interruption (MathOpt's interrupter has no effect on it), so that only ending its process stops it;
it prints to standard output now and then, where results belong; and the number of its threads is fixed by the
first solve of a process.

This file is run as a script and imports nothing but OR-Tools, so that it starts quickly.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path

from ortools.math_opt import callback_pb2, model_parameters_pb2, model_pb2, parameters_pb2
from ortools.math_opt.core.python import solver

__all__ = ["HINT", "INCUMBENTS", "MODEL", "PARAMETERS", "RESULT", "main", "solve_folder"]

MODEL, PARAMETERS, HINT, RESULT = "model.pb", "parameters.pb", "hint.pb", "result.pb"
INCUMBENTS = "incumbents.sol"


def solve_folder(folder: Path, log: Callable[[str], None]) -> None:
    """Solve the model of a folder and write the result beside it.

    Parameters
    ----------
    folder
        Holds the serialised ``ModelProto``, ``SolveParametersProto`` and ``ModelSolveParametersProto``.
    log
        Called with each line of HiGHS's log. It must not raise: HiGHS does not survive an exception.
    """
    model = model_pb2.ModelProto.FromString((folder / MODEL).read_bytes())
    parameters = parameters_pb2.SolveParametersProto.FromString((folder / PARAMETERS).read_bytes())
    hint = model_parameters_pb2.ModelSolveParametersProto.FromString((folder / HINT).read_bytes())

    def pass_on(lines: list[str]) -> None:
        for line in lines:
            log(line)

    result = solver.solve(
        model,
        parameters_pb2.SOLVER_TYPE_HIGHS,
        parameters_pb2.SolverInitializerProto(),
        parameters,
        hint,
        pass_on,
        callback_pb2.CallbackRegistrationProto(),
        None,
        None,
    )
    (folder / RESULT).write_bytes(result.SerializeToString())


def main(folder: str) -> None:
    """Solve the model of a folder; the log goes to standard output, and nothing else does."""
    own = os.dup(sys.stdout.fileno())
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, sys.stdout.fileno())
    os.close(silence)
    with os.fdopen(own, "w", encoding="utf-8", errors="replace") as out:

        def log(line: str) -> None:
            # a reader that has gone away must not become an exception inside HiGHS
            try:
                print(line, file=out, flush=True)
            except BrokenPipeError:
                os._exit(1)

        solve_folder(Path(folder), log)


if __name__ == "__main__":
    main(sys.argv[1])
