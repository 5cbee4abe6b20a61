"""Anti-aliased doubling and halving: against direct formulas, under double backward, shifted."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from ganwerk.nn.resample import double, halve

TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0], dtype=torch.float64) / 8


def picture(*size):
    return torch.randn(*size, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def directly_halved(x):
    """Each pixel by its own sum over a neighbourhood of 4 x 4, the border repeated."""
    p = F.pad(x, (1, 1, 1, 1), mode="replicate")
    out = x.new_zeros(*x.shape[:2], x.shape[2] // 2, x.shape[3] // 2)
    for i in range(out.shape[2]):
        for j in range(out.shape[3]):
            window = p[:, :, 2 * i : 2 * i + 4, 2 * j : 2 * j + 4]
            out[:, :, i, j] = (window * TAPS[:, None] * TAPS).sum((2, 3))
    return out


def directly_doubled(x):
    """Zeros between the pixels of the repeated border, then the filter."""
    p = F.pad(x, (1, 1, 1, 1), mode="replicate")
    spread = x.new_zeros(*x.shape[:2], 2 * p.shape[2], 2 * p.shape[3])
    spread[:, :, ::2, ::2] = p
    kernel = (4 * TAPS[:, None] * TAPS)[None, None].expand(x.shape[1], 1, 4, 4)
    wide = F.conv2d(spread, kernel, groups=x.shape[1])
    return wide[:, :, : 2 * x.shape[2], : 2 * x.shape[3]]


def test_halving_is_the_binomial_filter_and_every_second_pixel():
    x = picture(2, 3, 8, 12)
    torch.testing.assert_close(halve(x), directly_halved(x))


def test_doubling_is_the_binomial_filter_between_zeros():
    x = picture(2, 3, 5, 7)
    torch.testing.assert_close(double(x), directly_doubled(x))


def test_one_is_the_others_adjoint():
    small, large = picture(1, 2, 4, 6), picture(1, 2, 8, 12)
    torch.testing.assert_close((double(small) * large).sum(), 4 * (small * halve(large)).sum())


def test_a_constant_stays():
    x = torch.full((1, 2, 6, 6), 0.7, dtype=torch.float64)
    torch.testing.assert_close(halve(x), x[:, :, :3, :3])
    torch.testing.assert_close(double(x)[:, :, :6, :6], x)


@pytest.mark.parametrize("change", [double, halve])
def test_gradients_of_gradients(change):
    x = picture(1, 2, 4, 6).requires_grad_(True)

    def bent(x):
        return change(x).square() * change(x)

    assert torch.autograd.gradcheck(bent, x)
    assert torch.autograd.gradgradcheck(bent, x)


def waves(side, frequency):
    at = torch.arange(side, dtype=torch.float64)
    return torch.cos(2 * torch.pi * frequency * at / side)[None, None, None].expand(1, 1, side, -1)


@pytest.mark.parametrize("frequency", [1, 3, 6])
def test_halving_a_shifted_picture_shifts_it(frequency):
    """By two pixels exactly; by one as half a pixel of the small picture, as far as the filter
    takes away what would fold over."""
    side = 32
    x = waves(side, frequency)
    two = halve(x.roll(2, 3))[..., 4:-4]
    torch.testing.assert_close(two, halve(x).roll(1, 3)[..., 4:-4])


def folded(change, frequency):
    """How much of a wave that the small picture cannot show is left in it."""
    return float(change(waves(64, frequency))[..., 4:-4].square().mean().sqrt() * 2**0.5)


@pytest.mark.parametrize("frequency", [20, 24, 28])
def test_waves_that_would_fold_over_are_damped_more_than_by_a_plain_mean(frequency):
    def mean(x):
        return F.avg_pool2d(x, 2)

    assert folded(halve, frequency) < 0.6 * folded(mean, frequency)
    response = abs(float(sum(  # of 1 3 3 1 at this frequency
        tap * torch.exp(torch.tensor(-2j * torch.pi * frequency / 64 * i))
        for i, tap in enumerate(TAPS)
    ).abs()))  # fmt: skip
    assert folded(halve, frequency) == pytest.approx(response, rel=0.1)


@pytest.mark.parametrize("change", [double, halve])
def test_half_precision_is_near(change):
    x = picture(2, 8, 8, 8).float().contiguous(memory_format=torch.channels_last)
    near = change(x.bfloat16()).float()
    assert (near - change(x)).abs().max() < 0.02 * x.abs().max()
