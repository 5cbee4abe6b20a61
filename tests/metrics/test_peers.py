"""The same numbers as the packages that others use, on the same features.

Put them somewhere (pip install --target PEERS/prdc --no-deps prdc, and torch-fidelity likewise) and
name the folder: GANWERK_PEERS=PEERS.
"""

from __future__ import annotations

import os
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch

from ganwerk.metrics import (
    frechet_distance,
    inception_score,
    kernel_distance_of_subsets,
    neighbour_scores,
)

PEERS = Path(os.environ.get("GANWERK_PEERS", "/nowhere"))


@pytest.fixture
def peer(monkeypatch):
    """Imports a module of a peer, or skips."""

    def load(module: str, package: str):
        monkeypatch.setattr(sys, "path", [*sys.path, str(PEERS / package)])
        return pytest.importorskip(module, reason=f"{package} is not installed; see GANWERK_PEERS")

    return load


def pair(n=400, m=400, d=48, seed=0):
    random = np.random.default_rng(seed)
    mixing = np.random.default_rng(1).normal(size=(d, d)) / d**0.5
    return random.normal(size=(n, d)) @ mixing, random.normal(size=(m, d)) @ mixing * 1.1 + 0.1


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_frechet_as_torch_fidelity(peer, kind):
    theirs = peer("torch_fidelity.metric_fid", "torch-fidelity")
    x, y = (z.astype(kind) for z in pair())
    # Given as float64: from float32 torch-fidelity would average in float32
    moments = [theirs.fid_features_to_statistics(torch.from_numpy(z).double()) for z in (x, y)]
    expected = theirs.fid_statistics_to_metric(*moments, verbose=False)
    assert frechet_distance(x, y) == pytest.approx(expected["frechet_inception_distance"], rel=1e-6)


@pytest.mark.parametrize("size", [400, 100])
def test_kernel_as_torch_fidelity(peer, size):
    theirs = peer("torch_fidelity.metric_kid", "torch-fidelity")
    x, y = pair()
    expected = theirs.kid_features_to_metric(
        torch.from_numpy(x), torch.from_numpy(y), kid_subsets=10, kid_subset_size=size,
        verbose=False,
    )  # fmt: skip
    found = kernel_distance_of_subsets(x, y, subsets=10, size=size)
    assert found.value == pytest.approx(expected["kernel_inception_distance_mean"], rel=1e-6)
    spread = expected["kernel_inception_distance_std"]
    assert found.deviation == pytest.approx(spread, rel=1e-6, abs=1e-9)


def test_inception_score_as_torch_fidelity(peer):
    theirs = peer("torch_fidelity.metric_isc", "torch-fidelity")
    logits = np.random.default_rng(0).normal(size=(200, 20)) * 3
    expected = theirs.isc_features_to_metric(torch.from_numpy(logits))
    assert inception_score(logits).value == pytest.approx(
        expected["inception_score_mean"], rel=1e-9
    )


@pytest.mark.parametrize(("n", "m", "d"), [(300, 300, 48), (200, 350, 3), (120, 80, 300)])
def test_neighbours_as_prdc(peer, n, m, d, capsys):
    theirs = peer("prdc", "prdc")
    x, y = pair(n, m, d)
    expected = theirs.compute_prdc(real_features=x, fake_features=y, nearest_k=5)
    assert asdict(neighbour_scores(x, y, 5)) == pytest.approx(expected, rel=1e-12)
