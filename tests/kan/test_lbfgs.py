import pytest
import torch

from kanopt.kan.lbfgs import CURVATURE, DECREASE, Batch, Memory, line_search, minimise_step


def rosenbrock(position, index):
    """Rosenbrock's valley, for every model with a steepness of its own."""
    steep = torch.tensor([1.0, 10.0, 100.0], dtype=torch.float64)[index]
    x, y = position.unbind(1)
    loss = (1.0 - x) ** 2 + steep * (y - x**2) ** 2
    slope = torch.stack([-2.0 * (1.0 - x) - 4.0 * steep * x * (y - x**2), 2.0 * steep * (y - x**2)], dim=1)
    return loss, slope


def started(evaluate, position):
    return Batch(position, *evaluate(position, torch.arange(len(position))))


def test_rosenbrock_is_minimised_for_every_model():
    batch = started(rosenbrock, torch.tensor([[-1.2, 1.0]] * 3, dtype=torch.float64))
    memory = Memory(5)
    for _ in range(60):
        after = minimise_step(rosenbrock, batch, memory, None)
        assert (after.loss <= batch.loss).all()
        batch = after
    torch.testing.assert_close(batch.position, torch.ones_like(batch.position), atol=1e-6, rtol=0.0)
    assert len(memory.steps) == 5


def test_models_do_not_disturb_each_other():
    position = torch.tensor([[-1.2, 1.0], [0.5, 2.0], [2.0, -1.0]], dtype=torch.float64)
    together, memory = started(rosenbrock, position), Memory(4)
    for _ in range(12):
        together = minimise_step(rosenbrock, together, memory, None)
    for model in range(3):

        def single(position, index, model=model):
            return rosenbrock(position, torch.full_like(index, model))

        alone, memory = started(single, position[model : model + 1]), Memory(4)
        for _ in range(12):
            alone = minimise_step(single, alone, memory, None)
        torch.testing.assert_close(together.position[model], alone.position[0], atol=1e-8, rtol=1e-8)


def test_two_loops_equal_the_product_formula():
    generator = torch.Generator().manual_seed(4)
    memory, inverse = Memory(3), torch.eye(4, dtype=torch.float64)
    pairs = []
    for _ in range(3):
        step = torch.randn(1, 4, dtype=torch.float64, generator=generator)
        change = step * torch.tensor([1.0, 2.0, 5.0, 9.0], dtype=torch.float64)
        memory.add(step, change)
        pairs.append((step[0], change[0]))
    step, change = pairs[-1]
    inverse *= (step @ change) / (change @ change)
    for step, change in pairs:  # Nocedal and Wright 2006, eq. 7.16
        rho = 1.0 / (step @ change)
        left = torch.eye(4, dtype=torch.float64) - rho * torch.outer(step, change)
        inverse = left @ inverse @ left.T + rho * torch.outer(step, step)
    gradient = torch.randn(1, 4, dtype=torch.float64, generator=generator)
    torch.testing.assert_close(memory.direction(gradient)[0], -inverse @ gradient[0])


def test_pairs_without_curvature_and_forgotten_ones_count_for_nothing():
    memory = Memory(3)
    step = torch.tensor([[1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    memory.add(step, torch.tensor([[-1.0, 0.0], [4.0, 0.0]], dtype=torch.float64))
    gradient = torch.tensor([[2.0, 0.0], [2.0, 0.0]], dtype=torch.float64)
    assert memory.direction(gradient).tolist() == [[-1.0, 0.0], [-0.5, 0.0]]
    memory.reset(torch.tensor([False, True]))
    assert memory.direction(gradient).tolist() == [[-1.0, 0.0], [-1.0, 0.0]]


@pytest.mark.parametrize("scale", [1e-4, 1.0, 1e4])
def test_line_search_ends_at_decrease_and_curvature(scale):
    def valley(position, index):
        return torch.cosh(position - 3.0).log().sum(1), torch.tanh(position - 3.0)

    batch = started(valley, torch.zeros(2, 1, dtype=torch.float64))
    direction = torch.tensor([[scale], [2.0 * scale]], dtype=torch.float64)
    found = line_search(valley, batch, direction, trials=40)
    slope = (direction * batch.gradient).sum(1)
    length = (found.position - batch.position)[:, 0] / direction[:, 0]
    assert (found.loss <= batch.loss + DECREASE * length * slope).all()
    assert ((direction * found.gradient).sum(1) >= CURVATURE * slope).all()


def test_bounded_variables_stop_at_zero_and_leave_it_again():
    target = torch.tensor([[-1.0, 2.0], [3.0, -2.0]], dtype=torch.float64)

    def bowl(position, index):
        away = position - target[index]
        return (away**2).sum(1), 2.0 * away

    bounded = torch.tensor([True, True])
    batch, memory = started(bowl, torch.tensor([[1.0, 0.0], [0.0, 0.0]], dtype=torch.float64)), Memory(4)
    for _ in range(10):
        batch = minimise_step(bowl, batch, memory, bounded)
        assert (batch.position >= 0).all()
    torch.testing.assert_close(batch.position, target.clamp(min=0.0), atol=1e-9, rtol=0.0)


def test_a_loss_that_is_no_number_is_no_step():
    def broken(position, index):
        loss = torch.where(position[:, 0] < 0, torch.nan, position[:, 0])
        return loss, torch.ones_like(position)

    batch = started(broken, torch.tensor([[0.3]], dtype=torch.float64))
    found = line_search(broken, batch, torch.tensor([[-1.0]], dtype=torch.float64))
    assert 0 <= float(found.position) < 0.3
