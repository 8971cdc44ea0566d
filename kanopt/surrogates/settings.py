"""What a fit is asked for, checked: what the user left open is None."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from kanopt.kan.constraints import Wanted
from kanopt.kan.objective import Precision
from kanopt.kan.smoothing import Criterion

__all__ = ["FitProgress", "Settings", "Watch"]


@dataclass(frozen=True)
class FitProgress:
    """Where a fit is.

    Attributes
    ----------
    structure
        The structure being fitted, in words.
    tried
        Structures finished so far.
    step
        Steps of the trainer on this structure so far.
    loss
        Least loss of the batch, relative to that of the first step.
    """

    structure: str
    tried: int
    step: int
    loss: float

    def __str__(self) -> str:
        return f"structure {self.tried + 1} ({self.structure}), step {self.step}: loss {self.loss:.3g}"


class Watch:
    """Tells what a fit does, and says when it shall stop.

    Parameters
    ----------
    tell
        Called with the progress after every step of the trainer.
    stop
        Says whether to stop.
    """

    def __init__(
        self,
        tell: Callable[[FitProgress], None] | None = None,
        stop: Callable[[], bool] = lambda: False,
    ) -> None:
        self.tell = tell
        self.stop = stop
        self.structure = ""
        self.tried = 0
        self.step = 0
        self._first = 0.0

    def begin(self, structure: str, tried: int) -> None:
        """Note that another structure is begun."""
        self.structure, self.tried, self.step = structure, tried, 0

    def __call__(self, iteration: int, losses: Tensor) -> bool:
        """Report one step; return whether to stop."""
        if self.tell is not None:
            least = float(losses.min())
            self._first = least if self.step == 0 else self._first
            self.step += 1
            self.tell(FitProgress(self.structure, self.tried, self.step, least / (self._first or 1.0)))
        return self.stop()


@dataclass(frozen=True)
class Settings:
    """The arguments of :class:`~kanopt.surrogates.KANRegressor`; None is "auto".

    Parameters
    ----------
    hidden, products
        Widths of the hidden layers and their product nodes; `products` is empty for none.
    log_target, logs
        Whether the target, and each number, is taken as a logarithm.
    reach
        ``"any"``, ``"positive"`` or ``"bounded"``, with `bounds`: where the law's values must lie.
    wanted
        Shapes asked of the numbers.
    linked
        Whether a law of a positive target may be fitted behind an exponential link.
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
    wanted: Wanted
    reach: Literal["any", "positive", "bounded"]
    bounds: tuple[float, float]
    precision: Precision
    seed: int
    device: torch.device
    linked: bool = True
    watch: Watch = field(default_factory=Watch)
