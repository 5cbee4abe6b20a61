"""Stacked digits, with a classifier that cannot be wrong in the place of the trained one."""

from __future__ import annotations

import gzip
import struct
from dataclasses import replace

import numpy as np
import pytest
import torch

from ganwerk.errors import DataError
from ganwerk.lab import judge, presets, stacked
from ganwerk.lab.judge import Digits, open_judge, train_judge
from ganwerk.lab.method import parse
from ganwerk.values import ignore_progress

QUARTER = presets.STACKED["quarter"].setting


def silent(share):
    pass


class Brightness(torch.nn.Module):
    """Reads the digit from the brightness: 0 is -1, 9 is 0.8."""

    def forward(self, x):
        digit = ((x.mean((1, 2, 3)) + 1) * 5).round().long()
        return torch.nn.functional.one_hot(digit, 10).float()


def plain_digits(count=40):
    """Pictures of one brightness each, as uint8, and their digits."""
    labels = torch.arange(count) % 10
    return (labels * 25.5).round().byte().view(-1, 1, 1).expand(-1, 28, 28), labels


@pytest.fixture
def mnist(tmp_path):
    """A folder with MNIST's files, of plain digits."""
    pictures, labels = plain_digits()
    for name, values in (("images-idx3", pictures), ("labels-idx1", labels.byte())):
        head = bytes([0, 0, 8, values.dim()]) + struct.pack(f">{values.dim()}I", *values.shape)
        content = gzip.compress(head + values.contiguous().numpy().tobytes())
        (tmp_path / f"train-{name}-ubyte.gz").write_bytes(content)
    return tmp_path


def test_the_three_channels_make_a_number():
    levels = torch.tensor([[0.0, 0.0, 7.0], [9.0, 9.0, 9.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]])
    pictures = (levels / 5 - 1)[:, :, None, None].expand(-1, -1, 28, 28)
    hits = stacked.count_modes(Brightness(), pictures)
    assert hits.sum() == 4 and hits[7] == 1 and hits[999] == 1 and hits[123] == 2


def test_stacks_are_three_independent_digits_and_follow_from_the_seed(mnist):
    pictures, labels = stacked.digits(str(mnist), ignore_progress)
    assert labels.tolist() == plain_digits()[1].tolist()
    batch = stacked.stacks(pictures, 600, seed=1)
    first, again, other = batch(0).images, batch(0).images, batch(1).images
    assert first.shape == (600, 3, 28, 28) and torch.equal(first, again)
    assert not torch.equal(first, other)
    hits = stacked.count_modes(Brightness(), first)
    assert 400 < int((hits > 0).sum()) < 600  # 1,000 (1 - exp(-0.6)) = 451 by chance


@pytest.mark.parametrize(("share", "channels"), [("quarter", (2, 4, 8)), ("half", (4, 8, 16))])
def test_published_sizes(share, channels):
    """Metz et al. 2017: G 64-32-16-8 channels, D a quarter or a half of it, 3 x 3 kernels."""
    setting = presets.STACKED[share].setting
    state, _ = stacked.game(setting, parse("plain"), 0)
    kernels = [tuple(p.shape) for p in state.d_net.parameters() if p.dim() == 4]
    assert [k[0] for k in kernels] == list(channels)
    assert {k[2:] for k in kernels} == {(3, 3)}
    g = [tuple(p.shape[:2]) for p in state.g_net.parameters() if p.dim() == 4]
    assert g == [(64, 32), (32, 16), (16, 8), (3, 8)]
    z = torch.zeros(2, setting.latent_dim)
    assert state.g_net(z)[-1].shape == (2, 3, 28, 28)


def test_the_small_d_can_tell_dark_pictures_from_bright_ones_without_batch_norm():
    x = torch.rand(16, 3, 28, 28)
    moved = {}
    for norm, group in ((True, 0), (False, 1)):
        torch.manual_seed(0)
        d = stacked.TinyDiscriminator((2, 4, 8), norm)
        assert d.group_size == group  # with it a sample's verdict depends on the others'
        bright, dark = d((x,)).detach(), d((x / 2,)).detach()
        moved[norm] = float((bright - dark).abs().mean() / bright.std())
    assert moved[True] < 1e-3 < 0.1 < moved[False]
    state, _ = stacked.game(presets.STACKED["best"].setting, parse("plain"), 0)
    assert state.d_group_size == 1


@pytest.mark.parametrize("method", ["plain", "packing:size=2", "unrolled:steps=1", "r1:weight=1"])
def test_a_short_game_counts_modes(monkeypatch, method):
    monkeypatch.setattr(stacked, "loaded", lambda root: (plain_digits()[0], Brightness()))
    monkeypatch.setattr(stacked, "JUDGED", 16)
    monkeypatch.setattr(stacked, "JUDGED_BETWEEN", 16)
    found = stacked.trial(replace(QUARTER, steps=2, batch=8), method, 0, silent)
    assert 1 <= found.facts["modes"] <= 16 and found.facts["images"] == 16
    assert found.arrays["pictures"].shape == (3, 16, 3, 28, 28)
    assert found.arrays["pictures"].dtype == np.uint8


def test_the_ordinary_dcgan_plays():
    setting = replace(presets.STACKED["full"].setting, width=8)
    state, _ = stacked.game(setting, parse("r1:weight=1"), 0)
    assert state.g_net(torch.zeros(1, setting.latent_dim))[-1].shape == (1, 3, 28, 28)


def test_a_classifier_that_cannot_read_is_not_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(judge, "EPOCHS", 1)
    noise = torch.randn(60, 1, 28, 28)
    with pytest.raises(DataError, match="99 % are needed"):
        train_judge(noise, torch.arange(60) % 10, ignore_progress, tmp_path)
    assert open_judge(tmp_path) is None


def test_a_classifier_that_reads_is_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(judge, "EPOCHS", 12)
    monkeypatch.setattr(judge, "BATCH", 20)
    pictures, labels = plain_digits(240)
    two = labels < 2  # black and dark: easy
    x = stacked.as_input(pictures[two])[:, None] * 3 + 3
    made, accuracy = train_judge(x, labels[two], ignore_progress, tmp_path)
    assert accuracy >= 0.99
    kept = open_judge(tmp_path)
    assert torch.equal(judge.read(kept, x), judge.read(made, x))


def test_a_damaged_classifier_counts_as_absent(tmp_path):
    path = tmp_path / judge.FILE
    path.parent.mkdir(parents=True)
    path.write_bytes(b"nothing")
    assert open_judge(tmp_path) is None


def test_channels_are_read_one_by_one():
    seen = judge.read(Digits().eval(), torch.zeros(4, 3, 28, 28))
    assert seen.shape == (4, 3) and len(seen.unique()) == 1
