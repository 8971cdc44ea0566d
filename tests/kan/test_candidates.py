import pytest
import torch

from kanopt.kan.candidates import embedded, envelope, separated, stacked
from kanopt.kan.objective import LeastSquares
from kanopt.kan.penalty import Penalty
from kanopt.kan.shape import Shape
from kanopt.kan.starts import random_starts
from kanopt.kan.trainer import TrainerOptions, train
from tests.kan.conftest import box, sample

SHAPES = [
    Shape(2, hidden=(1, 2), products=(1, 0)),
    Shape(2, hidden=(3, 1)),
    Shape(2, hidden=(2, 2), products=(1, 2)),
]


def starts(shape, data, models=2, seed=4):
    generator = torch.Generator().manual_seed(seed)
    return random_starts(shape, models, data.inputs, box(2), torch.full((1,), 0.3), generator)


@pytest.fixture(scope="module")
def data():
    return sample(lambda x: torch.exp(x[:, 0]) * x[:, 1], 150, 2, noise=0.05)


@pytest.mark.parametrize("shape", SHAPES)
def test_an_embedded_network_is_the_same_function(data, shape):
    network = starts(shape, data)
    wide = embedded(network, envelope(SHAPES))
    torch.testing.assert_close(wide.forward(data.inputs), network.forward(data.inputs))
    (back,) = separated(wide, [2])
    assert back.shape.hidden == shape.hidden
    assert back.shape.layers == shape.layers
    assert back.active is None
    torch.testing.assert_close(back.theta, network.theta)


def test_shapes_train_in_one_batch_as_they_do_alone(data):
    networks = [starts(shape, data) for shape in SHAPES]
    objective, options = LeastSquares(data), TrainerOptions(iterations=6)

    def trained(network):
        penalty = Penalty.of(network.shape)
        smoothing = torch.full((len(network), penalty.groups + 1), 1e-5, dtype=torch.float64)
        held = penalty.weighted(smoothing, 150.0, network.active)
        return train(network, objective, held, options)[0]

    together = separated(trained(stacked(networks)), [2, 2, 2])
    for shape, network, found in zip(SHAPES, networks, together, strict=True):
        assert found.shape.layers == shape.layers
        alone = trained(network)
        torch.testing.assert_close(
            found.forward(data.inputs), alone.forward(data.inputs), atol=1e-5, rtol=1e-5
        )


def test_shapes_that_differ_otherwise_are_refused():
    with pytest.raises(ValueError, match="widths of their hidden layers alone"):
        envelope([Shape(2, hidden=(1,)), Shape(2, hidden=(1, 1))])
