"""Colours: what is kept is kept."""

from __future__ import annotations

import pytest
import torch

from ganwerk.style.colours import LUMA, keep_luma, match_histograms, match_moments


def luma(picture):
    return (picture[0] * torch.tensor(LUMA, dtype=picture.dtype)[:, None, None]).sum(0)


def test_luma_is_the_result_s_and_chroma_the_photo_s(photo, painting):
    result = painting[..., :52, :60] * 0.3 + 0.35  # dull, so that nothing is clipped
    content = photo * 0.2 + 0.4
    found = keep_luma(result, content)
    torch.testing.assert_close(luma(found), luma(result), rtol=1e-4, atol=1e-5)
    chroma = found[0] - luma(found)
    torch.testing.assert_close(chroma, content[0] - luma(content), rtol=1e-3, atol=1e-4)


def test_moments_become_the_photo_s(photo, painting):
    style, content = painting * 0.3 + 0.3, photo * 0.2 + 0.4
    found = match_moments(style, content)[0].reshape(3, -1)
    wanted = content[0].reshape(3, -1)
    torch.testing.assert_close(found.mean(1), wanted.mean(1), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(torch.cov(found), torch.cov(wanted), rtol=0.02, atol=1e-5)


def test_histograms_become_the_photo_s(photo, painting):
    found = match_histograms(painting, photo)[0].reshape(3, -1)
    levels = torch.linspace(0, 1, 11, dtype=found.dtype)
    wanted = photo[0].reshape(3, -1)
    torch.testing.assert_close(
        found.quantile(levels, 1), wanted.quantile(levels, 1), atol=0.01, rtol=0
    )


@pytest.mark.parametrize("recolour", [match_moments, match_histograms])
def test_a_grey_photo_gives_finite_greys(painting, recolour):
    grey = torch.full((1, 3, 20, 20), 0.4, dtype=torch.float64)
    found = recolour(painting, grey)
    assert bool(found.isfinite().all())
    assert float((found - 0.4).abs().mean()) < 0.05
