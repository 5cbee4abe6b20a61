from __future__ import annotations

from dataclasses import asdict

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganwerk.errors import DataError
from ganwerk.metrics import nearest, neighbour_scores
from ganwerk.metrics.search import nearest_squares, radii_squares, screened, squared_distances
from tests.metrics import references


def pair(n, m, d, seed, shift=0.0):
    random = np.random.default_rng(seed)
    return random.normal(size=(n, d)), random.normal(size=(m, d)) + shift


@given(
    st.integers(0, 10_000), st.integers(6, 60), st.integers(6, 60),
    st.sampled_from([1, 2, 30]), st.sampled_from([0.0, 0.5, 1000.0]), st.integers(1, 5),
)  # fmt: skip
def test_as_numpy_computes_them(seed, n, m, d, shift, k):
    x, y = pair(n, m, d, seed, shift)
    assert asdict(neighbour_scores(x, y, k)) == references.neighbours(x, y, k)


def test_where_single_precision_cannot_decide():
    """Distances that differ in the ninth digit: float32 alone would guess."""
    random = np.random.default_rng(5)
    centre = random.normal(size=8) * 1e3
    x = centre + random.normal(size=(40, 8)) * np.array([1e3] + [1e-4] * 7)
    y = x[random.permutation(40)] + random.normal(size=(40, 8)) * 1e-4
    assert asdict(neighbour_scores(x, y, 3)) == references.neighbours(x, y, 3)


def test_the_bound_on_the_error_holds():
    x, y = pair(300, 200, 100, 0, shift=0.3)
    a, b = (screened(torch.from_numpy(z), torch.zeros(100, dtype=torch.float64)) for z in (x, y))
    exact = torch.cdist(a.exact, b.exact, compute_mode="donot_use_mm_for_euclid_dist").square()
    for part, rough, bound in squared_distances(a, b, rows=64):
        error = (rough.double() - exact[part]).abs()
        assert bool((error <= bound).all())
        assert float(error.max()) > 0  # it is there to be bounded


def test_many_equal_points_do_not_hide_a_nearer_one():
    """More candidates at one distance than are looked at: the row is computed anew."""
    points = torch.ones(61, 2, dtype=torch.float64)
    points[60, 1] -= 1e-9
    queries = torch.zeros(1, 2, dtype=torch.float64)
    distances, indices = nearest(queries, points, 1)
    assert int(indices) == 60
    assert float(distances) == pytest.approx(((1 - 1e-9) ** 2 + 1) ** 0.5, rel=1e-15)


def test_a_candidate_on_the_rounded_limit_is_not_lost(monkeypatch):
    """1 less a doubt of 1.75 units rounds to 1 less 2, and 2 units are more than the doubt."""
    unit = 2.0**-24
    x = torch.tensor([0, (1 - 2 * unit) ** 0.5, -1, 5, 6, 7], dtype=torch.float64)[:, None]
    points = screened(x, torch.zeros(1, dtype=torch.float64))
    exact = (x - x.T).square()

    def rounded(a, b):
        rough = exact.float()
        rough[0, 1] = 1 - 2 * unit
        yield slice(0, 6), rough, torch.full((6, 6), 1.75 * unit / 2)

    monkeypatch.setattr("ganwerk.metrics.search.squared_distances", rounded)
    expected = exact.fill_diagonal_(torch.inf).sort(1).values[:, 1]
    torch.testing.assert_close(radii_squares(points, 2), expected, rtol=1e-15, atol=0)


@given(st.integers(0, 1000), st.integers(1, 9))
def test_nearest_are_the_nearest(seed, k):
    x, y = pair(13, 40, 5, seed)
    distances, indices = nearest(x, y, k)
    table = references.distances(x, y)
    np.testing.assert_array_equal(indices.numpy(), np.argsort(table, 1)[:, :k])
    np.testing.assert_allclose(distances.numpy(), np.sort(table, 1)[:, :k], rtol=1e-14)
    assert distances.dtype == torch.float64


def test_no_point_is_its_own_neighbour_but_a_double_is():
    x = torch.tensor([[0.0], [0.0], [5.0]], dtype=torch.float64)
    points = screened(x, x.mean(0))
    assert nearest_squares(points, points, 1, same=True)[0][:, 0].tolist() == [0.0, 0.0, 25.0]
    assert radii_squares(points, 1).tolist() == [0.0, 0.0, 25.0]
    assert radii_squares(points, 2).tolist() == [25.0, 25.0, 25.0]


def test_order_does_not_matter_and_rows_are_cut(monkeypatch):
    x, y = pair(90, 80, 6, 1)
    whole = neighbour_scores(x, y)
    monkeypatch.setattr("ganwerk.metrics.search.PAIRS", 5)
    random = np.random.default_rng(0)
    assert neighbour_scores(x[random.permutation(90)], y[random.permutation(80)]) == whole


def test_a_copy_machine_looks_perfect_and_a_collapse_does_not():
    x, _ = pair(300, 1, 4, 0)
    copies = neighbour_scores(x, x)
    assert copies.precision == copies.recall == copies.coverage == 1
    same = neighbour_scores(x, np.repeat(x[:1], 300, 0))
    assert (same.precision, same.recall) == (1, 0)
    assert same.coverage < 0.1


def test_what_cannot_be_measured_is_refused():
    x, y = pair(5, 50, 3, 0)
    with pytest.raises(DataError, match="at least 6"):
        neighbour_scores(x, y, 5)
    with pytest.raises(DataError, match="Choose 1 or more"):
        neighbour_scores(x, y, 0)
    with pytest.raises(DataError, match="7 neighbours cannot be found among 5"):
        nearest(y, x, 7)
    with pytest.raises(DataError, match="3 features and the points 2"):
        nearest(y, x[:, :2])
