"""Measures that look at pictures themselves: patches, structural similarity, path length."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.stats import wasserstein_distance

from ganwerk.errors import DataError
from ganwerk.metrics import inception_score, ms_ssim, ms_ssim_of_pairs, path_length
from ganwerk.metrics import sliced_wasserstein as swd
from ganwerk.metrics.patches import TAPS, _distance, blur, enlarged, pyramid
from ganwerk.metrics.smoothness import lerp, slerp
from tests.metrics import references


def noise(n, size, channels=1, seed=0):
    random = np.random.default_rng(seed)
    return random.integers(0, 256, (n, channels, size, size)).astype(np.uint8)


def smooth(n, size, seed=0):
    """Pictures with large forms."""
    from scipy.ndimage import gaussian_filter

    rough = noise(n, size, 3, seed).astype(float)
    return np.clip((gaussian_filter(rough, (0, 0, 2, 2)) - 128) * 6 + 128, 0, 255).astype(np.uint8)


@pytest.mark.parametrize(("size", "scales"), [(11, 1), (28, 2), (33, 2), (64, 3), (176, 5)])
def test_ms_ssim_as_scipy_computes_it(size, scales):
    a, b = smooth(2, size)[:, :1], smooth(2, size, 1)[:, :1]
    b = (a.astype(int) + b.astype(int) // 4).clip(0, 255).astype(np.uint8)
    expected = [references.ms_ssim(x[0], y[0], scales) for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(ms_ssim_of_pairs(a, b), expected, rtol=1e-9)


def test_ms_ssim_of_equal_pictures_is_one_and_variety_lowers_it():
    x = smooth(6, 32)
    np.testing.assert_allclose(ms_ssim_of_pairs(x, x), 1.0, rtol=1e-12)
    collapsed = ms_ssim(np.repeat(x[:1], 5, 0), pairs=20)
    varied = ms_ssim(x, pairs=20)
    assert collapsed.value == pytest.approx(1)
    assert varied.value < 0.7
    assert varied.error > 0


def test_the_pyramid_loses_nothing():
    """Each level plus the enlarged next is the picture."""
    x = torch.rand(2, 3, 64, 64, dtype=torch.float64)
    levels = pyramid(x)
    assert [level.shape[2] for level in levels] == [64, 32, 16]
    built = levels[-1]
    for level in reversed(levels[:-1]):
        built = level + enlarged(built, level)
    torch.testing.assert_close(built, x)


def test_the_filter_as_scipy_computes_it():
    from scipy.ndimage import correlate1d

    x = torch.rand(1, 1, 20, 17, dtype=torch.float64)
    expected = x[0, 0].numpy()
    for axis in (0, 1):
        expected = correlate1d(expected, np.array(TAPS), axis, mode="mirror")
    np.testing.assert_allclose(blur(x)[0, 0], expected, rtol=1e-12)


def test_a_flat_picture_has_only_a_lowest_level():
    levels = pyramid(torch.full((1, 1, 32, 32), 7.0, dtype=torch.float64))
    assert float(levels[0].abs().max()) < 1e-12
    torch.testing.assert_close(levels[1], torch.full((1, 1, 16, 16), 7.0, dtype=torch.float64))


def test_sliced_distance_as_scipy_computes_it():
    random = torch.Generator().manual_seed(1)
    x = torch.randn(60, 9, dtype=torch.float64, generator=random)
    y = torch.randn(60, 9, dtype=torch.float64, generator=random) * 1.5 + 0.3
    expected, again = [], torch.Generator().manual_seed(0 + 1)
    for _ in range(8):
        directions = torch.randn(9, 64, generator=again, dtype=torch.float64)
        directions /= directions.norm(dim=0, keepdim=True)
        expected += [
            wasserstein_distance((x @ v).numpy(), (y @ v).numpy()) for v in directions.unbind(1)
        ]
    assert _distance(x, y, seed=0) == pytest.approx(np.mean(expected), rel=1e-12)


def test_patches_tell_at_which_size_pictures_differ():
    x, y = smooth(60, 32), smooth(60, 32, 1)
    near = swd(x, y)
    assert list(near) == [32, 16]
    assert swd(x, x) == {32: 0, 16: 0}
    grainy = (y.astype(int) + noise(60, 32, 3) // 2).clip(0, 255).astype(np.uint8)
    far = swd(x, grainy)
    assert far[32] > 2 * near[32]
    assert far[32] / near[32] > 1.5 * far[16] / near[16]


def test_path_length_of_a_linear_map():
    """On straight paths through a linear generator it is the squared length of the way."""
    random = torch.Generator().manual_seed(0)
    a, b = (torch.randn(200, 4, dtype=torch.float64, generator=random) for _ in range(2))
    matrix = torch.randn(4, 6, dtype=torch.float64, generator=random)
    lengths = ((b - a) @ matrix).square().sum(1)
    low, high = torch.quantile(lengths, 0.01), torch.quantile(lengths, 0.99)
    kept = lengths[(lengths >= low) & (lengths <= high)]
    found = path_length(lambda z, _: z @ matrix, lambda x: x, (a, b), between=lerp)
    assert found.value == pytest.approx(float(kept.mean()), rel=1e-6)
    assert found.error == pytest.approx(float(kept.std()) / math.sqrt(len(kept)), rel=1e-5)


def test_the_great_circle_keeps_the_length_and_meets_its_ends():
    random = torch.Generator().manual_seed(0)
    a, b = (torch.nn.functional.normalize(torch.randn(50, 8, generator=random)) for _ in range(2))
    for share, end in ((0.0, a), (1.0, b)):
        torch.testing.assert_close(slerp(a, b, torch.full((50, 1), share)), end)
    middle = slerp(a, b, torch.full((50, 1), 0.3))
    torch.testing.assert_close(middle.norm(dim=1), torch.ones(50))
    angle = (a * middle).sum(1).acos() / (a * b).sum(1).acos()
    torch.testing.assert_close(angle, torch.full((50,), 0.3), atol=1e-4, rtol=0)


def test_inception_score_of_known_predictions():
    sure = torch.eye(5).repeat(20, 1) * 50.0
    assert inception_score(sure, splits=1, seed=None).value == pytest.approx(5, rel=1e-6)
    assert inception_score(torch.zeros(100, 5), splits=10).value == pytest.approx(1)
    assert inception_score(sure[:1].repeat(50, 1), splits=5).value == pytest.approx(1)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: swd(noise(5, 32), noise(5, 32, 3)), "1 channels of 32 x 32 px and 3"),
        (lambda: swd(noise(5, 32), noise(5, 16)), "not alike"),
        (lambda: swd(noise(5, 8), noise(5, 8)), "too small for patches"),
        (lambda: swd(noise(1, 32), noise(5, 32)), "There are 1 real pictures"),
        (lambda: ms_ssim(noise(5, 8)), "too small for MS-SSIM"),
        (lambda: ms_ssim(np.full((4, 1, 16, 16), np.nan)), "not finite"),
        (lambda: ms_ssim(np.zeros((4, 1, 16, 16))), "of type float64; uint8"),
        (lambda: ms_ssim(np.zeros((4, 16, 16, 3), np.uint8)), r"\(4, 16, 16, 3\)"),
        (lambda: ms_ssim_of_pairs(noise(2, 16), noise(3, 16)), "Pairs need two sets alike"),
        (lambda: inception_score(np.zeros((5, 3))), "at least 10"),
        (lambda: path_length(lambda z, _: z, lambda x: x, (torch.ones(3, 2),) * 2), "ten paths"),
    ],
)
def test_what_cannot_be_measured_is_refused(call, message):
    with pytest.raises(DataError, match=message):
        call()
