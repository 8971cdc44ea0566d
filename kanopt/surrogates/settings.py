"""The settings of a fit; those left at "auto" are None."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import torch

from kanopt.kan.constraints import ShapeConstraints
from kanopt.kan.objective import Precision
from kanopt.kan.smoothing import Criterion
from kanopt.surrogates.monitor import FitMonitor

__all__ = ["Settings"]


@dataclass(frozen=True)
class Settings:
    """The arguments of :class:`~kanopt.surrogates.KANRegressor`; None is "auto".

    Parameters
    ----------
    hidden, products
        Widths of the hidden layers and their product nodes; `products` is empty for none.
    log_target, logs
        Whether the logarithm of the target, and of each number, is taken.
    target_range
        ``"any"``, ``"positive"`` or ``"bounded"``, with `bounds`: the range of the law's values.
    shape_constraints
        Shape constraints of the numbers.
    hold_positive
        Whether a law that could fall below zero among its data is held at the smallest target, where all are positive.
    """

    hidden: tuple[int, ...] | None
    products: tuple[int, ...]
    log_target: bool | None
    logs: tuple[bool, ...] | None
    loss: str | None
    grid_size: int | None
    smoothing: float | None
    criterion: Criterion
    starts: int
    shape_constraints: ShapeConstraints
    target_range: Literal["any", "positive", "bounded"]
    bounds: tuple[float, float]
    precision: Precision
    seed: int
    device: torch.device
    hold_positive: bool = False
    monitor: FitMonitor = field(default_factory=FitMonitor)
