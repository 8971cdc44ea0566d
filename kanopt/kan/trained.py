"""Trained networks, and their scores."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kanopt.kan.fit_options import FitOptions
from kanopt.kan.losses import reweight, summed_loss
from kanopt.kan.network import KANBatch
from kanopt.kan.objective import LeastSquares
from kanopt.kan.penalty import Penalty
from kanopt.kan.smoothing import effective_parameters, gcv_score
from kanopt.kan.trainer import History

__all__ = ["TrainedBatch", "score_of"]


@dataclass(frozen=True)
class TrainedBatch:
    """A batch of trained networks with their smoothing weights (M, groups + 1) and GCV scores (M,)."""

    network: KANBatch
    smoothing: Tensor
    score: Tensor
    history: History

    @property
    def best(self) -> TrainedBatch:
        """A batch of the first network only."""
        first = torch.zeros(1, dtype=torch.int64, device=self.network.theta.device)
        return TrainedBatch(self.network.take(first), self.smoothing[first], self.score[first], self.history)


def score_of(
    network: KANBatch, smoothing: Tensor, penalty: Penalty, objective: LeastSquares, options: FitOptions
) -> Tensor:
    """Return the GCV score of every network; for robust losses Huber's ρ has the same scale for all."""
    data = objective.data
    rows = float(data.weights.sum())
    normal = reweight(network, objective, options.loss).normal_equations(network)
    edf, _ = effective_parameters(normal.matrix, penalty.matrices(smoothing, rows, network.active))
    lost = normal.squares if options.loss == "squared" else summed_loss(network, objective, options.loss)
    score = gcv_score(lost, edf, rows * options.distinct)
    return torch.where(torch.isfinite(score), score, torch.full_like(score, torch.inf))
