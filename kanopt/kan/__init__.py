"""Kolmogorov-Arnold networks with cubic spline edges, and a batched second-order trainer.

:mod:`kanopt.kan.network` defines the model and its Jacobian, :mod:`kanopt.kan.trainer` Levenberg-Marquardt,
:mod:`kanopt.kan.smoothing` the choice of smoothing weights, and :mod:`kanopt.kan.fit` a complete fit;
:mod:`kanopt.kan.informed` fits to equations as well as rows, and :mod:`kanopt.kan.first_order` trains large networks.
A trained network is returned as a :class:`Network` of numpy arrays, which needs no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from kanopt.kan.description import Layer, Network, evaluate_spline

if TYPE_CHECKING:
    from kanopt.kan.architecture import Architecture, InputTensors
    from kanopt.kan.fit import FitOptions, TrainedBatch, fit_starts, refine_grid
    from kanopt.kan.fitted import FittedNetwork, describe_fit
    from kanopt.kan.informed import InformedNetwork, InformedOptions, collocation, fit_informed
    from kanopt.kan.knowledge import Knowledge
    from kanopt.kan.network import KANBatch
    from kanopt.kan.objective import Data, LeastSquares
    from kanopt.kan.relations import Relation, RelationState, observed
    from kanopt.kan.trainer import History, TrainerOptions, train

__all__ = [
    "Architecture",
    "Data",
    "FitOptions",
    "FittedNetwork",
    "History",
    "InformedNetwork",
    "InformedOptions",
    "InputTensors",
    "KANBatch",
    "Knowledge",
    "Layer",
    "LeastSquares",
    "Network",
    "Relation",
    "RelationState",
    "TrainedBatch",
    "TrainerOptions",
    "collocation",
    "describe_fit",
    "evaluate_spline",
    "fit_informed",
    "fit_starts",
    "observed",
    "refine_grid",
    "train",
]

_MODULES = {
    "informed": ("Informed", "InformedOptions", "collocation", "fit_informed"),
    "knowledge": ("Knowledge",),
    "relations": ("Relation", "State", "observed"),
    "fit": ("FitOptions", "Run", "fit_starts", "grown"),
    "fitted": ("Fitted", "finish"),
    "network": ("KANBatch",),
    "objective": ("Data", "LeastSquares"),
    "architecture": ("Inputs", "Shape"),
    "trainer": ("History", "TrainerOptions", "train"),
}
_HOME = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """Load the names that need torch on first use."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
