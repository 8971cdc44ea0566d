"""The settings of a fit, and the monitor of its progress; settings left at "auto" are None."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from kanopt.kan.constraints import ShapeConstraints
from kanopt.kan.objective import Precision
from kanopt.kan.smoothing import Criterion
from kanopt.text import number_text

__all__ = ["FitMonitor", "FitProgress", "Settings"]


@dataclass(frozen=True)
class FitProgress:
    """The progress of a fit.

    Attributes
    ----------
    structure
        The structure being fitted, in words.
    tried
        Number of structures finished.
    step
        Number of training steps on this structure.
    loss
        Smallest loss of the batch, relative to that of the first step.
    """

    structure: str
    tried: int
    step: int
    loss: float

    def __str__(self) -> str:
        place = f"structure {self.tried + 1} ({self.structure}), step {self.step}"
        return f"{place}: loss {number_text(self.loss, 3)}"


class FitMonitor:
    """Reports the progress of a fit, and decides when to stop.

    Parameters
    ----------
    on_progress
        Called with the progress after every step of the trainer.
    should_stop
        Returns whether to stop.
    """

    def __init__(
        self,
        tell: Callable[[FitProgress], None] | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.on_progress = tell
        self.should_stop = stop
        self.structure = ""
        self.tried = 0
        self.step = 0
        self._first = 0.0

    def begin(self, structure: str, tried: int) -> None:
        """Start reporting on another structure."""
        self.structure, self.tried, self.step = structure, tried, 0

    def __call__(self, iteration: int, losses: Tensor) -> bool:
        """Report one step; return whether to stop."""
        if self.on_progress is not None:
            least = float(losses.min())
            self._first = least if self.step == 0 else self._first
            self.step += 1
            self.on_progress(FitProgress(self.structure, self.tried, self.step, least / (self._first or 1.0)))
        return self.should_stop()


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
    allow_link
        Whether a law of a positive target may be fitted with an exponential link.
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
    allow_link: bool = True
    hold_positive: bool = False
    monitor: FitMonitor = field(default_factory=FitMonitor)
