"""Picture number s is a function of the weights and s alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from ganwerk.api import Trained
from ganwerk.errors import CheckpointError, ConfigError, MachineError, RunError
from ganwerk.sampling.sample import Sampler, fixed_batch, sample


@pytest.fixture(scope="module")
def run(tmp_path_factory, trained):
    return trained(tmp_path_factory.mktemp("runs") / "digits", budget__images=160)


@pytest.fixture(scope="module")
def plain(tmp_path_factory, trained):
    folder = tmp_path_factory.mktemp("runs") / "plain"
    return trained(folder, budget__images=160, data__conditional=False)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.integers(0, 2**63 - 1), min_size=1, max_size=100))
def test_company_does_not_change_a_picture(run, seeds):
    sampler = Sampler.open(run)
    together = sampler.draw(seeds)
    alone = np.concatenate([sampler.draw([seeds[i]]) for i in (0, len(seeds) - 1)])
    assert np.array_equal(together[[0, -1]], alone)
    backwards = sampler.draw(seeds[::-1])
    assert np.array_equal(together, backwards[::-1])


def test_pictures_are_those_of_the_averaged_generator(run):
    sampler = Sampler.open(run)
    from ganwerk.game.latents import LATENTS, for_seeds
    from ganwerk.run import to_uint8

    z = for_seeds(LATENTS["gaussian"], range(5), sampler.settings.latent.dim)
    with torch.no_grad():
        by_hand = to_uint8(sampler.net(z, sampler.labels(range(5)))[-1])
    difference = sampler.draw(range(5)).astype(int) - by_hand.astype(int)
    assert np.abs(difference).max() <= 1  # another batch size may round the last bit otherwise


def test_a_class_is_drawn_when_asked_for(run):
    sampler = Sampler.open(run)
    assert sampler.labels(range(4), ["3", "7"]).tolist() == [3, 7, 3, 7]
    assert sampler.labels([9, 2], ["3", "7"]).tolist() == [7, 3]
    together = sampler.draw([4, 5, 6], ["3", "7"])
    assert np.array_equal(sampler.draw([5], ["3", "7"]), together[1:2])
    assert not np.array_equal(sampler.draw([1], ["3"]), sampler.draw([1], ["7"]))


def test_without_a_class_they_are_as_frequent_as_in_the_data(run):
    labels = Sampler.open(run).labels(range(5000))
    shares = torch.bincount(labels, minlength=10) / 5000
    assert shares.min() > 0.08
    assert shares.max() < 0.12


def test_an_unknown_class(run, plain):
    with pytest.raises(ConfigError, match="no class '11'") as caught:
        sample(run, [0], out=run / "x", classes=["11"])
    assert "Did you mean" in caught.value.hint
    with pytest.raises(ConfigError, match="learned no classes"):
        sample(plain, [0], out=plain / "x", classes=["1"])


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_one_file_per_picture(run, tmp_path, kind):
    done = sample(run, [0, 5, 70], out=tmp_path, image_format=kind)
    assert [p.name for p in done.paths] == [f"seed-{s:06d}.{kind}" for s in (0, 5, 70)]
    drawn = Trained(run).sample([0, 5, 70])
    for path, pixels in zip(done.paths, drawn, strict=True):
        with Image.open(path) as picture:
            assert np.array_equal(np.asarray(picture.convert("L")), pixels[..., 0])
    assert done.count == 3
    assert done.images_per_second > 0


def test_a_grid(run, tmp_path):
    done = sample(run, range(64), out=tmp_path, grid=True)
    assert [p.name for p in done.paths] == ["grid.png"]
    with Image.open(done.paths[0]) as sheet:
        assert sheet.size == (8 * 18 + 2, 8 * 18 + 2)


def test_all_in_one_array_file(run, tmp_path):
    done = sample(run, range(70), out=tmp_path, image_format="npz")
    with np.load(done.paths[0], allow_pickle=False) as file:
        assert np.array_equal(file["pictures"], Trained(run).sample(range(70)))
        assert file["seeds"].tolist() == list(range(70))
        assert file["labels"].shape == (70,)


def test_nothing_is_overwritten_unasked(run, tmp_path):
    sample(run, [3], out=tmp_path)
    with pytest.raises(MachineError, match="exists") as caught:
        sample(run, [3], out=tmp_path)
    assert "--force" in caught.value.hint
    sample(run, [3], out=tmp_path, force=True)


@pytest.mark.parametrize(
    ("options", "kind", "message"),
    [
        ({"seeds": []}, ConfigError, "No picture"),
        ({"seeds": [-1]}, ConfigError, "seed -1 is no whole number from 0"),
        ({"seeds": [2**63]}, ConfigError, "is no whole number from 0"),
        ({"image_format": "bmp"}, ConfigError, "written as 'bmp'"),
        ({"at": 77}, CheckpointError, "77"),
    ],
)
def test_mistakes(run, tmp_path, options, kind, message):
    wanted = {"seeds": [0], "out": tmp_path} | options
    with pytest.raises(kind, match=message) as caught:
        sample(run, wanted.pop("seeds"), **wanted)
    assert caught.value.hint


def test_no_run(tmp_path):
    with pytest.raises(RunError):
        sample(tmp_path / "none", [0], out=tmp_path)


def test_progress_counts_every_picture(run, tmp_path):
    seen = []
    sample(run, range(100), out=tmp_path, progress=seen.append, grid=True)
    assert [p.done for p in seen] == [64, 100]
    assert {p.total for p in seen} == {100}


def test_fewer_large_pictures_at_once():
    cpu, card = torch.device("cpu"), torch.device("cuda")
    assert [fixed_batch(r, cpu) for r in (28, 32, 64, 256)] == [64, 64, 32, 4]
    assert [fixed_batch(r, card) for r in (32, 64, 256)] == [256, 256, 16]


def test_from_python(run, plain):
    trained = Trained(run)
    assert trained.sample(range(3)).shape == (3, 16, 16, 1)
    assert Trained(plain).sample([9]).dtype == np.uint8
    assert trained.journal("end")[-1]["reason"] == "finished"
    assert "network.kind" in {row.key for row in trained.settings()}
    assert trained.report().is_file()


def test_a_damaged_newest_checkpoint_is_told(run, tmp_path):
    import shutil

    from ganwerk.run import Run

    copy = shutil.copytree(run, tmp_path / "copy")
    newest = Run.open(copy).checkpoints()[-1]
    (newest.path / "weights.safetensors").write_bytes(b"damaged")
    done = sample(copy, [0], out=tmp_path / "out")
    assert newest.path.name in done.warnings[0]
    with pytest.warns(UserWarning, match=newest.path.name):
        Trained(copy).sample([0])
    assert sample(run, [0], out=tmp_path / "good").warnings == ()
