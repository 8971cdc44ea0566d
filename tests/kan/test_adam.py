import pytest
import torch

from kanopt.kan.adam import AdamSteps


@pytest.mark.slow
def test_steps_equal_torch_with_a_cosine():
    generator = torch.Generator().manual_seed(6)
    ours = torch.zeros(2, 3, dtype=torch.float64)
    theirs = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.Adam([theirs], lr=0.05, eps=1e-30)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)
    steps = AdamSteps(0.05, 20, torch.ones_like(ours))
    optimizer.step()
    schedule.step()
    for _ in range(19):
        gradient = torch.randn(2, 3, dtype=torch.float64, generator=generator)
        ours = ours - steps.step(gradient)
        theirs.grad = gradient
        optimizer.step()
        schedule.step()
    torch.testing.assert_close(ours, theirs.detach())
    last = steps.step(gradient)
    assert (last.abs() < 1e-15).all()


def test_untouched_variables_stay_and_sizes_scale():
    steps = AdamSteps(0.1, 1_000, torch.tensor([[1.0, 10.0, 1.0]]))
    step = steps.step(torch.tensor([[2.0, 2.0, 0.0]]))
    assert step[0].tolist() == pytest.approx([0.1, 1.0, 0.0], rel=1e-4)


def test_forgotten_means_start_afresh_for_their_model_alone():
    steps = AdamSteps(0.1, 1_000_000, torch.ones(2, 1))
    steps.step(torch.tensor([[4.0], [4.0]]))
    steps.reset(torch.tensor([True, False]))
    first, second = steps.step(torch.tensor([[-1.0], [-1.0]]))[:, 0].tolist()
    assert first == pytest.approx(-0.1, rel=1e-3)
    assert second > 0
