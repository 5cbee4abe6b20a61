from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from picture_files import Painter

from ganwerk.data import Feeder, Pictures, Sampler, load_pictures
from ganwerk.data.feeder import to_device
from ganwerk.errors import DataError


@pytest.fixture
def pictures(tmp_path: Path, paint: Painter) -> Pictures:
    paint(tmp_path / "p" / "a", 12)
    paint(tmp_path / "p" / "b", 12, first=12)
    return load_pictures(tmp_path / "p", memory_budget_bytes=1 << 26)


@pytest.fixture
def mapped(tmp_path: Path, pictures: Pictures) -> Pictures:
    found = load_pictures(tmp_path / "p", memory_budget_bytes=100)
    assert isinstance(found.images, np.memmap)
    return found


def sampler(batch: int = 10) -> Sampler:
    return Sampler(np.arange(3, 24), batch, 5)


def test_batches_are_the_pictures(pictures: Pictures) -> None:
    feeder = Feeder(pictures, sampler(), "cpu", with_labels=True)
    for i in (0, 3, 1):
        index = sampler().batch(i)
        batch = feeder.batch(i)
        expected = pictures.images[index].astype(np.float64) / 127.5 - 1
        assert batch.images.dtype == torch.float32
        assert np.abs(batch.images.numpy() - expected).max() < 1e-6
        assert pictures.labels is not None
        assert batch.labels is not None
        assert batch.labels.tolist() == pictures.labels[index].tolist()
    assert Feeder(pictures, sampler()).batch(0).labels is None


def test_the_whole_range_is_used() -> None:
    values = torch.tensor([0, 255], dtype=torch.uint8)
    assert values.float().mul_(1 / 127.5).sub_(1).tolist() == [-1.0, 1.0]


def test_mirroring_depends_on_seed_and_number_alone(pictures: Pictures) -> None:
    plain = Feeder(pictures, sampler(200), "cpu").batch(4).images
    mirror = Feeder(pictures, sampler(200), "cpu", mirror=True, seed=1)
    drawn = mirror.batch(4).images
    flipped = (drawn == plain.flip(3)).flatten(1).all(1)
    assert ((drawn == plain).flatten(1).all(1) | flipped).all()
    assert 70 < int(flipped.sum()) < 130
    mirror.batch(0)
    assert torch.equal(mirror.batch(4).images, drawn)
    fresh = Feeder(pictures, sampler(200), "cpu", mirror=True, seed=1)
    assert torch.equal(fresh.batch(4).images, drawn)
    other = Feeder(pictures, sampler(200), "cpu", mirror=True, seed=2)
    assert not torch.equal(other.batch(4).images, drawn)


def test_the_pictures_themselves_never_change(pictures: Pictures) -> None:
    before = pictures.images.copy()
    feeder = Feeder(pictures, sampler(64), "cpu", mirror=True)
    for i in range(5):
        feeder.batch(i).images.zero_()
    assert (pictures.images == before).all()


@pytest.mark.parametrize("mirror", [False, True])
def test_a_map_gives_the_same_batches(pictures: Pictures, mapped: Pictures, mirror: bool) -> None:
    inside = Feeder(pictures, sampler(), "cpu", mirror=mirror, with_labels=True)
    outside = Feeder(mapped, sampler(), "cpu", mirror=mirror, with_labels=True)
    for i in range(6):
        one, two = inside.batch(i), outside.batch(i)
        assert torch.equal(one.images, two.images)
        assert one.labels is not None
        assert two.labels is not None
        assert torch.equal(one.labels, two.labels)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("share", [0.3, 0.0])
def test_the_same_on_a_graphics_card(
    pictures: Pictures, mapped: Pictures, share: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ganwerk.data.feeder.DEVICE_SHARE", share)
    expected = Feeder(pictures, sampler(), "cpu", mirror=True, with_labels=True).batch(2)
    for source in (pictures, mapped):
        batch = Feeder(source, sampler(), "cuda", mirror=True, with_labels=True).batch(2)
        assert batch.images.device.type == "cuda"
        assert torch.allclose(batch.images.cpu(), expected.images, atol=1e-6)
        assert batch.labels is not None
        assert expected.labels is not None
        assert torch.equal(batch.labels.cpu(), expected.labels)


def test_labels_of_pictures_without_classes(tmp_path: Path, paint: Painter) -> None:
    paint(tmp_path / "flat", 16)
    found = load_pictures(tmp_path / "flat", memory_budget_bytes=1 << 26)
    with pytest.raises(DataError, match="no classes to learn") as caught:
        Feeder(found, Sampler(np.arange(16), 4, 0), with_labels=True)
    assert "one sub-folder per class" in caught.value.hint


def test_batches_made_ahead_are_the_same(pictures: Pictures) -> None:
    """In any order: what was made ahead for nothing is thrown away."""
    plain = Feeder(pictures, sampler(), mirror=True, seed=2, with_labels=True)
    ahead = Feeder(pictures, sampler(), mirror=True, seed=2, with_labels=True, ahead=True)
    assert plain._pool is None
    for i in (0, 1, 2, 7, 7, 0, 8, 9):
        one, other = plain.batch(i), ahead.batch(i)
        assert torch.equal(one.images, other.images)
        assert one.labels is not None
        assert other.labels is not None
        assert torch.equal(one.labels, other.labels)
        assert torch.equal(plain.take(np.arange(3)).images, ahead.take(np.arange(3)).images)


def test_what_fails_ahead_fails_when_it_is_asked_for(pictures: Pictures) -> None:
    feeder = Feeder(pictures, sampler(), ahead=True)
    feeder.batch(0)
    real = feeder.sampler.batch

    def broken(i: int) -> np.ndarray:
        if i == 2:
            raise DataError("The shard is not there.")
        return real(i)

    feeder.sampler.batch = broken  # type: ignore[method-assign]
    feeder.batch(1)
    with pytest.raises(DataError, match="not there"):
        feeder.batch(2)
    assert len(feeder.batch(3).images) == 10


def test_pictures_go_to_a_card_from_memory_that_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no card here: a tensor that notes what is asked of it stands in for one."""
    asked = []

    class Noting:
        device = torch.device("cpu")

        def pin_memory(self) -> Noting:
            asked.append("pinned")
            return self

        def to(self, device: torch.device, non_blocking: bool = False) -> Noting:
            asked.append(f"{device.type} {non_blocking}")
            return self

    for device in ("cuda", "mps", "cpu"):
        to_device(Noting(), torch.device(device))  # type: ignore[arg-type]
    assert asked == ["pinned", "cuda True", "mps False"]
    assert to_device(torch.zeros(2), torch.device("meta")).device.type == "meta"
