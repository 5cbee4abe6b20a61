"""Style statistics against their definitions."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.style.statistics import STATISTICS, Moments, Sliced, gram, quantiles, square_root


def features(seed: int, channels: int = 5, positions: int = 40) -> torch.Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.rand(channels, positions, dtype=torch.float64, generator=random)


def even(positions: int = 40) -> torch.Tensor:
    return torch.full((positions,), 1 / positions, dtype=torch.float64)


def test_gram_is_its_definition_and_symmetric():
    f = features(0)
    by_hand = torch.zeros(5, 5, dtype=torch.float64)
    for i in range(5):
        for j in range(5):
            by_hand[i, j] = sum(float(f[i, k]) * float(f[j, k]) for k in range(40)) / 40
    torch.testing.assert_close(gram(f, even()), by_hand)
    torch.testing.assert_close(gram(f, even()), gram(f, even()).T)


@pytest.mark.parametrize("name", STATISTICS)
def test_zero_for_the_style_itself_and_free_of_order(name):
    statistic, f = STATISTICS[name], features(1)
    target = statistic.mix([statistic.measure(f, even(), 0)], [1.0])
    shuffled = f[:, torch.randperm(40)]
    measured = statistic.measure(shuffled, even(), 3)
    assert float(statistic.distance(measured, target, 3)) == pytest.approx(0, abs=1e-6)
    other = statistic.measure(features(2) + 1, even(), 3)
    assert float(statistic.distance(other, target, 3)) > 0.1


def test_the_sum_over_positions_is_the_same_whether_weights_are_alike_or_not():
    """One number for all positions takes a shorter way."""
    for dtype, tolerance in ((torch.float64, 1e-12), (torch.bfloat16, 2e-2)):
        grads = []
        for weights in (even(), torch.tensor(1 / 40, dtype=torch.float64).expand(40)):
            f = features(9).to(dtype).requires_grad_()
            found = gram(f, weights.to(torch.promote_types(dtype, torch.float32)))
            (found * features(10, 5, 5)).sum().backward()
            grads.append(f.grad.double())
            if dtype == torch.bfloat16:
                assert found.dtype == torch.float32
                exact = gram(f.detach().double(), even())
                torch.testing.assert_close(found.double(), exact, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(*grads, rtol=tolerance, atol=tolerance * float(grads[0].max()))


@pytest.mark.parametrize("weights", [even(), torch.tensor(0.1).double().expand(40)])
def test_the_gradient_of_gram(weights):
    slopes = features(3, 5, 5)
    assert torch.autograd.gradcheck(
        lambda f: (gram(f, weights) * slopes).sum(), features(4).requires_grad_()
    )


def test_sliced_positions_stand_for_those_between_them():
    """Tiles of other sizes take every second or every third position, and count what they own."""
    statistic = Sliced(positions=8)
    weights = torch.full((40,), 1 / 40, dtype=torch.float64)
    weights[5:9] = 0
    parts = [statistic.measure(features(1)[:, s], weights[s], 2)
             for s in (slice(0, 16), slice(16, 40))]  # fmt: skip
    assert [part.shape[1] for part in parts] == [6, 8]
    totals = [float(part[-1].sum()) for part in parts]
    assert totals == pytest.approx([12 / 40, 24 / 40])
    nothing = statistic.measure(features(1), torch.zeros(40, dtype=torch.float64), 0)
    assert nothing.shape == (6, 0)


@pytest.mark.parametrize("name", STATISTICS)
def test_gradients(name):
    statistic = STATISTICS[name]
    target = statistic.mix([statistic.measure(features(3), even(), 0)], [1.0])

    def distance(f):
        return statistic.distance(statistic.measure(f, even(), 1), target, 1)

    assert torch.autograd.gradcheck(distance, features(4).requires_grad_())


@pytest.mark.parametrize("name", STATISTICS)
def test_tiles_join_to_the_whole(name):
    statistic, f, w = STATISTICS[name], features(5), even()
    parts = [statistic.measure(f[:, :15], w[:15], 0), statistic.measure(f[:, 15:], w[15:], 0)]
    whole = statistic.measure(f, w, 0)
    joined = statistic.join(parts)
    torch.testing.assert_close(joined, whole)
    shares = statistic.split(joined, parts)
    assert [share.shape for share in shares] == [part.shape for part in parts]


def test_moments_of_diagonal_normals_have_the_closed_form():
    """For commuting covariances W2^2 = |m - m'|^2 + sum (s - s')^2 over standard deviations."""

    def moments(mean, deviations):
        mean = torch.tensor(mean, dtype=torch.float64)
        second = torch.diag(torch.tensor(deviations, dtype=torch.float64) ** 2)
        return torch.cat([second + torch.outer(mean, mean), mean[:, None]], 1)

    target = Moments().mix([moments([3.0, 1.0], [2.0, 5.0])], [1.0])
    found = Moments().distance(moments([0.0, 1.0], [1.0, 2.0]), target, 0)
    assert float(found) == pytest.approx(9 + 1 + 9, rel=1e-4)


def test_the_scale_is_the_distance_to_a_flat_picture():
    statistic, f = Moments(), features(6)
    flat = f.mean(1, keepdim=True).expand_as(f)
    target = statistic.mix([statistic.measure(f, even(), 0)], [1.0])
    found = statistic.distance(statistic.measure(flat, even(), 0), target, 0)
    assert float(found) == pytest.approx(statistic.scale(target), rel=0.01)


def test_square_root():
    matrix = features(7) @ features(7).T
    root = square_root(matrix)
    torch.testing.assert_close(root @ root, matrix)


@given(st.integers(0, 1000), st.integers(2, 30))
def test_equal_weights_give_the_usual_quantiles(seed, count):
    values = features(seed, 2, count)
    middles = ((torch.arange(count, dtype=torch.float64) + 0.5) / count).expand(2, -1)
    weights = torch.ones(count, dtype=torch.float64)
    torch.testing.assert_close(quantiles(values, weights, middles), values.sort(1).values)


def test_weights_leave_out_what_they_do_not_count():
    statistic, f = STATISTICS["moments"], features(8)
    half = torch.cat([torch.full((20,), 1 / 20), torch.zeros(20)]).double()
    torch.testing.assert_close(
        statistic.measure(f, half, 0), statistic.measure(f[:, :20], even(20), 0)
    )


def test_styles_mix_by_their_shares():
    statistic = STATISTICS["gram"]
    one, other = gram(features(1), even()), gram(features(2), even())
    torch.testing.assert_close(statistic.mix([one, other], [0.75, 0.25]), 0.75 * one + 0.25 * other)
