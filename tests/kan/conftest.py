"""Small random problems for the network tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from kanopt.kan.network import InputTensors
from kanopt.kan.trainer import Data
from kanopt.kan.training import TrainedBatch


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def box(dimensions: int) -> tuple[Tensor, Tensor]:
    one = torch.ones(dimensions, dtype=torch.float64)
    return -one, one


def sample(
    law: Callable[[Tensor], Tensor], rows: int, dimensions: int, noise: float = 0.0, seed: int = 0
) -> Data:
    """Rows uniform on [-1, 1]; `noise` is a share of the target's standard deviation. A law gives (n,) or (n, K)."""
    generator = torch.Generator().manual_seed(seed)
    numbers = 2.0 * torch.rand(rows, dimensions, dtype=torch.float64, generator=generator) - 1.0
    target = law(numbers)
    target = target + noise * target.std() * torch.randn(
        target.shape, dtype=torch.float64, generator=generator
    )
    inputs = InputTensors(numbers, torch.zeros(rows, 0, dtype=torch.int64))
    return Data(inputs, target.reshape(rows, -1), torch.ones(rows, dtype=torch.float64))


def output(run: TrainedBatch, points: np.ndarray) -> np.ndarray:
    """What the first network of a run gives for numbers (n, inputs)."""
    inputs = InputTensors(torch.as_tensor(points), torch.zeros(len(points), 0, dtype=torch.int64))
    return run.network.forward(inputs)[0, :, 0].numpy()
